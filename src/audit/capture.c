/*-------------------------------------------------------------------------
 *
 * audit/capture.c
 *	  What an audited table's rows become: the triggers schemakit.audit() and
 *	  schemakit.audit_truncate(), and the baseline.
 *
 * The order in which triggers fire is not that in which rows were changed: see
 * audit/order.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/capture.h"
#include "attach/attach.h"
#include "audit/event.h"
#include "audit/state.h"
#include "base/compat.h"
#include "base/table.h"
#include "base/trigger.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * The command that made a row version.  Versions that are not a heap's do not
 * tell, and one that COPY FREEZE made tells no transaction.
 */
static CommandId
inserting_command(TupleTableSlot *slot, HeapTuple tuple)
{
	if (!TTS_IS_BUFFERTUPLE(slot))
		return GetCurrentCommandId(false);
	if (HeapTupleHeaderXminFrozen(tuple->t_data))
		return HeapTupleHeaderGetRawCommandId(tuple->t_data);
	return HeapTupleHeaderGetCmin(tuple->t_data);
}

static CommandId
deleting_command(TupleTableSlot *slot, HeapTuple tuple)
{
	if (!TTS_IS_BUFFERTUPLE(slot))
		return GetCurrentCommandId(false);
	return HeapTupleHeaderGetCmax(tuple->t_data);
}

/*
 * The command of this transaction that has changed a row version since; the
 * trigger's event is written only now.
 */
static CommandId
changing_command(TupleTableSlot *slot, HeapTuple tuple)
{
	HeapTupleHeader header = tuple->t_data;

	if (!TTS_IS_BUFFERTUPLE(slot) ||
		(header->t_infomask & HEAP_XMAX_INVALID) ||
		HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) ||
		!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header)))
		return InvalidCommandId;
	return HeapTupleHeaderGetCmax(header);
}

static SkAuditCommands
commands_of(TupleTableSlot *slot, HeapTuple tuple)
{
	SkAuditCommands commands;

	commands.made = inserting_command(slot, tuple);
	commands.again = changing_command(slot, tuple);
	return commands;
}

static void
record_row(SkAuditTable *table, const TriggerData *trigdata)
{
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		sk_audit_event_insert(table, SK_AUDIT_INSERT, old,
							  commands_of(old, trigdata->tg_trigtuple));
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		sk_audit_event_update(table, old, new,
							  commands_of(new, trigdata->tg_newtuple));
	else
		sk_audit_event_delete(table, old,
							  deleting_command(old, trigdata->tg_trigtuple));
}

/*
 * schemakit.audit() RETURNS trigger
 *
 * Whoever has the privilege TRIGGER may create another trigger on the function.  It
 * records nothing: each change is one event.
 */
PG_FUNCTION_INFO_V1(schemakit_audit);
Datum
schemakit_audit(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_after_row(fcinfo, "audit");
	SkAuditTable *table = sk_audit_table_get(trigdata->tg_relation);

	if (!table->loading && trigdata->tg_trigger->tgoid == table->trigger)
		record_row(table, trigdata);
	sk_audit_table_release();
	return PointerGetDatum(NULL);
}


/*-------------------------------------------------------------------------
 * All rows of a table
 *-------------------------------------------------------------------------
 */

/* One event for each row that is stored in the relation itself; are there any? */
static bool
record_rows(Relation rel, char op)
{
	SkAuditTable *table = sk_audit_table_get(rel);
	SkAuditCommands commands = {GetCurrentCommandId(true), InvalidCommandId};
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL, SO_NONE);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit audited row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		found = false;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		found = true;
		if (op == SK_AUDIT_DELETE)
			sk_audit_event_delete(table, slot, commands.made);
		else
			sk_audit_event_insert(table, op, slot, commands);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	sk_audit_table_release();
	return found;
}

static void
record_truncate(Relation rel)
{
	SkAuditTable *table = sk_audit_table_get(rel);

	sk_audit_event_truncate(table,
							table->root == RelationGetRelid(rel) ? NULL
							: sk_table_name(rel),
							GetCurrentCommandId(true));
	sk_audit_table_release();
}

/*
 * schemakit.audit_truncate() RETURNS trigger
 *
 * The server fires it for each relation that is truncated, so that a
 * partitioned table has no rows to record, and its partitions theirs.
 */
PG_FUNCTION_INFO_V1(schemakit_audit_truncate);
Datum
schemakit_audit_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before_truncate(fcinfo, "audit_truncate");
	Relation	rel = trigdata->tg_relation;
	SkAuditTable *table = sk_audit_table_get(rel);
	bool		silent = table->loading ||
		sk_attach_find(rel, trigdata->tg_trigger->tgfoid)->tgoid != trigdata->tg_trigger->tgoid;
	bool		with_rows = table->options->truncate_rows &&
		rel->rd_rel->relkind == RELKIND_RELATION;

	sk_audit_table_release();
	if (with_rows && !silent)
		(void) record_rows(rel, SK_AUDIT_DELETE);
	if (!silent)
		record_truncate(rel);
	return PointerGetDatum(NULL);
}

/* No row was left out, as it is for those who find events of the rows. */
static void
record_empty(Relation rel)
{
	const SkAuditTable *table = sk_audit_table_get(rel);
	SkAuditState state = {
		.rel_id = table->rel_id,
		.shape_id = table->shape_id,
		.covered = true,
		.empty = true,
	};

	sk_audit_table_release();
	sk_audit_state_write(&state);
}

/*
 * Record the rows that an audited table has, those of its partitions if it is
 * partitioned; or that it has none.  The caller holds a lock that keeps writers away.
 */
void
sk_audit_capture_baseline(Relation rel)
{
	List	   *relids = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
		? find_all_inheritors(RelationGetRelid(rel), ShareRowExclusiveLock, NULL)
		: list_make1_oid(RelationGetRelid(rel));
	bool		found = false;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Relation	leaf = table_open(lfirst_oid(lc), NoLock);

		if (leaf->rd_rel->relkind == RELKIND_RELATION)
			found |= record_rows(leaf, SK_AUDIT_BASELINE);
		table_close(leaf, NoLock);
	}
	if (!found)
		record_empty(rel);
}
