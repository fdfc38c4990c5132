/*-------------------------------------------------------------------------
 *
 * audit/protect.c
 *	  The audit log is append-only: schemakit.internal_audit_protect(), and no
 *	  DROP EXTENSION by mistake.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/protect.h"
#include "audit/adopt.h"
#include "audit/commit.h"
#include "audit/log.h"
#include "audit/log_statement.h"
#include "audit/origin.h"
#include "audit/state.h"
#include "audit/shape.h"
#include "audit/txn.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/restore.h"
#include "base/trigger.h"
#include "schemakit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/tuptable.h"
#include "replication/logicalworker.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

bool		sk_audit_protect_off = false;

/* Has this database recorded what its tables look like? */
static bool
has_own_shapes(void)
{
	int64		cluster = sk_audit_origin_cluster();
	Relation	rel = table_open(sk_audit_log_relid("audit_shape"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	bool		found = false;
	HeapTuple	tuple;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_audit_shape_cluster,
										 RelationGetDescr(rel), &isnull);

		found = DatumGetInt64(value) == cluster;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * May the session load the log of a dump?  Only into a log that has nothing of
 * this database: a session can be made to look as if it loaded one.
 */
bool
sk_audit_protect_may_load(void)
{
	return sk_guc_audit_writable ||
		(sk_restore_is_by(sk_audit_log_owner()) && !has_own_shapes());
}

void
sk_audit_protect_refuse(const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("cannot change the audit log"),
			 errdetail("Table \"%s\" is append-only.", table),
			 errhint("Use schemakit.audit_maintain() to drop old partitions.  A superuser can turn on schemakit.audit_writable.")));
}

/* Shapes of tables that are here, perhaps */
static void
look_at_shapes(const TriggerData *trigdata)
{
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) &&
		strcmp(RelationGetRelationName(trigdata->tg_relation), "audit_shape") == 0)
		sk_audit_adopt_later();
}

/*
 * schemakit.internal_audit_protect() RETURNS trigger
 *
 * BEFORE INSERT, UPDATE, DELETE or TRUNCATE on the log's tables.  Events get there
 * without statements.  What a subscription brings was decided on by a superuser.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_audit_protect);
Datum
schemakit_internal_audit_protect(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before(fcinfo, "internal_audit_protect");
	bool		allowed = sk_guc_audit_writable || sk_audit_protect_off ||
		sk_audit_log_statement_running || IsLogicalWorker();

	if (!allowed &&
		!(TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && sk_audit_protect_may_load()))
		sk_audit_protect_refuse(RelationGetRelationName(trigdata->tg_relation));
	look_at_shapes(trigdata);
	if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		sk_audit_txn_forget_carrier();
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event)
						   ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/* The same, looked for once in a transaction. */
static bool
has_log(void)
{
	static TimestampTz looked = 0;
	static bool found;
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (looked != now)
		found = has_own_shapes();
	looked = now;
	return found;
}

/* Is it one of the tables that may be copied to a database without a log? */
static bool
is_copied(Relation rel)
{
	static const char *const names[] = {"audit_event", "audit_shape"};
	const char *name = RelationGetRelationName(rel);

	for (size_t i = 0; i < lengthof(names); i++)
	{
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/*
 * schemakit.internal_replica_skip() RETURNS trigger
 *
 * BEFORE INSERT, UPDATE or DELETE on our tables: rows of another database stay
 * outside, but for those of a log, where no table is audited.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_replica_skip);
Datum
schemakit_internal_replica_skip(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before(fcinfo, "internal_replica_skip");

	if (IsLogicalWorker() && !(is_copied(trigdata->tg_relation) && !has_log()))
		return PointerGetDatum(NULL);
	look_at_shapes(trigdata);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event)
						   ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/* A table of the log, or InvalidOid if somebody has damaged it. */
static Oid
log_table(const char *name)
{
	return get_relname_relid(name, get_namespace_oid(SK_SCHEMA, true));
}

/* Is it an event of a row, rather than of a command, or of a transaction? */
static bool
is_of_row(TupleTableSlot *slot)
{
	bool		isnull;
	char		op = DatumGetChar(slot_getattr(slot, Anum_audit_event_op, &isnull));

	return op != SK_AUDIT_STATE && op != SK_AUDIT_COMMIT;
}

/* Is there an event of a row that the latest snapshot sees? */
static bool
has_rows(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL, SO_NONE);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	bool		found = false;

	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, slot))
		found = is_of_row(slot);

	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return found;
}

/*
 * Does the log have events?  Nobody can write one meanwhile: writers are waited
 * for, and kept away, as DROP EXTENSION does it anyway.
 */
static bool
has_events(void)
{
	Oid			relid = log_table("audit_event");
	ListCell   *lc;

	if (!OidIsValid(relid))
		return false;
	LockRelationOid(relid, AccessExclusiveLock);
	foreach(lc, find_all_inheritors(relid, AccessExclusiveLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION &&
			has_rows(lfirst_oid(lc)))
			return true;
	}
	return false;
}

/*
 * The extension is about to be dropped, and the log with it.  pg_restore --clean
 * does that before it loads the log.
 */
void
sk_audit_protect_uninstall(void)
{
	if (sk_guc_audit_writable || sk_restore_is_running() || !has_events())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop extension schemakit because the audit log has events"),
			 errdetail("Dropping the extension drops the audit log."),
			 errhint("To drop the audit log too, run \"SET schemakit.audit_writable = on\" first, as superuser.")));
}
