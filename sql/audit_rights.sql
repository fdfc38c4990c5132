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

-- who gives the table away gives its history, too; who takes its name gets nothing
ALTER TABLE t OWNER TO regress_rights_later;
SET ROLE regress_rights_later;
SELECT op, role FROM schemakit.audit_history('t', '{"id": 2}');
SET ROLE regress_rights_owner;
SELECT op FROM schemakit.audit_history('t', '{"id": 2}');  -- fails
SET ROLE regress_rights_later;
DROP TABLE t;
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
