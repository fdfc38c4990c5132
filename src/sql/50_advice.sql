/*
 * Index advice.
 */
CREATE FUNCTION schemakit.explain_with_indexes(
    query text,
    indexes text[],
    hide regclass[] DEFAULT '{}'
) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'schemakit_explain_with_indexes'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.explain_with_indexes(text, text[], regclass[]) IS
'returns the plan of a statement as if the indexes of the CREATE INDEX commands in "indexes" existed, and those in "hide" did not.  Nothing is created or executed.';

/* one command where an array is wanted; an untyped argument comes here, too */
CREATE FUNCTION schemakit.explain_with_indexes(
    query text,
    indexes text,
    hide regclass[] DEFAULT '{}'
) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'schemakit_explain_with_indexes_text'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.explain_with_indexes(text, text, regclass[]) IS
'the same for one CREATE INDEX command.';

CREATE FUNCTION schemakit.estimate_index_size(index text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_estimate_index_size'
    LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION schemakit.estimate_index_size(text) IS
'returns the estimated size in bytes of the index of a CREATE INDEX command, from the statistics of its table.  Nothing is created.';

CREATE FUNCTION schemakit.advise_indexes(
    queries text[] DEFAULT NULL,
    weights float8[] DEFAULT NULL,
    schemas text[] DEFAULT NULL,
    tables regclass[] DEFAULT NULL,
    actions text[] DEFAULT '{create,drop,replace,reindex,statistics}',
    max_indexes int DEFAULT 10,
    max_width int DEFAULT 4,
    storage_budget bigint DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200,
    min_benefit float8 DEFAULT 0.01,
    max_regression float8 DEFAULT 0.10
) RETURNS TABLE (
    rank int, step int, action text, table_name regclass, ddl text, undo_ddl text, method text,
    est_bytes bigint, benefit_ms_per_day float8, write_ms_per_day float8, workload_gain_pct float8,
    queries_helped jsonb, replaces regclass[], confidence text, reason text)
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes(text[], float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8) IS
'returns indexes to create, replace, rebuild and drop, and statistics to collect, for the statements in pg_stat_statements or those in "queries": one command in each row.  A new index must save at least the fraction "min_benefit" of the time of all statements.  Nothing is changed.';

/* likewise */
CREATE FUNCTION schemakit.advise_indexes(
    queries text,
    weights float8[] DEFAULT NULL,
    schemas text[] DEFAULT NULL,
    tables regclass[] DEFAULT NULL,
    actions text[] DEFAULT '{create,drop,replace,reindex,statistics}',
    max_indexes int DEFAULT 10,
    max_width int DEFAULT 4,
    storage_budget bigint DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200,
    min_benefit float8 DEFAULT 0.01,
    max_regression float8 DEFAULT 0.10
) RETURNS TABLE (
    rank int, step int, action text, table_name regclass, ddl text, undo_ddl text, method text,
    est_bytes bigint, benefit_ms_per_day float8, write_ms_per_day float8, workload_gain_pct float8,
    queries_helped jsonb, replaces regclass[], confidence text, reason text)
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes_text'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes(text, float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8) IS
'the same for one statement.';

CREATE FUNCTION schemakit.advise_indexes_report(
    queries text[] DEFAULT NULL,
    weights float8[] DEFAULT NULL,
    schemas text[] DEFAULT NULL,
    tables regclass[] DEFAULT NULL,
    actions text[] DEFAULT '{create,drop,replace,reindex,statistics}',
    max_indexes int DEFAULT 10,
    max_width int DEFAULT 4,
    storage_budget bigint DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200,
    min_benefit float8 DEFAULT 0.01,
    max_regression float8 DEFAULT 0.10
) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes_report'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes_report(text[], float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8) IS
'explains the result of advise_indexes() with the same arguments: how much of the workload could be planned, which statements were skipped, why each of the slowest gets an index or none, which indexes are not advised and why, and how much more could be saved without limits.';

/* likewise */
CREATE FUNCTION schemakit.advise_indexes_report(
    queries text,
    weights float8[] DEFAULT NULL,
    schemas text[] DEFAULT NULL,
    tables regclass[] DEFAULT NULL,
    actions text[] DEFAULT '{create,drop,replace,reindex,statistics}',
    max_indexes int DEFAULT 10,
    max_width int DEFAULT 4,
    storage_budget bigint DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200,
    min_benefit float8 DEFAULT 0.01,
    max_regression float8 DEFAULT 0.10
) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes_report_text'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes_report(text, float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8) IS
'the same for one statement.';

CREATE FUNCTION schemakit.advise_indexes_explain(
    rank int,
    queries text[] DEFAULT NULL,
    weights float8[] DEFAULT NULL,
    schemas text[] DEFAULT NULL,
    tables regclass[] DEFAULT NULL,
    actions text[] DEFAULT '{create,drop,replace,reindex,statistics}',
    max_indexes int DEFAULT 10,
    max_width int DEFAULT 4,
    storage_budget bigint DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200,
    min_benefit float8 DEFAULT 0.01,
    max_regression float8 DEFAULT 0.10
) RETURNS TABLE (ddl text, queryid bigint, statement text, plan_before text, plan_after text)
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes_explain'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes_explain(int, text[], float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8) IS
'makes the advice of advise_indexes() with the same arguments again, and returns for the recommendation with this rank the plan of each statement in "queries_helped", now and after all of the advice is followed.';

/* likewise */
CREATE FUNCTION schemakit.advise_indexes_explain(
    rank int,
    queries text,
    weights float8[] DEFAULT NULL,
    schemas text[] DEFAULT NULL,
    tables regclass[] DEFAULT NULL,
    actions text[] DEFAULT '{create,drop,replace,reindex,statistics}',
    max_indexes int DEFAULT 10,
    max_width int DEFAULT 4,
    storage_budget bigint DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200,
    min_benefit float8 DEFAULT 0.01,
    max_regression float8 DEFAULT 0.10
) RETURNS TABLE (ddl text, queryid bigint, statement text, plan_before text, plan_after text)
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes_explain_text'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes_explain(int, text, float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8) IS
'the same for one statement.';

CREATE FUNCTION schemakit.advise_drop(
    index regclass,
    queries text[] DEFAULT NULL,
    weights float8[] DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200
) RETURNS TABLE (
    ddl text, undo_ddl text, bytes bigint, scans bigint, last_scan timestamptz, needed_by text[],
    more_ms_per_day float8, workload_loss_pct float8, statements jsonb)
    AS 'MODULE_PATHNAME', 'schemakit_advise_drop'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_drop(regclass, text[], float8[], interval, int) IS
'returns what is lost without an index: the statements in pg_stat_statements or in "queries" that get more expensive, the constraints that need it, and how much it was used.  Nothing is dropped.';

CREATE TABLE schemakit.index_advice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action text NOT NULL,
    table_name text NOT NULL,
    index_name text NOT NULL,
    steps text[] NOT NULL,
    fingerprint text NOT NULL UNIQUE,
    status text NOT NULL DEFAULT 'open' CHECK (status OPERATOR(pg_catalog.=) ANY ('{open,followed,gone,dismissed}'::pg_catalog.text[])),
    first_seen timestamptz NOT NULL DEFAULT pg_catalog.now(),
    last_seen timestamptz NOT NULL DEFAULT pg_catalog.now(),
    runs int NOT NULL DEFAULT 1,
    est_bytes bigint,
    benefit_ms_per_day float8,
    write_ms_per_day float8,
    workload_gain_pct float8,
    queries_helped jsonb,
    confidence text,
    reason text,
    ms_before float8,
    followed_at timestamptz,
    calls_then float8,
    ms_then float8,
    ms_after float8
);
COMMENT ON TABLE schemakit.index_advice IS
'advice over time, recorded by index_advice_record(): one row for each recommendation.  You can set status to dismissed.';
COMMENT ON COLUMN schemakit.index_advice.id IS 'number of the row';
COMMENT ON COLUMN schemakit.index_advice.action IS 'create, replace, reindex, drop or statistics';
COMMENT ON COLUMN schemakit.index_advice.table_name IS 'the table';
COMMENT ON COLUMN schemakit.index_advice.index_name IS 'the index that is created, rebuilt or dropped; for statistics, these or the table to analyze';
COMMENT ON COLUMN schemakit.index_advice.first_seen IS 'time of the first run that found it';
COMMENT ON COLUMN schemakit.index_advice.last_seen IS 'time of the last run that found it';
COMMENT ON COLUMN schemakit.index_advice.est_bytes IS 'estimated size of a new index; for drop and reindex, the size that is freed, as a negative number';
COMMENT ON COLUMN schemakit.index_advice.benefit_ms_per_day IS 'execution time that the statements save in a day';
COMMENT ON COLUMN schemakit.index_advice.write_ms_per_day IS 'write overhead of the index in a day';
COMMENT ON COLUMN schemakit.index_advice.workload_gain_pct IS 'benefit minus write overhead, in percent of the time of all statements';
COMMENT ON COLUMN schemakit.index_advice.queries_helped IS 'statements whose plans use the index, as in advise_indexes(), without their texts';
COMMENT ON COLUMN schemakit.index_advice.confidence IS 'high, medium or low';
COMMENT ON COLUMN schemakit.index_advice.reason IS 'explanation';
COMMENT ON COLUMN schemakit.index_advice.steps IS 'the commands, in their order';
COMMENT ON COLUMN schemakit.index_advice.fingerprint IS 'hash of the commands, which identifies the recommendation';
COMMENT ON COLUMN schemakit.index_advice.status IS
'open: found in the last run; followed: not found any more, because it was done; gone: not found any more, for another reason; dismissed: set by you';
COMMENT ON COLUMN schemakit.index_advice.runs IS 'number of runs that found it';
COMMENT ON COLUMN schemakit.index_advice.ms_before IS 'average execution time in milliseconds of these statements, in the last run that found it';
COMMENT ON COLUMN schemakit.index_advice.followed_at IS 'time of the run that found that it was followed';
COMMENT ON COLUMN schemakit.index_advice.calls_then IS 'total calls of these statements at followed_at';
COMMENT ON COLUMN schemakit.index_advice.ms_then IS 'total execution time of these statements at followed_at, in milliseconds';
COMMENT ON COLUMN schemakit.index_advice.ms_after IS 'average execution time in milliseconds of these statements since followed_at';
COMMENT ON SEQUENCE schemakit.index_advice_id_seq IS 'numbers of rows of schemakit.index_advice';
SELECT pg_catalog.pg_extension_config_dump('schemakit.index_advice', '');

CREATE FUNCTION schemakit.index_advice_record(time_budget interval DEFAULT '30 s') RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_index_advice_record'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.index_advice_record(interval) IS
'calls advise_indexes() for the statements in pg_stat_statements, merges the result into schemakit.index_advice, and returns the number of new rows.';
