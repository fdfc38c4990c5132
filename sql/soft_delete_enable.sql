--
-- Soft delete: what soft_delete_enable() is given, and what a second call keeps
--
SET client_min_messages = warning;
CREATE SCHEMA enabling;
CREATE SCHEMA live;
CREATE SCHEMA "Odd ""schema""";
SET search_path = enabling, public;
CREATE VIEW views AS SELECT c.oid::regclass::text AS view FROM pg_class AS c WHERE relkind = 'v' AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = 'zz_schemakit_soft_delete_row') ORDER BY 1;
CREATE VIEW states AS SELECT relid::regclass, state, detail FROM schemakit.status() WHERE feature = 'soft_delete' ORDER BY relid::text;
CREATE FUNCTION refusal(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- the view in a schema of its own
CREATE TABLE users (id int PRIMARY KEY, name text);
INSERT INTO users VALUES (1, 'ann'), (2, 'bob');
SELECT schemakit.soft_delete_enable('users', view_schema => 'live');
SELECT schemakit.soft_delete_enable('users');
TABLE states;
-- a second call keeps what it does not name
SELECT schemakit.soft_delete_enable('users', protect => true);
SELECT schemakit.soft_delete_enable('users');
SELECT schemakit.soft_delete_enable('users', view_name => 'people', view_schema => 'live');
TABLE states;
SELECT schemakit.soft_delete_enable('users', protect => false);
TABLE states;
-- and makes again what is missing, under its name
DROP VIEW live.people;
TABLE states;
SELECT schemakit.soft_delete_enable('users');
TABLE states;
ALTER TABLE users RENAME TO members;
SELECT schemakit.soft_delete_enable('members', view_schema => 'live');
ALTER TABLE members RENAME TO users;
DROP VIEW live.users;
SELECT schemakit.soft_delete_enable('users');
TABLE views;
SELECT schemakit.soft_delete_enable('users', view_name => 'users_live');
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname = 'zz_schemakit_soft_delete';
-- auto_apply() does so, too
SELECT schemakit.soft_delete_enable('users', view_schema => 'live', protect => true);
GRANT SELECT ON users TO PUBLIC;
DROP VIEW live.users;
TABLE states;
SELECT * FROM schemakit.auto_apply();
TABLE states;
SELECT relacl::text ~ ',=r/' AS granted FROM pg_class WHERE oid = 'live.users'::regclass;
DROP VIEW live.users;
CREATE TABLE live.users ();
SELECT * FROM schemakit.auto_apply();
DROP TABLE live.users;
ALTER TABLE users DISABLE TRIGGER zz_schemakit_soft_delete;
SELECT * FROM schemakit.auto_apply();
ALTER TABLE users ENABLE TRIGGER zz_schemakit_soft_delete;
SELECT * FROM schemakit.auto_apply();
SELECT schemakit.soft_delete_enable('users', view_name => 'users_live', protect => false);
DROP VIEW users_live;
TABLE states;
SELECT * FROM schemakit.auto_apply();
TABLE views;
-- the column, too
CREATE TABLE other (id int PRIMARY KEY);
SELECT schemakit.soft_delete_enable('other', 'removed_at');
SELECT schemakit.soft_delete_enable('other');
SELECT refusal($$SELECT schemakit.soft_delete_enable('other', 'deleted_at')$$);
ALTER TABLE other ALTER COLUMN removed_at TYPE timestamp;
\d other

-- names
SELECT schemakit.soft_delete_enable('other', view_name => 'Upper');
SELECT schemakit.soft_delete_enable('other', view_name => '"Upper".') AS fails;
SELECT schemakit.soft_delete_enable('other', view_name => '"Odd ""schema""" . "a.b c"');
TABLE views;
SELECT schemakit.soft_delete_enable('other', view_name => 'live.' || repeat('x', 63));
SELECT name, refusal(format('SELECT schemakit.soft_delete_enable(''other'', view_name => %L)', name)) FROM unnest(ARRAY[
    '', ' ', '""', 'live.', 'live.""', 'a.b.c', repeat('x', 64), 'live."' || repeat('x', 64) || '"',
    'pg_catalog.other', 'pg_toast.other', 'information_schema.other', 'schemakit.other', 'pg_temp.other', 'nosuch.other', 'live.' || repeat('x', 63), 'enabling.users']) AS name;
SELECT name, refusal(format('SELECT schemakit.soft_delete_enable(''other'', view_schema => %L)', name)) FROM unnest(ARRAY[
    '', 'nosuch', 'pg_catalog', 'Odd "schema"']) AS name;
SELECT refusal($$SELECT schemakit.soft_delete_enable('other', view_name => 'live.x', view_schema => 'live')$$);
TABLE views;
DROP TABLE other;
CREATE TABLE fresh (id int PRIMARY KEY);
SELECT refusal($$SELECT schemakit.soft_delete_enable('fresh', view_name => 'pg_catalog.fresh')$$);
SELECT refusal($$SELECT schemakit.soft_delete_enable('fresh', view_schema => 'information_schema')$$);
\d fresh

-- by hand, rules have no say
SELECT schemakit.auto_enable('soft_delete', 'enabling', '%', '{"view_schema": "not_yet"}') > 0 AS made;
SELECT schemakit.soft_delete_enable('fresh');
TABLE states;
-- a rule whose schema is missing
ALTER TABLE fresh RENAME TO fresher;
CREATE TABLE ruled (id int PRIMARY KEY, deleted_at timestamptz);
SELECT relid, state, regexp_replace(detail, '[0-9]+', 'N') AS detail FROM states WHERE relid = 'ruled'::regclass;
SELECT * FROM schemakit.auto_apply();
CREATE SCHEMA not_yet;
SELECT relid, state, regexp_replace(detail, '[0-9]+', 'N') AS detail FROM states WHERE relid = 'ruled'::regclass;
SELECT * FROM schemakit.auto_apply();
SELECT * FROM states WHERE relid = 'ruled'::regclass;
DROP VIEW not_yet.ruled;
SELECT * FROM schemakit.auto_apply();
TABLE views;
DELETE FROM schemakit.auto_rule WHERE feature = 'soft_delete';

-- in replica mode the view's trigger does not fire: no DELETE that does nothing
PREPARE remove AS DELETE FROM users_live WHERE id = 2;
SET session_replication_role = replica;
DELETE FROM users_live WHERE id = 1;
WITH gone AS (DELETE FROM users_live RETURNING id) SELECT * FROM gone;
EXECUTE remove;
SELECT count(*) FROM users_live;
UPDATE users_live SET name = 'eve' WHERE id = 1;
RESET session_replication_role;
EXECUTE remove;
SELECT * FROM users_live;

DROP SCHEMA enabling, live, not_yet, "Odd ""schema""" CASCADE;
