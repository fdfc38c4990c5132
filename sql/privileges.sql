-- Who has no right on schemakit's tables can work as before, and nobody can
-- make schemakit run anything as somebody else.
CREATE ROLE regress_priv_user;
CREATE ROLE regress_priv_owner;
CREATE ROLE regress_priv_evil;
CREATE SCHEMA privileges;
GRANT ALL ON SCHEMA privileges TO regress_priv_user, regress_priv_owner, regress_priv_evil;
CREATE VIEW privileges.touched AS
SELECT c.relname AS rel, pg_get_userbyid(c.relowner) AS owner, replace(encode(tgargs, 'escape'), '\000', ' ') AS args
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
WHERE t.tgfoid = 'schemakit.touch'::regproc AND c.relnamespace = 'privileges'::regnamespace ORDER BY c.relname COLLATE "C";
GRANT SELECT ON privileges.touched TO PUBLIC;

-- an ordinary role: DDL, DML, its own tables by hand, and a look at all
SET ROLE regress_priv_user;
SET search_path = privileges;
CREATE TABLE u1 (id int, updated_at timestamptz);
CREATE TABLE u2 (id int, at timestamptz);
INSERT INTO u1 VALUES (1, '2020-01-01');
UPDATE u1 SET id = 2 RETURNING updated_at = now() AS advanced;
ALTER TABLE u1 RENAME updated_at TO changed;
ALTER TABLE u1 DROP COLUMN changed;
ALTER TABLE u1 ADD COLUMN updated_at timestamp;
SELECT schemakit.timestamps_enable('u2', 'at');
SELECT schemakit.timestamps_disable('u2');
SELECT relid, state FROM schemakit.status() WHERE relid IN ('u1'::regclass, 'u2'::regclass) ORDER BY relid;
SELECT count(*) FROM schemakit.auto_rule;  -- fails
-- a tool that compares the database with a model sees nothing of ours
SELECT count(*) FROM information_schema.tables WHERE table_schema = 'schemakit';
SELECT count(*) FROM information_schema.columns WHERE table_schema = 'schemakit';
SELECT count(*) FROM information_schema.views WHERE table_schema = 'schemakit';
SELECT count(*) FROM information_schema.sequences WHERE sequence_schema = 'schemakit';
SELECT count(*) FROM information_schema.triggers WHERE event_object_schema = 'schemakit';
SELECT count(*) FROM information_schema.table_constraints WHERE table_schema = 'schemakit';
SELECT count(*) FROM information_schema.routines WHERE routine_schema = 'schemakit' AND routine_name LIKE 'internal%';
INSERT INTO schemakit.auto_rule (feature, schemas, tables) VALUES ('timestamps', 'x', 'y');  -- fails
UPDATE schemakit.auto_rule SET enabled = false;  -- fails
DELETE FROM schemakit.auto_rule;  -- fails
CREATE FUNCTION schemakit.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';  -- fails
SELECT * FROM touched;

-- tables that others own: made by a superuser for a role, changed by a member
RESET ROLE;
SET search_path = privileges;
CREATE SCHEMA privileges_for AUTHORIZATION regress_priv_owner CREATE TABLE f (id int, updated_at timestamptz);
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgrelid = 'privileges_for.f'::regclass;
GRANT regress_priv_owner TO regress_priv_user;
SET ROLE regress_priv_owner;
CREATE TABLE o1 (id int);
RESET ROLE;
SET ROLE regress_priv_user;
ALTER TABLE o1 ADD COLUMN updated_at timestamptz;
SELECT schemakit.timestamps_enable('o1', mode => 'always');
RESET ROLE;
SELECT * FROM touched WHERE rel = 'o1';
-- who may only write a table needs nothing else
REVOKE regress_priv_owner FROM regress_priv_user;
INSERT INTO o1 VALUES (1, '2020-01-01');
GRANT SELECT, UPDATE (id) ON o1 TO regress_priv_user;
SET ROLE regress_priv_user;
UPDATE o1 SET id = 2 RETURNING updated_at = now() AS advanced;
SELECT schemakit.timestamps_disable('o1');  -- fails
RESET ROLE;
-- a DBA who is no superuser can be given the rules
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA schemakit TO regress_priv_owner;
GRANT SELECT, INSERT, UPDATE ON schemakit.auto_rule TO regress_priv_owner;
CREATE TABLE later (id int, updated_at timestamptz);
DROP TRIGGER zz_schemakit_touch ON later;
SET ROLE regress_priv_owner;
CREATE TABLE later2 (id int, updated_at timestamptz);
DROP TRIGGER zz_schemakit_touch ON later2;
SELECT schemakit.auto_enable('timestamps', 'nowhere') AS id \gset
SELECT schemakit.auto_disable(:id);
SELECT * FROM schemakit.auto_apply();
RESET ROLE;
DELETE FROM schemakit.auto_rule WHERE id = :id;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA schemakit FROM regress_priv_owner;
REVOKE ALL ON schemakit.auto_rule FROM regress_priv_owner;

-- a table's owner with functions and operators that look like the server's,
-- first on the path of whoever works on the table
SET ROLE regress_priv_evil;
CREATE TABLE trace (role name, what text);
GRANT INSERT ON trace TO PUBLIC;
CREATE FUNCTION trap(what text) RETURNS void LANGUAGE plpgsql AS
$$BEGIN IF current_user <> 'regress_priv_evil' THEN INSERT INTO privileges.trace VALUES (current_user, what); END IF; END$$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM privileges.trap('touch'); RETURN NEW; END$$;
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN PERFORM privileges.trap('now'); RETURN '1999-01-01'; END$$;
CREATE FUNCTION max(bigint) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN PERFORM privileges.trap('max'); RETURN 1; END$$;
CREATE FUNCTION textlike(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM privileges.trap('textlike'); RETURN true; END$$;
CREATE FUNCTION eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM privileges.trap('='); RETURN true; END$$;
CREATE OPERATOR = (FUNCTION = eq, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION eq8(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM privileges.trap('=8'); RETURN true; END$$;
CREATE OPERATOR = (FUNCTION = eq8, LEFTARG = bigint, RIGHTARG = bigint);
CREATE DOMAIN timestamptz AS pg_catalog.timestamptz CHECK (privileges.trap('timestamptz') IS NOT NULL);
CREATE TABLE bait (id int, n int, "updated_at'); SELECT privileges.trap('name'); --" pg_catalog.timestamptz);
RESET ROLE;
SET search_path = privileges, pg_catalog;
ALTER TABLE bait ADD COLUMN updated_at pg_catalog.timestamptz;
INSERT INTO bait VALUES (1, 1, '2020-01-01', '2020-01-01');
UPDATE bait SET n = 2 RETURNING updated_at OPERATOR(pg_catalog.=) pg_catalog.now() AS advanced;
SELECT schemakit.timestamps_enable('bait', 'updated_at''); SELECT privileges.trap(''name''); --');
ALTER TABLE bait RENAME "updated_at'); SELECT privileges.trap('name'); --" TO "changed ""); --";
SELECT schemakit.timestamps_disable('bait');
SELECT schemakit.timestamps_enable('bait', 'more''"', add_columns => true);
UPDATE bait SET n = 3 RETURNING "more'""" OPERATOR(pg_catalog.>) '2020-01-01' AS advanced;
SELECT schemakit.auto_enable('timestamps', 'privileges', 'x''; %') AS id \gset
SELECT schemakit.auto_disable(:id);
DELETE FROM schemakit.auto_rule WHERE id OPERATOR(pg_catalog.=) :id;
CREATE TABLE made (id int, updated_at pg_catalog.timestamptz);
DROP TRIGGER zz_schemakit_touch ON made;
SELECT * FROM schemakit.auto_apply() WHERE relid OPERATOR(pg_catalog.=) 'made'::regclass;
SELECT pg_catalog.count(*) > 0 AS some FROM schemakit.status();
CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON made FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
ALTER TABLE bait DROP COLUMN updated_at;
RESET search_path;
SELECT * FROM privileges.trace;

-- what is attached is attached as the owner of the table, who is restricted
-- meanwhile; a trigger that the owner may not make is not made
CREATE TABLE privileges.given (id int);
ALTER TABLE privileges.given OWNER TO regress_priv_owner;
REVOKE TRIGGER ON privileges.given FROM regress_priv_owner;
ALTER TABLE privileges.given ADD COLUMN updated_at timestamptz;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'privileges.given'::regclass;
-- and the session is who it was
SELECT current_user = session_user AS same;
BEGIN;
SET LOCAL ROLE regress_priv_owner;
CREATE TABLE privileges.role (id int, updated_at timestamptz);
SELECT current_user;
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA privileges CASCADE;
DROP SCHEMA privileges_for CASCADE;
DROP ROLE regress_priv_user, regress_priv_owner, regress_priv_evil;
