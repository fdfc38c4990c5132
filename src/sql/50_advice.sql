/*
 * Advice on indexes.
 */
CREATE FUNCTION schemakit.explain_with_indexes(
    query text,
    indexes text[],
    hide regclass[] DEFAULT '{}'
) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'schemakit_explain_with_indexes'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.explain_with_indexes(text, text[], regclass[]) IS
'EXPLAIN of a statement as if the indexes that these CREATE INDEX commands make existed, and those to hide did not. Nothing is made or executed.';

CREATE FUNCTION schemakit.estimate_index_size(index text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_estimate_index_size'
    LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION schemakit.estimate_index_size(text) IS
'the bytes that the index would have which this CREATE INDEX command makes, by the statistics of its table. Nothing is made.';

CREATE FUNCTION schemakit.advise_indexes(
    queries text[] DEFAULT NULL,
    weights float8[] DEFAULT NULL,
    schemas text[] DEFAULT NULL,
    tables regclass[] DEFAULT NULL,
    actions text[] DEFAULT '{create,drop,replace,reindex}',
    max_indexes int DEFAULT 10,
    max_width int DEFAULT 4,
    storage_budget bigint DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200,
    min_benefit float8 DEFAULT 0.01,
    max_regression float8 DEFAULT 0.10,
    min_table_size bigint DEFAULT 1048576
) RETURNS TABLE (
    rank int, step int, action text, table_name regclass, ddl text, undo_ddl text, method text,
    est_bytes bigint, benefit_ms_per_day float8, write_ms_per_day float8, workload_gain_pct float8,
    queries_helped jsonb, replaces regclass[], confidence text, reason text)
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes(text[], float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8, bigint) IS
'the indexes to create, replace, build anew and drop, for the statements in pg_stat_statements or those given: one command in each row. Nothing is changed.';

CREATE FUNCTION schemakit.advise_indexes_report(
    queries text[] DEFAULT NULL,
    weights float8[] DEFAULT NULL,
    schemas text[] DEFAULT NULL,
    tables regclass[] DEFAULT NULL,
    actions text[] DEFAULT '{create,drop,replace,reindex}',
    max_indexes int DEFAULT 10,
    max_width int DEFAULT 4,
    storage_budget bigint DEFAULT NULL,
    time_budget interval DEFAULT '30 s',
    max_queries int DEFAULT 200,
    min_benefit float8 DEFAULT 0.01,
    max_regression float8 DEFAULT 0.10,
    min_table_size bigint DEFAULT 1048576
) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes_report'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes_report(text[], float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8, bigint) IS
'what advise_indexes() has looked at with the same arguments: how much of the workload, what it skipped and why, how near to the best the advice is.';
