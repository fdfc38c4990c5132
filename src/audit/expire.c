/*-------------------------------------------------------------------------
 *
 * audit/expire.c
 *	  Events that are no longer kept, removed one by one: of tables that have a time
 *	  of their own, and what is too old in partitions that cannot be dropped because
 *	  other events in them are kept.
 *
 * An event that carries who acts for others that stay is not removed, but loses
 * everything else: it becomes a row C without a number of events, which nobody takes for
 * a change or a commit.  Commit events go with the last event of the transaction.
 *
 * At most so many of them as the caller says go at once, those of the oldest transactions:
 * all events of a transaction have the same time, so it goes as a whole, with what carries
 * who acts.
 *
 * The caller is the log's owner, under fixed settings, and may change the log.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/expire.h"
#include "base/array.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* $1, $2: tables with a time of their own */
#define WITH_OWN(event) \
" LEFT JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS own(shape_id, before)" \
" ON own.shape_id OPERATOR(pg_catalog.=) " event ".shape_id"

/* $3: held keys.  $4, $5: the time of all others, in these partitions; $6: the last */
#define IS_EXPIRED(event) \
"(" event ".op OPERATOR(pg_catalog.<>) 'C' AND " event ".at OPERATOR(pg_catalog.<) $6" \
" AND (" event ".key_hash IS NULL OR " event ".key_hash OPERATOR(pg_catalog.<>) ALL ($3))" \
" AND CASE WHEN own.before IS NOT NULL THEN " event ".at OPERATOR(pg_catalog.<) own.before" \
" ELSE " event ".at OPERATOR(pg_catalog.<) $4 AND " event ".tableoid OPERATOR(pg_catalog.=) ANY ($5) END)"

#define EXPIRED \
"(SELECT e.tableoid AS part, e.ctid AS tid, e.txn_id, e.at, e.n, e.role FROM schemakit.audit_event AS e" \
WITH_OWN("e") " WHERE " IS_EXPIRED("e") ") AS d"

#define IS_THAT "x.tableoid OPERATOR(pg_catalog.=) d.part AND x.ctid OPERATOR(pg_catalog.=) d.tid AND x.at OPERATOR(pg_catalog.<) $6"

#define COUNTED " SELECT gone.part, pg_catalog.count(*) FROM gone GROUP BY gone.part ORDER BY gone.part"

static const char strip_query[] =
"WITH gone AS (UPDATE schemakit.audit_event AS x SET op = 'C', shape_id = 0, key = NULL, key_hash = NULL, old = NULL, new = NULL"
" FROM " EXPIRED " WHERE " IS_THAT " AND d.role IS NOT NULL AND EXISTS ("
"SELECT FROM schemakit.audit_event AS k" WITH_OWN("k")
" WHERE k.txn_id OPERATOR(pg_catalog.=) d.txn_id AND k.at OPERATOR(pg_catalog.=) d.at"
" AND k.carrier OPERATOR(pg_catalog.=) d.n AND k.n OPERATOR(pg_catalog.<>) d.n"
" AND k.op OPERATOR(pg_catalog.<>) 'C' AND NOT " IS_EXPIRED("k") ")"
" RETURNING x.tableoid AS part)" COUNTED;

static const char delete_query[] =
"WITH gone AS (DELETE FROM schemakit.audit_event AS x USING " EXPIRED " WHERE " IS_THAT
" RETURNING x.tableoid AS part)" COUNTED;

static const char rest_query[] =
"WITH gone AS (DELETE FROM schemakit.audit_event AS x WHERE x.op OPERATOR(pg_catalog.=) 'C'"
" AND x.at OPERATOR(pg_catalog.<) $6 AND NOT EXISTS ("
"SELECT FROM schemakit.audit_event AS k WHERE k.txn_id OPERATOR(pg_catalog.=) x.txn_id"
" AND k.at OPERATOR(pg_catalog.=) x.at AND k.op OPERATOR(pg_catalog.<>) 'C')"
" RETURNING x.tableoid AS part)" COUNTED;

/* $7: how many, and one more */
static const char oldest_query[] =
"SELECT pg_catalog.count(*), pg_catalog.min(o.at), pg_catalog.max(o.at) FROM ("
"SELECT e.at FROM schemakit.audit_event AS e" WITH_OWN("e") " WHERE " IS_EXPIRED("e")
" ORDER BY e.at LIMIT $7) AS o";

static const Oid types[] = {
	INT4ARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID, OIDARRAYOID,
	TIMESTAMPTZOID, INT8OID
};

#define NPARAMS	6				/* of all but oldest_query */

static List *
count(List *expired, Oid partition, int64 rows)
{
	SkAuditExpired *entry;
	ListCell   *lc;

	foreach(lc, expired)
	{
		entry = lfirst(lc);
		if (entry->partition == partition)
		{
			entry->rows += rows;
			return expired;
		}
	}
	entry = palloc(sizeof(SkAuditExpired));
	entry->partition = partition;
	entry->rows = rows;
	return lappend(expired, entry);
}

/* Run one that returns partitions and numbers of rows. */
static List *
run_and_count(const char *query, Datum *values, List *expired, MemoryContext context)
{
	MemoryContext old;

	if (SPI_execute_with_args(query, NPARAMS, (Oid *) types, values, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not remove events");
	old = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		bool		isnull;

		expired = count(expired, DatumGetObjectId(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull)),
						DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull)));
	}
	MemoryContextSwitchTo(old);
	return expired;
}

static Datum
oids_as_array(List *oids)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(oids), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, oids)
		values[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	return sk_array_of(values, n, OIDOID);
}

/*
 * Before which time are transactions the oldest of those that are to go, with max_rows
 * events or, if that is a single one, more?  DT_NOEND if that is all of them.
 */
static TimestampTz
end_of_oldest(Datum *values, int64 max_rows)
{
	HeapTuple	tuple;
	TupleDesc	tupdesc;
	TimestampTz first;
	TimestampTz next;
	bool		isnull;

	values[NPARAMS] = Int64GetDatum(Min(max_rows, PG_INT64_MAX - 1) + 1);
	if (SPI_execute_with_args(oldest_query, lengthof(types), (Oid *) types, values, NULL,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read events");
	tuple = SPI_tuptable->vals[0];
	tupdesc = SPI_tuptable->tupdesc;
	if (DatumGetInt64(SPI_getbinval(tuple, tupdesc, 1, &isnull)) <= max_rows)
		return DT_NOEND;
	first = DatumGetTimestampTz(SPI_getbinval(tuple, tupdesc, 2, &isnull));
	next = DatumGetTimestampTz(SPI_getbinval(tuple, tupdesc, 3, &isnull));
	return first < next ? next : next + 1;
}

/*
 * Remove the events of tables that have a time of their own, and of "partitions" all
 * others that began before "before".  Returns a list of SkAuditExpired, and whether there
 * are more of them than max_rows.
 */
List *
sk_audit_expire_events(const SkAuditKeep *keep, TimestampTz before, List *partitions,
					   int64 max_rows, bool *more)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *expired = NIL;
	Datum		values[NPARAMS + 1];
	TimestampTz last = Max(before, keep->last);
	TimestampTz end;

	values[0] = keep->shape_ids;
	values[1] = keep->befores;
	values[2] = keep->hashes;
	values[3] = TimestampTzGetDatum(before);
	values[4] = oids_as_array(partitions);
	values[5] = TimestampTzGetDatum(last);
	SPI_connect();
	end = end_of_oldest(values, max_rows);
	*more = end < last;
	values[5] = TimestampTzGetDatum(Min(last, end));
	expired = run_and_count(strip_query, values, expired, context);
	expired = run_and_count(delete_query, values, expired, context);
	if (expired != NIL)
		expired = run_and_count(rest_query, values, expired, context);
	SPI_finish();
	return expired;
}

/*
 * Has a partition whose time is over events that are kept all the same?
 */
bool
sk_audit_expire_has_kept(const SkAuditKeep *keep, Oid partition)
{
	Datum		values[3];
	bool		found;

	values[0] = keep->shape_ids;
	values[1] = keep->befores;
	values[2] = keep->hashes;
	PushActiveSnapshot(GetLatestSnapshot());
	SPI_connect();
	if (SPI_execute_with_args(psprintf("SELECT FROM %s AS e" WITH_OWN("e")
									   " WHERE e.op OPERATOR(pg_catalog.<>) 'C'"
									   " AND (e.at OPERATOR(pg_catalog.>=) own.before OR e.key_hash OPERATOR(pg_catalog.=) ANY ($3)) LIMIT 1",
									   quote_qualified_identifier(get_namespace_name(get_rel_namespace(partition)),
																  get_rel_name(partition))),
							  3, (Oid *) types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read events");
	found = SPI_processed > 0;
	SPI_finish();
	PopActiveSnapshot();
	return found;
}
