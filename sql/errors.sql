-- Bad input gets one clear error that names it, and changes nothing.
CREATE SCHEMA errors;
SET search_path = errors;
CREATE ROLE regress_errors_owner;
CREATE ROLE regress_errors_other;
GRANT ALL ON SCHEMA errors TO regress_errors_owner;
CREATE TABLE t (id int, name text, at timestamptz, g timestamptz GENERATED ALWAYS AS (at) STORED);
ALTER TABLE t OWNER TO regress_errors_owner;
CREATE VIEW v AS SELECT * FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM t;
CREATE SEQUENCE s;
CREATE INDEX i ON t (id);
CREATE TYPE ct AS (id int, updated_at timestamptz);
CREATE FOREIGN DATA WRAPPER errors_fdw;
CREATE SERVER errors_server FOREIGN DATA WRAPPER errors_fdw;
CREATE FOREIGN TABLE ft (id int, updated_at timestamptz) SERVER errors_server;
CREATE TEMP TABLE tt (id int, updated_at timestamptz);
SELECT md5(string_agg(t::text, ',' ORDER BY oid)) AS before FROM pg_trigger t \gset

-- one line a case: what is tried, SQLSTATE, message, hint
CREATE FUNCTION try(statement text) RETURNS TABLE (code text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN QUERY SELECT 'none', NULL::text, NULL::text, NULL::text;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END$$;
\pset format unaligned
\pset fieldsep ' | '
\pset footer off
SELECT c.call, t.* FROM (VALUES
    (1, $$timestamps_enable('v')$$),
    (2, $$timestamps_enable('mv')$$),
    (3, $$timestamps_enable('s')$$),
    (4, $$timestamps_enable('i')$$),
    (5, $$timestamps_enable('ct')$$),
    (6, $$timestamps_enable('ft')$$),
    (7, $$timestamps_enable('tt')$$),
    (8, $$timestamps_enable('pg_class')$$),
    (9, $$timestamps_enable('information_schema.sql_features')$$),
    (10, $$timestamps_enable('schemakit.auto_rule')$$),
    (11, $$timestamps_enable('pg_toast.pg_toast_2618')$$),
    (12, $$timestamps_enable(0)$$),
    (13, $$timestamps_enable(4294967295)$$),
    (14, $$timestamps_enable('nowhere')$$),
    (15, $$timestamps_enable(NULL)$$),
    (16, $$timestamps_enable('t')$$),
    (17, $$timestamps_enable('t', 'nowhere')$$),
    (18, $$timestamps_enable('t', 'name')$$),
    (19, $$timestamps_enable('t', 'g')$$),
    (20, $$timestamps_enable('t', 'ctid')$$),
    (21, $$timestamps_enable('t', '')$$),
    (22, $$timestamps_enable('t', 'at', 'sometimes')$$),
    (23, $$timestamps_enable('t', 'at', NULL)$$),
    (24, $$timestamps_enable('t', 'at', add_columns => NULL)$$),
    (25, $$timestamps_enable('t', 'name', add_columns => true)$$),
    (26, $$timestamps_disable('v')$$),
    (27, $$timestamps_disable('tt')$$),
    (28, $$timestamps_disable('pg_class')$$),
    (29, $$timestamps_disable(4294967295)$$),
    (30, $$timestamps_disable(NULL)$$)
) c (n, call), LATERAL try('SELECT schemakit.' || call) t ORDER BY n;

-- the column that the setting names has the wrong type
SET schemakit.timestamps_columns = 'g, name';
SELECT * FROM try($$SELECT schemakit.timestamps_enable('t')$$);
RESET schemakit.timestamps_columns;

-- who does not own the table: before anything else about it is said
GRANT USAGE ON SCHEMA errors TO regress_errors_other;
SET ROLE regress_errors_other;
SET search_path = errors;
SELECT c.call, t.* FROM (VALUES
    (1, $$timestamps_enable('t')$$),
    (2, $$timestamps_enable('t', 'nowhere')$$),
    (3, $$timestamps_enable('v')$$),
    (4, $$timestamps_enable('pg_class')$$),
    (5, $$timestamps_enable('t', add_columns => true)$$),
    (6, $$timestamps_disable('t')$$),
    (7, $$auto_enable('timestamps')$$),
    (8, $$auto_disable(1)$$),
    (9, $$auto_apply()$$)
) c (n, call), LATERAL try('SELECT schemakit.' || call) t ORDER BY n;
RESET ROLE;
SET search_path = errors;
\pset format aligned
\pset footer on

-- nothing was changed
SELECT md5(string_agg(t::text, ',' ORDER BY oid)) = :'before' AS unchanged FROM pg_trigger t;
SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum;

-- a table without triggers to disable is no error
SELECT schemakit.timestamps_disable('t');

-- what works: by name, by hand, twice, with columns added
SET ROLE regress_errors_owner;
SELECT schemakit.timestamps_enable('t', 'at');
SELECT schemakit.timestamps_enable('t', 'at');
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 't'::regclass;
SELECT schemakit.timestamps_enable('t', add_columns => true);
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 't'::regclass;
SELECT schemakit.timestamps_enable('t', add_columns => true);
CREATE TABLE t3 (id int);
SELECT schemakit.timestamps_enable('t3', 'created_at', add_columns => true);
SELECT attname FROM pg_attribute WHERE attrelid = 't3'::regclass AND attnum > 0 ORDER BY attnum;
CREATE TABLE t2 (id int);
INSERT INTO t2 VALUES (1);
SELECT schemakit.timestamps_enable('t2', '"Odd"', 'always', true);
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 't2'::regclass AND attnum > 0 ORDER BY attnum;
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 't2'::regclass;
UPDATE t2 SET id = 2 RETURNING created_at <= now() AS created, """Odd""" >= created_at AS updated;
SELECT schemakit.timestamps_disable('t2');
SELECT schemakit.timestamps_disable('t2');
SELECT tgenabled FROM pg_trigger WHERE tgrelid = 't2'::regclass;
SELECT schemakit.timestamps_enable('t2', '"Odd"');
SELECT tgenabled FROM pg_trigger WHERE tgrelid = 't2'::regclass;
RESET ROLE;

-- a table of an extension, whose triggers no dump has: nothing attaches to it, by name or by rule
CREATE TABLE member (id int PRIMARY KEY, updated_at timestamptz, deleted_at timestamptz);
ALTER EXTENSION plpgsql ADD TABLE member;
\pset format unaligned
SELECT c.call, t.* FROM (VALUES
    (1, $$timestamps_enable('member')$$),
    (2, $$timestamps_enable('member', add_columns => true)$$),
    (3, $$audit_enable('member')$$),
    (4, $$soft_delete_enable('member')$$),
    (5, $$soft_delete_enable('member', 'gone_at')$$)
) c (n, call), LATERAL try('SELECT schemakit.' || call) t ORDER BY n;
\pset format aligned
-- what it had before can be taken away
SELECT schemakit.timestamps_disable('member');
DROP TRIGGER zz_schemakit_touch ON member;
SELECT schemakit.audit_disable('member'), schemakit.soft_delete_disable('member');
BEGIN;
SELECT count(schemakit.auto_enable(f, 'errors', 'member')) FROM unnest('{timestamps,audit,soft_delete}'::text[]) f;
ALTER TABLE member ADD modified_at timestamptz;
SELECT * FROM schemakit.auto_apply() WHERE relid = 'member'::regclass;
SELECT * FROM schemakit.status() WHERE relid = 'member'::regclass;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'member'::regclass;
ROLLBACK;
ALTER EXTENSION plpgsql DROP TABLE member;

SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER errors_fdw CASCADE;
DROP SCHEMA errors CASCADE;
DROP ROLE regress_errors_owner, regress_errors_other;
