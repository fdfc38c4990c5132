-- The history of a table is its owner's, and of those to whom he grants it.
SET client_min_messages = warning;
CREATE ROLE regress_rights_owner;
CREATE ROLE regress_rights_heir IN ROLE regress_rights_owner;
CREATE ROLE regress_rights_later;
CREATE ROLE regress_rights_member NOINHERIT IN ROLE regress_rights_owner;
CREATE ROLE regress_rights_other;
CREATE ROLE regress_rights_dba;
GRANT SELECT ON schemakit.audit_log TO regress_rights_dba;
CREATE SCHEMA audit_rights;
GRANT ALL ON SCHEMA audit_rights TO PUBLIC;
SET search_path = audit_rights;
RESET client_min_messages;
SET schemakit.audit_query = on;
SET ROLE regress_rights_owner;
CREATE TABLE t (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('t');
INSERT INTO t VALUES (1, 'a'), (2, 'b');
UPDATE t SET v = 'c' WHERE id = 1;
SELECT clock_timestamp() AS before \gset
DELETE FROM t WHERE id = 2;

-- the owner reads it, but not what others' statements are
SELECT op, new, role, client, query FROM schemakit.audit_history('t', '{"id": 1}');
SELECT * FROM schemakit.audit_as_of(NULL::t, :'before') ORDER BY id;
SELECT * FROM schemakit.audit_as_of_jsonb('t', :'before') ORDER BY 1;
SELECT op, key, query FROM schemakit.audit_changes(NULL, 't');
SELECT count(*) FROM schemakit.audit_changes(schemakit.audit_position(), 't');
SELECT * FROM schemakit.audit_changes(NULL);  -- fails
SELECT count(*) FROM schemakit.audit_log;  -- fails
-- a role that has his rights, too; not one that would have to take them first
SET ROLE regress_rights_heir;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');
SET ROLE regress_rights_member;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
-- nobody else, whatever rights on the table he has
RESET ROLE;
GRANT ALL ON t TO regress_rights_other;
SET ROLE regress_rights_other;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::t, :'before');  -- fails
SELECT * FROM schemakit.audit_as_of_jsonb('t', :'before');  -- fails
SELECT * FROM schemakit.audit_changes(NULL, 't');  -- fails
-- who reads the log sees all of it
SET ROLE regress_rights_dba;
SELECT op, query FROM schemakit.audit_history('t', '{"id": 1}');

-- rights on the table are respected
SET ROLE regress_rights_owner;
REVOKE SELECT ON t FROM regress_rights_owner;
GRANT SELECT (id) ON t TO regress_rights_owner;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
SELECT * FROM schemakit.audit_changes(NULL, 't');  -- fails
GRANT SELECT (v) ON t TO regress_rights_owner;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails: columns that were dropped are in it, too
GRANT SELECT ON t TO regress_rights_owner;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (id > 1);
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');
ALTER TABLE t FORCE ROW LEVEL SECURITY;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::t, :'before');  -- fails
RESET ROLE;
ALTER ROLE regress_rights_owner BYPASSRLS;
SET ROLE regress_rights_owner;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');
RESET ROLE;
ALTER ROLE regress_rights_owner NOBYPASSRLS;
ALTER TABLE t DISABLE ROW LEVEL SECURITY;

-- the owner grants it
SET ROLE regress_rights_owner;
REVOKE ALL ON t FROM regress_rights_other;
SELECT schemakit.audit_grant('t', 'regress_rights_other');
SELECT schemakit.audit_grant('t', 'regress_rights_other');
GRANT SELECT ON t TO regress_rights_other;
SELECT schemakit.audit_grant('t', 'regress_rights_heir');
SELECT relid, role, state, granted_by, granted_at <= now() AS earlier FROM schemakit.audit_readers();
SELECT relid, role, state FROM schemakit.audit_readers('pg_class');
SET ROLE regress_rights_other;
SELECT op, query FROM schemakit.audit_history('t', '{"id": 1}');
SELECT * FROM schemakit.audit_as_of(NULL::t, :'before') ORDER BY id;
SELECT op FROM schemakit.audit_changes(NULL, 't');
SELECT relid, role, state FROM schemakit.audit_readers();
SELECT schemakit.audit_grant('t', 'regress_rights_later');  -- fails
SELECT schemakit.audit_revoke('t', 'regress_rights_heir');  -- fails
SELECT * FROM schemakit.audit_reader;  -- fails
-- members have it, too
RESET ROLE;
GRANT regress_rights_other TO regress_rights_later;
SET ROLE regress_rights_later;
SELECT op FROM schemakit.audit_history('t', '{"id": 2}');
RESET ROLE;
REVOKE regress_rights_other FROM regress_rights_later;
SET ROLE regress_rights_later;
SELECT op FROM schemakit.audit_history('t', '{"id": 2}');  -- fails
SELECT relid, role, state FROM schemakit.audit_readers();
-- it does not go around the rights on the table
SET ROLE regress_rights_owner;
REVOKE SELECT ON t FROM regress_rights_other;
GRANT SELECT (id, v) ON t TO regress_rights_other;
SET ROLE regress_rights_other;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
SET ROLE regress_rights_owner;
GRANT SELECT ON t TO regress_rights_other;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
SELECT role, state FROM schemakit.audit_readers('t');
SET ROLE regress_rights_other;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
SET row_security = off;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
RESET row_security;
-- who reads the log reads all of it, but rows of now would be left out
SET ROLE regress_rights_owner;
GRANT SELECT, UPDATE ON t TO regress_rights_dba;
SET ROLE regress_rights_dba;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');
SELECT * FROM schemakit.audit_as_of(NULL::t, :'before');  -- fails
SELECT * FROM schemakit.audit_as_of_jsonb('t', :'before', '{"id": 1}');  -- fails
SELECT * FROM schemakit.audit_versions(NULL::t);  -- fails
SELECT schemakit.audit_restore('t', :'before');  -- fails
SET ROLE regress_rights_owner;
REVOKE SELECT, UPDATE ON t FROM regress_rights_dba;
ALTER TABLE t DISABLE ROW LEVEL SECURITY;
-- arguments
SELECT schemakit.audit_grant('t', 'regress_rights_nobody');  -- fails
SELECT schemakit.audit_grant('t', '0');  -- fails
SELECT schemakit.audit_grant('t', NULL);  -- fails
SELECT schemakit.audit_grant(NULL, 'regress_rights_other');  -- fails
CREATE TABLE plain (id int);
SELECT schemakit.audit_grant('plain', 'regress_rights_other');  -- fails
CREATE VIEW v AS SELECT * FROM t;
SELECT schemakit.audit_grant('v', 'regress_rights_other');  -- fails
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parted DEFAULT;
SELECT schemakit.audit_enable('parted');
SELECT schemakit.audit_grant('part', 'regress_rights_other');  -- fails
-- names follow
RESET ROLE;
ALTER ROLE regress_rights_other RENAME TO regress_rights_another;
ALTER TABLE t RENAME TO tt;
SELECT relid, role, state FROM schemakit.audit_readers() ORDER BY role::text;
SET ROLE regress_rights_another;
SELECT op FROM schemakit.audit_history('tt', '{"id": 1}');
RESET ROLE;
ALTER ROLE regress_rights_another RENAME TO regress_rights_other;
ALTER TABLE tt RENAME TO t;
-- a role of that name that is made later is another one
CREATE ROLE regress_rights_short;
SELECT schemakit.audit_grant('t', 'regress_rights_short');
DROP ROLE regress_rights_short;
CREATE ROLE regress_rights_short;
GRANT SELECT ON t TO regress_rights_short;
SET ROLE regress_rights_short;
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
RESET ROLE;
SELECT role FROM schemakit.audit_readers('t') ORDER BY role::text;
SELECT count(*) FROM schemakit.audit_reader;
SELECT count(*) >= 0 AS ran FROM schemakit.audit_maintain();
SELECT count(*) FROM schemakit.audit_reader;
-- DROP OWNED revokes it, as it does privileges, if it succeeds
SELECT schemakit.audit_grant('t', 'regress_rights_short');
SET ROLE regress_rights_later;
\set VERBOSITY terse
DROP OWNED BY regress_rights_short;  -- fails
\set VERBOSITY default
RESET ROLE;
SELECT role FROM schemakit.audit_readers('t') ORDER BY role::text;
DROP OWNED BY regress_rights_short;
SELECT role FROM schemakit.audit_readers('t') ORDER BY role::text;
DROP ROLE regress_rights_short;
-- nor does a table get it that takes the name
SET ROLE regress_rights_owner;
CREATE TABLE u (id int PRIMARY KEY);
SELECT schemakit.audit_enable('u');
SELECT schemakit.audit_grant('u', 'regress_rights_other');
GRANT SELECT ON u TO regress_rights_other;
DROP TABLE u;
CREATE TABLE u (id int PRIMARY KEY);
SELECT schemakit.audit_enable('u');
GRANT SELECT ON u TO regress_rights_other;
SET ROLE regress_rights_other;
SELECT op FROM schemakit.audit_history('u', '{"id": 1}');  -- fails
SELECT relid FROM schemakit.audit_readers();
-- what is granted is revoked
SET ROLE regress_rights_owner;
SELECT schemakit.audit_revoke('t', 'regress_rights_heir');
SELECT schemakit.audit_revoke('t', 'regress_rights_heir');
SELECT role FROM schemakit.audit_readers('t');

RESET ROLE;

-- who gives the table away gives its history, too; who takes its name gets nothing
ALTER TABLE t OWNER TO regress_rights_later;
SET ROLE regress_rights_later;
SELECT op, role FROM schemakit.audit_history('t', '{"id": 2}');
SET ROLE regress_rights_owner;
SELECT op FROM schemakit.audit_history('t', '{"id": 2}');  -- fails
-- what he granted remains, like privileges
SET ROLE regress_rights_other;
SELECT op FROM schemakit.audit_history('t', '{"id": 2}');
SET ROLE regress_rights_later;
DROP TABLE t CASCADE;
SET ROLE regress_rights_other;
CREATE TABLE t (id int PRIMARY KEY, v text);
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');  -- fails
SELECT schemakit.audit_enable('t');
SELECT op FROM schemakit.audit_history('t', '{"id": 1}');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA audit_rights CASCADE;
DROP OWNED BY regress_rights_owner, regress_rights_heir, regress_rights_later, regress_rights_member, regress_rights_other, regress_rights_dba;
DROP ROLE regress_rights_owner, regress_rights_heir, regress_rights_later, regress_rights_member, regress_rights_other, regress_rights_dba;
