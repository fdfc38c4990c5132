/*-------------------------------------------------------------------------
 *
 * soft_delete/view.c
 *	  Views of the rows of a table that are not soft-deleted.
 *
 * Such a view is
 *
 *	  CREATE VIEW users_live WITH (security_invoker = true) AS
 *	  SELECT id, ... FROM users WHERE schemakit.is_live(deleted_at);
 *
 * with an INSTEAD OF DELETE trigger.  It is known by its condition and its owner,
 * that of the table: nothing else says which table has which view.  The planner
 * makes "deleted_at IS NULL" of the condition, so it costs nothing and partial
 * indexes serve; and it refuses to plan a DELETE of the table's own rows through
 * it, which is what the server would do if the trigger were lost.  The view
 * depends on the function, so the extension cannot be dropped under it.
 *
 * INSERT and UPDATE go through the view to the table, as for any simple view.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/view.h"
#include "attach/attach.h"
#include "base/compat.h"
#include "base/depend.h"
#include "schemakit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define TRIGGER_NAME	SK_TRIGGER_PREFIX SK_LIVE_VIEW_FUNCTION

/*-------------------------------------------------------------------------
 * The condition
 *-------------------------------------------------------------------------
 */

/*
 * schemakit.is_live(deleted_at anyelement) RETURNS boolean
 */
PG_FUNCTION_INFO_V1(schemakit_is_live);
Datum
schemakit_is_live(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_ARGISNULL(0));
}

static bool
deletes(const Query *query)
{
	return query->commandType == CMD_DELETE || sk_merge_does(query, CMD_DELETE);
}

/* The number of a variable's relation is unsigned before 15. */
static bool
is_column_of(const void *node, int rtindex)
{
	return IsA(node, Var) && (int) ((const Var *) node)->varno == rtindex;
}

/* Is the row whose column is asked for one that the statement deletes? */
static bool
is_target(const PlannerInfo *root, Node *arg)
{
	return root != NULL && deletes(root->parse) &&
		is_column_of(arg, root->parse->resultRelation) &&
		((Var *) arg)->varlevelsup == 0;
}

/* Does the statement delete from a view whose trigger would do nothing now? */
static bool
is_idle(const Query *query)
{
	const RangeTblEntry *rte;

	if (!deletes(query))
		return false;
	rte = rt_fetch(query->resultRelation, query->rtable);
	return rte->relkind == RELKIND_VIEW && sk_soft_view_is_covered(rte->relid);
}

/*
 * In replica mode the trigger does not fire, and the server would say that rows were
 * deleted.  Whoever changes the mode forgets all plans.
 */
static void
refuse_in_replica_mode(const PlannerInfo *root)
{
	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
		return;
	for (; root != NULL; root = root->parent_root)
	{
		if (is_idle(root->parse))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot delete from a view of live rows in replica mode"),
					 errdetail("The trigger that marks the rows does not fire if session_replication_role is \"replica\"."),
					 errhint("Update the column of the table instead.")));
	}
}

/*
 * schemakit.internal_is_live_support(internal) RETURNS internal
 */
PG_FUNCTION_INFO_V1(schemakit_internal_is_live_support);
Datum
schemakit_internal_is_live_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestSimplify *simplify = (SupportRequestSimplify *) request;
	NullTest   *test;
	Node	   *arg;

	if (!IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(NULL);
	arg = linitial(simplify->fcall->args);
	if (is_target(simplify->root, arg))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot permanently delete rows through a view of live rows"),
				 errdetail("The view has lost its trigger \"%s\".", TRIGGER_NAME),
				 errhint("Make the owner of the table the owner of the view, and call schemakit.soft_delete_enable() for the table again.")));
	refuse_in_replica_mode(simplify->root);
	test = makeNode(NullTest);
	test->arg = (Expr *) arg;
	test->nulltesttype = IS_NULL;
	test->argisrow = false;
	test->location = -1;
	PG_RETURN_POINTER(test);
}

static Oid
is_live_function(void)
{
	Oid			type = ANYELEMENTOID;
	oidvector  *types = buildoidvector(&type, 1);
	Oid			schema = get_namespace_oid(SK_SCHEMA, false);

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(SK_LIVE_VIEW_CONDITION), PointerGetDatum(types),
						   ObjectIdGetDatum(schema));
}


/*-------------------------------------------------------------------------
 * Finding
 *-------------------------------------------------------------------------
 */

/* The column that the view's condition asks for, or InvalidAttrNumber */
static AttrNumber
condition_column(const Query *query, int rtindex)
{
	FuncExpr   *condition = (FuncExpr *) query->jointree->quals;
	Var		   *var;

	if (condition == NULL || !IsA(condition, FuncExpr) ||
		condition->funcid != is_live_function())
		return InvalidAttrNumber;
	var = (Var *) linitial(condition->args);
	return is_column_of(var, rtindex) ? var->varattno : InvalidAttrNumber;
}

/* Is it what a column of the view became that the table has no longer? */
static bool
is_lost(const TargetEntry *tle)
{
	return IsA(tle->expr, Const) && ((const Const *) tle->expr)->constisnull &&
		tle->resname != NULL &&
		strncmp(tle->resname, SK_LOST_COLUMN, strlen(SK_LOST_COLUMN)) == 0;
}

static void
read_columns(const Query *query, int rtindex, SkLiveView *live)
{
	Bitmapset  *seen = NULL;
	ListCell   *lc;

	live->attnums = palloc0(sizeof(AttrNumber) * list_length(query->targetList));
	live->natts = 0;
	live->nlost = 0;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		Var		   *var = (Var *) tle->expr;
		AttrNumber	attnum;

		if (tle->resjunk)
			continue;
		attnum = is_column_of(var, rtindex) ? var->varattno : InvalidAttrNumber;
		if (is_lost(tle))
			live->nlost++;
		else
			live->plain &= attnum > InvalidAttrNumber && !bms_is_member(attnum, seen);
		if (attnum > InvalidAttrNumber)
			seen = bms_add_member(seen, attnum);
		live->attnums[live->natts++] = attnum;
	}
}

/* Are its rows other ones than the table's? */
static bool
makes_rows(const Query *query)
{
	return query->commandType != CMD_SELECT || query->hasAggs || query->hasWindowFuncs ||
		query->hasTargetSRFs || query->groupClause != NIL || query->groupingSets != NIL ||
		query->havingQual != NULL || query->distinctClause != NIL ||
		query->setOperations != NULL || query->cteList != NIL;
}

static bool
read_query(const Query *query, SkLiveView *live)
{
	RangeTblRef *from;
	RangeTblEntry *rte;

	if (makes_rows(query) || list_length(query->jointree->fromlist) != 1)
		return false;
	from = linitial(query->jointree->fromlist);
	if (!IsA(from, RangeTblRef))
		return false;
	live->column = condition_column(query, from->rtindex);
	if (live->column <= InvalidAttrNumber)
		return false;
	rte = rt_fetch(from->rtindex, query->rtable);
	live->tableid = rte->relid;
	live->plain = rte->inh && rte->tablesample == NULL &&
		query->sortClause == NIL && query->rowMarks == NIL &&
		query->limitCount == NULL && query->limitOffset == NULL;
	live->covered = false;
	read_columns(query, from->rtindex, live);
	return true;
}

/*
 * Is it a view of a table's live rows?
 */
bool
sk_soft_view_read(Relation view, SkLiveView *live)
{
	return view->rd_rel->relkind == RELKIND_VIEW &&
		read_query(get_view_query(view), live);
}

static Oid
owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/*
 * Does the view, by that rule, show the table's live rows?  Neither is opened or
 * locked.
 */
static bool
shows_live_rows(Oid rule, Oid viewid, Oid tableid, SkLiveView *live)
{
	Query	   *query;

	live->viewid = viewid;
	return get_rel_relkind(viewid) == RELKIND_VIEW &&
		get_rel_persistence(viewid) != RELPERSISTENCE_TEMP &&
		OidIsValid(sk_depend_read_view(rule, &query)) &&
		read_query(query, live) && live->tableid == tableid;
}

static bool
is_view_of(Oid rule, Oid viewid, Oid tableid, SkLiveView *live)
{
	return owner_of(viewid) == owner_of(tableid) &&
		shows_live_rows(rule, viewid, tableid, live);
}

/*
 * Has it the trigger by which DELETE only marks rows?
 */
bool
sk_soft_view_is_covered(Oid viewid)
{
	return sk_attach_is_on(viewid, sk_attach_function(SK_LIVE_VIEW_FUNCTION));
}

/* The rules that read the table, each once: they depend on each of its columns. */
static List *
rules_on(Oid tableid)
{
	List	   *rules = NIL;
	ListCell   *lc;

	foreach(lc, sk_depend_rows(RelationRelationId, tableid))
	{
		Form_pg_depend depend = lfirst(lc);

		if (depend->classid == RewriteRelationId)
			rules = list_append_unique_oid(rules, depend->objid);
	}
	return rules;
}

/*
 * The view of the table's live rows, and what it says of itself; or InvalidOid.
 *
 * It belongs to the owner of the table: anybody can write such a view, even of a
 * table that is not for him to read, and must not have it taken for ours.  Nor is it
 * temporary, for other sessions could not change it with its table.  Nor is
 * any relation opened or locked here, for others may have a lock on it and want the
 * table, which our caller has locked.
 */
Oid
sk_soft_view_find(Oid tableid, SkLiveView *live)
{
	Oid			found = InvalidOid;
	SkLiveView	candidate;
	ListCell   *lc;

	foreach(lc, rules_on(tableid))
	{
		Oid			rule = lfirst_oid(lc);
		Oid			viewid = sk_depend_view_of_rule(rule);

		if (!is_view_of(rule, viewid, tableid, &candidate))
			continue;
		candidate.covered = sk_soft_view_is_covered(viewid);
		if (candidate.covered || !OidIsValid(found))
		{
			*live = candidate;
			found = viewid;
		}
		if (candidate.covered)
			break;
	}
	return found;
}

/*
 * All views of the table's live rows that have our trigger, whoever owns them, as a list
 * of SkLiveView.  As above nothing is opened or locked.
 */
List *
sk_soft_view_list(Oid tableid)
{
	List	   *views = NIL;
	SkLiveView	live;
	ListCell   *lc;

	foreach(lc, rules_on(tableid))
	{
		Oid			rule = lfirst_oid(lc);
		Oid			viewid = sk_depend_view_of_rule(rule);

		if (shows_live_rows(rule, viewid, tableid, &live) &&
			sk_soft_view_is_covered(viewid))
			views = lappend(views, memcpy(palloc(sizeof(live)), &live, sizeof(live)));
	}
	return views;
}

/*
 * The same, but only if it follows the table: one without our trigger may be the
 * owner's own.
 */
Oid
sk_soft_view_followed(Oid tableid, SkLiveView *live)
{
	Oid			viewid = sk_soft_view_find(tableid, live);

	return OidIsValid(viewid) && live->covered ? viewid : InvalidOid;
}

/*
 * The extension is about to be dropped.  The views depend on it, but go with it as the
 * triggers do, without CASCADE; what users have built on them is still in the way.
 */
void
sk_soft_view_give_up(void)
{
	ObjectAddress extension;
	ListCell   *lc;

	ObjectAddressSet(extension, ExtensionRelationId, get_extension_oid(SK_EXTENSION, false));
	foreach(lc, sk_depend_rows(ProcedureRelationId, is_live_function()))
	{
		Form_pg_depend depend = lfirst(lc);
		Oid			viewid = depend->classid == RewriteRelationId
			? sk_depend_view_of_rule(depend->objid) : InvalidOid;
		ObjectAddress view;

		if (!OidIsValid(viewid) || get_rel_relkind(viewid) != RELKIND_VIEW ||
			!sk_soft_view_is_covered(viewid))
			continue;
		ObjectAddressSet(view, RelationRelationId, viewid);
		recordDependencyOn(&view, &extension, DEPENDENCY_AUTO_EXTENSION);
	}
	CommandCounterIncrement();
}
