/*-------------------------------------------------------------------------
 *
 * advisor/record.c
 *	  Advice kept over time: index_advice_record().
 *
 * Each run makes advice and merges it into schemakit.index_advice.  Advice that is
 * not given any more was followed if its index exists now (or was dropped, if that
 * was the advice); then the time of the statements that it was to help is compared
 * with what they took before.  The counters of
 * pg_stat_statements go on, so what they are when the advice is found to be
 * followed is kept, and the difference counts.
 *
 * Everything runs with the rights of the caller.  Texts of statements are not kept: who
 * may read the table is not who may read pg_stat_statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arg.h"
#include "base/spi.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(schemakit_index_advice_record);

/* What is advised now: known ones are seen again, others are new. */
static const char *const merge_query =
"WITH advice AS ("
" SELECT pg_catalog.max(action) AS action,"
" (pg_catalog.array_agg(table_name::pg_catalog.text ORDER BY step))[1] AS table_name,"
" pg_catalog.array_agg(ddl ORDER BY step) AS steps,"
" coalesce((pg_catalog.array_agg(CASE WHEN action OPERATOR(pg_catalog.=) 'statistics'"
"  THEN (pg_catalog.regexp_match(coalesce(undo_ddl, ddl), '^(?:DROP STATISTICS|ANALYZE) (.*)$'))[1]"
"  ELSE (pg_catalog.regexp_match("
"   CASE WHEN action OPERATOR(pg_catalog.=) ANY ('{create,replace}'::pg_catalog.text[]) THEN undo_ddl ELSE ddl END,"
"   '\\mINDEX (?:CONCURRENTLY )?(.*)$'))[1] END ORDER BY step))[1], '') AS index_name,"
" pg_catalog.max(est_bytes) AS est_bytes, pg_catalog.max(benefit_ms_per_day) AS benefit_ms_per_day,"
" pg_catalog.max(write_ms_per_day) AS write_ms_per_day, pg_catalog.max(workload_gain_pct) AS workload_gain_pct,"
" (SELECT coalesce(pg_catalog.jsonb_agg(q OPERATOR(pg_catalog.-) 'statement'::pg_catalog.text), '[]')"
"  FROM pg_catalog.jsonb_array_elements((pg_catalog.array_agg(queries_helped ORDER BY step))[1]) AS q) AS queries_helped,"
" pg_catalog.max(confidence) AS confidence, pg_catalog.max(reason) AS reason"
" FROM schemakit.advise_indexes(time_budget => $1) GROUP BY rank),"
" merged AS ("
" INSERT INTO schemakit.index_advice AS a (action, table_name, index_name, steps, fingerprint, est_bytes, benefit_ms_per_day,"
"  write_ms_per_day, workload_gain_pct, queries_helped, confidence, reason, ms_before)"
" SELECT action, table_name, index_name, steps, pg_catalog.md5(pg_catalog.array_to_string(steps, E'\\n')), est_bytes, benefit_ms_per_day, write_ms_per_day, workload_gain_pct,"
"  queries_helped, confidence, reason,"
"  (SELECT CASE WHEN d.calls OPERATOR(pg_catalog.<>) 0::pg_catalog.float8 THEN d.ms OPERATOR(pg_catalog./) d.calls END"
"   FROM (SELECT pg_catalog.sum((q OPERATOR(pg_catalog.->>) 'ms_per_day')::pg_catalog.float8) AS ms,"
"    pg_catalog.sum((q OPERATOR(pg_catalog.->>) 'calls_per_day')::pg_catalog.float8) AS calls"
"    FROM pg_catalog.jsonb_array_elements(queries_helped) AS q) AS d)"
" FROM advice"
" ON CONFLICT (fingerprint) DO UPDATE SET last_seen = pg_catalog.now(), runs = a.runs OPERATOR(pg_catalog.+) 1,"
"  status = CASE WHEN a.status OPERATOR(pg_catalog.=) 'dismissed' THEN a.status ELSE 'open' END, followed_at = NULL, calls_then = NULL, ms_then = NULL,"
"  ms_after = NULL, est_bytes = EXCLUDED.est_bytes, benefit_ms_per_day = EXCLUDED.benefit_ms_per_day,"
"  write_ms_per_day = EXCLUDED.write_ms_per_day, workload_gain_pct = EXCLUDED.workload_gain_pct,"
"  queries_helped = EXCLUDED.queries_helped, confidence = EXCLUDED.confidence, reason = EXCLUDED.reason,"
"  ms_before = EXCLUDED.ms_before"
" RETURNING runs)"
" SELECT pg_catalog.count(*) FROM merged WHERE runs OPERATOR(pg_catalog.=) 1";

/* What was open and was not seen now: followed, or gone for another reason. */
static const char *const close_query =
"UPDATE schemakit.index_advice AS a SET followed_at = f.at, status = CASE WHEN f.at IS NULL THEN 'gone' ELSE 'followed' END"
" FROM (SELECT o.id, (SELECT pg_catalog.now() WHERE CASE WHEN o.action OPERATOR(pg_catalog.=) 'drop' THEN pg_catalog.to_regclass(o.index_name) IS NULL"
"  WHEN o.action OPERATOR(pg_catalog.=) 'statistics' AND o.steps[1] OPERATOR(pg_catalog.~) '^ANALYZE ' THEN"
"   greatest(pg_catalog.pg_stat_get_last_analyze_time(pg_catalog.to_regclass(o.index_name)),"
"    pg_catalog.pg_stat_get_last_autoanalyze_time(pg_catalog.to_regclass(o.index_name))) OPERATOR(pg_catalog.>) o.last_seen"
"  WHEN o.action OPERATOR(pg_catalog.=) 'statistics' THEN EXISTS (SELECT FROM pg_catalog.pg_statistic_ext AS x"
"   JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) x.stxnamespace"
"   WHERE pg_catalog.format('%I.%I', n.nspname, x.stxname) OPERATOR(pg_catalog.=) o.index_name)"
"  ELSE EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indexrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(o.index_name) AND i.indisvalid) END) AS at"
"  FROM schemakit.index_advice AS o WHERE o.status OPERATOR(pg_catalog.=) 'open' AND o.last_seen OPERATOR(pg_catalog.<) pg_catalog.now()) AS f"
" WHERE f.id OPERATOR(pg_catalog.=) a.id";

/*
 * The counters of the statements that followed advice was to help: kept at
 * first, then compared.  The schema of pg_stat_statements is filled in.
 */
static const char *const measure_query =
"UPDATE schemakit.index_advice AS a SET"
" calls_then = coalesce(a.calls_then, c.calls), ms_then = coalesce(a.ms_then, c.ms),"
" ms_after = CASE WHEN c.calls OPERATOR(pg_catalog.>) a.calls_then"
"  THEN (c.ms OPERATOR(pg_catalog.-) a.ms_then) OPERATOR(pg_catalog./) (c.calls OPERATOR(pg_catalog.-) a.calls_then)"
"  WHEN c.calls OPERATOR(pg_catalog.<) a.calls_then AND c.calls OPERATOR(pg_catalog.>) 0::pg_catalog.float8"
"  THEN c.ms OPERATOR(pg_catalog./) c.calls ELSE a.ms_after END"
" FROM (SELECT o.id, pg_catalog.sum(s.calls)::pg_catalog.float8 AS calls, pg_catalog.sum(s.total_exec_time)::pg_catalog.float8 AS ms"
"  FROM schemakit.index_advice AS o, pg_catalog.jsonb_array_elements(o.queries_helped) AS q, %s.pg_stat_statements AS s"
"  WHERE s.queryid OPERATOR(pg_catalog.=) (q OPERATOR(pg_catalog.->>) 'queryid')::pg_catalog.int8"
"  AND s.dbid OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())"
"  GROUP BY o.id) AS c"
" WHERE c.id OPERATOR(pg_catalog.=) a.id AND a.status OPERATOR(pg_catalog.=) 'followed'";

static const char *const schema_query =
"SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension AS e"
" JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
" WHERE e.extname OPERATOR(pg_catalog.=) 'pg_stat_statements'";

static char *
schema_of_statistics(void)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *schema = NULL;

	SPI_connect();
	if (SPI_execute(schema_query, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read extensions");
	if (SPI_processed > 0)
		schema = MemoryContextStrdup(context,
									 SPI_getvalue(SPI_tuptable->vals[0],
												  SPI_tuptable->tupdesc, 1));
	SPI_finish();
	return schema;
}

/*
 * index_advice_record(time_budget interval = '30 s') returns bigint: how many pieces
 * of advice are new.
 */
Datum
schemakit_index_advice_record(PG_FUNCTION_ARGS)
{
	Oid			types[] = {INTERVALOID};
	Datum		values[] = {PG_GETARG_DATUM(0)};
	int64		added = 0;
	char	   *schema;

	sk_arg_reject_null(fcinfo, 0, "time_budget");
	PreventCommandIfReadOnly("index_advice_record()");
	(void) sk_spi_execute(merge_query, 1, types, values, SPI_OK_SELECT, &added);
	(void) sk_spi_execute(close_query, 0, NULL, NULL, SPI_OK_UPDATE, NULL);
	schema = schema_of_statistics();
	if (schema != NULL)
		(void) sk_spi_execute(psprintf(measure_query, schema), 0, NULL, NULL,
							  SPI_OK_UPDATE, NULL);
	PG_RETURN_INT64(added);
}
