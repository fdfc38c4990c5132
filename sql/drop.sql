-- Whatever is dropped: nothing fails for our sake, and user tables stay.
CREATE SCHEMA dropping;
SET search_path = dropping;
CREATE ROLE regress_drop;
GRANT ALL ON SCHEMA dropping TO regress_drop;

CREATE TABLE t (id int, updated_at timestamptz);
DROP TABLE t;
CREATE TABLE t (id int, updated_at timestamptz);
DROP TRIGGER zz_schemakit_touch ON t;
DROP TABLE t;
CREATE TABLE p (id int, updated_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
DROP TABLE p1;
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
DROP TABLE p;
CREATE SCHEMA dropping_inner CREATE TABLE t (id int, updated_at timestamptz);
SET client_min_messages = warning;
DROP SCHEMA dropping_inner CASCADE;
RESET client_min_messages;
SET ROLE regress_drop;
CREATE TABLE mine (id int, updated_at timestamptz);
RESET ROLE;
REASSIGN OWNED BY regress_drop TO CURRENT_USER;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'mine'::regclass;
ALTER TABLE mine OWNER TO regress_drop;
DROP OWNED BY regress_drop;
SELECT to_regclass('mine');
DROP ROLE regress_drop;
DROP FUNCTION schemakit.touch();  -- fails
DROP EVENT TRIGGER schemakit_ddl_command_end;  -- fails
DROP TABLE schemakit.auto_rule;  -- fails

-- the extension goes: tables, rows and other triggers stay as they are
CREATE TABLE stay (id int PRIMARY KEY, name text DEFAULT 'x', updated_at timestamptz DEFAULT now());
CREATE TABLE parts (id int, updated_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE hand (id int, at timestamptz);
CREATE TRIGGER hand BEFORE UPDATE ON hand FOR EACH ROW EXECUTE FUNCTION schemakit.touch('at');
CREATE TABLE replaced (id int, updated_at timestamptz);
CREATE OR REPLACE TRIGGER zz_schemakit_touch BEFORE UPDATE ON replaced FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at', 'always');
CREATE TABLE renamed (id int, updated_at timestamptz);
ALTER TABLE renamed RENAME updated_at TO u;
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER other BEFORE UPDATE ON stay FOR EACH ROW EXECUTE FUNCTION other();
INSERT INTO stay VALUES (1, 'one', '2020-01-01'), (2, 'two', '2020-01-01');
SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'dropping'::regnamespace;
DROP EXTENSION schemakit;
SELECT tgrelid::regclass, tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'dropping'::regnamespace;
SELECT * FROM stay;
\d stay
UPDATE stay SET name = 'three' WHERE id = 1 RETURNING updated_at = '2020-01-01' AS kept;
SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'schemakit%';
SELECT count(*) FROM pg_namespace WHERE nspname = 'schemakit';
SELECT count(*) FROM pg_depend d WHERE classid = 'pg_trigger'::regclass AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.oid = d.objid);

-- and comes again
CREATE EXTENSION schemakit;
SELECT * FROM schemakit.status() ORDER BY relid::text;
SELECT * FROM schemakit.auto_apply() ORDER BY relid::text;
UPDATE stay SET name = 'four' WHERE id = 1 RETURNING updated_at = now() AS advanced;
-- in one transaction, and undone
BEGIN;
DROP EXTENSION schemakit;
UPDATE stay SET name = 'five' WHERE id = 2 RETURNING updated_at = '2020-01-01' AS kept;
CREATE TABLE without (id int, updated_at timestamptz);
CREATE EXTENSION schemakit;
CREATE TABLE "with" (id int, updated_at timestamptz);
SELECT tgrelid::regclass FROM pg_trigger WHERE tgrelid IN ('without'::regclass, '"with"'::regclass);
ROLLBACK;
SELECT * FROM schemakit.status() ORDER BY relid::text;

-- what the session knows of the log is forgotten with it
CREATE TABLE told (id int PRIMARY KEY);
BEGIN;
DROP EXTENSION schemakit;
CREATE EXTENSION schemakit;
SELECT schemakit.audit_enable('told');
INSERT INTO told VALUES (1);
SELECT count(*) FROM schemakit.audit_history('told', '{"id": 1}');
ROLLBACK;
SELECT schemakit.audit_enable('told');
INSERT INTO told VALUES (1);
SELECT count(*) FROM schemakit.audit_history('told', '{"id": 1}');
SET schemakit.audit_writable = on;
DROP EXTENSION schemakit;
CREATE EXTENSION schemakit;
RESET schemakit.audit_writable;
SELECT schemakit.audit_enable('told');
INSERT INTO told VALUES (2);
SELECT count(*) FROM schemakit.audit_history('told', '{"id": 2}');
SELECT cluster = (SELECT cluster FROM schemakit.audit_origin WHERE loaded_at IS NULL) AS ours FROM schemakit.audit_shape;

SET client_min_messages = warning;
DROP SCHEMA dropping CASCADE;
