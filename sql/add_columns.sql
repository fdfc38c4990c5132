-- Rules that give new tables created_at and updated_at.
CREATE SCHEMA add_columns;
SET search_path = add_columns;
CREATE VIEW columns AS
SELECT c.relname AS rel, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns,
    (SELECT string_agg(DISTINCT split_part(encode(tgargs, 'escape'), '\', 1), ' ') FROM pg_trigger
     WHERE tgrelid = c.oid AND tgfoid = 'schemakit.touch'::regproc) AS maintained
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'add_columns'::regnamespace AND c.relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE "C";
CREATE TABLE before (id int);
SELECT schemakit.auto_enable('timestamps', 'add\_columns', options => '{"add_columns": true}', exceptions => '{join%}') AS rule \gset

CREATE TABLE plain (id int PRIMARY KEY, name text);
\d plain
-- in the same transaction, by the next statement; values by position are as before
BEGIN;
CREATE TABLE t (id int, name text);
INSERT INTO t VALUES (1, 'one');
SELECT id, name, created_at = now() AS created, updated_at = now() AS updated FROM t;
PREPARE p AS UPDATE t SET name = $1 RETURNING name, updated_at > created_at AS advanced;
EXECUTE p('two');
DEALLOCATE p;
COMMIT;
CREATE FUNCTION f() RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    CREATE TABLE in_function (id int);
    INSERT INTO in_function VALUES (1) RETURNING updated_at INTO at;
    RETURN at;
END $$;
SELECT f() = now() AS now;
-- only what is missing
CREATE TABLE has_both (id int, created_at date, updated_at timestamp);
CREATE TABLE has_created (id int, created_at timestamptz);
CREATE TABLE has_updated (updated_at timestamptz, id int);
CREATE TABLE camel (id int, "createdAt" timestamptz DEFAULT now());
CREATE TABLE camel_updated (id int, "updatedAt" timestamptz);
CREATE TABLE modified (id int, modified_at timestamptz);
CREATE TABLE misfit (id int, updated_at text);
CREATE TABLE misfit_created (id int, created_at text);
CREATE TABLE empty ();
CREATE UNLOGGED TABLE unlogged (id int);
SELECT * FROM columns;
DROP TABLE has_both, has_created, has_updated, camel, camel_updated, modified, misfit, misfit_created, empty, unlogged, t, in_function;
-- every way to make a table
CREATE TABLE as_query AS SELECT g AS id FROM generate_series(1, 3) g;
SELECT count(*), count(DISTINCT created_at), bool_and(updated_at = created_at) AS same FROM as_query;
CREATE TABLE no_data AS SELECT 1 AS id WITH NO DATA;
SELECT 1 AS id INTO into_table;
CREATE TABLE as_like (LIKE plain INCLUDING ALL);
CREATE TABLE child (n int) INHERITS (before);
CREATE TABLE grandchild () INHERITS (plain);
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE parted1 PARTITION OF parted FOR VALUES IN (1);
CREATE TYPE pair AS (id int, n int);
CREATE TABLE typed OF pair;
CREATE TABLE IF NOT EXISTS before (id int);
CREATE TABLE IF NOT EXISTS if_not (id int);
CREATE TABLE IF NOT EXISTS if_not (id int);
CREATE TABLE IF NOT EXISTS as_query AS SELECT 1 AS id;
CREATE TEMP TABLE temporary (id int);
SELECT * FROM columns;
SELECT count(*) FROM pg_attribute WHERE attrelid = 'temporary'::regclass AND attnum > 0;
CREATE SCHEMA add_columns_2 CREATE TABLE first (id int) CREATE VIEW seen AS SELECT * FROM first;
SELECT schemakit.auto_enable('timestamps', 'add\_columns\_2', options => '{"add_columns": true, "col": "changed"}') AS second \gset
CREATE TABLE add_columns_2.second (id int);
SELECT attname FROM pg_attribute WHERE attrelid = 'add_columns_2.second'::regclass AND attnum > 0;
DROP TYPE pair CASCADE;
DROP TABLE as_query, no_data, into_table, as_like, child, grandchild, parted, if_not, temporary;
-- tables that are excepted, or that have a key
CREATE TABLE join_table (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE schema_migrations (version text PRIMARY KEY);
CREATE TABLE keyed (id int, updated_at timestamptz UNIQUE);
SELECT * FROM columns;
SELECT relid, state, detail FROM schemakit.status() WHERE state = 'left alone' AND feature = 'timestamps' ORDER BY 1;
DROP TABLE join_table, schema_migrations, keyed;
-- a table that is altered gets no columns, nor does one whose column is dropped
ALTER TABLE before ADD COLUMN n int;
CREATE TABLE dropped (id int);
ALTER TABLE dropped DROP COLUMN updated_at;
CREATE TABLE renamed (id int);
ALTER TABLE renamed RENAME COLUMN updated_at TO other;
SELECT * FROM columns;
DROP TABLE dropped, renamed;
-- other features see the columns, and commands that follow
SELECT schemakit.auto_enable('audit', 'add\_columns') AS audit \gset
BEGIN;
CREATE TABLE audited (id int PRIMARY KEY);
INSERT INTO audited VALUES (1);
SELECT new ? 'updated_at' AS seen FROM schemakit.audit_log WHERE table_name = 'add_columns.audited';
ROLLBACK;
DELETE FROM schemakit.auto_rule WHERE id = :audit;
-- other event triggers see what was done, and none is run for it
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
        RAISE NOTICE '%: % %', tg_tag, r.command_tag, r.object_identity;
    END LOOP;
END $$;
CREATE EVENT TRIGGER zz_note ON ddl_command_end EXECUTE FUNCTION note();
CREATE TABLE noted (id int);
DROP EVENT TRIGGER zz_note;
-- the table's owner adds them; if that fails, the table is made all the same
CREATE ROLE regress_columns;
GRANT USAGE, CREATE ON SCHEMA add_columns TO regress_columns;
SET ROLE regress_columns;
CREATE TABLE owned (id int);
RESET ROLE;
REVOKE USAGE ON TYPE timestamptz FROM PUBLIC;
SET ROLE regress_columns;
CREATE TABLE failed (id int);
RESET ROLE;
GRANT USAGE ON TYPE timestamptz TO PUBLIC;
SELECT * FROM columns;
SELECT state FROM schemakit.status() WHERE relid = 'failed'::regclass;
DROP TABLE owned, failed, noted;
-- existing tables get them when somebody asks for it
CREATE VIEW dependent AS SELECT * FROM before;
SELECT relid, state FROM schemakit.status() WHERE relid = 'before'::regclass;
SELECT * FROM schemakit.auto_apply();
SELECT * FROM schemakit.auto_apply();
SELECT * FROM columns;
SELECT relid, state, detail FROM schemakit.status() WHERE relid = 'before'::regclass;
-- options
SELECT schemakit.auto_enable('timestamps', options => '{"add_columns": "yes"}');  -- fails
SELECT schemakit.timestamps_enable('plain', add_columns => true);
SET schemakit.timestamps_auto = off;
CREATE TABLE by_hand (id int, "createdAt" timestamptz);
RESET schemakit.timestamps_auto;
SELECT schemakit.timestamps_enable('by_hand', add_columns => true);
SELECT * FROM columns;
DELETE FROM schemakit.auto_rule WHERE id IN (:rule, :second);

SET client_min_messages = warning;
DROP SCHEMA add_columns CASCADE;
DROP SCHEMA add_columns_2 CASCADE;
DROP ROLE regress_columns;
