-- The advisor looks at other people's statements, tables and code.
CREATE SCHEMA safety;
SET search_path = safety;
CREATE ROLE safety_low;
GRANT ALL ON SCHEMA safety TO safety_low;
-- rows of the same kind as in the index: a cast that a comparison brings along is a part of it
CREATE TABLE number (id int, wide bigint, small smallint);
INSERT INTO number SELECT i, i, i % 30000 FROM generate_series(1, 50000) AS i;
VACUUM ANALYZE number;
SELECT ddl FROM schemakit.advise_indexes('{SELECT * FROM number WHERE id = 5.0}');
SELECT ddl FROM schemakit.advise_indexes('{SELECT * FROM number WHERE wide BETWEEN 5.5 AND 7.5}');
SELECT ddl FROM schemakit.advise_indexes('{SELECT * FROM number WHERE id = 5::float8}') \gexec
SELECT ddl FROM schemakit.advise_indexes('{SELECT * FROM number WHERE id = 5::float8}');
CREATE FUNCTION as_numeric(bigint) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1';
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM number', '{CREATE INDEX ON number ((as_numeric(wide)))}');
-- so is a collation, or there is no such advice
CREATE TABLE word (c text COLLATE "C", p text COLLATE "POSIX", d text);
INSERT INTO word SELECT 'c' || i, 'p' || i, 'd' || i FROM generate_series(1, 50000) AS i;
VACUUM ANALYZE word;
\set words 'ARRAY[$$SELECT * FROM word WHERE lower(d COLLATE "POSIX") = \'d5\'$$, $$SELECT * FROM word WHERE (c || p COLLATE "POSIX") = \'c5\'$$]'
SELECT ddl FROM schemakit.advise_indexes(:words) \gexec
SELECT ddl FROM schemakit.advise_indexes(:words);
SELECT indexname, substring(indexdef FROM 'USING.*') FROM pg_indexes WHERE tablename = 'word';
-- what cannot be compared or is too long has no b-tree
CREATE TABLE shape (p point[]);
INSERT INTO shape SELECT ARRAY[point(i, i)] FROM generate_series(1, 50000) AS i;
CREATE TABLE page (id int, title text, body text);
INSERT INTO page SELECT i, 'title ' || i, CASE WHEN i % 50 = 0 THEN (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 200) AS j) ELSE md5(i::text) END FROM generate_series(1, 20000) AS i;
VACUUM ANALYZE shape, page;
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM shape WHERE p = ''{}''']);
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM page WHERE body = $1', 'SELECT * FROM page WHERE title = $1']);
DO $$BEGIN PERFORM schemakit.estimate_index_size('CREATE INDEX ON safety.page (id) INCLUDE (body)'); EXCEPTION WHEN program_limit_exceeded THEN RAISE NOTICE 'too long'; END$$;
-- an index that could not be built is mended or dropped, and nothing is advised beside it
CREATE INDEX page_body ON page (body) WHERE body < '';
UPDATE pg_index SET indpred = NULL, indisvalid = false WHERE indexrelid = 'page_body'::regclass;
SELECT action, ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM page WHERE body = $1'], tables => '{page}');
DROP INDEX page_body;
CREATE TABLE parts (a int, b int) PARTITION BY LIST (a);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
CREATE UNIQUE INDEX parts_unique ON ONLY parts (a, b);
CREATE UNIQUE INDEX part_1_unique ON part_1 (a, b);
ALTER INDEX parts_unique ATTACH PARTITION part_1_unique;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'part_1_unique'::regclass;
SELECT action, ddl FROM schemakit.advise_indexes('{}', tables => '{parts,part_1}');
-- one on a partitioned table that was never finished is none
CREATE TABLE halfway (a int, b int, filler text) PARTITION BY LIST (a);
CREATE TABLE halfway_1 PARTITION OF halfway FOR VALUES IN (1);
INSERT INTO halfway SELECT 1, i, repeat('x', 100) FROM generate_series(1, 30000) AS i;
VACUUM ANALYZE halfway;
CREATE INDEX ON ONLY halfway (b);
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes('{SELECT * FROM halfway WHERE b = 5}');
-- a foreign table among the partitions has no index
CREATE FOREIGN DATA WRAPPER safety_wrapper;
CREATE SERVER safety_server FOREIGN DATA WRAPPER safety_wrapper;
CREATE TABLE mixed (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES FROM (0) TO (50000);
CREATE TABLE mixed_2 PARTITION OF mixed FOR VALUES FROM (50000) TO (100000) PARTITION BY RANGE (b);
CREATE TABLE mixed_2_1 PARTITION OF mixed_2 FOR VALUES FROM (0) TO (5000);
INSERT INTO mixed SELECT i, i % 5000 FROM generate_series(0, 99999) AS i;
SET default_statistics_target = 500;      -- all rows
VACUUM ANALYZE mixed;
RESET default_statistics_target;
CREATE FOREIGN TABLE mixed_3 PARTITION OF mixed FOR VALUES FROM (100000) TO (200000) SERVER safety_server;
SELECT schemakit.advise_indexes_report('{SELECT * FROM mixed WHERE b = 7 AND a < 100000}')->'coverage'->'planned' AS planned;
SELECT ddl, undo_ddl FROM schemakit.advise_indexes('{SELECT * FROM mixed WHERE b = 7 AND a < 100000}');
SELECT ddl FROM schemakit.advise_indexes('{SELECT * FROM mixed WHERE b = 7 AND a < 100000}') \gexec
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid::regclass::text ~ '^mixed' ORDER BY indexrelid::regclass::text COLLATE "C";
DROP TABLE mixed;
DROP FOREIGN DATA WRAPPER safety_wrapper CASCADE;
-- of two that are the same one stays, however little it was used
CREATE TABLE twin (a int);
INSERT INTO twin SELECT i FROM generate_series(1, 50000) AS i;
CREATE INDEX twin_older ON twin (a);
CREATE INDEX twin_newer ON twin (a);
VACUUM ANALYZE twin;
DO $$BEGIN FOR i IN 1..150 LOOP PERFORM * FROM twin WHERE a = i; END LOOP; END$$;
SELECT pg_stat_force_next_flush();
SELECT pg_stat_clear_snapshot();
SET schemakit.advice_unused_days = 0;
SELECT ddl FROM schemakit.advise_indexes('{}', tables => '{twin}');
RESET schemakit.advice_unused_days;
-- what somebody else has written does not run with the rights of who asks
SET ROLE safety_low;
CREATE FUNCTION spy() RETURNS void LANGUAGE plpgsql AS
    $$BEGIN IF current_user <> 'safety_low' THEN RAISE EXCEPTION 'this runs as somebody else'; END IF; END$$;
CREATE FUNCTION difference(a float8, b float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM safety.spy(); RETURN a - b; END$$;
CREATE FUNCTION spied(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM safety.spy(); RETURN $1; END$$;
CREATE FUNCTION spied_equal(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM safety.spy(); RETURN $1 = $2; END$$;
CREATE FUNCTION spied_valid(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM safety.spy(); RETURN true; END$$;
CREATE TYPE spied_range AS RANGE (subtype = float8, subtype_diff = difference);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = spied_equal, RESTRICT = eqsel);
CREATE DOMAIN spied_int AS int CHECK (spied_valid(VALUE));
CREATE TABLE bait (id int, r spied_range, other spied_range, filler text);
INSERT INTO bait SELECT i % 100, spied_range(i, i + 5), NULL, repeat('x', 1000) FROM generate_series(1, 3000) AS i;
ANALYZE bait;
RESET ROLE;
CREATE FUNCTION sized(index text) RETURNS bool LANGUAGE sql AS 'SELECT schemakit.estimate_index_size(index) > 0';
SELECT sized('CREATE INDEX ON bait ((coalesce(r, other)))'), sized('CREATE INDEX ON bait USING gist ((coalesce(r, other)))');
SELECT sized('CREATE INDEX ON bait ((spied(id)))'), sized('CREATE INDEX ON bait (id) WHERE spied(id) = 5');
SELECT sized('CREATE INDEX ON bait (id) WHERE id === 5'), sized('CREATE INDEX ON bait ((id::spied_int))');
CREATE DOMAIN nested_int AS spied_int;
SELECT sized('CREATE INDEX ON bait ((id::nested_int))');
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes('{"SELECT * FROM bait WHERE coalesce(r, other) = ''[1,2)''"}');
SET ROLE safety_low;
SELECT sized('CREATE INDEX ON bait ((spied(id)))');
RESET ROLE;
-- nor what is in indexes and statistics of a table that is only looked at
SET ROLE safety_low;
CREATE STATISTICS bait_statistics ON (id + spied(1)), filler FROM bait;
CREATE INDEX ON bait ((id + spied(2)));
CREATE INDEX ON bait (id) WHERE id > spied(3);
RESET ROLE;
SELECT sized('CREATE INDEX ON bait (id)'), sized('CREATE INDEX ON bait ((lower(filler)))'), sized('CREATE INDEX ON bait (id) WHERE lower(filler) = ''y''');
SELECT count(*) FROM schemakit.advise_indexes('SELECT * FROM twin WHERE a = 7', tables => '{bait,twin}', actions => '{create,drop}') WHERE table_name = 'bait'::regclass;
-- nor are rows read that who asks may not read
CREATE TABLE secret (id int, owner text, value text);
INSERT INTO secret SELECT i, CASE WHEN i % 2 = 0 THEN 'safety_low' ELSE 'bob' END, CASE WHEN i % 2 = 0 THEN i::text ELSE 'secret ' || i END FROM generate_series(1, 20000) AS i;
ANALYZE secret;
GRANT SELECT (id) ON secret TO safety_low;
SET ROLE safety_low;
SELECT count(*) > 0 FROM schemakit.explain_with_indexes('SELECT id FROM secret', '{CREATE INDEX ON secret ((value::int)) WHERE id = 777}');
SELECT sized('CREATE INDEX ON secret ((value::int)) WHERE id = 777');  -- fails
RESET ROLE;
GRANT SELECT ON secret TO safety_low;
SET ROLE safety_low;
\set VERBOSITY terse
SELECT sized('CREATE INDEX ON secret ((value::int)) WHERE id = 777');  -- fails: may read it
\set VERBOSITY default
RESET ROLE;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret FOR SELECT USING (owner = current_user);
SET ROLE safety_low;
SELECT sized('CREATE INDEX ON secret ((value::int)) WHERE id = 777');
-- nor can they be guessed at
SELECT schemakit.estimate_index_size('CREATE INDEX ON secret (value) WHERE value ~ ''ret''') = schemakit.estimate_index_size('CREATE INDEX ON secret (value) WHERE value ~ ''xyz''') AS same;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA safety CASCADE;
DROP ROLE safety_low;
