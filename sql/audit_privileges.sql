-- Writers need no right on the log and have none; owners enable; readers are granted it.
CREATE ROLE regress_audit_owner;
CREATE ROLE regress_audit_writer;
CREATE ROLE regress_audit_reader;
CREATE ROLE regress_audit_evil;
CREATE SCHEMA audit_privileges;
GRANT ALL ON SCHEMA audit_privileges TO PUBLIC;
SET search_path = audit_privileges;
SET ROLE regress_audit_owner;
CREATE TABLE t (id int PRIMARY KEY, v text);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON t TO regress_audit_writer;
SELECT schemakit.audit_enable('t', mask => '{"v": "hash"}', baseline => true);
INSERT INTO t VALUES (1, 'owner');
SET ROLE regress_audit_writer;
INSERT INTO t VALUES (2, 'writer');
UPDATE t SET v = 'w' WHERE id = 1;
DELETE FROM t WHERE id = 1;
-- fails, all of it
SELECT schemakit.audit_enable('t');
SELECT schemakit.audit_disable('t');
ALTER TABLE t DISABLE TRIGGER zz_schemakit_audit;
SELECT count(*) FROM schemakit.audit_log;
SELECT count(*) FROM schemakit.audit_event;
SELECT count(*) FROM schemakit.audit_secret;
SELECT count(*) FROM schemakit.audit_history('t', '{"id": 1}');
SELECT count(*) FROM schemakit.audit_as_of(NULL::t, now());
SELECT count(*) FROM schemakit.audit_changes();
SELECT schemakit.audit_maintain();
INSERT INTO schemakit.audit_event SELECT;
SELECT nextval('schemakit.audit_shape_id');
SET schemakit.audit_writable = on;
SET schemakit.audit_query = on;
SET schemakit.audit_auto = off;
SET session_replication_role = replica;
RESET ROLE;

-- a reader
GRANT SELECT ON schemakit.audit_log TO regress_audit_reader;
SET ROLE regress_audit_reader;
SELECT op, key, session_role = session_user AS login, role FROM schemakit.audit_log WHERE table_name = 'audit_privileges.t' ORDER BY txn_id, command, n;
SELECT op FROM schemakit.audit_history('audit_privileges.t', '{"id": 1}');
SELECT op FROM schemakit.audit_changes(NULL, 'audit_privileges.t');
SELECT count(*) FROM schemakit.audit_event;  -- fails
SELECT count(*) FROM schemakit.audit_secret;  -- fails
-- fails: the table itself is not readable
SELECT count(*) FROM schemakit.audit_as_of(NULL::audit_privileges.t, (SELECT max(changed_at) FROM schemakit.audit_log));
RESET ROLE;
GRANT SELECT ON t TO regress_audit_reader;
SET ROLE regress_audit_reader;
SELECT id, v FROM schemakit.audit_as_of(NULL::audit_privileges.t, (SELECT max(changed_at) FROM schemakit.audit_log));
DELETE FROM schemakit.audit_log;  -- fails
RESET ROLE;
REVOKE SELECT ON schemakit.audit_log FROM regress_audit_reader;

-- the role of a function is the one that changed the row, the login stays
SET ROLE regress_audit_owner;
CREATE FUNCTION put(i int) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'INSERT INTO audit_privileges.t VALUES (i)';
SET ROLE regress_audit_writer;
SELECT put(7);
RESET ROLE;
SELECT key, role FROM schemakit.audit_log WHERE key = '{"id": 7}' AND table_name = 'audit_privileges.t';

-- names on a search_path of somebody's choice are not used
GRANT CREATE ON DATABASE :"DBNAME" TO regress_audit_evil;
SET ROLE regress_audit_evil;
CREATE SCHEMA evil;
CREATE FUNCTION evil.date_trunc(text, timestamp) RETURNS timestamp LANGUAGE plpgsql AS $$BEGIN RAISE 'evil as %', current_user; END$$;
CREATE FUNCTION evil.is_evil(timestamptz, timestamptz) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE 'evil as %', current_user; END$$;
CREATE OPERATOR evil.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.is_evil);
CREATE OPERATOR evil.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.is_evil);
CREATE FUNCTION evil.sha256(bytea) RETURNS bytea LANGUAGE plpgsql AS $$BEGIN RAISE 'evil as %', current_user; END$$;
SET search_path = evil, pg_catalog;
CREATE TABLE evil.t (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('evil.t', mask => '{"v": "hash"}', baseline => true);
INSERT INTO evil.t VALUES (1, 'x');
RESET ROLE;
SELECT count(*) >= 0 AS ran FROM schemakit.audit_maintain('1 day');
SET search_path = audit_privileges;

-- partitions of the log are the owner's alone, whatever default privileges say
ALTER DEFAULT PRIVILEGES IN SCHEMA schemakit GRANT ALL ON TABLES TO regress_audit_evil, PUBLIC;
SELECT count(*) > 0 AS made FROM schemakit.audit_maintain('8 months');
ALTER DEFAULT PRIVILEGES IN SCHEMA schemakit REVOKE ALL ON TABLES FROM regress_audit_evil, PUBLIC;
SELECT count(*) AS open FROM pg_class c, aclexplode(relacl) a WHERE relnamespace = 'schemakit'::regnamespace AND relname ~ '^audit' AND a.grantee <> c.relowner;

-- a table with the trigger of somebody else's has its own history
SET ROLE regress_audit_evil;
SELECT pg_get_triggerdef(oid) AS def FROM pg_trigger WHERE tgrelid = 'audit_privileges.t'::regclass AND tgname = 'zz_schemakit_audit' \gset
CREATE TABLE evil.claim (id int PRIMARY KEY, v text);
SELECT replace(:'def', 'audit_privileges.t', 'evil.claim') AS def \gset
:def;
INSERT INTO evil.claim VALUES (1, 'forged');
RESET ROLE;
SELECT op FROM schemakit.audit_history('audit_privileges.t', '{"id": 1}');
SELECT op FROM schemakit.audit_history('evil.claim', '{"id": 1}');

SET client_min_messages = warning;
DROP SCHEMA audit_privileges, evil CASCADE;
DROP OWNED BY regress_audit_owner, regress_audit_writer, regress_audit_reader, regress_audit_evil;
DROP ROLE regress_audit_owner, regress_audit_writer, regress_audit_reader, regress_audit_evil;
