/*-------------------------------------------------------------------------
 *
 * soft_delete/recheck.c
 *	  DELETE from a view of live rows: does it still want a row that has changed?
 *
 * The server looks at the condition of a DELETE again if it has waited for somebody who
 * has changed the row, but not where a trigger INSTEAD OF does the work.  It has all
 * that is needed for it, though (EvalPlanQual): the plan reads the view's table, and the
 * statement remembers for each row where in that it comes from, as it does for all
 * tables that are joined.  A trigger is not told which statement executes it.  So DELETEs
 * from views are noted when they start, and recognized by their triggers.
 *
 * Where the view is a subquery in the plan, such as one WITH (security_barrier), nothing
 * is remembered of its table, and the trigger goes by the key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/recheck.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A DELETE from a view that is being executed */
typedef struct Noted
{
	dlist_node	node;
	ModifyTableState *statement;
	MemoryContextCallback callback;
} Noted;

static dlist_head noted = DLIST_STATIC_INIT(noted);
static ExecutorStart_hook_type next_start = NULL;

static void
forget(void *arg)
{
	dlist_delete(&((Noted *) arg)->node);
}

static void
note(PlanState *planstate)
{
	ModifyTableState *statement = castNode(ModifyTableState, planstate);
	MemoryContext context = planstate->state->es_query_cxt;
	Noted	   *one;

	if (statement->operation != CMD_DELETE ||
		statement->resultRelInfo->ri_RelationDesc->rd_rel->relkind != RELKIND_VIEW)
		return;
	one = MemoryContextAllocZero(context, sizeof(Noted));
	one->statement = statement;
	one->callback.func = forget;
	one->callback.arg = one;
	dlist_push_head(&noted, &one->node);
	MemoryContextRegisterResetCallback(context, &one->callback);
}

static void
on_start(QueryDesc *query, int eflags)
{
	ListCell   *lc;

	if (next_start)
		next_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (query->operation == CMD_DELETE && query->planstate != NULL &&
		IsA(query->planstate, ModifyTableState))
		note(query->planstate);
	if (!query->plannedstmt->hasModifyingCTE)
		return;
	foreach(lc, query->estate->es_auxmodifytables)
		note(lfirst(lc));
}

void
sk_soft_recheck_init(void)
{
	next_start = ExecutorStart_hook;
	ExecutorStart_hook = on_start;
}

/*
 * The DELETE whose trigger that is; NULL if it is not known.
 */
ModifyTableState *
sk_soft_recheck_statement(const FmgrInfo *flinfo)
{
	dlist_iter	iter;

	dlist_foreach(iter, &noted)
	{
		ModifyTableState *statement = dlist_container(Noted, node, iter.cur)->statement;
		const ResultRelInfo *view = statement->resultRelInfo;

		if (view->ri_TrigDesc != NULL && flinfo >= view->ri_TrigFunctions &&
			flinfo < view->ri_TrigFunctions + view->ri_TrigDesc->numtriggers)
			return statement;
	}
	return NULL;
}

static bool
note_first_column(Node *node, void *arg)
{
	Var		  **first = arg;

	if (node == NULL || *first != NULL)
		return false;
	if (IsA(node, Var))
	{
		*first = (Var *) node;
		return true;
	}
	return expression_tree_walker(node, note_first_column, arg);
}

/* Where the columns of a plan come from that it calls outer ones */
static const Plan *
outer_of(const Plan *plan)
{
	if (IsA(plan, Append))
		return linitial(((const Append *) plan)->appendplans);
	if (IsA(plan, MergeAppend))
		return linitial(((const MergeAppend *) plan)->mergeplans);
	return plan->lefttree;
}

/*
 * The range table's number of what the view reads; 0 if it is not known.  The row of the
 * view that the plan returns is made of its columns.  The numbers alone do not tell: what
 * is joined to the view may be the same table, and may come before or after it.
 */
static Index
source_of(ModifyTableState *statement)
{
	const Plan *plan = statement->ps.plan->lefttree;
	AttrNumber	attnum = statement->resultRelInfo->ri_RowIdAttNo;

	while (plan != NULL && attnum > 0 && attnum <= list_length(plan->targetlist))
	{
		Var		   *column = NULL;

		(void) note_first_column((Node *) list_nth_node(TargetEntry, plan->targetlist, attnum - 1)->expr,
								 &column);
		if (column == NULL || column->varlevelsup > 0)
			return 0;
		if (!IS_SPECIAL_VARNO(column->varno))
			return column->varno;
		attnum = column->varattno;
		if (IsA(plan, IndexOnlyScan))
			return ((const IndexOnlyScan *) plan)->scan.scanrelid;
		plan = (int) column->varno == (int) OUTER_VAR ? outer_of(plan) : plan->righttree;
	}
	return 0;
}

/* The table of which that one is a partition or child, if it is one */
static Index
whole_of(const EPQState *epq, Index rti)
{
	ListCell   *lc;

	foreach(lc, epq->arowMarks)
	{
		const ExecRowMark *row = ((ExecAuxRowMark *) lfirst(lc))->rowmark;

		if (row->rti == rti)
			return row->prti;
	}
	return rti;
}

/*
 * Where the statement's current row comes from, of those that read the table.
 */
static ExecRowMark *
find_mark(ModifyTableState *statement, Oid relid, ItemPointer tid)
{
	EPQState   *epq = &statement->mt_epqstate;
	Index		source = whole_of(epq, source_of(statement));
	ListCell   *lc;

	foreach(lc, epq->arowMarks)
	{
		ExecAuxRowMark *mark = lfirst(lc);
		ExecRowMark *row = mark->rowmark;
		bool		isnull = false;
		Datum		datum;

		if (row->markType != ROW_MARK_REFERENCE || row->relation == NULL || row->prti != source ||
			exec_rt_fetch(row->prti, statement->ps.state)->relid != relid)
			continue;
		if (row->rti != row->prti)
		{
			datum = ExecGetJunkAttribute(epq->origslot, mark->toidAttNo, &isnull);
			if (isnull || DatumGetObjectId(datum) != row->relid)
				continue;
		}
		datum = ExecGetJunkAttribute(epq->origslot, mark->ctidAttNo, &isnull);
		if (isnull)
			continue;
		*tid = *(ItemPointer) DatumGetPointer(datum);
		return row;
	}
	return NULL;
}

/*
 * Does the plan find the row, if that is its version?  The server takes it for the table
 * that a DELETE is about, whose rows it does not look up by a mark.
 */
static bool
finds(EPQState *epq, const ExecRowMark *mark, TupleTableSlot *version)
{
	ExecAuxRowMark *unused;
	bool		found;

	EvalPlanQualBegin(epq);
	unused = epq->relsubs_rowmark[mark->rti - 1];
	epq->relsubs_rowmark[mark->rti - 1] = NULL;
	found = !TupIsNull(EvalPlanQual(epq, mark->relation, mark->rti, version));
	epq->relsubs_rowmark[mark->rti - 1] = unused;
	return found;
}

/*
 * Does it want to delete its current row, whose newest version is that one?
 */
bool
sk_soft_recheck_still(ModifyTableState *statement, Oid relid, TupleTableSlot *newest)
{
	ItemPointerData tid;
	ExecRowMark *mark = statement ? find_mark(statement, relid, &tid) : NULL;
	MemoryContext old;
	bool		still;

	if (mark == NULL)
		return true;
	/* what is made for it is kept for the statement's other rows */
	old = MemoryContextSwitchTo(statement->ps.state->es_query_cxt);
	still = finds(&statement->mt_epqstate, mark, newest);
	MemoryContextSwitchTo(old);
	return still;
}

/*
 * Wait for those who are changing the statement's current row of the table, as an UPDATE
 * would that finds it by its key.  False if the statement does not want the newest
 * version.  That is returned if it is not the one that the statement has seen.
 */
bool
sk_soft_recheck_lock(ModifyTableState *statement, Relation table, TupleTableSlot **newest)
{
	ItemPointerData seen;
	ItemPointerData tid;
	ExecRowMark *mark = statement ? find_mark(statement, RelationGetRelid(table), &seen) : NULL;
	TupleTableSlot *slot;
	TM_FailureData tmfd;
	TM_Result	result;

	if (mark == NULL || IsolationUsesXactSnapshot())
		return true;
	slot = table_slot_create(mark->relation, NULL);
	tid = seen;
	result = table_tuple_lock(mark->relation, &tid, GetActiveSnapshot(), slot,
							  GetCurrentCommandId(false), LockTupleNoKeyExclusive,
							  LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &tmfd);
	if (result == TM_Ok && !ItemPointerEquals(&seen, &slot->tts_tid))
		*newest = slot;
	else
		ExecDropSingleTupleTableSlot(slot);
	return result != TM_Deleted &&
		(*newest == NULL || sk_soft_recheck_still(statement, RelationGetRelid(table), slot));
}

/*
 * The key of that version, which may be of a partition or child of the table, where the
 * columns have other numbers.
 */
void
sk_soft_recheck_key(Relation table, Relation index, TupleTableSlot *newest, Datum *values)
{
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		char	   *name = get_attname(RelationGetRelid(table), index->rd_index->indkey.values[i], false);
		bool		isnull;

		values[i] = slot_getattr(newest, get_attnum(newest->tts_tableOid, name), &isnull);
	}
}
