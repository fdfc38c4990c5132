--
-- advise_indexes(): what it must not overlook.  In each of these tests one thing
-- decides, most often in two cases that differ in nothing else.
--
\set VERBOSITY terse
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET default_statistics_target = 300;      -- all rows of tables this small
CREATE SCHEMA advice_more;
SET search_path = advice_more, public;

-- indexes must fit the budget together
CREATE TABLE item (id int, owner int, code int, filler text);
INSERT INTO item SELECT i, i % 5000, i * 7 % 5003, repeat('x', 100) FROM generate_series(1, 40000) AS i;
VACUUM ANALYZE item;
CREATE FUNCTION within(budget bigint) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7', 'SELECT * FROM item WHERE code = 7'],
        ARRAY[2, 1], tables => '{item}', storage_budget => budget) ORDER BY rank, step $$;
SELECT within(3 * schemakit.estimate_index_size('CREATE INDEX ON item (owner)'));
SELECT within(3 * schemakit.estimate_index_size('CREATE INDEX ON item (owner)') / 2);

-- each must bring the least benefit: these bring a half each of what there is
SELECT count(*) FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM item WHERE owner = 7', 'SELECT * FROM item WHERE code = 7'], tables => '{item}', min_benefit => 0.3);
SELECT count(*) FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM item WHERE owner = 7', 'SELECT * FROM item WHERE code = 7'], tables => '{item}', min_benefit => 0.7);

-- a partial index costs only the writes of rows that it has
CREATE TABLE task (id int, owner int, state text, filler text);
INSERT INTO task SELECT i, i % 199, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END, repeat('x', 100) FROM generate_series(1, 40000) AS i;
VACUUM ANALYZE task;
SELECT ddl FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM task WHERE state = ''open'' AND owner = 100', 'INSERT INTO task (id, state) VALUES ($1, ''done'')'], ARRAY[1, 1e5], tables => '{task}');
SELECT ddl FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM task WHERE owner = 100', 'INSERT INTO task (id, state) VALUES ($1, ''done'')'], ARRAY[1, 1e5], tables => '{task}');

-- updates that are heap-only, and would not be with a new index, write all others
CREATE TABLE stock (id int PRIMARY KEY, price int, a int, b int, c int, d int, e int, f int, g int, h int, filler text);
INSERT INTO stock SELECT i, i % 1000, i, i, i, i, i, i, i, i, repeat('x', 100) FROM generate_series(1, 40000) AS i;
CREATE INDEX ON stock (a);
CREATE INDEX ON stock (b);
CREATE INDEX ON stock (c);
CREATE INDEX ON stock (d);
CREATE INDEX ON stock (e);
CREATE INDEX ON stock (f);
CREATE INDEX ON stock (g);
CREATE INDEX ON stock (h);
VACUUM ANALYZE stock;
SELECT ddl FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM stock WHERE price = 7', 'UPDATE stock SET price = $1 WHERE id = $2'], ARRAY[1, 1600], tables => '{stock}', actions => '{create}');
CREATE INDEX ON stock (h) WHERE price < 0;    -- now they are not heap-only anyway
SELECT ddl FROM schemakit.advise_indexes(
    ARRAY['SELECT * FROM stock WHERE price = 7', 'UPDATE stock SET price = $1 WHERE id = $2'], ARRAY[1, 1600], tables => '{stock}', actions => '{create}');

-- of two partial indexes, the one that goes is the one whose rows the other has, too
CREATE TABLE half (a int, b int);
INSERT INTO half SELECT i, nullif(i % 200, 0) FROM generate_series(1, 10000) AS i;
CREATE INDEX narrow ON half (a) WHERE b > 50;
CREATE INDEX wide ON half (a) WHERE b IS NOT NULL;
SELECT ddl, reason FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{half}');

-- an index that stays for CLUSTER is not replaced by a wider one
CREATE TABLE swap (a int, b int, filler text);
INSERT INTO swap SELECT i % 5000, i, repeat('x', 60) FROM generate_series(1, 40000) AS i;
CREATE INDEX swap_a ON swap (a);
VACUUM ANALYZE swap;
SELECT action, ddl, replaces FROM schemakit.advise_indexes(ARRAY['SELECT a, sum(b) FROM swap WHERE a < 400 GROUP BY a'], tables => '{swap}') ORDER BY rank, step;
ALTER TABLE swap CLUSTER ON swap_a;
SELECT action, ddl, replaces FROM schemakit.advise_indexes(ARRAY['SELECT a, sum(b) FROM swap WHERE a < 400 GROUP BY a'], tables => '{swap}') ORDER BY rank, step;

-- indexes of partitions that cannot become parts of the new one
CREATE TABLE part (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (50000);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (50000) TO (100000);
INSERT INTO part SELECT i, i FROM generate_series(0, 99999) AS i;
ANALYZE part;
CREATE FUNCTION for_part() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM part WHERE b = $1'], tables => '{part}', actions => '{create}')
    ORDER BY rank, step $$;
CREATE INDEX taken ON part_1 (b);
SELECT for_part();                        -- this one can
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'taken'::regclass;
SELECT for_part();                        -- it is not valid
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'taken'::regclass;
CREATE INDEX of_another ON ONLY part (b NULLS FIRST);
ALTER INDEX of_another ATTACH PARTITION taken;
SELECT for_part();                        -- it is a part of another
DROP INDEX of_another;
CREATE INDEX taken ON part_1 (b) WHERE a > 5;
SELECT for_part();                        -- it has not all rows

-- what serves a foreign key: the columns that refer come first, and it has all rows
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (x int, y int, parent int REFERENCES parent);
INSERT INTO parent SELECT generate_series(1, 5000);
INSERT INTO child SELECT i, i, 1 + i % 5000 FROM generate_series(1, 60000) AS i;
ANALYZE parent, child;
CREATE FUNCTION for_key() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{child}', actions => '{create}') $$;
SELECT for_key();
CREATE INDEX child_last ON child (x, y, parent);
SELECT for_key();                         -- does not serve it
CREATE INDEX child_some ON child (parent) WHERE x = 1;
SELECT for_key();                         -- nor does this
CREATE INDEX child_first ON child (parent, x, y);
SELECT for_key();

-- what nobody has used goes, but not both of two that are the same, nor the last that serves a foreign key
CREATE PROCEDURE read(tab regclass, n int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. n LOOP
        EXECUTE format('SELECT count(*) FROM %s', tab);
    END LOOP;
    PERFORM pg_stat_force_next_flush();
END $$;
CREATE FUNCTION dropped(tab regclass, queries text[] DEFAULT '{}') RETURNS TABLE (ddl text, reason text) LANGUAGE sql AS $$
    SELECT ddl, regexp_replace(reason, ' for [0-9.]+ days, .*', '') FROM schemakit.advise_indexes(queries, tables => ARRAY[tab], actions => '{drop}')
    ORDER BY rank, step $$;
SET schemakit.advice_unused_days = 0;
SET enable_indexonlyscan = off;           -- so that read() uses no index
CREATE TABLE twin (r int REFERENCES parent, x int);
INSERT INTO twin SELECT 1 + i % 5000, i FROM generate_series(1, 10000) AS i;
CREATE INDEX twin_r1 ON twin (r);
CREATE INDEX twin_r2 ON twin (r);
CREATE INDEX twin_x1 ON twin (x);
CREATE INDEX twin_x2 ON twin (x);
CREATE TABLE sibling (r int REFERENCES parent, x int, y int);
INSERT INTO sibling SELECT 1 + i % 5000, i, i FROM generate_series(1, 10000) AS i;
CREATE INDEX sibling_rx ON sibling (r, x);
CREATE INDEX sibling_ry ON sibling (r, y);
CREATE INDEX sibling_x ON sibling (x);
CALL read('twin', 300);
CALL read('sibling', 300);
SELECT * FROM dropped('twin');
SELECT * FROM dropped('sibling');

-- nor goes an index whose table was seldom read, or that a statement would use
CREATE TABLE seldom (a int, b int, filler text);
INSERT INTO seldom SELECT i, i, repeat('x', 40) FROM generate_series(1, 10000) AS i;
CREATE INDEX seldom_b ON seldom (b);
ANALYZE seldom;
CALL read('seldom', 50);
SELECT * FROM dropped('seldom');
CALL read('seldom', 300);
SELECT * FROM dropped('seldom', ARRAY['SELECT * FROM seldom WHERE a = 7']);
SELECT * FROM dropped('seldom', ARRAY['SELECT * FROM seldom WHERE b = 7']);

-- what belongs to an extension stays, an index or a table (only a table can be added by command)
CREATE TABLE member (a int);
INSERT INTO member SELECT generate_series(1, 1000);
CREATE INDEX member_1 ON member (a);
CREATE INDEX member_2 ON member (a);
SELECT * FROM dropped('member');
INSERT INTO pg_depend SELECT 'pg_class'::regclass, 'member_2'::regclass, 0, 'pg_extension'::regclass, oid, 0, 'e' FROM pg_extension WHERE extname = 'plpgsql';
SELECT * FROM dropped('member');
DELETE FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = 'member_2'::regclass AND deptype = 'e';
ALTER EXTENSION plpgsql ADD TABLE member;
SELECT * FROM dropped('member');
ALTER EXTENSION plpgsql DROP TABLE member;

DROP SCHEMA advice_more CASCADE;
