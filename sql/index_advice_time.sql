--
-- Advice where there is much to choose from: ten tables, and each three of them joined.
-- What is known to be good when the time is over is advised.
--
CREATE SCHEMA big;
SET search_path = big;
DO $$
BEGIN
    FOR i IN 0 .. 9 LOOP
        EXECUTE format('CREATE TABLE t%s (id int, a int, b int, c int, pad text)', i);
        EXECUTE format('INSERT INTO t%s SELECT i, i * 7 %% 5000, i * 11 %% 5000, i %% 500, repeat(''x'', 100) FROM generate_series(1, 10000) AS i', i);
        EXECUTE format('ANALYZE t%s', i);
    END LOOP;
END $$;
CREATE TABLE statements AS
    SELECT array_agg(format('SELECT * FROM t%s AS x JOIN t%s AS y ON y.a = x.id JOIN t%s AS z ON z.b = y.id WHERE x.c = %s', i, j, k, i + j + k) ORDER BY i, j, k) AS those
    FROM generate_series(0, 9) AS i, generate_series(i + 1, 9) AS j, generate_series(j + 1, 9) AS k;
SELECT cardinality(those) FROM statements;

-- In a fraction of the time that all of it takes, no less than most of the gain
SET client_min_messages = warning;
SELECT count(*) > 3 AS advised FROM statements, schemakit.advise_indexes(those, time_budget => '4 s', min_benefit => 0);

-- The choice takes next to no plans, and no index that another one makes redundant
SELECT r ->> 'stopped_by' AS stopped_by, (r ->> 'planner_calls')::int < 120 * 40 AS few_calls, (r ->> 'gap')::float8 < 0.6 AS good
FROM statements, schemakit.advise_indexes_report(those, time_budget => '1 hour') AS r;

-- No time at all: that is told
SELECT r ->> 'stopped_by' AS stopped_by, (r ->> 'notes') LIKE '%the search was stopped by time_budget%Raise time_budget.%' AS told
FROM statements, schemakit.advise_indexes_report(those, time_budget => '1 us') AS r;

-- One index serves both, so the narrower one is not advised besides
CREATE TABLE item AS SELECT i AS id, i % 1000 AS owner, i % 7 AS state, repeat('x', 50) AS pad FROM generate_series(1, 20000) AS i;
ANALYZE item;
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7', 'SELECT * FROM item WHERE owner = 7 AND state = 3', 'SELECT * FROM item WHERE owner = 7 ORDER BY id'], min_benefit => 0, actions => '{create}');
DROP SCHEMA big CASCADE;
