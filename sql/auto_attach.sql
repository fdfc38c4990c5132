-- Every path that makes a table, or gives it the column, attaches the trigger.
CREATE SCHEMA auto_attach;
SET search_path = auto_attach;
-- the tables of the schema that have a trigger of ours, and of which kind
CREATE VIEW attached AS
SELECT c.relname AS table, t.tgname AS trigger, pg_get_triggerdef(t.oid, true) LIKE '%BEFORE UPDATE ON %FOR EACH ROW EXECUTE FUNCTION schemakit.touch(%)' AS plain,
       encode(t.tgargs, 'escape') AS args, t.tgenabled AS enabled, t.tgparentid <> 0 AS clone,
       EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
               WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.deptype = 'x' AND e.extname = 'schemakit') AS dependent
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgfoid = 'schemakit.touch'::regproc AND c.relnamespace = 'auto_attach'::regnamespace
ORDER BY c.relname COLLATE "C", t.tgname COLLATE "C";

-- CREATE TABLE, plain and with all that makes further commands of it
CREATE TABLE t_plain (id int, updated_at timestamptz);
CREATE TABLE t_serial (id serial PRIMARY KEY, name text UNIQUE, updated_at timestamptz DEFAULT now());
CREATE TABLE t_identity (id int GENERATED ALWAYS AS IDENTITY, parent int, updated_at timestamp NOT NULL);
CREATE UNLOGGED TABLE t_unlogged (id int, updated_at date);
CREATE TABLE t_like (LIKE t_serial INCLUDING ALL);
CREATE TABLE t_like2 (extra int, LIKE t_plain);
CREATE TABLE t_inherits (extra int) INHERITS (t_plain);
CREATE TYPE row_type AS (id int, updated_at timestamptz);
CREATE TABLE t_of OF row_type;
CREATE TABLE IF NOT EXISTS t_if_not_exists (id int, updated_at timestamptz);
-- the names that are looked for, in their order
CREATE TABLE t_modified (id int, modified_at timestamptz);
CREATE TABLE t_camel (id int, "updatedAt" timestamp(3));
CREATE TABLE t_both (id int, modified_at timestamptz, updated_at timestamptz);
CREATE TABLE t_second (id int, updated_at text, modified_at timestamptz);
CREATE TABLE "T Quoted ""name" (id int, updated_at timestamptz);
-- CREATE TABLE AS and SELECT INTO
CREATE TABLE t_as AS SELECT 1 AS id, now() AS updated_at;
CREATE TABLE t_as_empty AS SELECT * FROM t_plain WITH NO DATA;
SELECT 1 AS id, now() AS updated_at INTO t_into;
PREPARE q AS SELECT 1 AS id, now() AS updated_at;
CREATE TABLE t_execute AS EXECUTE q;
DEALLOCATE q;
-- commands inside functions, DO blocks and other statements
DO $$BEGIN CREATE TABLE t_do (id int, updated_at timestamptz); END$$;
CREATE FUNCTION make(name text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE format('CREATE TABLE auto_attach.%I (id int, updated_at timestamptz)', name); END$$;
SELECT make('t_function');
CREATE FUNCTION make_sql() RETURNS void LANGUAGE sql AS $$CREATE TABLE auto_attach.t_sql (id int, updated_at timestamptz)$$;
SELECT make_sql();
-- the same statement again and again, from a plan that is kept
CREATE FUNCTION make_again() RETURNS bigint LANGUAGE plpgsql SET search_path = auto_attach AS $$
DECLARE n bigint;
BEGIN
    CREATE TABLE t_again (id int, updated_at timestamptz);
    SELECT count(*) INTO n FROM attached a WHERE a.table = 't_again';
    DROP TABLE t_again;
    RETURN n;
END$$;
SELECT make_again(), make_again(), make_again();
SELECT * FROM attached;

-- CREATE SCHEMA with its elements
CREATE SCHEMA auto_attach_elements
    CREATE TABLE e1 (id int PRIMARY KEY, updated_at timestamptz)
    CREATE TABLE e2 (id int REFERENCES e1, modified_at timestamptz)
    CREATE VIEW v AS SELECT * FROM e1;
SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'zz_schemakit_touch' AND tgrelid::regclass::text LIKE 'auto_attach_elements%' ORDER BY 1;
DROP SCHEMA auto_attach_elements CASCADE;
SET client_min_messages = warning;
DROP TABLE t_plain, t_serial, t_identity, t_unlogged, t_like, t_like2, t_inherits, t_of, t_if_not_exists, t_modified,
    t_camel, t_both, t_second, "T Quoted ""name", t_as, t_as_empty, t_into, t_execute, t_do, t_function, t_sql;
DROP TYPE row_type;
RESET client_min_messages;

-- not: temporary tables, tables without the column or with one that cannot
-- hold a time, foreign tables, views, and tables of extensions
CREATE TEMP TABLE n_temp (id int, updated_at timestamptz);
CREATE TEMP TABLE n_temp_as AS SELECT now() AS updated_at;
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('n_temp'::regclass, 'n_temp_as'::regclass);
CREATE TABLE n_without (id int);
CREATE TABLE n_text (id int, updated_at text);
CREATE TABLE n_time (id int, updated_at time);
CREATE TABLE n_generated (id int, at timestamptz, updated_at timestamptz GENERATED ALWAYS AS (at) STORED);
CREATE TABLE n_case (id int, "Updated_At" timestamptz);
CREATE VIEW n_view AS SELECT 1 AS id, now() AS updated_at;
CREATE MATERIALIZED VIEW n_matview AS SELECT 1 AS id, now() AS updated_at;
CREATE TYPE n_type AS (id int, updated_at timestamptz);
CREATE FOREIGN DATA WRAPPER n_fdw;
CREATE SERVER n_server FOREIGN DATA WRAPPER n_fdw;
CREATE FOREIGN TABLE n_foreign (id int, updated_at timestamptz) SERVER n_server;
SELECT * FROM attached;
DROP FOREIGN DATA WRAPPER n_fdw CASCADE;
-- nor where the column is part of a key: an UPDATE could fail for it
CREATE TABLE n_primary (id int, updated_at timestamptz, PRIMARY KEY (id, updated_at));
CREATE TABLE n_unique (id int, updated_at timestamptz UNIQUE);
CREATE TABLE n_exclude (id int, updated_at timestamptz, EXCLUDE USING btree (updated_at WITH =));
CREATE TABLE n_partkey (id int, updated_at timestamptz) PARTITION BY RANGE (updated_at);
CREATE TABLE n_partexpr (id int, updated_at timestamp) PARTITION BY RANGE (date_trunc('day', updated_at));
CREATE TABLE n_included (id int, updated_at timestamptz, UNIQUE (id) INCLUDE (updated_at));
CREATE INDEX ON n_included (updated_at);
SELECT * FROM attached;
DROP TABLE n_primary, n_unique, n_exclude, n_partkey, n_partexpr, n_included;
-- a partition's trigger that has the name and is not ours stays
CREATE TABLE n_named (id int) PARTITION BY LIST (id);
CREATE TABLE n_named1 PARTITION OF n_named FOR VALUES IN (1);
CREATE FUNCTION n_other() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER zz_schemakit_touch BEFORE INSERT ON n_named1 FOR EACH ROW EXECUTE FUNCTION n_other();
ALTER TABLE n_named ADD COLUMN updated_at timestamptz;
SELECT tgrelid::regclass, tgfoid::regproc FROM pg_trigger WHERE tgrelid IN ('n_named'::regclass, 'n_named1'::regclass);
DROP TABLE n_named;
-- tables that belong to an extension, whenever they got the column
CREATE TABLE n_member (id int);
ALTER EXTENSION plpgsql ADD TABLE n_member;
ALTER TABLE n_member ADD COLUMN updated_at timestamptz;
SELECT count(*) FROM schemakit.status() WHERE relid = 'n_member'::regclass;
SELECT * FROM schemakit.auto_apply();
SELECT * FROM attached;
ALTER EXTENSION plpgsql DROP TABLE n_member;
-- what event triggers do not see, auto_apply() finds
DO $$BEGIN EXECUTE 'EXPLAIN ANALYZE CREATE TABLE n_explain AS SELECT now() AS updated_at'; END$$;
SET session_replication_role = replica;
CREATE TABLE n_replica (id int, updated_at timestamptz);
RESET session_replication_role;
SELECT relid, state FROM schemakit.status() ORDER BY relid::text;
SELECT * FROM schemakit.auto_apply() ORDER BY relid::text;
SELECT * FROM attached;
DROP TABLE n_member, n_explain, n_replica;
-- a temporary table that hides the new one does not lead astray
CREATE TEMP TABLE n_hidden (id int);
CREATE TABLE n_hidden (id int, updated_at timestamptz);
DROP TABLE pg_temp.n_hidden;
SELECT * FROM attached;
DROP TABLE n_hidden;

-- a table that exists already is not a new one
CREATE TABLE i_exists (id int, updated_at timestamptz);
DROP TRIGGER zz_schemakit_touch ON i_exists;
CREATE TABLE IF NOT EXISTS i_exists (id int, updated_at timestamptz);
CREATE TABLE IF NOT EXISTS i_exists AS SELECT 1 AS id;
-- and other changes of it do not bring the trigger back
ALTER TABLE i_exists ADD COLUMN n int;
ALTER TABLE i_exists ADD PRIMARY KEY (id);
ALTER TABLE i_exists ADD COLUMN IF NOT EXISTS updated_at timestamptz;
ALTER TABLE i_exists RENAME COLUMN n TO m;
ALTER TABLE i_exists ALTER COLUMN m TYPE bigint;
ALTER TABLE i_exists RENAME TO i_renamed;
CREATE INDEX ON i_renamed (m);
COMMENT ON TABLE i_renamed IS 'x';
SELECT * FROM attached;
DROP TABLE i_renamed;

-- ADD COLUMN: the table, and what inherits from it
CREATE TABLE a_plain (id int);
ALTER TABLE a_plain ADD COLUMN updated_at timestamptz DEFAULT now();
CREATE TABLE a_several (id int);
ALTER TABLE a_several ADD COLUMN n int, ADD COLUMN "updatedAt" timestamptz, ADD COLUMN m int;
CREATE TABLE a_parent (id int);
CREATE TABLE a_child () INHERITS (a_parent);
CREATE TABLE a_grandchild () INHERITS (a_child);
ALTER TABLE a_parent ADD COLUMN updated_at timestamptz;
CREATE TYPE a_type AS (id int);
CREATE TABLE a_typed OF a_type;
CREATE TABLE a_typed2 OF a_type;
ALTER TYPE a_type ADD ATTRIBUTE updated_at timestamptz CASCADE;
DO $$BEGIN CREATE TABLE a_do (id int); ALTER TABLE a_do ADD COLUMN updated_at timestamptz; END$$;
-- a column that becomes one that can hold a time
CREATE TABLE a_type_change (id int, updated_at text);
ALTER TABLE a_type_change ALTER COLUMN updated_at TYPE timestamptz USING updated_at::timestamptz;
CREATE TABLE a_if_exists (id int);
ALTER TABLE IF EXISTS a_if_exists ADD COLUMN IF NOT EXISTS updated_at timestamptz;
ALTER TABLE IF EXISTS a_nowhere ADD COLUMN updated_at timestamptz;
SELECT * FROM attached;
-- not where there is a trigger for another column already
ALTER TABLE a_plain ADD COLUMN modified_at timestamptz;
SELECT * FROM attached a WHERE a.table = 'a_plain';
SET client_min_messages = warning;
DROP TABLE a_plain, a_several, a_parent, a_child, a_grandchild, a_typed, a_typed2, a_do, a_type_change, a_if_exists;
DROP TYPE a_type;
RESET client_min_messages;

-- opting out: a disabled trigger stays disabled through all of this
CREATE TABLE o_out (id int, updated_at timestamptz);
ALTER TABLE o_out DISABLE TRIGGER zz_schemakit_touch;
ALTER TABLE o_out ADD COLUMN modified_at timestamptz;
ALTER TABLE o_out ALTER COLUMN updated_at TYPE timestamp;
ALTER TABLE o_out RENAME COLUMN updated_at TO changed_at;
SELECT * FROM schemakit.auto_apply() WHERE relid = 'o_out'::regclass;
SELECT * FROM attached;
ALTER TABLE o_out ENABLE ALWAYS TRIGGER zz_schemakit_touch;
ALTER TABLE o_out RENAME COLUMN changed_at TO updated_at;
SELECT * FROM attached;
DROP TABLE o_out;

-- settings: no automatism in this session, other names
SET schemakit.timestamps_auto = off;
CREATE TABLE s_off (id int, updated_at timestamptz);
RESET schemakit.timestamps_auto;
SET schemakit.timestamps_columns = 'changed_on, "Weird, ""Name"';
CREATE TABLE s_changed (id int, changed_on date);
CREATE TABLE s_weird (id int, "Weird, ""Name" timestamptz);
CREATE TABLE s_updated (id int, updated_at timestamptz);
SET schemakit.timestamps_columns = '';
CREATE TABLE s_none (id int, updated_at timestamptz);
RESET schemakit.timestamps_columns;
SELECT * FROM attached;
INSERT INTO s_weird VALUES (1, '2020-01-01');
UPDATE s_weird SET id = 2 RETURNING "Weird, ""Name" = now() AS advanced;
DROP TABLE s_off, s_changed, s_weird, s_updated, s_none;

-- while a dump is loaded the dump's own triggers count
BEGIN;
SET LOCAL check_function_bodies = false;
SELECT pg_catalog.set_config('search_path', '', true);
CREATE TABLE auto_attach.d_dumped (id int, updated_at timestamptz);
ALTER TABLE auto_attach.d_dumped ADD COLUMN modified_at timestamptz;
CREATE TABLE auto_attach.d_without (id int, updated_at timestamptz);
CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON auto_attach.d_dumped FOR EACH ROW EXECUTE FUNCTION schemakit.touch('modified_at');
ALTER TRIGGER zz_schemakit_touch ON auto_attach.d_dumped DEPENDS ON EXTENSION schemakit;
COMMIT;
SELECT * FROM attached;
DROP TABLE d_dumped, d_without;
-- and where a table has got its trigger already, the dump's replaces it
CREATE TABLE d_got (id int, updated_at timestamptz, changed timestamptz);
CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON auto_attach.d_got FOR EACH ROW EXECUTE FUNCTION schemakit.touch('changed', 'always');
ALTER TRIGGER zz_schemakit_touch ON auto_attach.d_got DEPENDS ON EXTENSION schemakit;
SELECT * FROM attached;
-- but not a trigger that is not ours, and ours is not replaced by another
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON d_got FOR EACH ROW EXECUTE FUNCTION other();  -- fails
DROP TRIGGER zz_schemakit_touch ON d_got;
CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON d_got FOR EACH ROW EXECUTE FUNCTION other();
CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON d_got FOR EACH ROW EXECUTE FUNCTION schemakit.touch('changed');  -- fails
SELECT schemakit.timestamps_enable('d_got');  -- fails
DROP TABLE d_got;
-- a trigger made by hand depends on the extension, too
CREATE TABLE h_hand (id int, at timestamptz);
CREATE TRIGGER mine BEFORE UPDATE ON h_hand FOR EACH ROW EXECUTE FUNCTION schemakit.touch('at', 'always');
SELECT * FROM attached;
DROP TABLE h_hand;

-- what fails in attaching is a warning; the command goes through
CREATE ROLE regress_no_trigger;
GRANT USAGE, CREATE ON SCHEMA auto_attach TO regress_no_trigger;
REVOKE EXECUTE ON FUNCTION schemakit.touch() FROM PUBLIC;
SET ROLE regress_no_trigger;
CREATE TABLE w_warned (id int, updated_at timestamptz);
INSERT INTO w_warned VALUES (1, '2020-01-01');
RESET ROLE;
GRANT EXECUTE ON FUNCTION schemakit.touch() TO PUBLIC;
SELECT * FROM w_warned;
SELECT * FROM attached;
DROP TABLE w_warned;
REVOKE ALL ON SCHEMA auto_attach FROM regress_no_trigger;
DROP ROLE regress_no_trigger;

-- other event triggers see what was attached
CREATE FUNCTION listen() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE c record;
BEGIN
    FOR c IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
        RAISE NOTICE '% %', c.command_tag, c.object_identity;
    END LOOP;
END$$;
CREATE EVENT TRIGGER zzz_listen ON ddl_command_end EXECUTE FUNCTION listen();
CREATE TABLE l_listened (id int, updated_at timestamptz);
DROP EVENT TRIGGER zzz_listen;

-- where Citus is, and does not allow triggers, tables are left alone
UPDATE pg_extension SET extname = 'citus' WHERE extname = 'plpgsql';
CREATE TABLE c_citus (id int, updated_at timestamptz);
SELECT state, detail FROM schemakit.status() WHERE relid = 'c_citus'::regclass;
SELECT action FROM schemakit.auto_apply() WHERE relid = 'c_citus'::regclass;
SET citus.enable_unsafe_triggers = on;
SELECT action FROM schemakit.auto_apply() WHERE relid = 'c_citus'::regclass;
UPDATE pg_extension SET extname = 'plpgsql' WHERE extname = 'citus';
SELECT state, detail FROM schemakit.status() WHERE relid = 'c_citus'::regclass;

SET client_min_messages = warning;
DROP SCHEMA auto_attach CASCADE;
