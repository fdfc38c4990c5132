-- The audit log is append-only: what would change it, or what protects it, is refused,
-- also to superusers and in replica mode, unless schemakit.audit_writable is on.
CREATE SCHEMA audit_protect;
SET search_path = audit_protect;
CREATE ROLE regress_protect_owner;
CREATE ROLE regress_protect_writer;
GRANT pg_write_all_data, pg_read_all_data TO regress_protect_writer;
CREATE TABLE t (id int PRIMARY KEY, secret text);
SELECT schemakit.audit_enable('t', mask => '{"secret": "hash"}');
INSERT INTO t VALUES (1, 'x');
SELECT max(inhrelid::regclass::text) AS month FROM pg_inherits WHERE inhparent = 'schemakit.audit_event'::regclass \gset
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || regexp_replace(sqlerrm, '_p\d+_\d\d', '_pX');
END$$;
CREATE TABLE statements (n int GENERATED ALWAYS AS IDENTITY, statement text);
INSERT INTO statements (statement) VALUES
    ('INSERT INTO schemakit.audit_event SELECT * FROM schemakit.audit_event'),
    ('INSERT INTO schemakit.audit_event_default SELECT * FROM schemakit.audit_event'),
    ('INSERT INTO MONTH SELECT * FROM schemakit.audit_event'),
    ('INSERT INTO schemakit.audit_shape SELECT * FROM schemakit.audit_shape'),
    ('INSERT INTO schemakit.audit_secret SELECT * FROM schemakit.audit_secret'),
    ('INSERT INTO schemakit.audit_origin VALUES (1)'),
    ('INSERT INTO schemakit.audit_definition VALUES (''audit_shape_id'', ''9'')'),
    ('INSERT INTO schemakit.table_addition VALUES (1, ''x'', ''DROP TABLE t'')'),
    ('UPDATE schemakit.audit_event SET op = ''X'''),
    ('UPDATE MONTH SET op = ''X'' WHERE false'),
    ('UPDATE schemakit.audit_shape SET covered = true'),
    ('UPDATE schemakit.audit_secret SET key = key'),
    ('UPDATE schemakit.audit_origin SET cluster = 1'),
    ('UPDATE schemakit.table_addition SET name = name'),
    ('DELETE FROM schemakit.audit_event'),
    ('DELETE FROM schemakit.audit_shape'),
    ('DELETE FROM schemakit.audit_secret'),
    ('DELETE FROM schemakit.audit_origin'),
    ('DELETE FROM schemakit.table_addition');
INSERT INTO statements (statement) VALUES
    ('TRUNCATE schemakit.audit_event'),
    ('TRUNCATE schemakit.audit_event_default'),
    ('TRUNCATE MONTH'),
    ('TRUNCATE schemakit.audit_shape'),
    ('TRUNCATE schemakit.audit_secret'),
    ('TRUNCATE schemakit.audit_origin'),
    ('TRUNCATE schemakit.table_addition'),
    ('ALTER TABLE schemakit.audit_event DETACH PARTITION MONTH'),
    ('ALTER TABLE schemakit.audit_event DETACH PARTITION schemakit.audit_event_default'),
    ('CREATE TABLE other (LIKE schemakit.audit_event); ALTER TABLE schemakit.audit_event ATTACH PARTITION other FOR VALUES FROM (''1990-01-01'') TO (''1991-01-01'')'),
    ('CREATE TABLE audit_protect.other PARTITION OF schemakit.audit_event FOR VALUES FROM (''1990-01-01'') TO (''1991-01-01'')'),
    ('CREATE TABLE audit_protect.other () INHERITS (schemakit.audit_shape)'),
    ('DROP TABLE MONTH'),
    ('DROP TABLE schemakit.audit_event CASCADE'),
    ('DROP TRIGGER audit_protect ON schemakit.audit_event'),
    ('DROP TRIGGER audit_protect_statement ON MONTH'),
    ('CREATE OR REPLACE TRIGGER audit_protect_statement BEFORE TRUNCATE ON MONTH EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
    ('ALTER TABLE schemakit.audit_event DISABLE TRIGGER audit_protect'),
    ('ALTER TABLE schemakit.audit_event ENABLE TRIGGER audit_protect'),
    ('ALTER TABLE schemakit.audit_event ENABLE REPLICA TRIGGER audit_protect'),
    ('ALTER TABLE schemakit.audit_event DISABLE TRIGGER ALL'),
    ('ALTER TABLE MONTH DISABLE TRIGGER USER'),
    ('ALTER TABLE schemakit.audit_event ADD note text'),
    ('ALTER TABLE schemakit.audit_event DROP old'),
    ('ALTER TABLE schemakit.audit_event ALTER op TYPE text'),
    ('ALTER TABLE MONTH SET UNLOGGED'),
    ('ALTER TABLE schemakit.audit_event RENAME TO gone'),
    ('ALTER TABLE schemakit.audit_event RENAME old TO gone'),
    ('ALTER TABLE MONTH SET SCHEMA audit_protect'),
    ('ALTER EXTENSION schemakit DROP TABLE MONTH');
INSERT INTO statements (statement) VALUES
    ('ALTER TRIGGER audit_protect ON schemakit.audit_event RENAME TO other'),
    ('ALTER TRIGGER audit_protect_statement ON MONTH RENAME TO other'),
    ('CREATE RULE other AS ON INSERT TO schemakit.audit_event DO INSTEAD NOTHING'),
    ('CREATE OR REPLACE RULE other AS ON DELETE TO MONTH DO INSTEAD NOTHING'),
    ('CREATE TABLE audit_protect.other (LIKE schemakit.audit_shape); ALTER TABLE audit_protect.other INHERIT schemakit.audit_shape'),
    ('CREATE TABLE audit_protect.other (LIKE schemakit.audit_shape) PARTITION BY LIST (shape_id); ALTER TABLE audit_protect.other ATTACH PARTITION schemakit.audit_shape DEFAULT'),
    ('ALTER TABLE schemakit.audit_event ALTER txn_id DROP NOT NULL'),
    ('ALTER TABLE schemakit.audit_event ALTER actor SET NOT NULL'),
    ('ALTER TABLE schemakit.audit_retention ALTER recorded_at DROP DEFAULT'),
    ('ALTER TABLE schemakit.audit_shape DROP CONSTRAINT audit_shape_pkey'),
    ('ALTER TABLE schemakit.audit_shape RENAME CONSTRAINT audit_shape_pkey TO other'),
    ('ALTER TABLE schemakit.audit_secret DROP CONSTRAINT audit_secret_key_check'),
    ('ALTER TABLE MONTH OWNER TO regress_protect_owner'),
    ('DROP INDEX MONTH_key_hash_idx'),
    ('DROP INDEX schemakit.audit_shape_rel_id_idx'),
    ('ALTER INDEX MONTH_key_hash_idx RENAME TO other'),
    ('ALTER TABLE MONTH_key_hash_idx RENAME TO other'),
    ('CREATE OR REPLACE VIEW schemakit.audit_log AS SELECT * FROM audit_protect.before_view WHERE false'),
    ('ALTER SEQUENCE schemakit.audit_shape_id RESTART');
CREATE VIEW before_view AS SELECT * FROM schemakit.audit_log;
UPDATE statements SET statement = replace(statement, 'MONTH', :'month');

-- as superuser, in replica mode, looking like a dump that is loaded, and as a role that may write everything
CREATE TEMP TABLE before AS SELECT * FROM schemakit.audit_log;
SELECT regexp_replace(statement, '_p\d+_\d\d', '_pX'), try(statement) FROM statements ORDER BY n;
SET session_replication_role = replica;
SELECT try(statement), count(*) FROM statements GROUP BY 1 ORDER BY 1;
RESET session_replication_role;
SET search_path = '';
SET check_function_bodies = off;
SELECT regexp_replace(statement, '_p\d+_\d\d', '_pX') AS not_refused, result
FROM audit_protect.statements, LATERAL audit_protect.try(statement) AS result WHERE result !~ '^42501' ORDER BY n;
RESET check_function_bodies;
SET search_path = audit_protect;
GRANT ALL ON ALL TABLES IN SCHEMA audit_protect TO regress_protect_writer;
SET ROLE regress_protect_writer;
SELECT try(statement), count(*) FROM statements WHERE statement ~ '^(INSERT|UPDATE|DELETE)' GROUP BY 1 ORDER BY 1;
RESET ROLE;
SELECT count(*) FROM (TABLE schemakit.audit_log EXCEPT TABLE before) AS changed;

-- what only adds to its tables is allowed
SELECT s, audit_protect.try(s) FROM unnest(ARRAY[
    'CREATE INDEX protect_idx ON schemakit.audit_event (actor)',
    'CREATE TRIGGER protect_other AFTER INSERT ON schemakit.audit_event EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'ALTER TABLE schemakit.audit_event DISABLE TRIGGER protect_other',
    'DROP TRIGGER protect_other ON schemakit.audit_event',
    'DROP INDEX schemakit.protect_idx',
    'ALTER TABLE schemakit.audit_event_default SET (fillfactor = 90)',
    'ALTER TABLE schemakit.audit_event_default RESET (fillfactor)',
    'GRANT SELECT ON schemakit.audit_event TO regress_protect_owner',
    'REVOKE SELECT ON schemakit.audit_event FROM regress_protect_owner']) AS s;

-- status() tells where the protection has gone
SELECT count(*) FROM schemakit.status() WHERE state = 'log not protected';
BEGIN;
SET LOCAL schemakit.audit_writable = on;
ALTER TABLE schemakit.audit_event DISABLE TRIGGER audit_protect;
ALTER TABLE schemakit.audit_event_default ENABLE TRIGGER audit_protect_statement;
DROP TRIGGER audit_protect ON schemakit.audit_shape;
CREATE TRIGGER audit_protect BEFORE UPDATE ON schemakit.audit_shape FOR EACH ROW WHEN (false) EXECUTE FUNCTION schemakit.internal_audit_protect();
ALTER TABLE schemakit.audit_shape ENABLE ALWAYS TRIGGER audit_protect;
ALTER EVENT TRIGGER zz_schemakit_ddl_command_start ENABLE;
SELECT DISTINCT regexp_replace(relid::text, '_p\d+_\d\d', '_pX') AS relid, feature, state, detail
FROM schemakit.status() WHERE state = 'log not protected' ORDER BY 1, 4;
ROLLBACK;
BEGIN;
ALTER EVENT TRIGGER zz_schemakit_ddl_command_start DISABLE;
SELECT relid, feature, state, detail FROM schemakit.status() WHERE state = 'log not protected';
ROLLBACK;

-- with the setting, and by maintenance
BEGIN;
SET LOCAL schemakit.audit_writable = on;
SELECT try(statement) AS result, count(*) FROM statements WHERE statement ~ '^(UPDATE|DELETE|INSERT INTO schemakit.audit_e)' AND statement !~ 'origin|_default' GROUP BY 1;
ROLLBACK;
BEGIN;
SET LOCAL schemakit.audit_writable = on;
SELECT try(statement) FROM statements WHERE statement ~ 'DETACH|EXTENSION' ORDER BY n;
ROLLBACK;
BEGIN;
SET LOCAL schemakit.audit_writable = on;
UPDATE schemakit.audit_event SET at = at - interval '3 years', changed_at = changed_at - interval '3 years'
WHERE shape_id IN (SELECT shape_id FROM schemakit.audit_shape WHERE schema_name = 'audit_protect');
SELECT regexp_replace(partition, '_p\d+_\d\d', '_pX') AS partition, action FROM schemakit.audit_maintain(retain => '10 years');
SELECT regexp_replace(partition, '_p\d+_\d\d', '_pX') AS partition, action FROM schemakit.audit_maintain(retain => '1 year') WHERE partition ~ 'event';
ROLLBACK;
SELECT count(*) FROM (TABLE before EXCEPT TABLE schemakit.audit_log) AS changed;

SET client_min_messages = warning;
DROP SCHEMA audit_protect CASCADE;
DROP ROLE regress_protect_owner, regress_protect_writer;
