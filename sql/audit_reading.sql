-- Reading the audit log: the story of a row, a table as it was, what has been committed since.
CREATE SCHEMA audit_reading;
SET search_path = audit_reading;
SET TimeZone = 'UTC';
CREATE TABLE moments (name text PRIMARY KEY, at timestamptz);
CREATE FUNCTION remember(name text) RETURNS void LANGUAGE sql AS
    $$SELECT pg_sleep(0.001); INSERT INTO audit_reading.moments VALUES (name, clock_timestamp()); SELECT pg_sleep(0.001)$$;
CREATE FUNCTION at(name text) RETURNS timestamptz STABLE LANGUAGE sql AS
    $$SELECT at FROM audit_reading.moments AS m WHERE m.name = $1$$;

CREATE TABLE users (id int PRIMARY KEY, name text, age int, gone text);
SELECT remember('before');
SELECT schemakit.audit_enable('users');
INSERT INTO users VALUES (1, 'ann', 30, 'a'), (2, 'bob', 40, 'b'), (3, 'carl', 50, 'c'), (4, 'dan', 60, 'd');
SELECT remember('first');
UPDATE users SET age = 31 WHERE id = 1;
UPDATE users SET age = 32, name = 'anna' WHERE id = 1;
DELETE FROM users WHERE id = 2;
UPDATE users SET id = 33 WHERE id = 3;
UPDATE users SET id = 3 WHERE id = 4;  -- the key of another row before
INSERT INTO users VALUES (2, 'bea', 20, 'b2');
SELECT remember('second');
ALTER TABLE users RENAME name TO nick;
ALTER TABLE users ALTER age TYPE text USING age || ' years';
ALTER TABLE users DROP gone;
ALTER TABLE users ADD extra int DEFAULT 7;
SELECT remember('altered');
UPDATE users SET nick = 'x', extra = 8 WHERE id = 1;
TRUNCATE users;
ALTER TABLE users RENAME TO people;
INSERT INTO people VALUES (1, 'new', '1', 1);

SELECT * FROM schemakit.audit_as_of(NULL::people, at('first')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::people, at('second')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::people, at('altered')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::people, clock_timestamp());
-- one row
SELECT * FROM schemakit.audit_as_of(NULL::people, at('first'), '{"id": 3}');
SELECT * FROM schemakit.audit_as_of(NULL::people, at('second'), '{"id": 3}');
SELECT * FROM schemakit.audit_as_of(NULL::people, at('first'), '{"id": 33}');
SELECT * FROM schemakit.audit_as_of(NULL::people, at('second'), '{"id": "33"}');

-- stories
SELECT op, key, old, new FROM schemakit.audit_history('people', '{"id": 1}');
SELECT op, key, old FROM schemakit.audit_history('people', '{"id": 2}');
-- 3 was carl, who is 33 now, and then dan, who was 4
SELECT op, key, old, new FROM schemakit.audit_history('people', '{"id": 3}');
SELECT op, key, old FROM schemakit.audit_history('people', '{"id": 33}');
SELECT op, key, old FROM schemakit.audit_history('people', '{"id": 4}');
SELECT count(*) FROM schemakit.audit_history('people', '{"id": 99}');

-- what cannot be told, is not
\set VERBOSITY terse
\set SHOW_CONTEXT never
DO $$BEGIN PERFORM * FROM schemakit.audit_as_of(NULL::audit_reading.people, audit_reading.at('before'));
EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE NOTICE '%', regexp_replace(sqlerrm, ' at .*', ' at ...'); END$$;
SELECT schemakit.audit_disable('people');
UPDATE people SET nick = 'unseen';
SELECT schemakit.audit_enable('people');
SELECT remember('enabled again');
UPDATE people SET nick = 'seen';
SELECT nick FROM schemakit.audit_as_of(NULL::people, at('enabled again'));
CREATE FUNCTION try(name text) RETURNS text LANGUAGE plpgsql AS $$DECLARE d text; BEGIN
PERFORM * FROM schemakit.audit_as_of(NULL::audit_reading.people, audit_reading.at(name)); RETURN 'told';
EXCEPTION WHEN object_not_in_prerequisite_state THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
RETURN regexp_replace(d, '\d{4}-.*?\+00', '...'); END$$;
SELECT try('before'), try('second'), try('enabled again');
ALTER TABLE people DISABLE TRIGGER zz_schemakit_audit;
ALTER TABLE people ENABLE TRIGGER zz_schemakit_audit;
SELECT try('enabled again');
SELECT remember('key');
ALTER TABLE people DROP CONSTRAINT users_pkey, ADD PRIMARY KEY (nick);
SELECT try('key');
SELECT schemakit.audit_enable('people', capture => 'keys');
SELECT remember('keys only');
SELECT try('keys only');
SELECT schemakit.audit_enable('people', truncate_rows => false);
SELECT remember('truncated');
TRUNCATE people;
SELECT try('truncated');
\set VERBOSITY default
SELECT * FROM schemakit.audit_as_of(1, now());  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::moments, now());  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::people, NULL);  -- fails
SELECT * FROM schemakit.audit_history('people', '{"nope": 1}');  -- fails
SELECT * FROM schemakit.audit_history('people', '{}');  -- fails
SELECT * FROM schemakit.audit_history('people', '[1]');  -- fails
SELECT * FROM schemakit.audit_history('moments', '{"name": 1}');  -- fails

-- rows without a key are counted by what is in them
CREATE TABLE keyless (a int, b text);
SELECT schemakit.audit_enable('keyless');
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (2, NULL);
SELECT remember('keyless');
UPDATE keyless SET b = 'y' WHERE a = 1;
DELETE FROM keyless WHERE a = 2;
INSERT INTO keyless VALUES (1, 'x'), (3, 'z');
ALTER TABLE keyless ADD COLUMN c int DEFAULT 5;
UPDATE keyless SET a = 4 WHERE a = 3;
SELECT * FROM schemakit.audit_as_of(NULL::keyless, at('keyless')) ORDER BY a;
SELECT * FROM schemakit.audit_history('keyless', '{"a": 1}');  -- fails

-- columns that are masked or excluded cannot be told, generated ones can
CREATE TABLE masked (id int PRIMARY KEY, a text, b text, c text, twice int GENERATED ALWAYS AS (id * 2) STORED);
SELECT schemakit.audit_enable('masked', exclude => '{a}', mask => '{"b": "hash"}');
INSERT INTO masked VALUES (1, 'a', 'b', 'c'), (2, 'a', 'b', 'c');
SELECT remember('masked');
UPDATE masked SET a = 'x', b = 'x', c = 'x' WHERE id = 1;
SELECT * FROM schemakit.audit_as_of(NULL::masked, at('masked')) ORDER BY id;

-- partitions: rows that moved, partitions that came later
CREATE TABLE parts (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 (v text, k int NOT NULL, id int NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2);
SELECT schemakit.audit_enable('parts');
INSERT INTO parts VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 1, 'c');
SELECT remember('parts');
UPDATE parts SET k = 3 - k, v = v || '!' WHERE id < 3;
TRUNCATE parts_1;
SELECT * FROM schemakit.audit_as_of(NULL::parts, at('parts')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::parts_1, at('parts'));  -- fails
SELECT op, key, old, new FROM schemakit.audit_history('parts', '{"id": 1, "k": 1}');

-- rows that swap their keys
CREATE TABLE swapped (id int PRIMARY KEY DEFERRABLE, v text);
SELECT schemakit.audit_enable('swapped');
INSERT INTO swapped VALUES (1, 'a'), (2, 'b'), (3, 'c');
SELECT remember('swapped');
UPDATE swapped SET id = id % 3 + 1;
SELECT * FROM swapped ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::swapped, at('swapped')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::swapped, at('swapped'), '{"id": 2}');
SELECT op, key, old, new ->> 'v' AS v FROM schemakit.audit_history('swapped', '{"id": 2}');

-- a transaction counts as done with its last change of the table
CREATE TABLE accounts (id int PRIMARY KEY, balance int);
SELECT schemakit.audit_enable('accounts');
INSERT INTO accounts VALUES (1, 100), (2, 0);
BEGIN;
UPDATE accounts SET balance = balance - 50 WHERE id = 1;
SELECT remember('halfway');
UPDATE accounts SET balance = balance + 50 WHERE id = 2;
COMMIT;
SELECT sum(balance), min(balance) FROM schemakit.audit_as_of(NULL::accounts, at('halfway'));
-- within a transaction its own changes can be read
BEGIN;
UPDATE accounts SET balance = 7 WHERE id = 1;
SELECT balance FROM schemakit.audit_as_of(NULL::accounts, at('halfway')) WHERE id = 1;
SELECT op, old, new, session_role IS NOT NULL AS who FROM schemakit.audit_history('accounts', '{"id": 1}');
SELECT count(*) FROM schemakit.audit_changes();  -- fails
ROLLBACK;

-- the cursor of a consumer
SELECT position FROM schemakit.audit_changes() LIMIT 1 \gset
SELECT count(*) FROM schemakit.audit_changes(:'position');
UPDATE accounts SET balance = balance + 1;
INSERT INTO parts VALUES (9, 2, 'z');
SELECT table_name, op, key FROM schemakit.audit_changes(:'position');
SELECT table_name, op, key FROM schemakit.audit_changes(:'position', 'accounts');
SELECT position FROM schemakit.audit_changes(:'position') LIMIT 1 \gset
SELECT count(*) FROM schemakit.audit_changes(:'position');

-- a table that is dropped and created again continues under its name
DROP TABLE accounts;
CREATE TABLE accounts (balance int, id int PRIMARY KEY);
SELECT schemakit.audit_enable('accounts');
INSERT INTO accounts VALUES (5, 1);
SELECT op, key, old, new FROM schemakit.audit_history('accounts', '{"id": 1}');
\set VERBOSITY sqlstate
SELECT count(*) FROM schemakit.audit_as_of(NULL::accounts, at('halfway'));  -- fails: nobody knows what was dropped with it

-- rows are told apart by their keys: key_hash may be that of another row, or table
CREATE TABLE far (id bigint PRIMARY KEY, v text);
CREATE TABLE other (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('far'), schemakit.audit_enable('other');
INSERT INTO far VALUES (7, 'here'), (281474976710663, 'far away');
INSERT INTO other VALUES (7, 'elsewhere');
SELECT set_config('test.at', clock_timestamp()::text, false) IS NULL AS never;
UPDATE far SET v = upper(v);
UPDATE other SET v = upper(v);
SET schemakit.audit_writable = on;
UPDATE schemakit.audit_event SET key_hash = f.key_hash
FROM (SELECT key_hash FROM schemakit.audit_history('far', '{"id": 7}') LIMIT 1) AS f, schemakit.audit_log AS l
WHERE l.table_name = 'audit_reading.other' AND l.txn_id = audit_event.txn_id AND l.n = audit_event.n;
RESET schemakit.audit_writable;
SELECT count(DISTINCT key_hash), count(*) FROM schemakit.audit_log WHERE table_name ~ 'audit_reading.(far|other)';
SELECT op, new FROM schemakit.audit_history('far', '{"id": 7}');
SELECT op, new FROM schemakit.audit_history('far', '{"id": 281474976710663}');
SELECT * FROM schemakit.audit_as_of(NULL::far, current_setting('test.at')::timestamptz, '{"id": 7}');
SELECT * FROM schemakit.audit_as_of(NULL::far, current_setting('test.at')::timestamptz, '{"id": 281474976710663}');

-- values count, not types: a key is found under whatever type it has by now
CREATE TABLE retyped (id smallint PRIMARY KEY, v int);
SELECT schemakit.audit_enable('retyped');
INSERT INTO retyped VALUES (-3, 1);
ALTER TABLE retyped ALTER id TYPE bigint;
UPDATE retyped SET v = 2;
ALTER TABLE retyped ALTER id TYPE numeric;
UPDATE retyped SET v = 3;
UPDATE retyped SET id = -3.00;
UPDATE retyped SET v = 4;
SELECT count(DISTINCT key_hash), count(*) FROM schemakit.audit_log WHERE table_name = 'audit_reading.retyped';
CREATE TABLE named (id uuid PRIMARY KEY, v int);
SELECT schemakit.audit_enable('named');
INSERT INTO named SELECT ('0192f3a4-5b6c-7000-8000-00000000000' || i)::uuid, 1 FROM generate_series(1, 9) AS i;
ALTER TABLE named ALTER id TYPE text;
UPDATE named SET v = 2;
SELECT count(DISTINCT key_hash), count(*) FROM schemakit.audit_log WHERE table_name = 'audit_reading.named';
SELECT op, new->'v' AS v FROM schemakit.audit_history('named', '{"id": "0192f3a4-5b6c-7000-8000-000000000003"}');

SET client_min_messages = warning;
DROP SCHEMA audit_reading CASCADE;
