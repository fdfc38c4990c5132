/*-------------------------------------------------------------------------
 *
 * soft_delete/coverage.c
 *	  What the triggers of a table with soft delete must be like.
 *
 * Those that protect a table are there only if that was asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/coverage.h"
#include "attach/attach.h"
#include "attach/inherit.h"
#include "base/table.h"
#include "soft_delete/protect.h"
#include "soft_delete/relation.h"
#include "soft_delete/view.h"

#include "catalog/pg_trigger.h"
#include "nodes/makefuncs.h"
#include "rewrite/prs2lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static Node *
column_of(const char *row, const char *col)
{
	ColumnRef  *ref = makeNode(ColumnRef);

	ref->fields = list_make2(makeString(pstrdup(row)), makeString(pstrdup(col)));
	ref->location = -1;
	return (Node *) ref;
}

/*
 * The condition of the trigger for rows whose stamp changes:
 * OLD.col IS DISTINCT FROM NEW.col
 */
Node *
sk_soft_coverage_condition(const char *col)
{
	return (Node *) makeA_Expr(AEXPR_DISTINCT,
							   list_make2(makeString("pg_catalog"), makeString("=")),
							   column_of("old", col), column_of("new", col), -1);
}

static bool
is_column_of(Node *node, int row, AttrNumber attnum)
{
	return IsA(node, Var) && ((Var *) node)->varno == row &&
		((Var *) node)->varattno == attnum;
}

/* Is it that, of the column in the trigger's argument? */
static bool
has_stamp_condition(Oid relid, const Trigger *trigger)
{
	AttrNumber	attnum = trigger->tgnargs >= 1
		? get_attnum(relid, trigger->tgargs[0]) : InvalidAttrNumber;
	Node	   *node = trigger->tgqual ? stringToNode(trigger->tgqual) : NULL;
	List	   *args;

	if (node == NULL || !IsA(node, DistinctExpr))
		return false;
	args = ((DistinctExpr *) node)->args;
	return is_column_of(linitial(args), PRS2_OLD_VARNO, attnum) &&
		is_column_of(lsecond(args), PRS2_NEW_VARNO, attnum);
}

const SkTriggerSpec sk_soft_coverage_triggers[] = {
	{
		.function = SK_SOFT_FUNCTION,
		.timing = TRIGGER_TYPE_AFTER,
		.events = TRIGGER_TYPE_UPDATE,
		.condition = has_stamp_condition,
	},
	{
		.function = SK_SOFT_REFERENCE_FUNCTION,
		.timing = TRIGGER_TYPE_AFTER,
		.events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE,
		.state = "references not checked",
	},
	{
		.function = SK_SOFT_PROTECT_FUNCTION,
		.timing = TRIGGER_TYPE_BEFORE,
		.events = TRIGGER_TYPE_DELETE,
		.optional = true,
		.state = SK_SOFT_NOT_PROTECTED,
	},
	{
		.function = SK_SOFT_PROTECT_TRUNCATE,
		.timing = TRIGGER_TYPE_BEFORE,
		.events = TRIGGER_TYPE_TRUNCATE,
		.for_statement = true,
		.optional = true,
		.state = SK_SOFT_NOT_PROTECTED,
	},
	{0}
};

/*
 * The table has no trigger.  If its view of live rows is there, it should have one.
 */
char *
sk_soft_coverage_lost(Relation rel)
{
	SkLiveView	live;
	Oid			viewid = sk_soft_view_find(RelationGetRelid(rel), &live);

	if (!OidIsValid(viewid) || !live.covered)
		return NULL;
	return psprintf("view %s is there",
					quote_qualified_identifier(get_namespace_name(get_rel_namespace(viewid)),
											   get_rel_name(viewid)));
}

/*
 * Who deletes from a table deletes from those that inherit from it.  The name of one
 * that is not protected, or NULL.
 */
char *
sk_soft_coverage_open_child(Relation rel)
{
	Oid			function = sk_attach_function(SK_SOFT_PROTECT_FUNCTION);
	ListCell   *lc;

	foreach(lc, sk_inherit_children(rel, NoLock))
	{
		const Trigger *trigger = sk_attach_choose(sk_coverage_triggers(lfirst_oid(lc)),
												  function);

		if (trigger == NULL || !sk_coverage_fires(trigger))
			return sk_table_told_name(lfirst_oid(lc));
	}
	return NULL;
}
