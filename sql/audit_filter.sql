-- Rows as they were, whose columns had given values.
CREATE SCHEMA audit_filter;
SET search_path = audit_filter;
SET TimeZone = 'UTC';
CREATE TABLE moments (name text PRIMARY KEY, at timestamptz);
CREATE FUNCTION remember(name text) RETURNS void LANGUAGE sql AS
    $$SELECT pg_sleep(0.001); INSERT INTO audit_filter.moments VALUES (name, clock_timestamp()); SELECT pg_sleep(0.001)$$;
CREATE FUNCTION at(name text) RETURNS timestamptz STABLE LANGUAGE sql AS
    $$SELECT at FROM audit_filter.moments AS m WHERE m.name = $1$$;
CREATE TABLE items (id int PRIMARY KEY, order_id int, n numeric, s text, secret text);
SELECT schemakit.audit_enable('items', exclude => '{secret}');
INSERT INTO items VALUES (1, 7, 1.0, 'a'), (2, 7, 2, 'b'), (3, 7, 3, NULL), (4, 8, 1, 'a'), (5, NULL, 5, 'a'), (6, 7, 6, 'f');
SELECT remember('first');
UPDATE items SET order_id = 8 WHERE id = 1;     -- was of order 7
UPDATE items SET order_id = 7 WHERE id = 4;     -- is of order 7 now
UPDATE items SET s = 'c' WHERE id = 2;
DELETE FROM items WHERE id = 3;
INSERT INTO items VALUES (9, 7, 9, 'new');
UPDATE items SET id = 60 WHERE id = 6;
UPDATE items SET order_id = 9 WHERE id = 60;
SELECT id, order_id, n, s FROM schemakit.audit_as_of(NULL::items, at('first'), '{"order_id": 7}') ORDER BY id;
SELECT id, order_id, n, s FROM schemakit.audit_as_of(NULL::items, now(), '{"order_id": 7}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"order_id": null}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"order_id": 7, "s": "b"}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"order_id": 7, "s": null}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"n": 1}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"id": 6, "order_id": 7}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"order_id": 70}') ORDER BY id;
SELECT schemakit.audit_as_of_jsonb('items', at('first'), '{"order_id": 7}') AS r ORDER BY r;
SELECT * FROM schemakit.audit_as_of(NULL::items, at('first'), '{"order": 7}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::items, at('first'), '{"secret": "x"}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::items, at('first'), '{"order_id": "seven"}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::items, at('first'), '{}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::items, at('first'), '7');  -- fails
SELECT * FROM schemakit.audit_history('items', '{"order_id": 7}');  -- fails

-- columns that had another name
ALTER TABLE items RENAME order_id TO belongs_to;
ALTER TABLE items ADD order_id int DEFAULT 7;
SELECT remember('renamed');
UPDATE items SET belongs_to = 10 WHERE belongs_to = 7;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"belongs_to": 7}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('renamed'), '{"belongs_to": 7}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('renamed'), '{"order_id": 7, "belongs_to": 8}') ORDER BY id;
-- another type: values are compared in the present one
ALTER TABLE items ALTER s TYPE varchar(20);
ALTER TABLE items ALTER n TYPE text;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"n": "1.0"}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('first'), '{"s": "a"}') ORDER BY id;
-- whoever asks for some rows is not told of others that their columns do not take
ALTER TABLE items ALTER n TYPE int USING length(n);
SELECT remember('lengths');
UPDATE items SET n = 100000 WHERE id = 1;
SELECT remember('large');
UPDATE items SET n = 1 WHERE id = 1;
ALTER TABLE items ALTER n TYPE smallint;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('large'), '{"belongs_to": 10}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::items, at('large'), '{"belongs_to": 8}') ORDER BY id;  -- fails
SELECT schemakit.audit_as_of_jsonb('items', at('large'), '{"belongs_to": 8}') -> 'n' AS n;

-- values that are equal and written differently
CREATE TABLE spans (id int PRIMARY KEY, i interval, f float8, d timestamptz);
SELECT schemakit.audit_enable('spans');
INSERT INTO spans VALUES (1, '1 day', 0, 'infinity'), (2, '24 hours', '-0', '2020-01-01'), (3, '2 days', 1, '-infinity');
SELECT remember('spans');
UPDATE spans SET i = '3 days', f = 3, d = now();
SELECT id FROM schemakit.audit_as_of(NULL::spans, at('spans'), '{"i": "24:00:00"}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::spans, at('spans'), '{"f": 0}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::spans, at('spans'), '{"d": "infinity"}') ORDER BY id;
SELECT id FROM schemakit.audit_as_of(NULL::spans, at('spans'), '{"d": "2020-01-01 01:00+01"}') ORDER BY id;

-- without key
CREATE TABLE heap (a int, b text);
SELECT schemakit.audit_enable('heap');
INSERT INTO heap VALUES (1, 'x'), (1, 'x'), (1, 'y'), (2, 'x');
SELECT remember('heap');
DELETE FROM heap WHERE b = 'y';
UPDATE heap SET a = 3 WHERE a = 1;
SELECT * FROM schemakit.audit_as_of(NULL::heap, at('heap'), '{"a": 1}') ORDER BY 1, 2;
SELECT * FROM schemakit.audit_as_of(NULL::heap, at('heap'), '{"b": "x"}') ORDER BY 1, 2;

-- tables that inherit, with a key of their own
CREATE TABLE parents (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('parents');
CREATE TABLE children (id int, v int, extra int PRIMARY KEY) INHERITS (parents);
INSERT INTO parents VALUES (1, 1), (2, 2);
INSERT INTO children VALUES (1, 1, 10), (2, 1, 20);
SELECT remember('family');
UPDATE parents SET v = 9;
SELECT id, v FROM schemakit.audit_as_of(NULL::parents, at('family'), '{"v": 1}') ORDER BY 1, 2;
SELECT id, v FROM schemakit.audit_as_of(NULL::parents, at('family'), '{"id": 2}') ORDER BY 1, 2;

-- what is not known is said, even if no row is found
CREATE TABLE emptied (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('emptied', truncate_rows => false);
INSERT INTO emptied VALUES (1, 1);
SELECT remember('emptied');
TRUNCATE emptied;
DO $$BEGIN PERFORM * FROM schemakit.audit_as_of(NULL::audit_filter.emptied, audit_filter.at('emptied'), '{"v": 5}');
EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE NOTICE '%', regexp_replace(SQLERRM, ' at .*', ''); END$$;

-- a row that has changed often does not hide another one
CREATE TABLE flapping (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('flapping');
INSERT INTO flapping VALUES (1, 7), (2, 7);
SELECT remember('flapping');
DO $$BEGIN FOR i IN 1..4100 LOOP UPDATE audit_filter.flapping SET v = 15 - v WHERE id = 1; END LOOP; END$$;
UPDATE flapping SET v = 1 WHERE id = 2;
SELECT * FROM schemakit.audit_as_of(NULL::flapping, at('flapping'), '{"v": 7}') ORDER BY id;

-- Whatever has happened: as if all rows were asked for.  In one of the columns there are
-- few values, so that all rows are looked at.
CREATE TABLE many (id int PRIMARY KEY, few int, several int, t text) PARTITION BY RANGE (id);
CREATE TABLE many_1 PARTITION OF many FOR VALUES FROM (0) TO (1000);
CREATE TABLE many_2 PARTITION OF many FOR VALUES FROM (1000) TO (100000);
CREATE INDEX ON many (several);
SELECT schemakit.audit_enable('many');
INSERT INTO many SELECT i, i % 3, i % 100, 'x' FROM generate_series(1, 4500) AS i;
SELECT remember('many');
UPDATE many SET several = (several + 1) % 100 WHERE id % 7 = 0;
UPDATE many SET few = (few + 1) % 3, t = 'y' WHERE id % 5 = 0;
DELETE FROM many WHERE id % 11 = 0;
INSERT INTO many SELECT i * 11, 1, i % 100, 'z' FROM generate_series(1, 100) AS i;
UPDATE many SET id = id + 50000 WHERE id % 13 = 0;
UPDATE many SET several = NULL WHERE id % 17 = 0;
CREATE TABLE was AS SELECT * FROM schemakit.audit_as_of(NULL::many, at('many'));
SELECT count(*), sum(id), sum(few), sum(several) FROM was;
CREATE FUNCTION differences(filter jsonb) RETURNS bigint LANGUAGE sql AS $$
    WITH a AS (SELECT w.* FROM audit_filter.was AS w WHERE to_jsonb(w) @> filter), b AS (SELECT * FROM schemakit.audit_as_of(NULL::audit_filter.many, audit_filter.at('many'), filter))
    SELECT (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d)$$;
SELECT sum(differences(jsonb_build_object('several', i))) AS several FROM generate_series(0, 100, 7) AS i;
SELECT sum(differences(jsonb_build_object('few', i))) AS few FROM generate_series(0, 3) AS i;
SELECT sum(differences(jsonb_build_object('few', i % 3, 'several', i))) AS two FROM generate_series(0, 100, 9) AS i;
SELECT sum(differences(jsonb_build_object('t', 'x'))) AS every;

SET client_min_messages = warning;
DROP SCHEMA audit_filter CASCADE;
