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

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/*
 * The log lacks no events of after that time that it ever had.
 */
TimestampTz
sk_audit_retention_since(void)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_retention"),
								 AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	TimestampTz since = DT_NOBEGIN;
	HeapTuple	tuple;
	bool		isnull;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		since = Max(since, DatumGetTimestampTz(heap_getattr(tuple, 1, RelationGetDescr(rel),
															&isnull)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return since;
}

static Datum
execute(const char *sql, TimestampTz time, int expected, bool *isnull)
{
	Oid			type = TIMESTAMPTZOID;
	Datum		value = TimestampTzGetDatum(time);

	*isnull = true;
	SPI_connect();
	if (SPI_execute_with_args(sql, 1, &type, &value, NULL, false, 0) != expected)
		elog(ERROR, "could not execute: %s", sql);
	if (expected == SPI_OK_SELECT)
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
	SPI_finish();
	return value;
}

/*
 * The time from which on the log is complete if all transactions that began before
 * "before" are removed: one that went on for long has later changes.  Call it, and the
 * next one, as the log's owner.
 */
TimestampTz
sk_audit_retention_end(TimestampTz before)
{
	bool		isnull;
	Datum		last = execute("SELECT pg_catalog.max(changed_at) FROM schemakit.audit_event"
							   " WHERE at OPERATOR(pg_catalog.<) $1 AND changed_at OPERATOR(pg_catalog.>=) $1",
							   before, SPI_OK_SELECT, &isnull);

	return isnull ? before : Max(before, DatumGetTimestampTz(last));
}

/*
 * Record that it is complete from then on only.
 */
void
sk_audit_retention_record(TimestampTz since)
{
	bool		isnull;

	(void) execute("INSERT INTO schemakit.audit_retention (complete_since, role)"
				   " VALUES ($1, session_user)", since, SPI_OK_INSERT, &isnull);
}
