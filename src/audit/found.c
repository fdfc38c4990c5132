/*-------------------------------------------------------------------------
 *
 * audit/found.c
 *	  Events that audit_search() has found, returned as rows of the view.
 *
 * They are read by their keys, which every partition has an index on, or by their time
 * if they have none.  If their times are near, these say which partitions have them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/found.h"
#include "audit/readable.h"
#include "base/array.h"
#include "base/compat.h"
#include "base/plan.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define RETURNED \
	"SELECT " SK_AUDIT_READABLE_COLUMNS("$6") ", w.i" \
	" FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)," \
	" pg_catalog.unnest($4), pg_catalog.unnest($5)) AS w(key_hash, txn_id, n, at, i)" \
	" JOIN schemakit.audit_log AS l ON l.txn_id OPERATOR(pg_catalog.=) w.txn_id" \
	" AND l.n OPERATOR(pg_catalog.=) w.n AND l.at OPERATOR(pg_catalog.=) w.at"

#define IN_PARTITIONS \
	" AND l.at OPERATOR(pg_catalog.>=) $7 AND l.at OPERATOR(pg_catalog.<=) $8"

#define RETURNED_COLUMNS	25

#define WITH_KEYS \
	" AND l.key_hash OPERATOR(pg_catalog.=) w.key_hash WHERE l.key_hash OPERATOR(pg_catalog.=) ANY ($1)"

/* In some partitions.  To read the index on times in all of them takes longer than is saved. */
static const char near_query[] = RETURNED IN_PARTITIONS WITH_KEYS;
static const char keyed_query[] = RETURNED WITH_KEYS;
static const char other_query[] = RETURNED IN_PARTITIONS " AND l.key_hash IS NULL";

#define NEAR	(100 * USECS_PER_DAY)

static SPIPlanPtr
plan_for(bool keyed, bool near, int nargs, const Oid *types)
{
	static SkPlan near_plan;
	static SkPlan keyed_plan;
	static SkPlan other_plan;
	SkPlan	   *plan = !keyed ? &other_plan : near ? &near_plan : &keyed_plan;
	const char *query = !keyed ? other_query : near ? near_query : keyed_query;

	return sk_plan_get(plan, sk_plan_constant, (void *) query, nargs, types, CURSOR_OPT_GENERIC_PLAN);
}

/* Read those of the events that have a key, or those that have none. */
static void
read_events(List *places, bool all, bool keyed, HeapTuple *tuples, TupleDesc *tupdesc)
{
	static const Oid columns[] = {
		INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, TIMESTAMPTZARRAYOID, INT4ARRAYOID, BOOLOID,
		TIMESTAMPTZOID, TIMESTAMPTZOID
	};
	static const Oid elements[] = {INT8OID, INT8OID, INT4OID, TIMESTAMPTZOID, INT4OID};
	Datum	   *arrays[5];
	Datum		values[8];
	TimestampTz from = DT_NOEND;
	TimestampTz to = DT_NOBEGIN;
	int			count = 0;
	bool		isnull;

	for (int c = 0; c < 5; c++)
		arrays[c] = palloc(sizeof(Datum) * Max(list_length(places), 1));
	for (int i = 0; i < list_length(places); i++)
	{
		const SkAuditPlace *place = list_nth(places, i);

		if (place->has_key != keyed)
			continue;
		arrays[0][count] = Int64GetDatum(place->key_hash);
		arrays[1][count] = Int64GetDatum(place->txn_id);
		arrays[2][count] = Int32GetDatum(place->n);
		arrays[3][count] = TimestampTzGetDatum(place->at);
		arrays[4][count++] = Int32GetDatum(i);
		from = Min(from, place->at);
		to = Max(to, place->at);
	}
	if (count == 0)
		return;
	for (int c = 0; c < 5; c++)
		values[c] = sk_array_of(arrays[c], count, elements[c]);
	values[5] = BoolGetDatum(all);
	values[6] = TimestampTzGetDatum(from);
	values[7] = TimestampTzGetDatum(to);
	if (SPI_execute_plan(plan_for(keyed, to - from < NEAR, lengthof(columns), columns),
						 values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_log");
	*tupdesc = SPI_tuptable->tupdesc;
	for (uint64 i = 0; i < SPI_processed; i++)
		tuples[DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], *tupdesc, RETURNED_COLUMNS + 1,
										   &isnull))] = SPI_tuptable->vals[i];
}

static char *
place_text(const SkAuditPlace *place)
{
	return psprintf(INT64_FORMAT "." INT64_FORMAT ".%d.%d", place->at, place->txn_id,
					place->command, place->n);
}

/*
 * Return events; SPI must be connected, and the caller be the log's owner.
 */
void
sk_audit_found_put(List *places, bool all, ReturnSetInfo *rsinfo)
{
	HeapTuple  *tuples = palloc0(sizeof(HeapTuple) * Max(list_length(places), 1));
	TupleDesc	tupdesc = NULL;
	Datum		values[RETURNED_COLUMNS + 2];
	bool		nulls[RETURNED_COLUMNS + 2] = {false};

	read_events(places, all, true, tuples, &tupdesc);
	read_events(places, all, false, tuples, &tupdesc);
	for (int i = 0; i < list_length(places); i++)
	{
		if (tuples[i] == NULL)
			continue;
		heap_deform_tuple(tuples[i], tupdesc, values + 1, nulls + 1);
		values[0] = CStringGetTextDatum(place_text(list_nth(places, i)));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}
