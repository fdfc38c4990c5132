/*-------------------------------------------------------------------------
 *
 * base/plan.c
 *	  Statements that are prepared once and executed again and again.
 *
 * No other file keeps a plan.  A plan knows tables, columns, operators, types and
 * functions by their OIDs, so it is right as long as it is valid.  But the server
 * makes one that has become invalid again from the statement's text, and names in
 * that may be those of other objects by now, or of none.  So that must never
 * happen: the text is made anew whenever the plan is not valid any more.  The
 * server marks it, since it is one of its cached plans, after
 *
 *	  changes of the tables and their columns		relcache
 *	  changes of functions, and of domains			PROCOID, TYPEOID
 *	  changes of schemas, operators and their		NAMESPACEOID, OPEROID,
 *	  families, in general							AMOPOPID
 *
 * Messages about these are read when a lock is taken.  So the locks that the
 * statement takes are taken before the plan is looked at: then none comes between
 * that and its use.  And since they may come between the making of a text and its
 * analysis, the tables that it turns out to be about are compared with those that
 * were meant.
 *
 * SPI must be connected.  A plan may become invalid while it is executed, and be
 * asked for in a trigger meanwhile; therefore the old one lives until the end of
 * the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/plan.h"

#include "access/xact.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#define MAX_TRIES	10

static List *retired = NIL;		/* of SPIPlanPtr */

static void
at_transaction_end(XactEvent event, void *arg)
{
	ListCell   *lc;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	foreach(lc, retired)
		SPI_freeplan(lfirst(lc));
	list_free(retired);
	retired = NIL;
}

void
sk_plan_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
}

/* For a statement that names nothing but what is in pg_catalog and schemakit */
char *
sk_plan_constant(void *text, List **relids)
{
	return text;
}

static void
retire(SPIPlanPtr plan)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	retired = lappend(retired, plan);
	MemoryContextSwitchTo(old);
}

static bool
is_locked(const RangeTblEntry *rte)
{
	/* newer servers lock a view by what has come in its place */
	return rte->rtekind == RTE_RELATION ||
		(rte->rtekind == RTE_SUBQUERY && OidIsValid(rte->relid) &&
		 rte->rellockmode != NoLock);
}

static bool
note_walker(Node *node, void *arg)
{
	SkPlan	   *kept = arg;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, note_walker, arg);
	foreach(lc, ((Query *) node)->rtable)
	{
		const RangeTblEntry *rte = lfirst(lc);

		if (!is_locked(rte))
			continue;
		kept->tables = lappend_oid(kept->tables, rte->relid);
		kept->lockmodes = lappend_int(kept->lockmodes, rte->rellockmode);
	}
	return query_tree_walker((Query *) node, note_walker, arg, 0);
}

static void
forget_tables(SkPlan *kept)
{
	list_free(kept->tables);
	list_free(kept->lockmodes);
	kept->tables = kept->lockmodes = kept->queries = NIL;
}

/* To look for them costs more than to lock them. */
static void
note_tables(SkPlan *kept, List *queries)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	forget_tables(kept);
	(void) note_walker((Node *) queries, kept);
	kept->queries = queries;
	MemoryContextSwitchTo(old);
}

/* Take the locks that the statement takes, also those of its generic plan. */
static void
lock_tables(SkPlan *kept)
{
	const CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(kept->plan));
	ListCell   *lc;
	ListCell   *mode;

	if (!source->is_valid)
		return;
	if (kept->queries != source->query_list)
		note_tables(kept, source->query_list);
	forboth(lc, kept->tables, mode, kept->lockmodes)
		LockRelationOid(lfirst_oid(lc), lfirst_int(mode));
	foreach(lc, source->gplan ? source->gplan->stmt_list : NIL)
	{
		ListCell   *entry;

		foreach(entry, lfirst_node(PlannedStmt, lc)->rtable)
		{
			const RangeTblEntry *rte = lfirst(entry);

			if (is_locked(rte) && !list_member_oid(kept->tables, rte->relid))
				LockRelationOid(rte->relid, rte->rellockmode);
		}
	}
}

/* Is it about the tables that are meant? */
static bool
is_about(SPIPlanPtr plan, List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		bool		found = false;
		ListCell   *source;

		foreach(source, SPI_plan_get_plan_sources(plan))
			found |= list_member_oid(((CachedPlanSource *) lfirst(source))->relationOids,
									 lfirst_oid(lc));
		if (!found)
			return false;
	}
	return true;
}

/*
 * Prepare a statement that is executed at once.  The "options" are those of
 * SPI_prepare_cursor().
 */
SPIPlanPtr
sk_plan_once(SkPlanText make_text, void *arg, int nargs, const Oid *types, int options)
{
	for (int i = 0; i < MAX_TRIES; i++)
	{
		List	   *relids = NIL;
		char	   *sql = make_text(arg, &relids);
		SPIPlanPtr	plan = SPI_prepare_cursor(sql, nargs, (Oid *) types, options);

		if (plan == NULL)
			elog(ERROR, "could not prepare: %s", sql);
		if (is_about(plan, relids))
			return plan;
		SPI_freeplan(plan);
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("names of tables or schemas are changing too fast"),
			 errhint("Repeat the transaction.")));
}

/*
 * A statement that is kept: for one that is executed often, or whose planning takes
 * longer than its execution.
 */
SPIPlanPtr
sk_plan_get(SkPlan *kept, SkPlanText make_text, void *arg, int nargs, const Oid *types,
			int options)
{
	SPIPlanPtr	plan = kept->plan;

	if (plan != NULL)
		lock_tables(kept);
	if (plan != NULL && SPI_plan_is_valid(plan))
		return plan;
	kept->plan = NULL;
	forget_tables(kept);
	if (plan != NULL)
		retire(plan);
	plan = sk_plan_once(make_text, arg, nargs, types, options);
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep a plan");
	kept->plan = plan;
	return plan;
}

/*
 * When nobody executes it.
 */
void
sk_plan_free(SkPlan *kept)
{
	if (kept->plan != NULL)
		SPI_freeplan(kept->plan);
	kept->plan = NULL;
	forget_tables(kept);
}
