/*-------------------------------------------------------------------------
 *
 * audit/retention.c
 *	  From when on the audit log is complete: whoever removes events records in
 *	  audit_retention of which time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/retention.h"
#include "audit/log.h"
#include "base/spi.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define Anum_audit_retention_rel_id		4
#define Anum_audit_retention_kept		5

/* Is it about that table?  Those that are kept for another time have rows of their own. */
static bool
is_about(HeapTuple tuple, TupleDesc tupdesc, int64 rel_id)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, Anum_audit_retention_rel_id, tupdesc, &isnull);
	Datum	   *kept;
	int			count;

	if (!isnull)
		return DatumGetInt64(value) == rel_id;
	value = heap_getattr(tuple, Anum_audit_retention_kept, tupdesc, &isnull);
	if (isnull)
		return true;
	deconstruct_array(DatumGetArrayTypeP(value), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &kept,
					  NULL, &count);
	for (int i = 0; i < count; i++)
	{
		if (DatumGetInt64(kept[i]) == rel_id)
			return false;
	}
	return true;
}

/*
 * The log lacks no events of after that time that it ever had of the table.
 */
TimestampTz
sk_audit_retention_since(int64 rel_id)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_retention"),
								 AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	TimestampTz since = DT_NOBEGIN;
	HeapTuple	tuple;
	bool		isnull;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (is_about(tuple, RelationGetDescr(rel), rel_id))
			since = Max(since, DatumGetTimestampTz(heap_getattr(tuple, 1, RelationGetDescr(rel),
																&isnull)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return since;
}

/*
 * The time from which on the log is complete if all transactions that began before
 * "before" are removed: one that went on for long has later changes.  Call it, and the
 * next one, as the log's owner.
 */
TimestampTz
sk_audit_retention_end(TimestampTz before)
{
	Oid			type = TIMESTAMPTZOID;
	Datum		value = TimestampTzGetDatum(before);
	Datum		last;
	bool		isnull;

	PushActiveSnapshot(GetLatestSnapshot());
	SPI_connect();
	if (SPI_execute_with_args("SELECT pg_catalog.max(changed_at) FROM schemakit.audit_event"
							  " WHERE at OPERATOR(pg_catalog.<) $1 AND changed_at OPERATOR(pg_catalog.>=) $1",
							  1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read times of events");
	last = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	before = isnull ? before : Max(before, DatumGetTimestampTz(last));
	SPI_finish();
	PopActiveSnapshot();
	return before;
}

static void
insert(const char *sql, TimestampTz since, Oid type, Datum more)
{
	Oid			types[] = {TIMESTAMPTZOID, type};
	Datum		values[] = {TimestampTzGetDatum(since), more};

	(void) sk_spi_execute(sql, 2, types, values, SPI_OK_INSERT, NULL);
}

/*
 * Record that it is complete from then on only, but for the tables whose identities are
 * in the array "kept".
 */
void
sk_audit_retention_record(TimestampTz since, Datum kept)
{
	insert("INSERT INTO schemakit.audit_retention (complete_since, role, kept)"
		   " VALUES ($1, session_user, $2)", since, INT8ARRAYOID, kept);
}

/*
 * The same of a table for itself.
 */
void
sk_audit_retention_record_table(TimestampTz since, int64 rel_id)
{
	insert("INSERT INTO schemakit.audit_retention (complete_since, role, rel_id)"
		   " VALUES ($1, session_user, $2)", since, INT8OID, Int64GetDatum(rel_id));
}
