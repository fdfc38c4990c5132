-- The options of audit_enable(), its errors, rules that attach it, and status().
CREATE SCHEMA audit_options;
SET search_path = audit_options;
CREATE VIEW events AS
SELECT regexp_replace(table_name, '^audit_options\.', '') AS rel, op, key, old, new, changed
FROM schemakit.audit_log WHERE table_name LIKE 'audit\_options.%' ORDER BY txn_id, command, n;
CREATE VIEW triggers AS
SELECT tgrelid::regclass AS rel, tgname, tgenabled AS state, (convert_from(trim(trailing '\x00' from tgargs), 'UTF8')::jsonb) AS options
FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
WHERE tgfoid IN ('schemakit.audit'::regproc, 'schemakit.audit_truncate'::regproc) AND relnamespace = 'audit_options'::regnamespace AND tgnargs = 1
ORDER BY c.relname COLLATE "C", tgname COLLATE "C";

CREATE TABLE users (id int PRIMARY KEY, email text, ssn text, seen int, note text);
SELECT schemakit.audit_enable('users', capture => 'full', exclude => '{note}', ignore => '{seen}', mask => '{"email": "hash", "ssn": "null"}');
INSERT INTO users VALUES (1, 'ann@example.com', '1234', 0, 'private'), (2, 'ann@example.com', NULL, 0, NULL), (3, NULL, '99', 0, NULL);
UPDATE users SET seen = 1;
UPDATE users SET note = 'more private';
UPDATE users SET ssn = '4321' WHERE id = 1;
UPDATE users SET email = 'bob@example.com', seen = 2 WHERE id = 2;
SELECT op, key, old - 'email' AS old, new - 'email' AS new, changed FROM events;
-- that it changed is recorded, the value is not; equal values can be joined
SELECT count(*) FILTER (WHERE new::text || coalesce(old::text, '') ~ 'example|"1234"|"4321"|private') AS leaks,
       count(DISTINCT new ->> 'email') AS emails, bool_and(new ->> 'email' ~ '^[0-9a-f]{32}$') AS hashed FROM events;
SELECT count(*) AS keys, length(key) FROM schemakit.audit_secret GROUP BY 2;
-- a second call changes the options; nothing else to do, nothing done
SELECT schemakit.audit_enable('users', mask => '{"email": "hash"}');
SELECT xmin AS before FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname = 'zz_schemakit_audit' \gset
SELECT schemakit.audit_enable('users', mask => '{"email": "hash"}');
SELECT xmin = :before::text::xid AS same FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname = 'zz_schemakit_audit';
UPDATE users SET ssn = '7' WHERE id = 1;
UPDATE users SET email = 'carl@example.com' WHERE id = 1;
SELECT op, key, old - 'email' AS old, new - 'email' AS new, changed FROM events OFFSET 5;

CREATE TABLE keysonly (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('keysonly', capture => 'keys');
INSERT INTO keysonly VALUES (1, 1);
UPDATE keysonly SET v = 2;
UPDATE keysonly SET id = 2;
DELETE FROM keysonly;
SELECT op, key, old, new FROM events WHERE rel = 'keysonly';

CREATE TABLE cut (id int PRIMARY KEY);
INSERT INTO cut VALUES (1), (2);
SELECT schemakit.audit_enable('cut', truncate_rows => false, baseline => true);
TRUNCATE cut;
SELECT op, key, old, new FROM events WHERE rel = 'cut';

-- what replication applies
CREATE TABLE applied (id int PRIMARY KEY);
SELECT schemakit.audit_enable('applied', replica => true);
SET session_replication_role = replica;
INSERT INTO applied VALUES (1);
INSERT INTO keysonly VALUES (3, 3);
TRUNCATE applied;
RESET session_replication_role;
SELECT rel, op, key FROM events WHERE rel = 'applied' OR key = '{"id": 3}';
SELECT * FROM triggers;

-- mistakes are named, and change nothing
SELECT schemakit.audit_enable('users', capture => 'all');
SELECT schemakit.audit_enable('users', exclude => '{nope}');
SELECT schemakit.audit_enable('users', ignore => '{email,nope}');
SELECT schemakit.audit_enable('users', mask => '{"nope": "null"}');
SELECT schemakit.audit_enable('users', mask => '{"email": "rot13"}');
SELECT schemakit.audit_enable('users', mask => '["email"]');
SELECT schemakit.audit_enable('users', mask => '{"email": 1}');
SELECT schemakit.audit_enable('users', key => '{id,nope}');
SELECT schemakit.audit_enable('users', exclude => '{id}');
SELECT schemakit.audit_enable('users', mask => '{"id": "hash"}');
SELECT schemakit.audit_enable('users', exclude => ARRAY[NULL]::name[]);
SELECT schemakit.audit_enable('users', capture => NULL);
CREATE TABLE keyless (a int);
SELECT schemakit.audit_enable('keyless', capture => 'keys');
CREATE VIEW v AS SELECT 1 AS a;
CREATE TEMP TABLE temporary (a int);
SELECT schemakit.audit_enable('v');
SELECT schemakit.audit_enable('temporary');
SELECT schemakit.audit_enable('pg_class');
SELECT schemakit.audit_enable('schemakit.audit_event');
SELECT schemakit.audit_enable('schemakit.audit_event_default');
SELECT schemakit.audit_enable(0);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
SELECT schemakit.audit_enable('parts');
SELECT schemakit.audit_enable('parts_1');
SELECT schemakit.audit_disable('parts_1');
SELECT schemakit.audit_disable('keyless');
SELECT * FROM triggers WHERE rel = 'users'::regclass;
SELECT schemakit.audit();
CREATE TRIGGER wrong BEFORE UPDATE ON keyless FOR EACH ROW EXECUTE FUNCTION schemakit.audit();
INSERT INTO keyless VALUES (1);
UPDATE keyless SET a = 2;
DROP TRIGGER wrong ON keyless;
CREATE TRIGGER wrong AFTER INSERT ON keyless FOR EACH ROW EXECUTE FUNCTION schemakit.audit();
INSERT INTO keyless VALUES (1);
CREATE OR REPLACE TRIGGER wrong AFTER INSERT ON keyless FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{}');
INSERT INTO keyless VALUES (1);
CREATE OR REPLACE TRIGGER wrong AFTER INSERT ON keyless FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{"capture": "full", "colour": "red"}');
INSERT INTO keyless VALUES (1);
CREATE OR REPLACE TRIGGER wrong AFTER INSERT ON keyless FOR EACH ROW EXECUTE FUNCTION schemakit.audit('not json');
INSERT INTO keyless VALUES (1);
SELECT state, detail FROM schemakit.status() WHERE relid = 'keyless'::regclass;
DROP TRIGGER wrong ON keyless;
-- another table's trigger
SELECT pg_get_triggerdef(oid) AS def FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname = 'zz_schemakit_audit' \gset
CREATE TABLE forged (id int PRIMARY KEY);
SELECT replace(:'def', 'audit_options.users', 'audit_options.forged') AS def \gset
:def;
INSERT INTO forged VALUES (1);
SELECT state FROM schemakit.status() WHERE relid = 'forged'::regclass;
SELECT schemakit.audit_enable('forged');
INSERT INTO forged VALUES (2);
SELECT rel, op, key FROM events WHERE rel = 'forged';

-- gaps, as status() shows them
ALTER TABLE users DISABLE TRIGGER zz_schemakit_audit;
SELECT schemakit.audit_disable('keysonly');
DROP TRIGGER zz_schemakit_audit_truncate ON applied;
ALTER TABLE parts_1 DISABLE TRIGGER zz_schemakit_audit;
SELECT relid, state, regexp_replace(detail, 'since .*, role [^:;]*', 'since') AS detail FROM schemakit.status() WHERE feature = 'audit' AND relid::text !~ '^schemakit' ORDER BY relid::text COLLATE "C";
SELECT table_name, covered FROM schemakit.audit_shape WHERE table_name IN ('users', 'keysonly') AND schema_name = 'audit_options' ORDER BY shape_id;

-- rules
SELECT schemakit.auto_enable('audit', 'audit_options', 'auto%', '{"capture": "full", "exclude": ["secret"]}') AS rule \gset
SELECT schemakit.auto_enable('audit', 'x', 'y', '{"colour": "red"}');  -- fails
SELECT schemakit.auto_enable('audit', 'x', 'y', '{"table": 1}');  -- fails
SELECT schemakit.auto_enable('audit', 'x', 'y', '{"mask": {"a": "b"}}');  -- fails
CREATE TABLE auto_1 (id int PRIMARY KEY, secret text);
CREATE TABLE auto_2 (id int PRIMARY KEY);  -- lacks a column that the rule names
ALTER TABLE auto_2 ADD COLUMN secret text;
INSERT INTO auto_2 VALUES (1, 'x');
SELECT new FROM events WHERE rel = 'auto_2';
CREATE TABLE other (id int PRIMARY KEY);
ALTER TABLE other RENAME TO auto_3;
CREATE TEMP TABLE auto_4 (id int PRIMARY KEY, secret text);
SET schemakit.audit_auto = off;
CREATE TABLE auto_5 (id int PRIMARY KEY, secret text);
RESET schemakit.audit_auto;
SELECT * FROM triggers WHERE rel::text LIKE 'auto%';
SELECT relid, state FROM schemakit.status() WHERE relid::text LIKE 'auto%' ORDER BY 1;
SELECT relid, action FROM schemakit.auto_apply() WHERE relid::text LIKE 'auto%' ORDER BY 1;
SELECT schemakit.auto_disable(:rule);

-- options follow their columns
CREATE TABLE follows (id int PRIMARY KEY, a text, b text, c text);
SELECT schemakit.audit_enable('follows', exclude => '{a}', ignore => '{b}', mask => '{"c": "null"}', key => '{id}');
ALTER TABLE follows RENAME a TO aa;
ALTER TABLE follows RENAME b TO bb;
ALTER TABLE follows RENAME c TO cc;
ALTER TABLE follows RENAME id TO nr;
SELECT * FROM triggers WHERE rel = 'follows'::regclass;
INSERT INTO follows VALUES (1, 'a', 'b', 'c');
SELECT op, key, new FROM events WHERE rel = 'follows';
ALTER TABLE follows DROP aa, DROP bb;
SELECT * FROM triggers WHERE rel = 'follows'::regclass;
SELECT state, detail FROM schemakit.status() WHERE relid = 'follows'::regclass;
-- what is hidden is hidden by name: a column that gets the name again is hidden from its first row on
ALTER TABLE follows ADD aa text, ADD c text;
INSERT INTO follows VALUES (22, 'secret', 'secret', 'secret');
ALTER TABLE follows DROP cc;
ALTER TABLE follows RENAME c TO ccc;
ALTER TABLE follows ADD c int;
ALTER TABLE follows ADD cc text;
UPDATE follows SET c = 1234, cc = 'secret', ccc = 'secret';
ALTER TABLE follows DROP c, DROP cc;
ALTER TABLE follows RENAME ccc TO c;
UPDATE follows SET c = 'secret 2';
SELECT op, key, old, new FROM events WHERE rel = 'follows' OFFSET 1;
SELECT * FROM triggers WHERE rel = 'follows'::regclass;
ALTER TABLE follows ADD b text;
-- nor is it stored as part of a key
CREATE TABLE keyed (email text NOT NULL, a int NOT NULL);
SELECT schemakit.audit_enable('keyed', mask => '{"email": "hash"}');
ALTER TABLE keyed ADD PRIMARY KEY (email);
INSERT INTO keyed VALUES ('ann@example.com', 1);
ALTER TABLE keyed ADD UNIQUE (a);
UPDATE keyed SET email = 'bob@example.com';
SELECT op, key, new - 'email' AS new, (coalesce(old, new) ->> 'email') ~ '^[0-9a-f]{32}$' AS hashed FROM events WHERE rel = 'keyed';
CREATE TABLE divided (id int, v text) PARTITION BY LIST (id);
CREATE TABLE divided_1 PARTITION OF divided FOR VALUES IN (1);
SELECT schemakit.audit_enable('divided', exclude => '{v}');
ALTER TABLE divided DROP v;
ALTER TABLE divided ADD v text;
INSERT INTO divided VALUES (1, 'secret');
ALTER TABLE divided RENAME v TO w;
ALTER TABLE divided ADD v text;
UPDATE divided SET v = 'secret', w = 'more', id = 1;
SELECT op, old, new FROM events WHERE rel LIKE 'divided%';
-- equal values have equal hashes in all columns of a table; in other tables only if their owner names a group
CREATE ROLE regress_audit_mask;
CREATE TABLE m1 (id int PRIMARY KEY, a text, b text, c text);
CREATE TABLE m2 (id int PRIMARY KEY, a text, b text, c text);
CREATE TABLE m3 (id int PRIMARY KEY, a text, b text, c text);
ALTER TABLE m3 OWNER TO regress_audit_mask;
SELECT schemakit.audit_enable(t, mask => '{"a": "hash", "b": "hash", "c": "hash:people"}') FROM unnest('{m1,m2,m3}'::regclass[]) AS t;
INSERT INTO m1 VALUES (1, 'ann', 'ann', 'ann');
INSERT INTO m2 VALUES (1, 'ann', 'ann', 'ann');
INSERT INTO m3 VALUES (1, 'ann', 'ann', 'ann');
SELECT string_agg(rel || '.' || k, ' ' ORDER BY rel, k) AS equal FROM events, jsonb_each_text(new) AS e(k, v) WHERE rel LIKE 'm_' AND k <> 'id' GROUP BY v ORDER BY 1;
SELECT * FROM triggers WHERE rel = 'm1'::regclass;
SELECT schemakit.audit_enable('m1', mask => '{"a": "hash:"}');  -- fails
DROP TABLE m1, m2, m3;
DROP ROLE regress_audit_mask;

-- what is a mistake in most cases is refused
SELECT * FROM schemakit.audit_maintain(retain => '30');  -- fails
SELECT * FROM schemakit.audit_maintain(retain => '23:59:59');  -- fails
SELECT * FROM schemakit.audit_maintain(retain => '-1 year', force => true);  -- fails
SELECT * FROM schemakit.audit_maintain('2 years');  -- fails
SELECT * FROM schemakit.audit_maintain(retain => '1 month -31 days');  -- fails
SELECT * FROM schemakit.audit_maintain(premake => '-1 month');  -- fails
SELECT * FROM schemakit.audit_maintain(force => NULL);  -- fails
SELECT count(*) > 0 AS made FROM schemakit.audit_maintain();
SELECT count(*) FROM schemakit.audit_maintain(premake => '1 month', retain => '1 day');
SELECT count(*) FROM schemakit.audit_maintain('1 month', '30', true);
-- a table whose rows cannot be told apart
CREATE TABLE alike (id int);
SELECT schemakit.audit_enable('alike');
SELECT schemakit.audit_enable('alike', key => '{id}');
DROP TABLE alike;
-- the table's name where its row type is wanted
SELECT * FROM schemakit.audit_as_of('follows', now());  -- fails
SELECT * FROM schemakit.audit_as_of('follows'::regclass, now());  -- fails
SELECT * FROM schemakit.audit_as_of('follows', now(), '{"nr": 1}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL, now());  -- fails
SELECT * FROM schemakit.audit_as_of(1, now());  -- fails
-- the log is append-only
\set VERBOSITY terse
UPDATE schemakit.audit_event SET op = 'X';
DELETE FROM schemakit.audit_event_default;
TRUNCATE schemakit.audit_event;
TRUNCATE schemakit.audit_event_default;
UPDATE schemakit.audit_shape SET covered = true;
-- also after a maintenance that failed
CREATE FUNCTION boom() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''boom''; END';
CREATE EVENT TRIGGER regress_audit_boom ON ddl_command_end EXECUTE FUNCTION boom();
SELECT schemakit.audit_maintain('1 year');  -- fails
DROP EVENT TRIGGER regress_audit_boom;
DELETE FROM schemakit.audit_event;  -- fails
\set VERBOSITY default
-- but with a trigger, a policy, a check or another index of somebody's it goes on
CREATE TABLE seen (op "char");
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO audit_options.seen VALUES (new.op); RETURN new; END$$;
CREATE TRIGGER see BEFORE INSERT ON schemakit.audit_event FOR EACH ROW EXECUTE FUNCTION see();
INSERT INTO follows (nr) VALUES (2);
SELECT * FROM seen;
-- also to the end of a transaction that is read-only by then
BEGIN;
INSERT INTO follows (nr) VALUES (4);
SET TRANSACTION READ ONLY;
COMMIT;
SELECT string_agg(op::text, ' ') FROM seen;
DROP TRIGGER see ON schemakit.audit_event;
-- even one that changes audited tables itself
CREATE FUNCTION echo() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF pg_trigger_depth() < 3 THEN INSERT INTO audit_options.follows (nr) VALUES (50 + pg_trigger_depth()); END IF; RETURN new; END$$;
CREATE TRIGGER echo BEFORE INSERT ON schemakit.audit_event FOR EACH ROW WHEN (new.op <> 'C') EXECUTE FUNCTION echo();
INSERT INTO follows (nr) VALUES (50);
SELECT op, key, carrier, count(*) OVER (PARTITION BY txn_id, n) AS named FROM schemakit.audit_event WHERE (key ->> 'nr')::int >= 50 ORDER BY n;
DROP TRIGGER echo ON schemakit.audit_event;
ALTER TABLE schemakit.audit_event ADD CONSTRAINT no_99 CHECK (new ->> 'nr' <> '99');
\set VERBOSITY sqlstate
INSERT INTO follows (nr) VALUES (99);  -- fails
\set VERBOSITY default
ALTER TABLE schemakit.audit_event DROP CONSTRAINT no_99;
CREATE INDEX ON schemakit.audit_event (op) WHERE op = 'D';
INSERT INTO follows (nr) VALUES (3);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) = (SELECT count(*) FROM schemakit.audit_event WHERE op::text = 'D') AS deletes_only FROM schemakit.audit_event WHERE op = 'D';
RESET enable_bitmapscan;
RESET enable_seqscan;
CREATE INDEX ON schemakit.audit_event ((new ->> 'nr'));
DELETE FROM follows WHERE nr = 2;
SET enable_seqscan = off;
SELECT count(*) FROM schemakit.audit_event WHERE op = 'D' AND key = '{"nr": 2}';
RESET enable_seqscan;
DROP INDEX schemakit.audit_event_op_idx, schemakit.audit_event_expr_idx;

SET client_min_messages = warning;
DROP SCHEMA audit_options CASCADE;
