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

/* one command where an array is wanted; an untyped argument comes here, too */
CREATE FUNCTION schemakit.explain_with_indexes(
    query text,
    indexes text,
    hide regclass[] DEFAULT '{}'
) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'schemakit_explain_with_indexes_text'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.explain_with_indexes(text, text, regclass[]) IS
'EXPLAIN of a statement as if the index that this CREATE INDEX command makes existed, and those to hide did not. Nothing is made or executed.';

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
    max_regression float8 DEFAULT 0.10
) RETURNS TABLE (
    rank int, step int, action text, table_name regclass, ddl text, undo_ddl text, method text,
    est_bytes bigint, benefit_ms_per_day float8, write_ms_per_day float8, workload_gain_pct float8,
    queries_helped jsonb, replaces regclass[], confidence text, reason text)
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes(text[], float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8) IS
'the indexes to create, replace, rebuild and drop, for the statements in pg_stat_statements or those given: one command in each row. What decides is the time that an index saves: at least the fraction min_benefit of all time. Nothing is changed.';

/* likewise */
CREATE FUNCTION schemakit.advise_indexes(
    queries text,
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
    actions text[] DEFAULT '{create,drop,replace,reindex}',
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
'what advise_indexes() looks at with the same arguments: how much of the workload, which statements it skips, which indexes it does not advise and why, and how near to the best the advice is.';

/* likewise */
CREATE FUNCTION schemakit.advise_indexes_report(
    queries text,
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
    max_regression float8 DEFAULT 0.10
) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'schemakit_advise_indexes_report_text'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.advise_indexes_report(text, float8[], text[], regclass[], text[], int, int, bigint, interval, int, float8, float8) IS
'the same for one statement.';

CREATE TABLE schemakit.index_advice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action text NOT NULL,
    table_name text NOT NULL,
    index_name text NOT NULL,
    steps text[] NOT NULL,
    fingerprint text NOT NULL UNIQUE,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'followed', 'gone', 'dismissed')),
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
'advice over time, kept by index_advice_record(): one row for each thing to do. You may set status to dismissed.';
COMMENT ON COLUMN schemakit.index_advice.id IS 'number of the advice';
COMMENT ON COLUMN schemakit.index_advice.action IS 'create, replace, reindex or drop';
COMMENT ON COLUMN schemakit.index_advice.table_name IS 'the table that it is about';
COMMENT ON COLUMN schemakit.index_advice.index_name IS 'the index that is created, rebuilt or dropped';
COMMENT ON COLUMN schemakit.index_advice.first_seen IS 'when it was given first';
COMMENT ON COLUMN schemakit.index_advice.last_seen IS 'and last';
COMMENT ON COLUMN schemakit.index_advice.est_bytes IS 'what the index takes, or frees if it is dropped';
COMMENT ON COLUMN schemakit.index_advice.benefit_ms_per_day IS 'what statements save';
COMMENT ON COLUMN schemakit.index_advice.write_ms_per_day IS 'what writing costs';
COMMENT ON COLUMN schemakit.index_advice.workload_gain_pct IS 'both together, as a part of all measured time';
COMMENT ON COLUMN schemakit.index_advice.queries_helped IS 'the statements that it is to help, as in advise_indexes()';
COMMENT ON COLUMN schemakit.index_advice.confidence IS 'high, medium or low';
COMMENT ON COLUMN schemakit.index_advice.reason IS 'why';
COMMENT ON COLUMN schemakit.index_advice.steps IS 'the commands, in their order';
COMMENT ON COLUMN schemakit.index_advice.fingerprint IS 'tells them from others';
COMMENT ON COLUMN schemakit.index_advice.status IS
'open: given in the last run; followed: not given any more, since it was done; gone: not given any more; dismissed: by you';
COMMENT ON COLUMN schemakit.index_advice.runs IS 'how often it was given';
COMMENT ON COLUMN schemakit.index_advice.ms_before IS 'milliseconds that a call of the statements to be helped took, on average, when it was last given';
COMMENT ON COLUMN schemakit.index_advice.followed_at IS 'when it was found to have been done';
COMMENT ON COLUMN schemakit.index_advice.calls_then IS 'calls of these statements until then';
COMMENT ON COLUMN schemakit.index_advice.ms_then IS 'and their time';
COMMENT ON COLUMN schemakit.index_advice.ms_after IS 'milliseconds that a call takes since';
COMMENT ON SEQUENCE schemakit.index_advice_id_seq IS 'numbers of advice';
SELECT pg_catalog.pg_extension_config_dump('schemakit.index_advice', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.index_advice_id_seq', '');

CREATE FUNCTION schemakit.index_advice_record(time_budget interval DEFAULT '30 s') RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_index_advice_record'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.index_advice_record(interval) IS
'makes the advice for the statements in pg_stat_statements, merges it into schemakit.index_advice, and returns how much of it is new.';
