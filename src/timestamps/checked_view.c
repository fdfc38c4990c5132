/*-------------------------------------------------------------------------
 *
 * timestamps/checked_view.c
 *	  Views WITH CHECK OPTION through which a table is updated.
 *
 * A row that is updated through such a view must still be one of the view's rows
 * afterwards.  A trigger is not told through which view its statement goes.  But
 * the statement has the lock of an UPDATE on each view on its way, which nobody
 * takes who only names the table.  So the conditions of those views count whose
 * lock this transaction has, and nobody's view has an effect on what others do to the
 * table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/checked_view.h"
#include "attach/inherit.h"
#include "base/compat.h"
#include "base/depend.h"
#include "base/table.h"

#include "access/attmap.h"
#include "access/relation.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"


/*-------------------------------------------------------------------------
 * Which views there are
 *-------------------------------------------------------------------------
 */

static void
add_readers(Oid relid, List **views)
{
	ListCell   *lc;

	foreach(lc, sk_depend_rows(RelationRelationId, relid))
	{
		Form_pg_depend depend = lfirst(lc);
		Oid			viewid = depend->classid == RewriteRelationId
			? sk_depend_view_of_rule(depend->objid) : InvalidOid;

		if (!OidIsValid(viewid) || viewid == relid ||
			get_rel_relkind(viewid) != RELKIND_VIEW || list_member_oid(*views, viewid))
			continue;
		*views = lappend_oid(*views, viewid);
		add_readers(viewid, views);
	}
}

/* Who updates the table that this one belongs to, may update this one. */
static void
add_readers_of_table(Oid relid, List **views)
{
	List	   *parents = get_rel_relispartition(relid)
		? get_partition_ancestors(relid) : sk_inherit_parents(relid);
	ListCell   *lc;

	add_readers(relid, views);
	foreach(lc, parents)
	{
		if (get_rel_relispartition(relid))
			add_readers(lfirst_oid(lc), views);
		else
			add_readers_of_table(lfirst_oid(lc), views);
	}
}

/*
 * The views that read the table, or one that it is a partition or a child of, also by
 * way of other views.
 */
List *
sk_checked_view_readers(Oid relid)
{
	List	   *views = NIL;

	add_readers_of_table(relid, &views);
	return views;
}

/* The view is neither locked nor gone: the catalogs have just named it. */
bool
sk_checked_view_has_option(Oid viewid)
{
	Relation	view = RelationIdGetRelation(viewid);
	bool		has_option;

	if (view == NULL)
		return false;
	has_option = view->rd_rel->relkind == RELKIND_VIEW && RelationHasCheckOption(view);
	RelationClose(view);
	return has_option;
}


/*-------------------------------------------------------------------------
 * What they demand
 *-------------------------------------------------------------------------
 */

/* The way from a view down to the table that it shows */
typedef struct Descent
{
	Oid			relid;			/* where we are */
	List	   *conditions;		/* of the views above, about its columns as
								 * varno 1 */
	bool		cascaded;		/* what is below has to do with it */
	bool		unclear;		/* something cannot be said of one row */
} Descent;

typedef struct Replacement
{
	List	   *columns;		/* a view's target list */
	bool		whole_row;
} Replacement;

/* In place of a view's columns, put what they are. */
static Node *
replace_columns(Node *node, Replacement *replacement)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		TargetEntry *column = get_tle_by_resno(replacement->columns, ((Var *) node)->varattno);

		replacement->whole_row |= column == NULL;
		return column == NULL ? copyObject(node) : copyObject((Node *) column->expr);
	}
	return expression_tree_mutator(node, replace_columns, replacement);
}

static void
go_through(Descent *descent, const Query *query, bool counts)
{
	Replacement replacement = {query->targetList, false};
	int			varno = linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;
	List	   *quals = make_ands_implicit((Expr *) copyObject(query->jointree->quals));

	descent->conditions = (List *) replace_columns((Node *) descent->conditions, &replacement);
	if (counts)
		descent->conditions = list_concat(descent->conditions, quals);
	ChangeVarNodes((Node *) descent->conditions, varno, 1, 0);
	descent->unclear |= query->hasSubLinks || replacement.whole_row;
	descent->relid = rt_fetch(varno, query->rtable)->relid;
}

/*
 * Go from the view to what it shows.  Conditions below a LOCAL CHECK OPTION count if
 * they have an option of their own.
 */
static bool
take_step(Descent *descent)
{
	Relation	view = relation_open(descent->relid, AccessShareLock);
	Query	   *query = get_view_query(view);
	bool		goes_on = view_query_is_auto_updatable(query, false) == NULL;

	if (goes_on)
	{
		bool		counts = descent->cascaded || RelationHasCheckOption(view);

		descent->cascaded |= RelationHasCascadedCheckOption(view);
		go_through(descent, query, counts);
	}
	relation_close(view, NoLock);
	return goes_on;
}

/* The same about the columns of a partition or a child of that table */
static List *
conditions_on(Relation rel, Descent *descent)
{
	Relation	table;
	AttrMap    *map;
	bool		whole_row;
	Node	   *conditions;

	if (descent->relid == RelationGetRelid(rel))
		return descent->conditions;
	table = relation_open(descent->relid, AccessShareLock);
	map = build_attrmap_by_name(RelationGetDescr(rel), RelationGetDescr(table), false);
	conditions = map_variable_attnos((Node *) descent->conditions, 1, 0, map,
									 rel->rd_rel->reltype, &whole_row);
	relation_close(table, NoLock);
	return (List *) conditions;
}

/*
 * What a row of the table must fulfil after an UPDATE through one of the views, as far
 * as this transaction has updated through it.  "unclear" is set if that takes more than
 * the row to know.
 */
List *
sk_checked_view_conditions(Relation rel, List *views, bool *unclear)
{
	List	   *conditions = NIL;
	ListCell   *lc;

	foreach(lc, views)
	{
		Descent		descent = {.relid = lfirst_oid(lc)};
		bool		known = sk_table_have_lock(lfirst_oid(lc), RowExclusiveLock);

		while (known && get_rel_relkind(descent.relid) == RELKIND_VIEW)
			known = take_step(&descent);
		if (!known)
			continue;
		*unclear |= descent.unclear;
		if (!descent.unclear)
			conditions = list_concat(conditions, conditions_on(rel, &descent));
	}
	return conditions;
}
