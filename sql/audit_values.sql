-- Values and keys of odd types: what the audit log tells of them is true.
CREATE SCHEMA audit_values;
SET search_path = audit_values;
SET TimeZone = 'UTC';
SET IntervalStyle = 'postgres';
CREATE TABLE moments (name text PRIMARY KEY, at timestamptz);
CREATE FUNCTION remember(name text) RETURNS void LANGUAGE sql AS
    $$SELECT pg_sleep(0.001); INSERT INTO audit_values.moments VALUES (name, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET at = excluded.at; SELECT pg_sleep(0.001)$$;
CREATE FUNCTION at(name text) RETURNS timestamptz STABLE LANGUAGE sql AS
    $$SELECT at FROM audit_values.moments AS m WHERE m.name = $1$$;

-- keys of types whose values are documents: written as the log has them
CREATE TABLE lists (k int[] PRIMARY KEY, v int);
SELECT schemakit.audit_enable('lists');
INSERT INTO lists VALUES ('{1,2}', 1), ('{}', 2), ('{{1},{2}}', 3);
SELECT remember('lists');
UPDATE lists SET v = v + 10;
DELETE FROM lists WHERE k = '{}';
SELECT op, key, new FROM schemakit.audit_history('lists', '{"k": [1, 2]}') ORDER BY changed_at;
SELECT op FROM schemakit.audit_history('lists', '{"k": []}') ORDER BY changed_at;
SELECT * FROM schemakit.audit_as_of(NULL::lists, at('lists'), '{"k": [1, 2]}');
SELECT * FROM schemakit.audit_as_of(NULL::lists, at('lists'), '{"k": []}');
SELECT * FROM schemakit.audit_as_of(NULL::lists, at('lists'), '{"k": "{{1},{2}}"}');
CREATE TABLE documents (k jsonb PRIMARY KEY, v int);
SELECT schemakit.audit_enable('documents');
INSERT INTO documents VALUES ('null', 1), ('{"$jsonb": 1}', 2), ('{"a": 1.0}', 3), ('[]', 4);
SELECT remember('documents');
UPDATE documents SET k = '{"a": 1.00}' WHERE v = 3;
UPDATE documents SET v = v + 10;
SELECT * FROM schemakit.audit_as_of(NULL::documents, at('documents'), '{"k": {"$jsonb": null}}');
SELECT * FROM schemakit.audit_as_of(NULL::documents, at('documents'), '{"k": {"$jsonb": {"$jsonb": 1}}}');
SELECT * FROM schemakit.audit_as_of(NULL::documents, at('documents'), '{"k": {"a": 1}}');
SELECT * FROM schemakit.audit_as_of(NULL::documents, at('documents'), '{"k": {"a": 1.00}}');
SELECT op, key FROM schemakit.audit_history('documents', '{"k": {"a": 1}}') ORDER BY changed_at;

-- a value whose JSON would take more than there is room for
CREATE TABLE large (id int PRIMARY KEY, a int[], b bool[]);
SELECT schemakit.audit_enable('large');
INSERT INTO large VALUES (1, array_fill(NULL::int, ARRAY[40000000]), '{t}');
SELECT new - 'a' AS new, new #> '{a,$bytes}' AS bytes FROM schemakit.audit_history('large', '{"id": 1}');

-- types that were altered: former values are converted as the server did, or not told.
-- The rows 1 and 2 are equal at that time, and so they are told.
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE retyped (id int PRIMARY KEY, j json, r real, c char(5), n numeric, a int[], e mood, t text, v varchar(9), i inet);
SELECT schemakit.audit_enable('retyped');
INSERT INTO retyped SELECT g, '{"a": 1,  "a": 2}', 0.1, 'ab', 2.5, '{1,2}', 'sad', '17', 'x', '10.0.0.1' FROM generate_series(1, 2) AS g;
SELECT remember('retyped');
UPDATE retyped SET j = '1', r = 1, c = 'x', n = 1, a = '{}', e = 'happy', t = '1', v = 'y', i = '::1' WHERE id = 1;
ALTER TABLE retyped ALTER j TYPE jsonb, ALTER r TYPE double precision, ALTER c TYPE text, ALTER n TYPE int, ALTER a TYPE bigint[],
    ALTER e TYPE text, ALTER v TYPE text, ALTER i TYPE text;
SELECT * FROM schemakit.audit_as_of(NULL::retyped, at('retyped')) ORDER BY id;
ALTER TABLE retyped ALTER n TYPE numeric(3,1), ALTER c TYPE varchar(3), ALTER j TYPE text, ALTER e TYPE mood USING e::mood, ALTER t TYPE int USING t::int;
SELECT id, j, c, n, e, t FROM schemakit.audit_as_of(NULL::retyped, at('retyped')) ORDER BY id;
ALTER TABLE retyped ALTER c TYPE varchar(1) USING 'x';
SELECT id, c FROM schemakit.audit_as_of(NULL::retyped, at('retyped')) ORDER BY id;  -- fails
-- what depends on settings
CREATE TABLE settings (id int PRIMARY KEY, ts timestamp, tz timestamptz, d date, iv interval, a int[]);
SELECT schemakit.audit_enable('settings');
INSERT INTO settings SELECT g, '2026-01-01 00:00', '2026-01-01 00:00', '2026-01-02', '1 year', '{1,NULL}' FROM generate_series(1, 2) AS g;
SELECT remember('settings');
UPDATE settings SET ts = '2027-01-01', tz = '2027-01-01', d = '2027-01-01', iv = '2 years', a = '{}' WHERE id = 1;
SET TimeZone = 'America/New_York';
SET DateStyle = 'German';
ALTER TABLE settings ALTER ts TYPE timestamptz, ALTER tz TYPE timestamp, ALTER d TYPE text, ALTER iv TYPE text, ALTER a TYPE text;
RESET DateStyle;
SET TimeZone = 'UTC';
SELECT * FROM schemakit.audit_as_of(NULL::settings, at('settings')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of_jsonb('settings', at('settings')) AS r ORDER BY r;
-- a table without key
CREATE TABLE keyless (name text, ts timestamp);
SELECT schemakit.audit_enable('keyless');
INSERT INTO keyless VALUES ('then', '2026-01-01');
SELECT remember('keyless');
INSERT INTO keyless VALUES ('later', '2027-01-01');
ALTER TABLE keyless ALTER ts TYPE timestamptz;
SELECT * FROM schemakit.audit_as_of(NULL::keyless, at('keyless'));
-- attributes that come and go
CREATE TYPE pair AS (a int, b int);
CREATE TABLE pairs (id int PRIMARY KEY, p pair, ps pair[]);
CREATE TABLE rows_of (a int, b int);
CREATE TABLE holders (id int PRIMARY KEY, r rows_of);
SELECT schemakit.audit_enable('pairs');
SELECT schemakit.audit_enable('holders');
INSERT INTO pairs VALUES (1, '(1,2)', '{"(1,2)"}'), (2, '(1,2)', NULL);
INSERT INTO holders VALUES (1, '(1,2)'), (2, '(1,2)');
SELECT remember('pairs');
UPDATE pairs SET p = '(7,8)' WHERE id = 1;
UPDATE holders SET r = '(7,8)' WHERE id = 1;
ALTER TYPE pair DROP ATTRIBUTE b;
ALTER TYPE pair ADD ATTRIBUTE c int;
ALTER TABLE rows_of DROP b;
ALTER TABLE rows_of ADD c int;
SELECT * FROM schemakit.audit_as_of(NULL::pairs, at('pairs')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of_jsonb('pairs', at('pairs')) AS r ORDER BY r;
SELECT * FROM schemakit.audit_as_of(NULL::holders, at('pairs')) ORDER BY id;
SELECT remember('pairs again');
UPDATE pairs SET p = '(9,9)';
SELECT * FROM schemakit.audit_as_of(NULL::pairs, at('pairs again')) ORDER BY id;

-- a change of only updated_at is no event: a later time is not told as if it had been there
CREATE TABLE touched (id int PRIMARY KEY, v int, updated_at timestamptz);
SELECT schemakit.audit_enable('touched');
INSERT INTO touched VALUES (1, 1, '2020-01-01'), (2, 1, '2020-01-01'), (3, 1, '2020-01-01'), (4, 1, '2020-01-01');
SELECT remember('touched');
UPDATE touched SET updated_at = now() + interval '1 second' WHERE id <= 2;
UPDATE touched SET v = 2 WHERE id IN (2, 3);
SELECT * FROM schemakit.audit_as_of(NULL::touched, at('touched')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of_jsonb('touched', at('touched')) AS r ORDER BY r;
SELECT * FROM schemakit.audit_as_of(NULL::touched, at('touched'), '{"id": 3}') ORDER BY id;
-- without time zone, it may be in that of the session
CREATE TABLE touched_locally (id int PRIMARY KEY, updated_at timestamp);
CREATE TABLE touched_daily (id int PRIMARY KEY, updated_at date);
SELECT schemakit.audit_enable('touched_locally');
SELECT schemakit.audit_enable('touched_daily');
INSERT INTO touched_locally VALUES (1, '2020-01-01');
INSERT INTO touched_daily VALUES (1, '2020-01-01');
SELECT remember('touched');
SET TimeZone = 'America/New_York';
UPDATE touched_locally SET updated_at = clock_timestamp();
UPDATE touched_daily SET updated_at = now() + interval '2 days';
SELECT * FROM schemakit.audit_as_of(NULL::touched_locally, at('touched'));
SELECT * FROM schemakit.audit_as_of(NULL::touched_daily, at('touched'));
SET TimeZone = 'UTC';
-- rows without key
CREATE TABLE touched_keyless (v int, updated_at timestamptz);
SELECT schemakit.audit_enable('touched_keyless');
INSERT INTO touched_keyless VALUES (1, '2020-01-01'), (2, '2020-01-01');
SELECT remember('touched');
UPDATE touched_keyless SET updated_at = '2021-01-01' WHERE v = 1;
UPDATE touched_keyless SET v = 10 WHERE v = 1;
SELECT * FROM schemakit.audit_as_of(NULL::touched_keyless, at('touched')) ORDER BY v;
-- a value of which the log has only a digest
SELECT remember('large');
DELETE FROM large;
SELECT id, a, b FROM schemakit.audit_as_of(NULL::large, at('large'));

-- a key that is not unique
CREATE TABLE doubled (id int, v text);
SELECT schemakit.audit_enable('doubled', key => '{id}');
INSERT INTO doubled VALUES (1, 'a'), (1, 'b'), (2, 'c');
SELECT remember('doubled');
UPDATE doubled SET v = 'd' WHERE id = 2;
SELECT * FROM schemakit.audit_as_of(NULL::doubled, at('doubled')) ORDER BY id, v;
CREATE FUNCTION refusal(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    EXECUTE query USING at('doubled');
    RETURN NULL;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN d;
END$$;
UPDATE doubled SET v = 'z' WHERE v = 'a';
SELECT refusal('SELECT * FROM schemakit.audit_as_of(NULL::doubled, $1)');
DELETE FROM doubled WHERE v = 'z';
SELECT refusal('SELECT * FROM schemakit.audit_as_of(NULL::doubled, $1)');
SELECT refusal($$SELECT * FROM schemakit.audit_as_of_jsonb('doubled', $1, '{"id": 1}')$$);
SELECT * FROM schemakit.audit_as_of(NULL::doubled, at('doubled'), '{"id": 2}');

SET client_min_messages = warning;
DROP SCHEMA audit_values CASCADE;
