-- What the audit log records of each kind of change.
CREATE SCHEMA audit_capture;
SET search_path = audit_capture;
-- events in their order, with transactions numbered from 1
CREATE VIEW events AS
SELECT dense_rank() OVER (ORDER BY txn_id) AS txn, regexp_replace(table_name, '^audit_capture\.', '') AS rel, op, key, old, new, changed
FROM schemakit.audit_log WHERE table_name LIKE 'audit\_capture.%' ORDER BY txn_id, command, n;
CREATE FUNCTION forget() RETURNS void LANGUAGE sql AS $$
    SELECT set_config('schemakit.audit_writable', 'on', true);
    DELETE FROM schemakit.audit_event;
$$;

CREATE TABLE users (id int PRIMARY KEY, name text, email text, updated_at timestamptz);
SELECT schemakit.audit_enable('users');
INSERT INTO users VALUES (1, 'ann', 'ann@example.com', '2020-01-01'), (2, 'bob', NULL, '2020-01-01');
UPDATE users SET name = 'anna', updated_at = '2020-01-02' WHERE id = 1;
-- nothing changed, or only what timestamps maintain: no event
UPDATE users SET name = name;
UPDATE users SET updated_at = '2020-01-03';
UPDATE users SET id = 3, updated_at = '2020-01-04' WHERE id = 2;
DELETE FROM users WHERE id = 1;
TRUNCATE users;
SELECT * FROM events;
-- an update that changed the key is filed under both
SELECT op, key, old, new FROM schemakit.audit_event WHERE op IN ('O', 'N') ORDER BY txn_id, n;
SELECT forget();

-- upserts, MERGE, COPY, CTEs, views and rules
INSERT INTO users VALUES (1, 'ann'), (2, 'bob');
INSERT INTO users VALUES (1, 'ANN'), (4, 'dan') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
INSERT INTO users VALUES (1, 'x') ON CONFLICT DO NOTHING;
MERGE INTO users u USING (VALUES (1, 'merged'), (2, NULL), (7, 'gil')) AS v(id, name) ON u.id = v.id
WHEN MATCHED AND v.name IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.name);
INSERT INTO users VALUES (2, 'bob') ON CONFLICT DO NOTHING;
COPY users (id, name) FROM stdin;
5	eve
6	fay
\.
WITH gone AS (DELETE FROM users WHERE id = 6 RETURNING *), moved AS (UPDATE users SET name = 'bobby' WHERE id = 2)
INSERT INTO users SELECT id + 10, name FROM gone;
CREATE VIEW named AS SELECT id, name FROM users WHERE name IS NOT NULL;
UPDATE named SET name = 'Eve' WHERE id = 5;
CREATE VIEW ruled AS SELECT id, name FROM users;
CREATE RULE ruled_delete AS ON DELETE TO ruled DO INSTEAD UPDATE users SET name = NULL WHERE id = old.id;
DELETE FROM ruled WHERE id = 4;
SELECT txn, op, key, new -> 'name' AS name FROM events;
SELECT forget();

-- foreign keys
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE friends (id int PRIMARY KEY, parent int REFERENCES parents ON UPDATE SET DEFAULT ON DELETE SET NULL);
SELECT schemakit.audit_enable('children'), schemakit.audit_enable('friends');
INSERT INTO parents VALUES (1), (2);
INSERT INTO children VALUES (10, 1), (11, 1);
INSERT INTO friends VALUES (20, 1), (21, 2);
UPDATE parents SET id = 5 WHERE id = 1;
DELETE FROM parents;
SELECT txn, rel, op, key, old, new FROM events;
SELECT forget();

-- what triggers and functions change besides: in the order in which it happened
CREATE TABLE counters (id int PRIMARY KEY, n int);
CREATE FUNCTION count_on() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF new.n < 3 THEN UPDATE counters SET n = n + 1 WHERE id = new.id; END IF; RETURN NULL; END$$;
CREATE TRIGGER a_count_on AFTER INSERT OR UPDATE ON counters FOR EACH ROW EXECUTE FUNCTION count_on();
SELECT schemakit.audit_enable('counters');
INSERT INTO counters VALUES (1, 0);
SELECT * FROM counters;
SELECT op, old, new FROM events;
SELECT forget();
CREATE TABLE selfish (id int PRIMARY KEY, boss int REFERENCES selfish ON UPDATE CASCADE);
SELECT schemakit.audit_enable('selfish');
INSERT INTO selfish VALUES (1, 1);
UPDATE selfish SET id = 2;
SELECT op, key, old, new FROM events;
SELECT forget();

-- transactions
BEGIN;
INSERT INTO users VALUES (30, 'kept');
SAVEPOINT one;
INSERT INTO users VALUES (31, 'lost');
ROLLBACK TO one;
UPDATE users SET name = 'kept too' WHERE id = 30;
DO $$BEGIN INSERT INTO users VALUES (32, 'lost'); RAISE 'no'; EXCEPTION WHEN raise_exception THEN INSERT INTO users VALUES (33, 'kept'); END$$;
COMMIT;
BEGIN;
INSERT INTO users VALUES (34, 'lost');
ROLLBACK;
INSERT INTO users VALUES (35, 'lost'), (30, 'duplicate');  -- fails
-- the first events of a transaction are in a subtransaction that is rolled back
BEGIN;
SAVEPOINT one;
INSERT INTO users VALUES (36, 'lost');
ROLLBACK TO one;
INSERT INTO users VALUES (37, 'kept');
COMMIT;
SELECT txn, op, key, new ->> 'name' AS name FROM events;
SELECT count(*) AS events_without_transaction FROM schemakit.audit_log WHERE session_role IS NULL;
-- and so is what the table looks like, which was not recorded before
CREATE TABLE unseen (id int PRIMARY KEY);
SELECT schemakit.audit_enable('unseen');
SET session_replication_role = replica;
ALTER TABLE unseen ADD COLUMN v int;
RESET session_replication_role;
BEGIN;
SAVEPOINT one;
INSERT INTO unseen VALUES (1, 1);
ROLLBACK TO one;
INSERT INTO unseen VALUES (2, 2);
COMMIT;
SELECT op, key, new FROM events WHERE rel = 'unseen';
SELECT count(*) AS events_without_shape FROM schemakit.audit_event AS e WHERE op <> 'C' AND NOT EXISTS (SELECT FROM schemakit.audit_shape AS s WHERE s.shape_id = e.shape_id);
SELECT forget();

-- without a key, events hold the whole row
CREATE TABLE keyless (a int, b text);
SELECT schemakit.audit_enable('keyless');
INSERT INTO keyless VALUES (1, 'x'), (1, 'x');
UPDATE keyless SET b = 'y';
DELETE FROM keyless;
SELECT op, key, old, new, changed FROM events;
SELECT forget();
-- the key of a table, by what it has
CREATE TABLE by_identity (a int NOT NULL UNIQUE, b int NOT NULL UNIQUE);
ALTER TABLE by_identity REPLICA IDENTITY USING INDEX by_identity_b_key;
CREATE TABLE by_unique (a int UNIQUE, b int NOT NULL, c int NOT NULL, UNIQUE (b, c));
CREATE TABLE by_option (a int PRIMARY KEY, b int);
SELECT schemakit.audit_enable('by_identity'), schemakit.audit_enable('by_unique'), schemakit.audit_enable('by_option', key => '{b}');
INSERT INTO by_identity VALUES (1, 2);
INSERT INTO by_unique VALUES (1, 2, 3);
INSERT INTO by_option VALUES (1, 2);
SELECT rel, key FROM events;
SELECT forget();
-- an index that is checked late, or not of all rows, is none
CREATE TABLE by_deferred (a int NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED, b int);
CREATE TABLE by_partial (a int NOT NULL, b int);
CREATE UNIQUE INDEX ON by_partial (a) WHERE b = 1;
SELECT schemakit.audit_enable('by_deferred'), schemakit.audit_enable('by_partial');
INSERT INTO by_deferred VALUES (1, 2);
INSERT INTO by_partial VALUES (1, 2);
SELECT rel, key FROM events;
SELECT forget();

-- odd names
CREATE TABLE "Odd ""Table""" ("Select" int PRIMARY KEY, "a.b" text, "quote'd" text, "ünï" text);
SELECT schemakit.audit_enable('"Odd ""Table"""', exclude => '{a.b}');
INSERT INTO "Odd ""Table""" VALUES (1, 'x', 'y', 'z');
\a
SELECT rel, key, new FROM events;
\a
SELECT forget();

-- columns come, go and change between events
CREATE TABLE shapes (id int PRIMARY KEY, a int, b text, c text);
SELECT schemakit.audit_enable('shapes', exclude => '{c}');
INSERT INTO shapes VALUES (1, 1, 'x', 'secret');
ALTER TABLE shapes DROP COLUMN a;
ALTER TABLE shapes ADD COLUMN d int DEFAULT 7;
ALTER TABLE shapes RENAME b TO bb;
ALTER TABLE shapes RENAME c TO cc;
UPDATE shapes SET bb = 'y', cc = 'hidden';
ALTER TABLE shapes RENAME TO forms;
UPDATE forms SET d = 8;
DELETE FROM forms;
SELECT rel, op, old, new FROM events;
-- and so do shapes: columns keep their numbers
SELECT table_name, key, covered, options,
       (SELECT string_agg((c ->> 'id') || ' ' || (c ->> 'name'), ', ' ORDER BY (c ->> 'id')::int) FROM jsonb_array_elements(columns) AS c) AS columns
FROM schemakit.audit_shape WHERE rel_id = (SELECT rel_id FROM schemakit.audit_shape WHERE table_name = 'forms' LIMIT 1) ORDER BY shape_id;
SELECT forget();

-- inheritance: each table has its own triggers and events
CREATE TABLE base (id int PRIMARY KEY, a text);
CREATE TABLE derived (b text, PRIMARY KEY (id)) INHERITS (base);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
SELECT schemakit.audit_enable('base'), schemakit.audit_enable('derived'), schemakit.audit_enable('unlogged');
INSERT INTO base VALUES (1, 'x');
INSERT INTO derived VALUES (2, 'x', 'y');
UPDATE base SET a = 'z';
INSERT INTO unlogged VALUES (1);
SELECT rel, op, key, old, new FROM events;
SELECT forget();

-- partitions: all is filed under the partitioned table
CREATE TABLE parts (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
SELECT schemakit.audit_enable('parts');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) PARTITION BY LIST (k);
-- a partition whose columns are in another order, and which had one more
CREATE TABLE parts_2a (v text, gone int, k int NOT NULL, id int NOT NULL);
ALTER TABLE parts_2a DROP COLUMN gone;
ALTER TABLE parts_2 ATTACH PARTITION parts_2a DEFAULT;
INSERT INTO parts VALUES (1, 1, 'a'), (2, 2, 'b');
UPDATE parts SET k = 2 WHERE id = 1;
INSERT INTO parts_2a (id, k, v) VALUES (3, 2, 'direct');
UPDATE parts_2 SET v = 'c' WHERE id = 3;
TRUNCATE parts_2a;
INSERT INTO parts VALUES (4, 1, 'd');
TRUNCATE parts;
SELECT rel, op, key, old, new FROM events;
SELECT forget();
-- a partition that leaves goes on under its own name
ALTER TABLE parts DETACH PARTITION parts_1;
INSERT INTO parts_1 VALUES (5, 1, 'e');
INSERT INTO parts VALUES (6, 2, 'f');
SELECT rel, op, key FROM events;
SELECT count(DISTINCT rel_id) FROM schemakit.audit_shape WHERE table_name IN ('parts', 'parts_1');
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES IN (1);
UPDATE parts SET v = 'g' WHERE id = 5;
SELECT rel, op, key FROM events;
SELECT relid, state, regexp_replace(detail, 'since .*, role [^:;]*', 'since') AS detail FROM schemakit.status() WHERE relid IN ('parts'::regclass, 'parts_1'::regclass, 'parts_2a'::regclass);
SELECT forget();

-- and so do those of a partition that is divided itself
ALTER TABLE parts DETACH PARTITION parts_2;
INSERT INTO parts_2a (id, k, v) VALUES (7, 2, 'h');
INSERT INTO parts_2 VALUES (8, 2, 'i');
TRUNCATE parts_2a;
SELECT rel, op, key FROM events;
SELECT relid, state FROM schemakit.status() WHERE relid IN ('parts'::regclass, 'parts_2'::regclass, 'parts_2a'::regclass);
SELECT forget();
-- partitions of partitions: their rows at the beginning, and when they are emptied
CREATE TABLE nested (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE nested_1 PARTITION OF nested FOR VALUES IN (1) PARTITION BY RANGE (id);
CREATE TABLE nested_1a PARTITION OF nested_1 DEFAULT;
INSERT INTO nested VALUES (1, 1);
SELECT schemakit.audit_enable('nested', baseline => true);
TRUNCATE nested_1a;
SELECT rel, op, key, old, new FROM events;
SELECT forget();
-- a partition elsewhere
CREATE FOREIGN DATA WRAPPER audit_nowhere;
CREATE SERVER audit_nowhere FOREIGN DATA WRAPPER audit_nowhere;
CREATE FOREIGN TABLE parts_f (id int NOT NULL, k int NOT NULL, v text) SERVER audit_nowhere;
CREATE TABLE mixed (id int, k int, v text) PARTITION BY LIST (k);
SELECT schemakit.audit_enable('mixed');
ALTER TABLE mixed ATTACH PARTITION parts_f FOR VALUES IN (9);
SELECT relid, state FROM schemakit.status() WHERE relid = 'mixed'::regclass;
SELECT schemakit.audit_disable('mixed'), schemakit.audit_enable('mixed');
DROP TABLE mixed;
DROP FOREIGN DATA WRAPPER audit_nowhere CASCADE;

-- who: the role that logged in, the current one, and what the client claims
CREATE ROLE regress_audit_app;
GRANT USAGE ON SCHEMA audit_capture TO regress_audit_app;
GRANT ALL ON users, events TO regress_audit_app;
CREATE VIEW who AS SELECT dense_rank() OVER (ORDER BY txn_id) AS txn, key, session_role = session_user AS proved,
    CASE role WHEN session_user THEN 'superuser' ELSE role END AS role, actor, context, query
FROM schemakit.audit_log WHERE op <> 'S' ORDER BY txn_id, command, n;
INSERT INTO users VALUES (40);
SET ROLE regress_audit_app;
INSERT INTO users VALUES (41);
BEGIN;
SELECT schemakit.audit_set_actor('ann', '{"request": 7}');
INSERT INTO users VALUES (42);
SELECT schemakit.audit_set_actor('bob');
INSERT INTO users VALUES (43);
RESET ROLE;
INSERT INTO users VALUES (44);
COMMIT;
INSERT INTO users VALUES (45);
-- outside of a transaction block it is lost, unless a function goes on to change rows
SELECT schemakit.audit_set_actor('dora');
SELECT schemakit.audit_set_actor(NULL);
DO $$BEGIN PERFORM schemakit.audit_set_actor('dora'); END$$;
DO $$BEGIN PERFORM schemakit.audit_set_actor('dora'); INSERT INTO users VALUES (39); END$$;
SELECT schemakit.audit_set_actor('carl', local => false);
INSERT INTO users VALUES (46);
SELECT schemakit.audit_set_actor(NULL, local => false);
BEGIN;
SET LOCAL schemakit.audit_actor = 'dan';
INSERT INTO users VALUES (47);
COMMIT;
BEGIN;
SELECT schemakit.audit_set_actor('fay', '{"request": 1}');
INSERT INTO users VALUES (20);
SELECT schemakit.audit_set_actor('fay', '{"request": 2}');
INSERT INTO users VALUES (21);
COMMIT;
BEGIN;
INSERT INTO users VALUES (22) /*actor='gil'*/;
INSERT INTO users VALUES (23) /*actor='hal'*/;
COMMIT;
INSERT INTO users VALUES (48) /*action='%2Fusers',actor='eve%40example.com'*/;
INSERT INTO users VALUES (49) /* actor='not so' */ ;
INSERT INTO users VALUES (50) /*actor='o\'neill',other='x'*/ ;
INSERT INTO users VALUES (51) /*actor='%zz'*/;
INSERT INTO users VALUES (52) /*actor='unfinished*/;
INSERT INTO users VALUES (53) /*actor='%00'*/;
SET schemakit.audit_query = on;
INSERT INTO users VALUES (54);
BEGIN;
INSERT INTO users VALUES (24) /*actor='gil'*/;
INSERT INTO users VALUES (25) /*actor='hal'*/;
INSERT INTO users VALUES (26) /*actor='hal'*/;
COMMIT;
RESET schemakit.audit_query;
SELECT * FROM who;
-- two that log in and become the same role
CREATE ROLE regress_audit_ann IN ROLE regress_audit_app;
CREATE ROLE regress_audit_bob IN ROLE regress_audit_app;
BEGIN;
SET LOCAL SESSION AUTHORIZATION regress_audit_ann;
SET LOCAL ROLE regress_audit_app;
INSERT INTO users VALUES (27);
SET LOCAL SESSION AUTHORIZATION regress_audit_bob;
SET LOCAL ROLE regress_audit_app;
INSERT INTO users VALUES (28);
COMMIT;
SELECT key, session_role, role FROM schemakit.audit_log WHERE table_name = 'audit_capture.users' AND session_role ~ '^regress' ORDER BY txn_id, command, n;
SET schemakit.audit_context = '{broken';  -- fails

-- no event without one
SELECT schemakit.audit_enable('users', require_actor => true);
INSERT INTO users VALUES (60);  -- fails
INSERT INTO users VALUES (61) /*actor='ann'*/;
SELECT key FROM events WHERE key IS NOT NULL ORDER BY key DESC LIMIT 1;

-- what drivers ask for is the number of the row that they have inserted, also where the
-- event is the first of the table and has its shape recorded
CREATE TABLE orders (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY (START 900001), item text);
SELECT schemakit.audit_enable('orders');
INSERT INTO orders (item) VALUES ('nail');
SELECT lastval();
ALTER TABLE orders ADD COLUMN price numeric;
INSERT INTO orders (item) VALUES ('screw');
SELECT lastval();

SET client_min_messages = warning;
DROP SCHEMA audit_capture CASCADE;
DROP ROLE regress_audit_app, regress_audit_ann, regress_audit_bob;
