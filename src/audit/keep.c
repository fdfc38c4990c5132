/*-------------------------------------------------------------------------
 *
 * audit/keep.c
 *	  For how long the events of a table are kept, if that is not for as long as
 *	  all others, and which are held whatever their age: schemakit.audit_retain(),
 *	  audit_hold() and audit_release().
 *
 * These are rows by the identity of the table, which dumps have, and not options of
 * the trigger: an owner writes those as he likes, but removing events is for who may
 * call audit_maintain().
 *
 * What is held of a row is all that the log has under its key, and under keys that the
 * row had before or got afterwards, also if another row had one of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/keep.h"
#include "audit/change.h"
#include "audit/reader.h"
#include "audit/spelling.h"
#include "base/arg.h"
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"


/*-------------------------------------------------------------------------
 * What is set
 *-------------------------------------------------------------------------
 */

/*
 * schemakit.audit_retain(rel regclass, retain interval, force boolean) RETURNS void
 */
PG_FUNCTION_INFO_V1(schemakit_audit_retain);
Datum
schemakit_audit_retain(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {INT8OID, TEXTOID, INTERVALOID, TEXTOID};
	Datum		values[4];
	SkAuditReader *reader;

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 2, "force");
	if (!PG_ARGISNULL(1))
		values[2] = IntervalPGetDatum(sk_arg_retention(fcinfo, 1, "retain", PG_GETARG_BOOL(2)));
	reader = sk_audit_reader_open(PG_GETARG_OID(0));
	values[0] = Int64GetDatum(reader->rel_id);
	values[1] = CStringGetTextDatum(reader->name);
	values[3] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	if (PG_ARGISNULL(1))
		(void) sk_audit_change_execute("DELETE FROM schemakit.audit_retained"
									   " WHERE rel_id OPERATOR(pg_catalog.=) $1",
									   1, types, values, SPI_OK_DELETE);
	else
		(void) sk_audit_change_execute("INSERT INTO schemakit.audit_retained"
									   " VALUES ($1, $2, $3, $4, pg_catalog.clock_timestamp())"
									   " ON CONFLICT ON CONSTRAINT audit_retained_pkey DO UPDATE SET"
									   " table_name = excluded.table_name, retain = excluded.retain,"
									   " set_by = excluded.set_by, set_at = excluded.set_at",
									   4, types, values, SPI_OK_INSERT);
	PG_RETURN_VOID();
}

/*
 * The key, as it is written in the log, and TRUNCATE, which is about all rows.
 */
static Datum
hashes_of(SkAuditReader *reader, Jsonb *given)
{
	List	   *spellings = sk_audit_spelling_list(reader, sk_audit_reader_key(reader, given));

	return sk_audit_spelling_hashes(reader, spellings, true);
}

/*
 * schemakit.audit_hold(rel regclass, key jsonb, reason text) RETURNS void
 *
 * The row need not be there, nor have any events yet.
 */
PG_FUNCTION_INFO_V1(schemakit_audit_hold);
Datum
schemakit_audit_hold(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {INT8OID, TEXTOID, JSONBOID, INT8ARRAYOID, TEXTOID, TEXTOID};
	bool		whole = PG_ARGISNULL(1);
	SkAuditReader *reader;
	Datum		values[6];

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 2, "reason");
	reader = sk_audit_reader_open(PG_GETARG_OID(0));
	values[0] = Int64GetDatum(reader->rel_id);
	values[1] = CStringGetTextDatum(reader->name);
	values[2] = whole ? CStringGetTextDatum("") : PG_GETARG_DATUM(1);
	values[3] = whole ? PointerGetDatum(construct_empty_array(INT8OID))
		: hashes_of(reader, PG_GETARG_JSONB_P(1));
	values[4] = PG_GETARG_DATUM(2);
	values[5] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	(void) sk_audit_change_execute(whole
								   ? "INSERT INTO schemakit.audit_holds VALUES ($1, $2, NULL, $4, $5, $6, pg_catalog.clock_timestamp())"
								   : "INSERT INTO schemakit.audit_holds VALUES ($1, $2, $3, $4, $5, $6, pg_catalog.clock_timestamp())",
								   6, types, values, SPI_OK_INSERT);
	PG_RETURN_VOID();
}

/*
 * schemakit.audit_release(rel regclass, key jsonb, reason text) RETURNS bigint
 */
PG_FUNCTION_INFO_V1(schemakit_audit_release);
Datum
schemakit_audit_release(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {INT8OID, INT8ARRAYOID, TEXTOID};
	bool		whole = PG_ARGISNULL(1);
	SkAuditReader *reader;
	Datum		values[3];
	const char *key;
	const char *reason;

	sk_arg_reject_null(fcinfo, 0, "rel");
	reader = sk_audit_reader_open(PG_GETARG_OID(0));
	values[0] = Int64GetDatum(reader->rel_id);
	values[1] = whole ? PointerGetDatum(construct_empty_array(INT8OID))
		: hashes_of(reader, PG_GETARG_JSONB_P(1));
	values[2] = PG_ARGISNULL(2) ? CStringGetTextDatum("") : PG_GETARG_DATUM(2);
	key = whole ? "key IS NULL" : "key IS NOT NULL AND key_hashes OPERATOR(pg_catalog.=) $2";
	reason = PG_ARGISNULL(2) ? "" : " AND reason OPERATOR(pg_catalog.=) $3";
	PG_RETURN_INT64((int64) sk_audit_change_execute(psprintf("DELETE FROM schemakit.audit_holds"
															 " WHERE rel_id OPERATOR(pg_catalog.=) $1 AND %s%s",
															 key, reason),
													3, types, values, SPI_OK_DELETE));
}


/*-------------------------------------------------------------------------
 * What it means for events
 *-------------------------------------------------------------------------
 */

/*
 * A table that is held is one of which nothing is too old.  So is one of which a row is
 * held and whose key was of other columns or types at some time: the key that was given
 * does not tell what that row was called then.
 */
static const char tables_query[] =
"WITH k AS (SELECT s.rel_id, ARRAY(SELECT c.value OPERATOR(pg_catalog.->>) 'id' FROM pg_catalog.unnest(s.key) WITH ORDINALITY AS p(name, i)"
" JOIN pg_catalog.jsonb_array_elements(s.columns) AS c(value) ON (c.value OPERATOR(pg_catalog.->>) 'name') OPERATOR(pg_catalog.=) p.name ORDER BY p.i) AS ids"
" FROM schemakit.audit_shape AS s WHERE NOT s.dropped AND EXISTS (SELECT FROM schemakit.audit_holds AS h WHERE h.rel_id OPERATOR(pg_catalog.=) s.rel_id)),"
" held AS (SELECT rel_id FROM schemakit.audit_holds WHERE key IS NULL"
" UNION SELECT rel_id FROM k GROUP BY rel_id HAVING pg_catalog.count(DISTINCT ids) OPERATOR(pg_catalog.>) 1)"
"SELECT pg_catalog.array_agg(t.shape_id), pg_catalog.array_agg(t.before), pg_catalog.array_agg(t.rel_id), pg_catalog.max(t.before)"
" FROM (SELECT s.shape_id, s.rel_id,"
" CASE WHEN EXISTS (SELECT FROM held AS h WHERE h.rel_id OPERATOR(pg_catalog.=) s.rel_id)"
" THEN '-infinity'::pg_catalog.timestamptz"
" ELSE LEAST(pg_catalog.now() OPERATOR(pg_catalog.-) r.retain, $1) END AS before"
" FROM schemakit.audit_shape AS s LEFT JOIN schemakit.audit_retained AS r ON r.rel_id OPERATOR(pg_catalog.=) s.rel_id) AS t"
" WHERE t.before OPERATOR(pg_catalog.=) '-infinity' OR EXISTS ("
" SELECT FROM schemakit.audit_retained AS r WHERE r.rel_id OPERATOR(pg_catalog.=) t.rel_id)";

/*
 * A key that changes is two events, one after the other.  So is a row that goes to
 * another partition, which the server deletes and inserts: but its triggers may do
 * something between, and what comes next is then the next event of the table that the
 * command has made.  All of the log is sorted for it, once, if a row is held.
 */
static const char hashes_query[] =
"WITH RECURSIVE e AS ("
" SELECT op, n, key_hash, pg_catalog.lead(op) OVER t AS next_op, pg_catalog.lead(n) OVER t AS next_n, pg_catalog.lead(key_hash) OVER t AS next_hash,"
" pg_catalog.lead(op) OVER c AS made_op, pg_catalog.lead(key_hash) OVER c AS made_hash"
" FROM schemakit.audit_event WHERE op OPERATOR(pg_catalog.<>) 'C'"
" AND EXISTS (SELECT FROM schemakit.audit_holds WHERE key_hashes IS NOT NULL)"
" WINDOW t AS (PARTITION BY txn_id, at ORDER BY n), c AS (PARTITION BY txn_id, at, command, shape_id ORDER BY n)"
"), moved AS MATERIALIZED ("
" SELECT key_hash AS a, next_hash AS b FROM e WHERE op OPERATOR(pg_catalog.=) 'O' AND next_op OPERATOR(pg_catalog.=) 'N'"
" AND next_n OPERATOR(pg_catalog.=) (n OPERATOR(pg_catalog.+) 1)"
" UNION ALL"
" SELECT key_hash, made_hash FROM e WHERE op OPERATOR(pg_catalog.=) 'D' AND made_op OPERATOR(pg_catalog.=) 'I'"
"), linked AS MATERIALIZED (SELECT a, b FROM moved UNION ALL SELECT b, a FROM moved"
"), held(hash) AS ("
" SELECT pg_catalog.unnest(key_hashes) FROM schemakit.audit_holds"
" UNION"
" SELECT l.b FROM held JOIN linked AS l ON l.a OPERATOR(pg_catalog.=) held.hash"
") SELECT pg_catalog.array_agg(hash) FROM held WHERE hash IS NOT NULL";

/* An array in the result; an empty one if it is null */
static Datum
array_at(int column, Oid type, MemoryContext context)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old = MemoryContextSwitchTo(context);

	value = isnull ? PointerGetDatum(construct_empty_array(type))
		: datumCopy(value, false, -1);
	MemoryContextSwitchTo(old);
	return value;
}

/*
 * Read it.  What began at "oldest" or later may still be written to.  Call it as the
 * log's owner, who has locked what he reads against changes: whatever was committed
 * before is seen, also in a transaction that has one snapshot.
 */
SkAuditKeep *
sk_audit_keep_read(TimestampTz oldest)
{
	static const Oid types[] = {TIMESTAMPTZOID};
	Datum		value = TimestampTzGetDatum(oldest);
	MemoryContext context = CurrentMemoryContext;
	SkAuditKeep *keep = palloc0(sizeof(SkAuditKeep));
	bool		isnull;

	PushActiveSnapshot(GetLatestSnapshot());
	SPI_connect();
	if (SPI_execute_with_args(tables_query, 1, (Oid *) types, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_retained");
	keep->shape_ids = array_at(1, INT4OID, context);
	keep->befores = array_at(2, TIMESTAMPTZOID, context);
	keep->rel_ids = array_at(3, INT8OID, context);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4, &isnull);
	keep->last = isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
	if (SPI_execute(hashes_query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_holds");
	keep->hashes = array_at(1, INT8OID, context);
	SPI_finish();
	PopActiveSnapshot();
	keep->any = ARR_NDIM(DatumGetArrayTypeP(keep->shape_ids)) > 0 ||
		ARR_NDIM(DatumGetArrayTypeP(keep->hashes)) > 0;
	return keep;
}
