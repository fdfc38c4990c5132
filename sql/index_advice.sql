--
-- advise_indexes(): which indexes, and that what it prints runs.  Statements are
-- given here; those of pg_stat_statements are in test/t/130_advice.pl.
--
\set VERBOSITY terse
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET default_statistics_target = 300;      -- all rows of tables this small
SELECT FROM setseed(0.5);
CREATE SCHEMA advice;
SET search_path = advice, public;

CREATE TABLE item (
    id int PRIMARY KEY, owner int, kind int, code text COLLATE "C", made timestamptz,
    deleted_at timestamptz, price int, tags int[], doc jsonb, note text, state text, body tsvector,
    hot boolean);
INSERT INTO item
    SELECT i, (random() * 2000)::int, (random() * 50)::int, 'code' || i, timestamptz '2026-01-01' + i * interval '1 minute',
           CASE WHEN random() < 0.95 THEN timestamptz '2026-06-01' END, (random() * 1000)::int,
           ARRAY[(random() * 3000)::int, (random() * 3000)::int],
           jsonb_build_object('k', (random() * 5000)::int), repeat('x', 100), CASE WHEN random() < 0.02 THEN 'open' ELSE 'done' END,
           to_tsvector('english', 'word' || i % 3000), i % 500 = 0
    FROM generate_series(1, 40000) AS i;
VACUUM ANALYZE item;

-- what is advised for one statement
CREATE FUNCTION advised(query text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_replace(ddl, 'CREATE INDEX (CONCURRENTLY )?\S+ ', '') FROM schemakit.advise_indexes(ARRAY[query], actions => '{create}')
    WHERE ddl LIKE 'CREATE%' ORDER BY rank, step $$;
SELECT advised('SELECT * FROM item WHERE owner = 7');
SELECT advised('SELECT * FROM item WHERE owner = $1 AND made > $2');
SELECT advised('SELECT * FROM item WHERE owner IN ($1, $2, $3)');
SELECT advised('SELECT * FROM item WHERE owner IN ($1 /*, ... */)');
SELECT advised('SELECT * FROM item WHERE code LIKE ''code123%''');
SELECT advised('SELECT * FROM item ORDER BY made DESC LIMIT 5');
SELECT advised('SELECT * FROM item ORDER BY price DESC, made LIMIT 5');
SELECT advised('SELECT * FROM item ORDER BY price DESC NULLS LAST LIMIT $1');
SELECT advised('SELECT * FROM item WHERE owner = $1 ORDER BY made DESC LIMIT 5');
SELECT advised('SELECT max(price) FROM item');
SELECT advised('SELECT * FROM item WHERE owner = 5 OR code = ''code9''');
SELECT advised('SELECT * FROM item WHERE lower(note) = $1 OR upper(code) = ''CODE7''');
SELECT advised('SELECT * FROM item WHERE upper(code) = ''CODE7''');
SELECT advised('SELECT * FROM item WHERE doc ->> ''k'' = ''77''');
SELECT advised('SELECT * FROM item WHERE doc @> ''{"k": 7}''');
SELECT advised('SELECT * FROM item WHERE tags @> ''{77}''');
SELECT advised('SELECT * FROM item WHERE body @@ to_tsquery(''english'', ''word7'')');
SELECT advised('SELECT * FROM item WHERE deleted_at IS NULL AND made > ''2026-01-20'' ORDER BY made LIMIT 100');
CREATE TABLE book AS SELECT i % 50 AS room, tstzrange('2026-01-01 UTC'::timestamptz + i * interval '10 minutes',
    '2026-01-01 UTC'::timestamptz + i * interval '10 minutes' + interval '1 hour') AS during, repeat('x', 40) AS filler FROM generate_series(1, 40000) AS i;
CREATE TABLE line WITH (fillfactor = 10) AS SELECT '2026-01-01 UTC'::timestamptz + i * interval '1 minute' AS at, i AS n, repeat('x', 100) AS filler FROM generate_series(1, 40000) AS i;
ANALYZE book, line;
SELECT advised('SELECT * FROM book WHERE during && tstzrange(''2026-02-01 UTC'', ''2026-02-02 UTC'')');
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT sum(n) FROM line WHERE at >= $1 AND at < $2'], storage_budget => 200000);
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT sum(n) FROM line WHERE at >= $1 AND at < $2']);
SELECT advised('SELECT id FROM item WHERE state = ''open'' ORDER BY made');
SELECT advised('SELECT sum(price) FROM item WHERE owner < 100');
SELECT advised('SELECT * FROM item WHERE hot');
SELECT advised('SELECT * FROM item WHERE NOT hot AND owner = 5');
SELECT advised('UPDATE item SET price = 0 WHERE code = $1');
SELECT advised('DELETE FROM item WHERE owner = $1');
SELECT advised('SELECT b.* FROM item a JOIN item b ON b.owner = a.id WHERE a.code = $1');
SELECT advised('SELECT * FROM (SELECT * FROM item WHERE kind > 3) AS s WHERE s.owner = 3');
SELECT advised('WITH x AS (SELECT * FROM item) SELECT * FROM x WHERE owner = 3');
-- none where there is nothing to gain
SELECT advised('SELECT * FROM item WHERE id = 7');
SELECT advised('SELECT count(*) FROM item WHERE note <> $1');
SELECT advised('SELECT * FROM item');
SELECT advised('INSERT INTO item (id) VALUES (0)');
SELECT advised('SELECT 1');

-- a table that is written much more than read gets none, and the report says why
SELECT advised FROM advised('SELECT * FROM item WHERE owner = 7');
SELECT count(*) FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM item WHERE owner = 7', 'INSERT INTO item (id) VALUES ($1)'], ARRAY[1, 1e7], actions => '{create}');
SELECT i ->> 'index' AS index, i ->> 'reason' AS reason, (i ->> 'workload_gain_pct')::float8 < 0 AS loses FROM schemakit.advise_indexes_report(
    ARRAY['SELECT * FROM item WHERE owner = 7', 'INSERT INTO item (id) VALUES ($1)'], ARRAY[1, 1e7], actions => '{create}') AS r, jsonb_array_elements(r -> 'not_advised') AS i;
-- nor one on a column that is updated all the time
SELECT count(*) FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM item WHERE price = 7', 'UPDATE item SET price = price + 1 WHERE id = $1'], ARRAY[1, 1e6], actions => '{create}');

-- limits
SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7', 'SELECT * FROM item WHERE code = $1'], max_indexes => 1);
SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7'], storage_budget => 1000);
SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7'], schemas => '{public}');
SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7'], tables => '{item}');
SELECT max(array_length(regexp_split_to_array(ddl, ','), 1)) <= 2 FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM item WHERE owner = 7 AND kind = 3 AND price = 4'], max_width => 2);
SELECT benefit_ms_per_day, write_ms_per_day, workload_gain_pct > 90, jsonb_array_length(queries_helped), replaces, confidence
    FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7']);

-- every command runs as it is printed, and is not printed again; odd names
CREATE TABLE "Odd ""Name" ("Key ""1" int, "from" text, x int);
INSERT INTO "Odd ""Name" SELECT i, 'v' || i, i % 100 FROM generate_series(1, 40000) AS i;
CREATE TABLE part (at date, item int, what text) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE part_2 (what text, gone int, item int, at date) PARTITION BY LIST (item);
ALTER TABLE part_2 DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE part_2a PARTITION OF part_2 FOR VALUES IN (0, 1, 2, 3);
CREATE TABLE "part 2B" PARTITION OF part_2 DEFAULT;
INSERT INTO part SELECT date '2026-01-01' + i % 59, i % 20000, 'what' || i FROM generate_series(1, 60000) AS i;
ANALYZE "Odd ""Name";
ANALYZE part;
CREATE TABLE statement (query text);
INSERT INTO statement VALUES
    ('SELECT * FROM "Odd ""Name" WHERE "Key ""1" = 5'), ('SELECT * FROM "Odd ""Name" WHERE lower("from") = ''v7'''),
    ('SELECT * FROM part WHERE item = $1'), ('SELECT * FROM part WHERE what = ''what7'' AND at > ''2026-02-03'''),
    ('SELECT * FROM item WHERE upper(code) = ''CODE7'''), ('SELECT * FROM item WHERE tags @> ''{77}'''),
    ('SELECT * FROM item WHERE deleted_at IS NULL AND owner = 5');
SELECT rank, step, action, ddl, undo_ddl FROM schemakit.advise_indexes((SELECT array_agg(query) FROM statement)) ORDER BY rank, step;
SELECT ddl FROM schemakit.advise_indexes((SELECT array_agg(query) FROM statement)) ORDER BY rank, step \gexec
SELECT rank, step, ddl FROM schemakit.advise_indexes((SELECT array_agg(query) FROM statement));
SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid;
DROP TABLE part, "Odd ""Name";

-- what exists already: duplicates, what others cover, what must stay
CREATE TABLE kept (a int, b int, c text, u int UNIQUE, CONSTRAINT kept_pkey PRIMARY KEY (a));
INSERT INTO kept SELECT i, i % 100, 'c' || i, i FROM generate_series(1, 30000) AS i;
CREATE INDEX kept_b1 ON kept (b);
CREATE INDEX kept_b2 ON kept (b);                         -- the same
CREATE INDEX kept_bc ON kept (b, c);                      -- covers both, but is much larger
CREATE INDEX kept_bd ON kept (b, a);
CREATE INDEX kept_a ON kept (a);                          -- the primary key
CREATE INDEX kept_u ON kept (u DESC);                     -- the unique constraint, backward
CREATE INDEX kept_c ON kept (c);
CREATE INDEX kept_cp ON kept (c text_pattern_ops);        -- another operator class
CREATE INDEX kept_cc ON kept (c COLLATE "POSIX");         -- another collation
CREATE INDEX kept_cpart ON kept (c) WHERE b = 1;          -- a part of the rows, which kept_c has
CREATE INDEX kept_ci ON kept (c) INCLUDE (b);             -- more than kept_c
CREATE UNIQUE INDEX kept_ua ON kept (a, b);               -- says more than it finds
CREATE INDEX kept_h ON kept USING hash (b);               -- another method
CREATE INDEX kept_n ON kept (b NULLS FIRST);              -- another order
ANALYZE kept;
SELECT action, ddl, undo_ddl, confidence, reason FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{kept}') ORDER BY rank, step;
SELECT ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{kept}') ORDER BY rank, step \gexec
SELECT count(*) FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{kept}');
-- those of a partitioned table go together, and not if a part must stay
CREATE TABLE parted (a int, b int, c int, d int) PARTITION BY RANGE (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10000);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10000) TO (20000);
INSERT INTO parted SELECT i, i, i, i FROM generate_series(0, 19999) AS i;
CREATE INDEX parted_b1 ON parted (b);
CREATE INDEX parted_b2 ON parted (b);                     -- the same
CREATE INDEX parted_c ON parted (c);
CREATE INDEX parted_cd ON parted (c, d);                  -- covers it
CREATE INDEX parted_1_cd ON parted_1 (c, d);              -- a partition has its part already
CREATE INDEX parted_d1 ON parted (d);
CREATE INDEX parted_d2 ON parted (d);
CREATE INDEX parted_da ON ONLY parted (d, a);             -- not valid: no partition has it
ALTER TABLE parted_2 CLUSTER ON parted_2_d_idx;
ALTER TABLE parted_1 CLUSTER ON parted_1_d_idx1;
ANALYZE parted;
SELECT action, ddl, undo_ddl, est_bytes < 0 AS frees, reason FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{parted,parted_1,parted_2}') ORDER BY rank, step;
SELECT ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{parted,parted_1,parted_2}') ORDER BY rank, step \gexec
SELECT count(*) FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{parted,parted_1,parted_2}');
-- what a replica identity or CLUSTER goes by stays
CREATE TABLE identity (a int NOT NULL, b int);
CREATE UNIQUE INDEX identity_a1 ON identity (a);
CREATE INDEX identity_b1 ON identity (b);
CREATE INDEX identity_b2 ON identity (b);
CREATE INDEX identity_b3 ON identity (b);
ALTER TABLE identity REPLICA IDENTITY USING INDEX identity_a1;
ALTER TABLE identity CLUSTER ON identity_b3;
SELECT ddl, reason FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{identity}') ORDER BY rank, step;
DROP TABLE identity, parted;
-- an index that is replaced by a wider one
CREATE TABLE swap (a int, b int, filler text);
INSERT INTO swap SELECT i % 5000, i, repeat('x', 60) FROM generate_series(1, 40000) AS i;
CREATE INDEX swap_a ON swap (a);
VACUUM ANALYZE swap;
SELECT action, ddl, replaces FROM schemakit.advise_indexes(ARRAY['SELECT a, sum(b) FROM swap WHERE a < 400 GROUP BY a']) ORDER BY rank, step;
SELECT action, ddl FROM schemakit.advise_indexes(ARRAY['SELECT a, sum(b) FROM swap WHERE a < 400 GROUP BY a'], actions => '{create}') ORDER BY rank, step;
-- foreign keys
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (parent int REFERENCES parent, x int, y int);
INSERT INTO parent SELECT generate_series(1, 5000);
INSERT INTO child SELECT 1 + i % 5000, i, i FROM generate_series(1, 60000) AS i;
CREATE INDEX child_parent ON child (parent);
DROP INDEX child_parent;
SELECT action, ddl, confidence, reason FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{child}') ORDER BY rank, step;
-- a foreign key whose rows are deleted comes with the statements
SELECT ddl, regexp_replace(reason, '[0-9.]+ %', 'n %') AS reason FROM schemakit.advise_indexes(ARRAY['DELETE FROM parent WHERE id = $1'], tables => '{child}') ORDER BY rank, step;
-- columns in another order serve the key as well
ALTER TABLE parent ADD COLUMN z int DEFAULT 1, ADD UNIQUE (id, z);
ALTER TABLE child DROP CONSTRAINT child_parent_fkey, ADD COLUMN z int DEFAULT 1, ADD FOREIGN KEY (parent, z) REFERENCES parent (id, z);
CREATE INDEX child_zp ON child (z, parent, x);
SELECT count(*) FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{child}', actions => '{create}');
-- an index whose build has failed
CREATE TABLE broken (a int);
INSERT INTO broken SELECT i % 10 FROM generate_series(1, 100) AS i;
CREATE UNIQUE INDEX CONCURRENTLY broken_a ON broken (a);  -- fails
SELECT action, ddl, undo_ddl, reason FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{broken}');
DELETE FROM broken WHERE ctid > '(0,10)';
SELECT ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{broken}') \gexec
SELECT count(*) FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{broken}');

-- other things that make an index invalid, and what a failed REINDEX leaves
CREATE INDEX broken_b ON broken (a);
CREATE INDEX broken_c_ccnew1 ON broken ((a + 1));
CREATE INDEX broken_d ON broken ((1 / (a + 1)));
UPDATE pg_index SET indisvalid = false WHERE indrelid = 'broken'::regclass;
SELECT action, ddl, undo_ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{broken}');
SELECT action, ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{broken}', actions => '{reindex}');
SELECT ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{broken}') \gexec
SELECT count(*) FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{broken}');
-- options decide what an index can do, but for b-trees
CREATE TABLE opted (a int, b int);
INSERT INTO opted SELECT i, i FROM generate_series(1, 1000) AS i;
CREATE INDEX opted_a1 ON opted USING brin (a);
CREATE INDEX opted_a2 ON opted USING brin (a) WITH (pages_per_range = 2);
CREATE INDEX opted_a3 ON opted USING brin (a);
CREATE INDEX opted_a4 ON opted USING brin (a int4_bloom_ops (n_distinct_per_range = 100));
CREATE INDEX opted_a5 ON opted USING brin (a int4_bloom_ops (n_distinct_per_range = 200));
CREATE INDEX opted_b1 ON opted (b);
CREATE INDEX opted_b2 ON opted (b) WITH (fillfactor = 50);
SELECT ddl, undo_ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{opted}') ORDER BY rank, step;
-- what is replaced is not dropped once more
CREATE TABLE twice AS SELECT i AS a, i % 1000 AS b, i % 10 AS c, repeat('x', 40) AS filler FROM generate_series(1, 100000) AS i;
CREATE INDEX twice_b1 ON twice (b);
CREATE INDEX twice_b2 ON twice (b);
CREATE INDEX twice_b3 ON twice (b) WITH (fillfactor = 20);
ANALYZE twice;
SELECT action, ddl FROM schemakit.advise_indexes(ARRAY['SELECT b, c FROM twice WHERE b = 3 AND c = 4', 'SELECT b FROM twice WHERE b = 4 ORDER BY c, a LIMIT 5']) ORDER BY rank, step;
-- the way back does not depend on search_path
CREATE FUNCTION twice_of(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1 * 2;
CREATE TABLE pathed (a int);
INSERT INTO pathed SELECT generate_series(1, 100);
CREATE INDEX pathed_1 ON pathed (twice_of(a));
CREATE INDEX pathed_2 ON pathed (twice_of(a));
SELECT ddl, undo_ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{pathed}');
-- indexes that partitions have become parts of the new one
CREATE TABLE partial (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE partial_1 (b int, a int);
ALTER TABLE partial ATTACH PARTITION partial_1 FOR VALUES FROM (0) TO (50000);
CREATE TABLE partial_2 PARTITION OF partial FOR VALUES FROM (50000) TO (100000);
INSERT INTO partial SELECT i, i FROM generate_series(0, 99999) AS i;
CREATE INDEX partial_there ON partial_1 (b);
ANALYZE partial;
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM partial WHERE b = $1']) ORDER BY rank, step;
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM partial WHERE b = $1']) ORDER BY rank, step \gexec
SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM partial WHERE b = $1']);
SELECT inhrelid::regclass, inhparent::regclass, indisvalid FROM pg_inherits JOIN pg_index ON indexrelid = inhparent WHERE inhparent = 'partial_b_idx'::regclass ORDER BY 1;
SELECT count(*) FILTER (WHERE l ~ 'Index Scan') FROM schemakit.explain_with_indexes('SELECT * FROM partial WHERE b = 7', '{}') AS l;
SELECT count(*) FILTER (WHERE l ~ 'Index Scan') FROM schemakit.explain_with_indexes('SELECT * FROM partial WHERE b = 7', '{}', '{partial_b_idx}') AS l;
SELECT schemakit.explain_with_indexes('SELECT 1', '{}', '{partial}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{}', '{1}');
DROP TABLE broken, opted, twice, pathed, partial;

-- statements that cannot be planned are told with a reason
SELECT r -> 'coverage', r -> 'skipped' FROM schemakit.advise_indexes_report(ARRAY[
    'SELECT * FROM item WHERE nosuch = 1', 'SELECT * FROM nosuch', 'VACUUM', 'SELECT', 'nonsense', '', 'SELECT 1; SELECT 2',
    'SELECT $1 + $2', 'SELECT date $1 + interval $2 month', 'EXPLAIN SELECT * FROM item', 'SELECT ''open']) AS r;

-- arguments
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1', NULL]);
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], ARRAY[1, 2]);
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], ARRAY[-1]);
SELECT schemakit.advise_indexes_report(weights => ARRAY[1]);
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], actions => '{create,build}');
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], actions => NULL);
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], max_width => 0);
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], max_indexes => -1);
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], min_benefit => 'NaN');
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], time_budget => '0');
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1'], schemas => '{nosuch}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"DROP TABLE item"}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"CREATE INDEX ON nosuch (a)"}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"CREATE INDEX ON item (nosuch)"}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"CREATE INDEX ON item ((random() + id))"}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"CREATE INDEX ON item USING nosuch (id)"}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"CREATE INDEX ON item (id) TABLESPACE nosuch"}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"CREATE INDEX ON item (id) TABLESPACE pg_global"}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"CREATE INDEX ON item USING gin (id)"}');
SELECT schemakit.explain_with_indexes('SELECT 1', '{"CREATE INDEX ON pg_stats (tablename)"}');
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM item WHERE item = NULL', '{CREATE INDEX ON item ((item))}') AS line WHERE line !~ 'Replaces:';
SELECT schemakit.explain_with_indexes(NULL, '{}');
SELECT schemakit.estimate_index_size('SELECT 1');

-- an index that exists can be hidden
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM item WHERE id = 5', '{}') AS l WHERE l ~ 'item_pkey';
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM item WHERE id = 5', '{}', '{item_pkey}') AS l WHERE l ~ 'item_pkey';

-- what is no index is not advised, and says so where it is asked for
SELECT advised('SELECT * FROM item WHERE ctid::text = ''(0,1)''');
SELECT schemakit.estimate_index_size('CREATE INDEX ON item ((ctid::text))');
SELECT schemakit.estimate_index_size('CREATE INDEX ON item (id) WITH (fillfactor = 1000)');
CREATE TABLE eav (k text, v text, n int);
INSERT INTO eav SELECT CASE WHEN i % 10 = 0 THEN 'num' ELSE 'txt' END, CASE WHEN i % 10 = 0 THEN (i / 10 % 2)::text ELSE 'some' END, i FROM generate_series(1, 60000) AS i;
ANALYZE eav;
SELECT advised('SELECT * FROM eav WHERE n = 5 AND v::int = 1');
SELECT count(*) FROM schemakit.estimate_index_size('CREATE INDEX ON eav ((v::bool))');     -- fails
SELECT schemakit.explain_with_indexes('SELECT * FROM eav WHERE n = 5', '{CREATE INDEX ON eav ((v::bool))}');     -- fails
CREATE TABLE fixed (c char(10), b bit(8));
INSERT INTO fixed SELECT 'c' || i, i::bit(8) FROM generate_series(1, 20000) AS i;
ANALYZE fixed;
SELECT schemakit.estimate_index_size('CREATE INDEX ON fixed (lower(c))') > 400000;
-- a partition that is a foreign table has no indexes
CREATE FOREIGN DATA WRAPPER advice_fdw;
CREATE SERVER advice_server FOREIGN DATA WRAPPER advice_fdw;
CREATE TABLE mixed (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES FROM (0) TO (100000);
CREATE FOREIGN TABLE mixed_2 PARTITION OF mixed FOR VALUES FROM (100000) TO (200000) SERVER advice_server;
INSERT INTO mixed SELECT i, i FROM generate_series(1, 60000) AS i;
SELECT advised('SELECT * FROM mixed WHERE b = 5 AND a < 100');
SELECT r -> 'skipped' -> 0 -> 'reason' FROM schemakit.advise_indexes_report(ARRAY['SELECT * FROM mixed WHERE b = 5']) AS r;
DROP SERVER advice_server CASCADE;

-- nothing is changed, nothing stays locked, and a read-only transaction will do
CREATE TABLE before AS SELECT count(*) AS n FROM pg_class;
BEGIN READ ONLY;
SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE kind = 7', 'UPDATE item SET kind = 1 WHERE note = $1']);
SELECT relation::regclass, mode FROM pg_locks WHERE relation IN ('item'::regclass, 'kept'::regclass);
COMMIT;
SELECT n = (SELECT count(*) - 1 FROM pg_class) FROM before;

-- other users: with their own rights, and nothing that they may not read
CREATE ROLE regress_advice;
GRANT USAGE ON SCHEMA advice TO regress_advice;
SET ROLE regress_advice;
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1']);      -- fails
SELECT schemakit.explain_with_indexes('SELECT * FROM item WHERE owner = 5', '{}');      -- fails
SELECT schemakit.estimate_index_size('CREATE INDEX ON item (owner)');   -- fails
RESET ROLE;
DO $$BEGIN
    EXECUTE (SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %s TO regress_advice', oid::regprocedure), ';') FROM pg_proc
        WHERE pronamespace = 'schemakit'::regnamespace AND proname LIKE 'advise_indexes%');
END$$;
SET ROLE regress_advice;
SELECT r -> 'skipped' FROM schemakit.advise_indexes_report(ARRAY['SELECT * FROM advice.item WHERE owner = 5']) AS r;
RESET ROLE;
GRANT SELECT ON item TO regress_advice;
SET ROLE regress_advice;
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM advice.item WHERE owner = 5']);
RESET ROLE;
-- constants from statistics are not shown to who may not read them
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON item USING (id < 0);
SET ROLE regress_advice;
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM advice.item WHERE code = $1', '{}') AS l WHERE l ~ 'code\d';
RESET ROLE;
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM advice.item WHERE code = $1', '{}') AS l WHERE l ~ 'code\d';
DROP SCHEMA advice CASCADE;
DROP FOREIGN DATA WRAPPER advice_fdw;
DROP OWNED BY regress_advice;
DROP ROLE regress_advice;
