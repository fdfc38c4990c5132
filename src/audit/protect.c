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
#include "base/guc.h"
#include "base/restore.h"
#include "base/trigger.h"
#include "schemakit.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

bool		sk_audit_protect_off = false;

/*
 * schemakit.internal_audit_protect() RETURNS trigger
 *
 * BEFORE UPDATE, DELETE or TRUNCATE on the log's tables.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_audit_protect);
Datum
schemakit_internal_audit_protect(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before(fcinfo, "internal_audit_protect");

	if (!sk_guc_audit_writable && !sk_audit_protect_off)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot change the audit log"),
				 errdetail("Table \"%s\" is append-only.",
						   RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Use schemakit.audit_maintain() to drop old partitions.  A superuser can turn on schemakit.audit_writable.")));
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event)
						   ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/* A table of the log, or InvalidOid if somebody has damaged it. */
static Oid
log_table(const char *name)
{
	return get_relname_relid(name, get_namespace_oid(SK_SCHEMA, true));
}

/* Is there a row that the latest snapshot sees? */
static bool
has_rows(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	bool		found = table_scan_getnextslot(scan, ForwardScanDirection, slot);

	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return found;
}

/*
 * Does the log have events?  Nobody can write one meanwhile: writers are waited
 * for, and kept away, as DROP EXTENSION does it anyway, in the order in which
 * they lock the log's tables.
 */
static bool
has_events(void)
{
	static const char *const names[] = {"audit_txn", "audit_event"};
	Oid			relid = InvalidOid;
	ListCell   *lc;

	for (size_t i = 0; i < lengthof(names); i++)
	{
		relid = log_table(names[i]);
		if (!OidIsValid(relid))
			return false;
		LockRelationOid(relid, AccessExclusiveLock);
	}
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
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
