-- Which tables rules leave alone, and tables that a rule suits only later.
CREATE SCHEMA auto_exceptions;
SET search_path = auto_exceptions;
CREATE VIEW attached AS
SELECT t.tgrelid::regclass AS rel, p.proname AS by, split_part(encode(t.tgargs, 'escape'), '\', 1) AS col
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
WHERE p.proname IN ('touch', 'soft_delete', 'audit') AND c.relnamespace = 'auto_exceptions'::regnamespace
ORDER BY t.tgrelid::regclass::text COLLATE "C", p.proname;

-- the tables that migration tools keep for themselves
SELECT trim(both ' "' FROM pattern) AS pattern FROM regexp_split_to_table(current_setting('schemakit.auto_exceptions'), ',') pattern;
CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE "SequelizeMeta" (name varchar PRIMARY KEY, "updatedAt" timestamptz);
CREATE TABLE knex_migrations_lock (index int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE migrations (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE sequelizemetas (name varchar PRIMARY KEY, updated_at timestamptz);
SELECT * FROM attached;
SELECT relid, feature, state, detail FROM schemakit.status() ORDER BY relid::text COLLATE "C";
SELECT * FROM schemakit.auto_apply();
-- nor when a column is added
ALTER TABLE knex_migrations_lock ADD COLUMN modified_at timestamptz;
CREATE SCHEMA sqitch;
CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, updated_at timestamptz);
SELECT * FROM attached;
SELECT relid, state, detail FROM schemakit.status() WHERE relid = 'sqitch.changes'::regclass;
DROP SCHEMA sqitch CASCADE;
-- nor what is in a schema of an extension: it makes tables there when it works
CREATE SCHEMA auto_exceptions_plpgsql;
ALTER EXTENSION plpgsql ADD SCHEMA auto_exceptions_plpgsql;
CREATE TABLE auto_exceptions_plpgsql.copy AS SELECT 1 AS id, '2001-01-01'::timestamptz AS updated_at;
UPDATE auto_exceptions_plpgsql.copy SET id = 2 RETURNING updated_at = '2001-01-01' AS kept;
SELECT relid, state, detail FROM schemakit.status() WHERE relid = 'auto_exceptions_plpgsql.copy'::regclass;
ALTER EXTENSION plpgsql DROP SCHEMA auto_exceptions_plpgsql;
SELECT relid, state, detail FROM schemakit.status() WHERE relid = 'auto_exceptions_plpgsql.copy'::regclass;
DROP SCHEMA auto_exceptions_plpgsql CASCADE;
-- by name they are maintained like others
SELECT schemakit.timestamps_enable('knex_migrations_lock', 'modified_at');
SELECT * FROM attached;
DROP TABLE ar_internal_metadata, "SequelizeMeta", knex_migrations_lock, migrations, sequelizemetas;
-- the list is the DBA's
SET schemakit.auto_exceptions = 'session%, auto_exceptions.tmp\_%, "Odd"';
CREATE TABLE sessions (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE tmp_1 (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE tmpx1 (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE "Odd" (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE odd (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE schema_migrations (id int PRIMARY KEY, updated_at timestamptz);
SELECT * FROM attached;
SELECT relid, state, detail FROM schemakit.status() WHERE state <> 'ok' ORDER BY relid::text COLLATE "C";
SET schemakit.auto_exceptions = '';
SELECT relid, state FROM schemakit.status() WHERE state <> 'ok' ORDER BY relid::text COLLATE "C";
SET schemakit.auto_exceptions = 'a, b\';  -- fails
SET schemakit.auto_exceptions = 'a,';  -- fails
RESET schemakit.auto_exceptions;
CREATE ROLE regress_exceptions;
SET ROLE regress_exceptions;
SET schemakit.auto_exceptions = '%';  -- fails
RESET ROLE;
DROP ROLE regress_exceptions;
DROP TABLE sessions, tmp_1, tmpx1, "Odd", odd, schema_migrations;

-- exceptions of a rule
SELECT schemakit.auto_enable('soft_delete', 'auto_exceptions', exceptions => ARRAY['log%', 'auto_exceptions.a\_\_%']) AS rule \gset
SELECT id = :rule AS same, schemas, tables, exceptions, options FROM schemakit.auto_rule WHERE feature = 'soft_delete';
CREATE TABLE logs (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE a__b (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE a_b (id int PRIMARY KEY, deleted_at timestamptz);
SELECT * FROM attached;
SELECT relid, state, detail FROM schemakit.status() WHERE feature = 'soft_delete' ORDER BY 1;
SELECT schemakit.auto_enable('soft_delete', 'auto_exceptions') = :rule AS same;
SELECT exceptions FROM schemakit.auto_rule WHERE id = :rule;
SELECT * FROM schemakit.auto_apply() ORDER BY relid::text COLLATE "C";
DROP TABLE logs, a__b, a_b CASCADE;
SELECT schemakit.auto_enable('soft_delete', exceptions => '{a,NULL}');  -- fails
SELECT schemakit.auto_enable('soft_delete', exceptions => '{""}');  -- fails
SELECT schemakit.auto_enable('soft_delete', exceptions => '{"a\\"}');  -- fails
SELECT schemakit.auto_enable('soft_delete', exceptions => NULL);  -- fails
SELECT schemakit.auto_enable('soft_delete', '');  -- fails
SELECT schemakit.auto_enable('soft_delete', tables => '');  -- fails
SELECT schemakit.auto_enable('soft_delete', options => '{"col": ""}');  -- fails
SELECT schemakit.auto_enable('soft_delete', options => '{"view_schema": ""}');  -- fails
SELECT schemakit.auto_enable('timestamps', options => '{"col": ""}');  -- fails
INSERT INTO schemakit.auto_rule (feature, schemas, tables, exceptions) VALUES ('audit', 'x', 'y', '{"a\\",b}');  -- fails
INSERT INTO schemakit.auto_rule (feature, schemas, tables, exceptions) VALUES ('audit', 'x', 'y', '{a,NULL}');  -- fails

-- two rules for the same tables with different columns both count
SELECT schemakit.auto_enable('soft_delete', 'auto_exceptions', options => '{"col": "removed_at"}') > :rule AS another;
CREATE TABLE b1 (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE b2 (id int PRIMARY KEY, removed_at timestamptz);
CREATE TABLE b3 (id int PRIMARY KEY, deleted_at timestamptz, removed_at timestamptz);
SELECT * FROM attached;
SELECT count(*) FROM schemakit.auto_rule WHERE feature = 'soft_delete';
SELECT schemakit.auto_enable('soft_delete', 'auto_exceptions', options => '{"col": "removed_at", "protect": true}') > :rule AS the_second;
SELECT options, enabled FROM schemakit.auto_rule WHERE feature = 'soft_delete' ORDER BY id;
DROP TABLE b1, b2, b3 CASCADE;
DELETE FROM schemakit.auto_rule WHERE feature = 'soft_delete' AND id > :rule;

-- the setting for columns, as for timestamps
CREATE TABLE c1 (id int PRIMARY KEY, "deletedAt" timestamptz);
CREATE TABLE c2 (id int PRIMARY KEY, "deletedAt" timestamptz, deleted_at timestamptz);
CREATE TABLE c3 (id int PRIMARY KEY, "deletedAt" timestamptz, deleted_at date);
SET schemakit.soft_delete_columns = 'gone';
CREATE TABLE c4 (id int PRIMARY KEY, deleted_at timestamptz, gone timestamp);
SELECT * FROM attached;
-- by hand, too
CREATE TABLE c5 (id int PRIMARY KEY);
SELECT schemakit.soft_delete_enable('c5');
RESET schemakit.soft_delete_columns;
CREATE TABLE c6 (id int PRIMARY KEY, "deletedAt" timestamp);
SELECT schemakit.soft_delete_disable('c6');
SELECT schemakit.soft_delete_enable('c6');
CREATE TABLE c7 (id int PRIMARY KEY, "deletedAt" date);
SELECT schemakit.soft_delete_enable('c7');  -- fails
CREATE TABLE c8 (id int PRIMARY KEY);
SELECT schemakit.soft_delete_enable('c8');
-- a second call finds the column that is in use
SELECT schemakit.soft_delete_enable('c5', protect => true);
SELECT * FROM attached;
SET schemakit.soft_delete_columns = 'a,';  -- fails
DROP TABLE c1, c2, c3, c4, c5, c6, c7, c8 CASCADE;

-- a primary key that comes later: as pgloader makes it, with a constraint, with a column
CREATE TABLE d1 (id int, deleted_at timestamptz);
CREATE TABLE d2 AS SELECT 1 AS id, NULL::timestamptz AS deleted_at;
CREATE TABLE d3 (deleted_at timestamptz);
CREATE TABLE d4 (id int, deleted_at timestamptz);
SELECT relid, state, detail FROM schemakit.status() WHERE feature = 'soft_delete' ORDER BY 1;
CREATE UNIQUE INDEX d1_pkey ON d1 (id);
SELECT * FROM attached;
ALTER TABLE d1 ADD PRIMARY KEY USING INDEX d1_pkey;
ALTER TABLE d2 ADD CONSTRAINT d2_pkey PRIMARY KEY (id);
ALTER TABLE d3 ADD COLUMN id int PRIMARY KEY, ADD COLUMN n int;
CREATE TABLE d4_child () INHERITS (d4);
ALTER TABLE d4 ADD PRIMARY KEY (id);
-- a column that rows may leave empty, or fill, only now
CREATE TABLE d5 (id int PRIMARY KEY, deleted_at timestamptz NOT NULL);
ALTER TABLE d5 ALTER deleted_at DROP NOT NULL;
CREATE TABLE d6 (id int PRIMARY KEY, n int, deleted_at timestamp GENERATED ALWAYS AS (CASE WHEN n > 0 THEN '2020-01-01'::timestamp END) STORED,
    updated_at timestamp GENERATED ALWAYS AS ('2020-01-01'::timestamp) STORED);
ALTER TABLE d6 ALTER deleted_at DROP EXPRESSION;
ALTER TABLE d6 ALTER updated_at DROP EXPRESSION;
SELECT * FROM attached;
-- who has taken the trigger away gets it back only for what it needs
SELECT schemakit.soft_delete_disable('d5');
ALTER TABLE d6 DISABLE TRIGGER zz_schemakit_touch;
CREATE TABLE d7 (id int, updated_at timestamptz);
DROP TRIGGER zz_schemakit_touch ON d7;
ALTER TABLE d7 ADD PRIMARY KEY (id);
ALTER TABLE d5 ADD COLUMN n int;
SELECT * FROM attached WHERE rel IN ('d5'::regclass, 'd7'::regclass);
-- partitioned
CREATE TABLE d8 (id int, deleted_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE d81 PARTITION OF d8 FOR VALUES IN (1);
ALTER TABLE d8 ADD PRIMARY KEY (id);
SELECT * FROM attached WHERE rel IN ('d8'::regclass, 'd81'::regclass);
DROP TABLE d1, d2, d3, d4, d4_child, d5, d6, d7, d8 CASCADE;
-- audit is for new tables, and has no use for a key that comes later
BEGIN;
SELECT schemakit.auto_enable('audit', 'auto_exceptions') > 0 AS enabled;
CREATE TABLE e1 (id int, updated_at timestamptz);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
ALTER TABLE e1 ADD PRIMARY KEY (id);
SELECT * FROM attached;
SELECT relid, feature, state, detail FROM schemakit.status() WHERE feature = 'audit' ORDER BY 1;
ROLLBACK;
DELETE FROM schemakit.auto_rule WHERE feature = 'soft_delete';

-- opting out before there is a trigger
CREATE TABLE f1 (id int);
SELECT schemakit.timestamps_disable('f1');
ALTER TABLE f1 ADD COLUMN updated_at timestamptz;
SELECT relid, state, detail FROM schemakit.status();
INSERT INTO f1 VALUES (1, '2020-01-01');
UPDATE f1 SET id = 2 RETURNING updated_at = '2020-01-01' AS kept;
SELECT * FROM schemakit.auto_apply();
SELECT schemakit.timestamps_disable('f1');
SELECT schemakit.timestamps_enable('f1');
UPDATE f1 SET id = 2 RETURNING updated_at = '2020-01-01' AS kept;
UPDATE f1 SET id = 3 RETURNING updated_at = now() AS advanced;
SELECT relid, state, detail FROM schemakit.status();
SET schemakit.timestamps_auto = off;
CREATE TABLE f2 (id int, modified_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE f21 PARTITION OF f2 FOR VALUES IN (1);
SELECT schemakit.timestamps_disable('f2');
RESET schemakit.timestamps_auto;
SELECT * FROM schemakit.auto_apply();
SELECT tgrelid::regclass, tgenabled FROM pg_trigger WHERE tgrelid IN ('f2'::regclass, 'f21'::regclass) ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA auto_exceptions CASCADE;
