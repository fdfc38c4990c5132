/*-------------------------------------------------------------------------
 *
 * soft_delete/queue.c
 *	  What is looked at when all else of a statement is done.
 *
 * The server has no trigger that fires after all the others, but it keeps those
 * for statements behind those for rows: one that is queued again moves to the
 * end.  So a DELETE of no row from schemakit.soft_delete_queue is made out to
 * have happened whenever there is something in doubt, and the trigger of that
 * table fires when all that was queued meanwhile is done.
 *
 * A trigger of a user may execute statements of its own while others wait.
 * They are about what they put here themselves, and leave the rest to the
 * statement that did.  The depth of triggers tells them apart: those of a
 * statement that a trigger executes are one deeper, and they are all done when
 * the trigger goes on, so what is of the greatest depth is last.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/queue.h"
#include "base/compat.h"
#include "schemakit.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define QUEUE	"soft_delete_queue"

static MemoryContext context = NULL;
static List *doubts = NIL;

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	doubts = NIL;
	if (context != NULL)
		MemoryContextReset(context);
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	foreach(lc, doubts)
	{
		SkSoftDoubt *doubt = lfirst(lc);

		if (doubt->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			doubt->subid = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			doubts = foreach_delete_current(doubts, lc);
	}
}

void
sk_soft_queue_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

/* Let the trigger fire when all else is done. */
static void
queue_trigger(void)
{
	Relation	queue = table_open(get_relname_relid(QUEUE, get_namespace_oid(SK_SCHEMA, false)),
								   AccessShareLock);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, queue, 0, NULL, 0);
	ExecASDeleteTriggers(estate, result, NULL);
	FreeExecutorState(estate);
	table_close(queue, NoLock);
}

static int
current_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

static Datum *
copy_values(SkSoftDoubtKind kind, Relation rel, const SkSoftLink *link,
			const Datum *values)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	Datum	   *copy = palloc(sizeof(Datum) * (link->nkeys + 1));

	for (int i = 0; i < link->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, link->attnums[i] - 1);

		copy[i] = datumCopy(values[i], attr->attbyval, attr->attlen);
	}
	if (kind == SK_SOFT_CYCLE)
		copy[link->nkeys] = TimestampGetDatum(DatumGetTimestamp(values[link->nkeys]));
	return copy;
}

/* A doubt of the statement, in memory that lasts until it is dealt with */
static SkSoftDoubt *
new_doubt(SkSoftDoubtKind kind)
{
	SkSoftDoubt *doubt;
	MemoryContext old;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext,
										"schemakit soft delete in doubt",
										ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	doubt = palloc0(sizeof(SkSoftDoubt));
	doubt->kind = kind;
	doubt->depth = current_depth();
	doubt->subid = GetCurrentSubTransactionId();
	doubts = lappend(doubts, doubt);
	MemoryContextSwitchTo(old);
	return doubt;
}

/*
 * What the restored row has to do with others by that key is to be looked at
 * again.
 */
void
sk_soft_queue_add(SkSoftDoubtKind kind, Relation rel, const SkSoftLink *link,
				  const Datum *values)
{
	SkSoftDoubt *doubt = new_doubt(kind);
	MemoryContext old = MemoryContextSwitchTo(context);

	doubt->relid = RelationGetRelid(rel);
	doubt->otherid = link->otherid;
	doubt->constraint = pstrdup(link->name);
	doubt->values = copy_values(kind, rel, link, values);
	doubt->nkeys = link->nkeys;
	doubt->types = palloc(sizeof(Oid) * link->nkeys);
	memcpy(doubt->types, link->types, sizeof(Oid) * link->nkeys);
	MemoryContextSwitchTo(old);
}

/* What the statement has done with rows of that batch, or NULL */
static const SkSoftDoubt *
find_stamps(Timestamp from)
{
	ListCell   *lc;

	foreach(lc, sk_soft_queue_list(SK_SOFT_STAMPS))
	{
		const SkSoftDoubt *doubt = lfirst(lc);

		if (doubt->from == from)
			return doubt;
	}
	return NULL;
}

/*
 * Rows of one batch go into another.  That no rows go back is seen to by those who
 * ask sk_soft_queue_last_stamp() first.
 */
void
sk_soft_queue_add_stamps(Timestamp from, Timestamp to)
{
	SkSoftDoubt *doubt;

	if (find_stamps(from) != NULL)
		return;
	doubt = new_doubt(SK_SOFT_STAMPS);
	doubt->from = from;
	doubt->to = to;
}

/*
 * Where the rows of the batch have gone; the same if they have not gone anywhere.
 */
Timestamp
sk_soft_queue_last_stamp(Timestamp stamp)
{
	const SkSoftDoubt *doubt;

	while ((doubt = find_stamps(stamp)) != NULL)
		stamp = doubt->to;
	return stamp;
}

/*
 * What follows may put rows into batches that others have left.
 */
void
sk_soft_queue_forget_stamps(void)
{
	int			depth = current_depth();
	ListCell   *lc;

	foreach(lc, doubts)
	{
		SkSoftDoubt *doubt = lfirst(lc);

		if (doubt->kind == SK_SOFT_STAMPS && doubt->depth == depth)
			doubts = foreach_delete_current(doubts, lc);
	}
}

/*
 * If the statement has anything in doubt, look at it after what is queued now.
 */
void
sk_soft_queue_again(void)
{
	if (doubts != NIL && ((SkSoftDoubt *) llast(doubts))->depth == current_depth())
		queue_trigger();
}

/*
 * Those of the statement, in their order.
 */
List *
sk_soft_queue_list(SkSoftDoubtKind kind)
{
	List	   *list = NIL;
	int			depth = current_depth();
	ListCell   *lc;

	foreach(lc, doubts)
	{
		SkSoftDoubt *doubt = lfirst(lc);

		if (doubt->kind == kind && doubt->depth == depth)
			list = lappend(list, doubt);
	}
	return list;
}

/*
 * All of the statement have been looked at.
 */
void
sk_soft_queue_clear(void)
{
	int			depth = current_depth();
	int			n = list_length(doubts);

	while (n > 0 && ((SkSoftDoubt *) list_nth(doubts, n - 1))->depth == depth)
		n--;
	doubts = list_truncate(doubts, n);
	if (n == 0 && context != NULL)
	{
		doubts = NIL;
		MemoryContextReset(context);
	}
}

/*
 * Is it about that key?  A trigger may have altered the table since.
 */
bool
sk_soft_queue_is_about(const SkSoftDoubt *doubt, const SkSoftLink *link)
{
	if (doubt->otherid != link->otherid || strcmp(doubt->constraint, link->name) != 0)
		return false;
	if (doubt->nkeys != link->nkeys ||
		memcmp(doubt->types, link->types, sizeof(Oid) * link->nkeys) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("foreign key constraint \"%s\" was altered while rows were being restored",
						link->name)));
	return true;
}
