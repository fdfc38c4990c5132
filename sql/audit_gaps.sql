-- Rows that change without events: the past before it is not told, or the columns are null.
CREATE SCHEMA audit_gaps;
SET search_path = audit_gaps;
CREATE TABLE moments (name text PRIMARY KEY, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION now_is(name text) RETURNS void LANGUAGE sql AS $$SELECT pg_sleep(0.002); INSERT INTO audit_gaps.moments VALUES (name); SELECT pg_sleep(0.002)$$;
CREATE FUNCTION at(name text) RETURNS timestamptz LANGUAGE sql AS $$SELECT at FROM audit_gaps.moments AS m WHERE m.name = $1$$;
-- the rows as they were, or why that is not told
CREATE FUNCTION as_of(rel regclass, name text) RETURNS text LANGUAGE plpgsql AS $fn$
DECLARE
    rows text;
    why text;
BEGIN
    EXECUTE format('SELECT coalesce(string_agg(t::text, '' '' ORDER BY t::text), ''no rows'') FROM schemakit.audit_as_of(NULL::%s, $1) AS t', rel) INTO rows USING audit_gaps.at(name);
    RETURN rows;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
    RETURN regexp_replace(why, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[-+]\d\d', '<time>', 'g');
END$fn$;
CREATE VIEW gaps AS
SELECT relid, state, regexp_replace(detail, 'since .*, role ' || current_user, 'since <time>, role <me>') AS detail
FROM schemakit.status() WHERE feature = 'audit' AND relid::text !~ '\.' ORDER BY relid::text COLLATE "C";

-- partitions
CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES IN (3);
SELECT schemakit.audit_enable('parts');
INSERT INTO parts VALUES (1, 'a'), (2, 'b');
SELECT now_is('all');
-- without rows nothing comes or goes
ALTER TABLE parts DETACH PARTITION parts_3;
ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES IN (3);
SELECT as_of('parts', 'all');
ALTER TABLE parts DETACH PARTITION parts_2;
SELECT now_is('without 2');
UPDATE parts_2 SET v = 'changed meanwhile';
SELECT as_of('parts', 'all'), as_of('parts', 'without 2'), as_of('parts_2', 'without 2');
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2);
SELECT now_is('with 2');
UPDATE parts SET v = 'changed again' WHERE id = 2;
SELECT as_of('parts', 'all'), as_of('parts', 'without 2'), as_of('parts', 'with 2');
SELECT * FROM gaps;
ALTER TABLE parts DETACH PARTITION parts_2;
SELECT now_is('detached');
UPDATE parts_2 SET v = 'alone';
-- what the table was while it was a partition is not in its history
SELECT as_of('parts_2', 'without 2'), as_of('parts_2', 'with 2'), as_of('parts_2', 'detached');
SELECT op, old ->> 'v' AS old, new ->> 'v' AS new FROM schemakit.audit_history('parts_2', '{"id": 2}');
SELECT now_is('before the drop');
DROP TABLE parts_1;
SELECT now_is('after the drop');
SELECT as_of('parts', 'before the drop'), as_of('parts', 'after the drop');
INSERT INTO parts VALUES (3, 'c');
SELECT now_is('c');
CREATE SCHEMA audit_gaps_2;
ALTER TABLE parts_3 SET SCHEMA audit_gaps_2;
DROP SCHEMA audit_gaps_2 CASCADE;
SELECT as_of('parts', 'c');
SELECT * FROM gaps;
-- a table that was never audited, with rows
CREATE TABLE plain (id int PRIMARY KEY, v text);
INSERT INTO plain VALUES (5, 'x');
SELECT now_is('before plain');
ALTER TABLE parts ATTACH PARTITION plain FOR VALUES IN (5);
SELECT now_is('after plain');
SELECT as_of('parts', 'before plain'), as_of('parts', 'after plain');
-- deeper
CREATE TABLE tree (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
CREATE TABLE tree_11 PARTITION OF tree_1 FOR VALUES FROM (0) TO (10);
SELECT schemakit.audit_enable('tree');
INSERT INTO tree VALUES (1);
SELECT now_is('tree');
SELECT as_of('tree', 'tree');
ALTER TABLE tree_1 DETACH PARTITION tree_11;
SELECT as_of('tree', 'tree');
ALTER TABLE tree_1 ATTACH PARTITION tree_11 FOR VALUES FROM (0) TO (10);
SELECT now_is('tree 2');
DROP TABLE tree_1;
SELECT as_of('tree', 'tree 2');

-- a trigger of a partition that does not fire for a while
CREATE TABLE months (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE months_1 PARTITION OF months FOR VALUES IN (1);
SELECT schemakit.audit_enable('months');
SELECT now_is('months');
ALTER TABLE months_1 DISABLE TRIGGER zz_schemakit_audit;
INSERT INTO months VALUES (1);
SELECT * FROM gaps WHERE relid = 'months'::regclass;
SELECT now_is('disabled');
ALTER TABLE months_1 ENABLE TRIGGER zz_schemakit_audit;
SELECT now_is('enabled');
SELECT as_of('months', 'months'), as_of('months', 'disabled'), as_of('months', 'enabled');
ALTER TABLE months_1 DISABLE TRIGGER zz_schemakit_audit_truncate;
TRUNCATE months;
ALTER TABLE months_1 ENABLE TRIGGER zz_schemakit_audit_truncate;
SELECT now_is('truncated');
SELECT as_of('months', 'enabled'), as_of('months', 'truncated');

-- values that get another type
CREATE TABLE typed (id int PRIMARY KEY, a int, b text, c int);
SELECT schemakit.audit_enable('typed');
INSERT INTO typed VALUES (1, 10, 'x', 5), (2, 20, 'y', 6);
SELECT now_is('typed');
UPDATE typed SET a = 11 WHERE id = 1;
SELECT now_is('changed');
ALTER TABLE typed ALTER a TYPE int USING a * 100;
-- what an event tells is true, what is there now is not
SELECT as_of('typed', 'typed'), as_of('typed', 'changed');
SELECT schemakit.audit_as_of_jsonb('typed', at('typed'));
UPDATE typed SET a = 5 WHERE id = 2;
SELECT as_of('typed', 'typed');
UPDATE typed SET a = 2000 WHERE id = 2;
ALTER TABLE typed ALTER c TYPE bigint;
SELECT as_of('typed', 'typed');
SELECT now_is('computed');
UPDATE typed SET a = 1 WHERE id = 2;
SELECT as_of('typed', 'computed');
-- of the key
ALTER TABLE typed ALTER id TYPE bigint;
SELECT as_of('typed', 'computed');
SELECT count(*) FROM schemakit.audit_history('typed', '{"id": 1}');
ALTER TABLE typed ALTER id TYPE text;
SELECT as_of('typed', 'computed');
SELECT count(*) FROM schemakit.audit_history('typed', '{"id": "1"}');
SELECT now_is('text');
UPDATE typed SET b = 'z';
SELECT as_of('typed', 'text');
ALTER TABLE typed ALTER id TYPE varchar(30);
SELECT as_of('typed', 'text');
ALTER TABLE typed ALTER id TYPE int USING id::int;
SELECT as_of('typed', 'text');

-- a value of an enum that is renamed
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE DOMAIN feeling AS mood;
CREATE TYPE pair AS (one mood, two int);
CREATE TABLE moods (m mood PRIMARY KEY, v int);
CREATE TABLE people (id int PRIMARY KEY, m mood, ms mood[], f feeling, p pair, v int);
CREATE TABLE unmoved (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('moods'), schemakit.audit_enable('people'), schemakit.audit_enable('unmoved');
INSERT INTO moods VALUES ('happy', 1), ('sad', 1);
INSERT INTO people VALUES (1, 'happy', '{happy}', 'happy', ROW('happy', 1), 1);
INSERT INTO unmoved VALUES (1, 1);
SELECT now_is('mood');
UPDATE moods SET v = 2;
UPDATE people SET v = 2;
ALTER TYPE mood ADD VALUE 'new';
SELECT as_of('moods', 'mood'), as_of('people', 'mood');
ALTER TYPE mood RENAME VALUE 'happy' TO 'glad';
SELECT as_of('moods', 'mood'), as_of('people', 'mood'), as_of('unmoved', 'mood');
SELECT count(*) FROM schemakit.audit_history('moods', '{"m": "glad"}');
SELECT now_is('glad');
UPDATE moods SET v = 3;
SELECT as_of('moods', 'glad');
ALTER TYPE mood RENAME TO humour;
SELECT as_of('moods', 'glad');

-- columns that are ignored
CREATE TABLE partly (id int PRIMARY KEY, a int, seen int);
SELECT schemakit.audit_enable('partly', ignore => '{seen}');
INSERT INTO partly VALUES (1, 1, 1), (2, 2, 2);
SELECT now_is('seen');
UPDATE partly SET seen = 3;
UPDATE partly SET a = 3 WHERE id = 1;
SELECT as_of('partly', 'seen');
-- rows without key
CREATE TABLE keyless (a int, b int);
SELECT schemakit.audit_enable('keyless');
INSERT INTO keyless VALUES (1, 1), (2, 2);
SELECT now_is('keyless');
DELETE FROM keyless WHERE a = 1;
ALTER TABLE keyless ALTER b TYPE int USING -b;
SELECT as_of('keyless', 'keyless');

-- events that were removed
CREATE TABLE kept (id int PRIMARY KEY, v int);
INSERT INTO moments VALUES ('long ago', '2002-01-15'), ('later', '2003-01-15');
SELECT schemakit.audit_enable('kept');
BEGIN;
INSERT INTO kept VALUES (1, 2);
COMMIT;
SET schemakit.audit_writable = on;
UPDATE schemakit.audit_shape SET recorded_at = '2001-01-01' WHERE relid = 'kept'::regclass;
UPDATE schemakit.audit_event SET at = '2002-01-01', changed_at = '2002-06-01'
WHERE txn_id IN (SELECT txn_id FROM schemakit.audit_event WHERE shape_id IN (SELECT shape_id FROM schemakit.audit_shape WHERE relid = 'kept'::regclass));
RESET schemakit.audit_writable;
SELECT as_of('kept', 'long ago'), as_of('kept', 'later');
SELECT op FROM schemakit.audit_history('kept', '{"id": 1}');
SELECT count(*) > 0 AS removed FROM schemakit.audit_maintain('1 month', now() - '2002-03-01') WHERE action ~ 'deleted|dropped';
-- what began before, but was changed later
SELECT max(complete_since) AT TIME ZONE 'UTC' AS complete_since FROM schemakit.audit_retention;
SELECT as_of('kept', 'long ago'), as_of('kept', 'later');
SELECT op FROM schemakit.audit_history('kept', '{"id": 1}');
SELECT op FROM schemakit.audit_history('unmoved', '{"id": 1}');
SELECT * FROM schemakit.audit_maintain('1 month', '100 years');
SELECT max(complete_since) AT TIME ZONE 'UTC' AS complete_since FROM schemakit.audit_retention;
-- for other tests
SET schemakit.audit_writable = on;
DELETE FROM schemakit.audit_retention;
RESET schemakit.audit_writable;

SET client_min_messages = warning;
DROP SCHEMA audit_gaps CASCADE;
