/*-------------------------------------------------------------------------
 *
 * soft_delete/queue.c
 *	  References that are checked when all else of a statement is done.
 *
 * The server has no trigger that fires after all the others, but it keeps those
 * for statements behind those for rows: one that is queued again moves to the
 * end.  So a DELETE of no row from schemakit.soft_delete_queue is made out to
 * have happened whenever there is something in doubt, and the trigger of that
 * table fires when all that was queued meanwhile is done.
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
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

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

/*
 * The row of that key may refer to one that is deleted: it is to be looked at
 * again.
 */
void
sk_soft_queue_add(Relation rel, const SkSoftLink *link, const Datum *values)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	SkSoftDoubt *doubt;
	MemoryContext old;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext,
										"schemakit references in doubt",
										ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	doubt = palloc(sizeof(SkSoftDoubt));
	doubt->relid = RelationGetRelid(rel);
	doubt->subid = GetCurrentSubTransactionId();
	doubt->constraint = pstrdup(link->name);
	doubt->values = palloc(sizeof(Datum) * link->nkeys);
	for (int i = 0; i < link->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, link->attnums[i] - 1);

		doubt->values[i] = datumCopy(values[i], attr->attbyval, attr->attlen);
	}
	doubts = lappend(doubts, doubt);
	MemoryContextSwitchTo(old);
}

/*
 * If there is anything in doubt, look at it after what is queued now.
 */
void
sk_soft_queue_again(void)
{
	if (doubts != NIL)
		queue_trigger();
}

/*
 * The next one to look at, taken from the queue; NULL if there is none.
 */
SkSoftDoubt *
sk_soft_queue_next(void)
{
	SkSoftDoubt *doubt;

	if (doubts == NIL)
		return NULL;
	doubt = linitial(doubts);
	doubts = list_delete_first(doubts);
	return doubt;
}
