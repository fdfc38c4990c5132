-- Every value comes back as it was, whatever its type and the session's settings.
CREATE SCHEMA audit_types;
SET search_path = audit_types;
SET TimeZone = 'UTC';
CREATE TYPE mood AS ENUM ('sad', 'so "so"', 'happy');
CREATE TYPE pair AS (a int, b text, at timestamptz);
CREATE DOMAIN posint AS int CHECK (value > 0);
CREATE DOMAIN texts AS text[];
CREATE TYPE floats AS RANGE (SUBTYPE = float8);
CREATE TYPE spans AS RANGE (SUBTYPE = interval);
CREATE TABLE t (
    id int PRIMARY KEY,
    b bool, i2 int2, i8 int8, n numeric, n2 numeric(10,4), f4 float4, f8 float8, m money,
    tx text, vc varchar(10), bc char(5), nm name, ch "char", by bytea, uu uuid,
    js json, jb jsonb, xm xml,
    d date, ti time, tz timetz, ts timestamp(3), tstz timestamptz, iv interval,
    ip inet, mac macaddr, bt bit(3), vb varbit, pt point, ts_v tsvector,
    rg tstzrange, mr int4multirange, md mood, pr pair, po posint, rc regclass, o oid,
    ia int[], ta text[], ma int[][], lb int[], ja jsonb[], da date[], tm texts, pa pair[],
    fr floats, ir spans,
    g int GENERATED ALWAYS AS (id * 2) STORED, ident int GENERATED ALWAYS AS IDENTITY
);
SELECT schemakit.audit_enable('t');
INSERT INTO t (id) VALUES (0);
INSERT INTO t VALUES (1,
    true, -32768, 9223372036854775807, 1.50, 1.5, 1.1, 1.1, 1.1,
    E'line\nbreak "quoted" \\ end', 'abc', 'ab', 'a name', 'x', '\x00ff5c', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    '{"b": 1,  "a": "\u0000", "b": 2}', '{"b": 1, "a": [1.0, null, "x"]}', '<a>x</a>',
    '2026-02-28', '12:34:56.789', '12:34:56+05:30', '2026-02-28 12:34:56.789', '2026-02-28 12:34:56.789012+02', '1 year 2 mons -3 days +04:05:06.7',
    '10.0.0.1/8', '08:00:2b:01:02:03', B'101', B'1', '(1.1,-0)', 'fat:1A cat:2',
    '[2026-01-01 00:00+00,2027-01-01 00:00+00)', '{[1,3),[5,7)}', 'so "so"', '(1,"x,y",2026-01-01 00:00+00)', 1, 'audit_types.t', 42,
    '{1,NULL,3}', '{a,"b c",NULL,"NULL",""}', '{{1,2},{3,4}}', '[0:1]={1,2}', ARRAY['null', '{"a":1}', NULL]::jsonb[], '{2026-01-01,infinity}', '{x,y}', '{"(1,x,)",NULL}',
    '[0.1234567890123,1]', '[1 day 02:00:00,3 mons]');
INSERT INTO t (id, n, n2, f4, f8, d, ts, tstz, iv, jb, js, ia, tx, bc, tz)
VALUES (2, 'NaN', 'NaN', 'NaN', 'NaN', 'infinity', 'infinity', '-infinity', '0', 'null', 'null', '{}', '', '', '24:00+15:59'),
       (3, 'Infinity', 0, '-Infinity', '-Infinity', '0044-03-15 BC', '0044-03-15 BC', '294276-12-31 23:59:59.999999+00', '-178000000 years', '{"$jsonb": null}', '"x"', NULL, NULL, NULL, NULL),
       (4, 1e100, -0.0001, '-0', '-0', '4713-01-01 BC', '2000-01-01', '4713-01-01 00:00+00 BC', '1 mon -1 day', '"text"', '[]', '{1}', repeat('ü', 5000), NULL, NULL),
       (5, 0.00000000000000000000000000000000000001, 1, 1e-45, 5e-324, NULL, NULL, NULL, '-1 day -02:00', '1.00', ' 1 ', NULL, 'null', NULL, NULL),
       (6, -1.000, NULL, 3.4028235e38, 1.7976931348623157e308, NULL, NULL, NULL, NULL, '[]', NULL, NULL, '{"$jsonb": null}', NULL, NULL),
       (7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"$bytes": 1, "$sha256": "x"}', '{"$bytes": 1, "$sha256": "x"}', NULL, '{"$bytes": 1, "$sha256": "x"}', NULL, NULL);
CREATE TABLE copy AS SELECT * FROM t;
CREATE TABLE moment AS SELECT clock_timestamp() AS at;

-- what is stored does not depend on settings, and an update tells of each column what it was
SELECT jsonb_pretty(new) FROM schemakit.audit_log WHERE op = 'I' AND key = '{"id": 1}' AND table_name = 'audit_types.t';
SELECT length(new ->> 'tx') = length((SELECT tx FROM copy WHERE id = 4)) AS beyond_ascii FROM schemakit.audit_log WHERE op = 'I' AND key = '{"id": 4}' AND table_name = 'audit_types.t';
SELECT new -> 'jb' AS jb, new -> 'js' AS js, left(new ->> 'f8', 20) AS f8, left(new ->> 'n', 20) AS n, new -> 'd' AS d, new -> 'iv' AS iv
FROM schemakit.audit_log WHERE op = 'I' AND key -> 'id' > '1' AND table_name = 'audit_types.t' ORDER BY key;
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET bytea_output = 'escape';
SET extra_float_digits = -5;
SET xmloption = 'document';
SET search_path = pg_catalog;
DELETE FROM audit_types.t;
SET search_path = audit_types;
SELECT count(*) AS deletes, count(*) FILTER (WHERE d.old = i.new) AS as_inserted
FROM schemakit.audit_log d JOIN schemakit.audit_log i USING (key, table_name)
WHERE d.op = 'D' AND i.op = 'I' AND table_name = 'audit_types.t';

-- and all of it comes back, under any settings
CREATE TABLE back AS SELECT * FROM schemakit.audit_as_of(NULL::t, (SELECT at FROM moment));
RESET ALL;
SET search_path = audit_types;
SELECT count(*), count(*) FILTER (WHERE was *= now) AS same_image FROM copy was JOIN back now USING (id);
SELECT id FROM copy was JOIN back now USING (id) WHERE NOT was *= now ORDER BY id;

-- an update of each column to another value, and back
INSERT INTO t OVERRIDING SYSTEM VALUE SELECT (json_populate_record(NULL::t, to_json(c))).id FROM copy c WHERE id = 0;
UPDATE t SET n = 1.0;
UPDATE t SET n = 1.00;
UPDATE t SET jb = 'null', f8 = '0';
UPDATE t SET jb = NULL, f8 = '-0';
UPDATE t SET js = '{"a":1}';
UPDATE t SET js = '{"a": 1}';
SELECT old, new FROM schemakit.audit_log WHERE op = 'U' AND table_name = 'audit_types.t' ORDER BY txn_id, command, n;

-- a large value that is left alone costs nothing; one that changes is stored whole
CREATE TABLE big (id int PRIMARY KEY, a text, doc jsonb, n int);
ALTER TABLE big ALTER a SET STORAGE EXTERNAL;
SELECT schemakit.audit_enable('big');
INSERT INTO big VALUES (1, repeat('x', 100000), (SELECT jsonb_object_agg(i, repeat('y', 100)) FROM generate_series(1, 1000) i), 1);
UPDATE big SET n = 2;
UPDATE big SET a = a || 'z';
SELECT op, length(old::text) < 1000 AS small, length(new ->> 'a') AS a, length(new ->> 'doc') AS doc FROM schemakit.audit_log
WHERE table_name = 'audit_types.big' ORDER BY txn_id, command, n;

-- a column that the table got with a default, and one that it lost
CREATE TABLE defaults (id int PRIMARY KEY, gone int);
INSERT INTO defaults VALUES (1, 1);
ALTER TABLE defaults ADD COLUMN a text DEFAULT 'fast', DROP COLUMN gone;
SELECT schemakit.audit_enable('defaults', capture => 'full');
UPDATE defaults SET id = id, a = 'set';
SELECT old, new FROM schemakit.audit_log WHERE table_name = 'audit_types.defaults';

-- keys of all kinds, which histories are found by
CREATE TABLE keys (a numeric, b text, c timestamptz, d uuid, v int, PRIMARY KEY (a, b, c, d));
SELECT schemakit.audit_enable('keys');
INSERT INTO keys VALUES (1.0, 'x', '2026-01-01 00:00+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1);
UPDATE keys SET v = 2;
SELECT op, old, new ->> 'v' AS v FROM schemakit.audit_history('keys', '{"c": "2026-01-01 05:30+05:30", "b": "x", "a": 1.000, "d": "A0EEBC999C0B4EF8BB6D6BB9BD380A11"}');
CREATE TABLE jsonkeys (k jsonb PRIMARY KEY, v int);
SELECT schemakit.audit_enable('jsonkeys');
INSERT INTO jsonkeys VALUES ('{"a": [1, 2]}', 1), ('null', 2), ('"x"', 3);
UPDATE jsonkeys SET v = v + 1;
SELECT op, key, old FROM schemakit.audit_history('jsonkeys', '{"k": {"a": [1, 2]}}');
SELECT op, key, old FROM schemakit.audit_history('jsonkeys', '{"k": {"$jsonb": null}}');

-- no columns at all
CREATE TABLE nothing ();
SELECT schemakit.audit_enable('nothing');
INSERT INTO nothing DEFAULT VALUES;
SELECT op, key, new FROM schemakit.audit_log WHERE table_name = 'audit_types.nothing';
SELECT count(*) FROM schemakit.audit_as_of(NULL::nothing, clock_timestamp());
SELECT count(*) FROM schemakit.audit_as_of(NULL::nothing, (SELECT max(recorded_at) FROM schemakit.audit_shape WHERE table_name = 'nothing'));

SET client_min_messages = warning;
DROP SCHEMA audit_types CASCADE;
