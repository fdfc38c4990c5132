-- # Index advice

-- The shop has indexes on all keys, and one of them was created twice.

CREATE EXTENSION pg_stat_statements;
CREATE INDEX orders_user ON orders (user_id);
SELECT FROM pg_stat_statements_reset();

-- The columns that soft delete has added have no statistics yet. Autovacuum would collect them later.

ANALYZE;

-- The application runs 120,000 statements of eight kinds. Some of them are slow.

\! demo/workload/run

-- The advisor plans these statements with hypothetical indexes.

SELECT rank, ddl, pg_size_pretty(est_bytes) AS size, round(workload_gain_pct::numeric, 1) AS "saves %", confidence
FROM schemakit.advise_indexes() ORDER BY rank, step;

-- The report shows that it has planned the whole workload.

SELECT r -> 'coverage' AS coverage, r ->> 'planner_calls' AS plans, round((r ->> 'elapsed_ms')::numeric) AS ms
FROM schemakit.advise_indexes_report() AS r;

-- This is the plan with such an index, without creating it:

SELECT schemakit.explain_with_indexes('SELECT id, email FROM users WHERE lower(full_name) = ''quinn khan''',
                                      '{CREATE INDEX ON users (lower(full_name))}');

-- Each row is one command that can be run as it is.

CREATE TEMP TABLE before AS SELECT queryid, query, calls, mean_exec_time AS ms FROM pg_stat_statements WHERE calls > 100;
SELECT ddl FROM schemakit.advise_indexes() ORDER BY rank, step \gexec

-- The application runs the same statements again.

SELECT FROM pg_stat_statements_reset();
\! demo/workload/run

-- The execution times before and after:

SELECT left(b.query, 60) AS statement, b.calls, round(b.ms::numeric, 3) AS "ms before", round(a.mean_exec_time::numeric, 3) AS "ms now",
       round((b.ms / a.mean_exec_time)::numeric, 1) AS "times as fast"
FROM before b JOIN pg_stat_statements a USING (queryid) WHERE b.query !~ '^(BEGIN|END)' ORDER BY b.ms * b.calls DESC;

-- No statement takes a millisecond now, and there is nothing left to advise.

SELECT rank, ddl FROM schemakit.advise_indexes() ORDER BY rank, step;

-- The report has the reason for each index that is not advised: here, two foreign keys of small tables.

SELECT i ->> 'index' AS index, i ->> 'reason' AS reason
FROM jsonb_array_elements(schemakit.advise_indexes_report() -> 'not_advised') AS i;
