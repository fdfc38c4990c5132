/*-------------------------------------------------------------------------
 *
 * audit/recorded.c
 *	  Shapes that the current transaction has recorded.
 *
 * A shape is recorded when a command runs, and others see what the command did when its
 * transaction is committed.  So the shape gets that time then: as of a time before, the
 * table was what it had been.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/recorded.h"
#include "audit/log.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "nodes/pg_list.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

uint64		sk_audit_recorded_aborts = 0;

/*
 * The numbers of shapes that the current transaction has recorded, in
 * TopTransactionContext; those of subtransactions that were rolled back are among them.
 */
static List *recorded = NIL;

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (recorded != NIL && event == XACT_EVENT_ABORT)
		sk_audit_recorded_aborts++;
	switch (event)
	{
		case XACT_EVENT_PREPARE:
			/* nobody knows yet how it will end */
			sk_audit_recorded_aborts += recorded != NIL;
			recorded = NIL;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
			recorded = NIL;
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (recorded != NIL && event == SUBXACT_EVENT_ABORT_SUB)
		sk_audit_recorded_aborts++;
}

void
sk_audit_recorded_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

/*
 * A shape with that number was put into the log.
 */
void
sk_audit_recorded_add(int32 shape_id)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	recorded = lappend_int(recorded, shape_id);
	MemoryContextSwitchTo(old);
}

/*
 * Has the transaction recorded any?
 */
bool
sk_audit_recorded_any(void)
{
	return recorded != NIL;
}

/* The row of our own with that number; NULL: it was rolled back */
static HeapTuple
copy_recorded(Relation rel, int32 shape_id)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_audit_shape_shape_id, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(shape_id));
	scan = systable_beginscan(rel, sk_audit_log_relid("audit_shape_pkey"), true,
							  SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	return tuple;
}

/*
 * The transaction is about to be committed, at that time.  What its commands did to
 * tables, others see from then on, as they do what it has done to rows.  Whoever reads
 * the past has to find both at one time, so the shapes are put there again.  A statement
 * would leave predicate locks.
 */
void
sk_audit_recorded_commit(TimestampTz at)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_shape"), RowExclusiveLock);
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, recorded)
	{
		HeapTuple	tuple = copy_recorded(rel, lfirst_int(lc));
		Datum	   *values = palloc(sizeof(Datum) * RelationGetDescr(rel)->natts);
		bool	   *nulls = palloc(sizeof(bool) * RelationGetDescr(rel)->natts);

		if (!HeapTupleIsValid(tuple))
			continue;
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		values[Anum_audit_shape_recorded_at - 1] = TimestampTzGetDatum(at);
		simple_heap_delete(rel, &tuple->t_self);
		sk_audit_log_insert(SK_AUDIT_LOG_SHAPE, GetCurrentTransactionStartTimestamp(),
							values, nulls);
	}
	table_close(rel, NoLock);
}
