-- Which table of the log a table is: nobody can choose it, and no table takes another's place.
CREATE ROLE regress_identity_victim;
CREATE ROLE regress_identity_evil;
CREATE SCHEMA audit_identity;
GRANT ALL ON SCHEMA audit_identity TO PUBLIC;
SET search_path = audit_identity;
CREATE VIEW identities AS
SELECT table_name, dense_rank() OVER (ORDER BY first) AS identity, reason FROM
    (SELECT *, min(shape_id) OVER (PARTITION BY rel_id) AS first FROM schemakit.audit_shape WHERE schema_name LIKE 'audit\_identity%') AS s ORDER BY shape_id;
GRANT SELECT ON identities TO PUBLIC;
CREATE VIEW events AS
SELECT table_name, role, op, key FROM schemakit.audit_log WHERE table_name LIKE 'audit\_identity%' ORDER BY txn_id, command, n;

-- the argument of a trigger, which an owner can write, does not say it
SET ROLE regress_identity_victim;
CREATE TABLE victim (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('victim');
INSERT INTO victim VALUES (1, 'a');
RESET ROLE;
SELECT rel_id FROM schemakit.audit_shape WHERE table_name = 'victim' \gset
SET ROLE regress_identity_evil;
CREATE TABLE evil (id int PRIMARY KEY, v text);
SELECT format('CREATE TRIGGER zz_schemakit_audit AFTER INSERT ON evil FOR EACH ROW EXECUTE FUNCTION schemakit.audit(%L)', '{"table": ' || :rel_id || '}') AS def \gset
:def;
ALTER TABLE evil ADD z int;
\set VERBOSITY terse
INSERT INTO evil VALUES (1, 'forged');  -- fails
\set VERBOSITY default
CREATE OR REPLACE TRIGGER zz_schemakit_audit AFTER INSERT ON evil FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{}');
INSERT INTO evil VALUES (1, 'evil');
SET ROLE regress_identity_victim;
INSERT INTO victim VALUES (2, 'b');
RESET ROLE;
SELECT op, key FROM schemakit.audit_history('victim', '{"id": 1}');
SELECT * FROM events;
SELECT * FROM identities;

-- a second trigger on the function does not double what is recorded
SET ROLE regress_identity_victim;
GRANT TRIGGER, INSERT ON victim TO regress_identity_evil;
SET ROLE regress_identity_evil;
CREATE TRIGGER aa AFTER INSERT OR UPDATE OR DELETE ON victim FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{"capture": "keys"}');
CREATE TRIGGER zzz AFTER INSERT OR UPDATE OR DELETE ON victim FOR EACH ROW EXECUTE FUNCTION schemakit.audit();
CREATE TRIGGER aa_truncate BEFORE TRUNCATE ON victim FOR EACH STATEMENT EXECUTE FUNCTION schemakit.audit_truncate();
SET ROLE regress_identity_victim;
UPDATE victim SET v = 'c' WHERE id = 1;
TRUNCATE victim;
RESET ROLE;
SELECT op, key, old, new FROM schemakit.audit_log WHERE table_name = 'audit_identity.victim' ORDER BY txn_id, command, n OFFSET 2;
DROP TRIGGER aa ON victim;
DROP TRIGGER zzz ON victim;
DROP TRIGGER aa_truncate ON victim;

-- what its owner drops and makes again goes on; a name that became free is nobody else's
SET ROLE regress_identity_victim;
DROP TABLE victim;
SET ROLE regress_identity_evil;
CREATE TABLE victim (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('victim');
INSERT INTO victim VALUES (1, 'forged');
DROP TABLE victim;
SET ROLE regress_identity_victim;
CREATE TABLE victim (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('victim');
INSERT INTO victim VALUES (1, 'again');
RESET ROLE;
SELECT role, op, new ->> 'v' AS v FROM schemakit.audit_history('victim', '{"id": 1}');
SELECT * FROM identities OFFSET 3;
-- not a superuser's either, whose table somebody may have prepared
DROP TABLE victim;
CREATE TABLE victim (id int PRIMARY KEY);
SELECT schemakit.audit_enable('victim');
INSERT INTO victim VALUES (1);
SELECT count(*) FROM schemakit.audit_history('victim', '{"id": 1}');
DROP TABLE victim;

-- renamed, moved, and another one in its place
CREATE TABLE one (id int PRIMARY KEY);
SELECT schemakit.audit_enable('one');
INSERT INTO one VALUES (1);
ALTER TABLE one RENAME TO two;
CREATE TABLE one (id int PRIMARY KEY);
SELECT schemakit.audit_enable('one');
INSERT INTO one VALUES (1);
INSERT INTO two VALUES (2);
CREATE SCHEMA audit_identity_2;
ALTER TABLE two SET SCHEMA audit_identity_2;
INSERT INTO audit_identity_2.two VALUES (3);
ALTER SCHEMA audit_identity_2 RENAME TO audit_identity_3;
INSERT INTO audit_identity_3.two VALUES (4);
-- each under the name that the table had
SELECT s.n AS identity, e.table_name, key FROM (SELECT table_name, key, rel_id, txn_id FROM schemakit.audit_log) AS e
    JOIN (SELECT rel_id, rank() OVER (ORDER BY min(shape_id)) AS n FROM schemakit.audit_shape WHERE table_name IN ('one', 'two') GROUP BY rel_id) AS s USING (rel_id) ORDER BY txn_id;
-- however it is dropped
DROP SCHEMA audit_identity_3 CASCADE;
SET session_replication_role = replica;
DROP TABLE one;
RESET session_replication_role;
CREATE TYPE row_of AS (id int);
CREATE TABLE typed OF row_of;
SELECT schemakit.audit_enable('typed');
DROP TYPE row_of CASCADE;
SELECT count(*) AS dropped FROM (SELECT DISTINCT ON (rel_id) table_name, dropped FROM schemakit.audit_shape
    WHERE table_name IN ('one', 'two', 'typed') ORDER BY rel_id, shape_id DESC) AS last WHERE dropped;
-- a drop that is undone
CREATE TABLE kept (id int PRIMARY KEY);
SELECT schemakit.audit_enable('kept');
BEGIN;
DROP TABLE kept;
ROLLBACK;
INSERT INTO kept VALUES (1);
SELECT table_name, dropped FROM schemakit.audit_shape WHERE table_name = 'kept';
-- an owner's table that becomes another's takes its history along
ALTER TABLE kept OWNER TO regress_identity_victim;
SET ROLE regress_identity_victim;
INSERT INTO kept VALUES (2);
DROP TABLE kept;
CREATE TABLE kept (id int PRIMARY KEY);
SELECT schemakit.audit_enable('kept');
RESET ROLE;
SELECT count(DISTINCT rel_id) FROM schemakit.audit_shape WHERE table_name = 'kept';

-- an OID that is used again, after a drop that was not recorded
ALTER EVENT TRIGGER schemakit_sql_drop DISABLE;
CREATE TABLE lost (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('lost');
CREATE TABLE found (id int PRIMARY KEY, w text);
SELECT 'lost'::regclass::oid AS lost, 'found'::regclass::oid AS found \gset
SET schemakit.audit_writable = on;
UPDATE schemakit.audit_shape SET relid = :found WHERE relid = :lost;
RESET schemakit.audit_writable;
DROP TABLE lost;
ALTER EVENT TRIGGER schemakit_sql_drop ENABLE ALWAYS;
SELECT schemakit.audit_enable('found');
SELECT count(DISTINCT rel_id) AS identities FROM schemakit.audit_shape WHERE table_name IN ('lost', 'found');
-- a rename that was not recorded makes no other table of it
ALTER EVENT TRIGGER schemakit_ddl_command_end DISABLE;
ALTER TABLE found RENAME TO renamed;
ALTER EVENT TRIGGER schemakit_ddl_command_end ENABLE ALWAYS;
INSERT INTO renamed VALUES (1, 'x');
SELECT count(DISTINCT rel_id) AS identities FROM schemakit.audit_shape WHERE table_name IN ('found', 'renamed');

SET client_min_messages = warning;
DROP SCHEMA audit_identity CASCADE;
DROP OWNED BY regress_identity_victim, regress_identity_evil;
DROP ROLE regress_identity_victim, regress_identity_evil;
