--
-- What the owner of a table can bring about: his code runs with nobody else's rights
--
SET client_min_messages = warning;
CREATE ROLE regress_rights_owner;
CREATE ROLE regress_rights_super SUPERUSER;
CREATE ROLE regress_rights_other;
CREATE ROLE regress_rights_caller;
CREATE SCHEMA rights_owner AUTHORIZATION regress_rights_owner;
CREATE SCHEMA rights_other AUTHORIZATION regress_rights_other;
GRANT USAGE ON SCHEMA rights_owner, rights_other TO PUBLIC;
SET search_path = rights_owner;

SET ROLE regress_rights_owner;
-- nothing is said where it runs as the owner
CREATE FUNCTION code(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
$$BEGIN IF current_user <> 'regress_rights_owner' THEN RAISE WARNING 'runs as %', current_user; END IF; RETURN $1; END$$;
CREATE FUNCTION code() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE WARNING '% runs as %', tg_name, current_user; RETURN old; END$$;

-- a purge runs triggers as the owner, also if he has taken a privilege from himself
CREATE TABLE t (id int PRIMARY KEY, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('t');
CREATE TRIGGER before_delete BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION code();
INSERT INTO t VALUES (1, '2001-01-01'), (2, '2001-01-01'), (3, '2001-01-01');
REVOKE UPDATE ON t FROM regress_rights_owner;
SET ROLE regress_rights_super;
SELECT schemakit.soft_delete_purge('t', '1 year', 1);
SET ROLE regress_rights_owner;
GRANT UPDATE ON t TO regress_rights_owner;
-- or hides rows from those who have his rights
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (id <> 3);
SET ROLE regress_rights_super;
GRANT regress_rights_owner TO regress_rights_caller;
SET ROLE regress_rights_caller;
SELECT schemakit.soft_delete_purge('t', '1 year', 10);
SET ROLE regress_rights_super;
REVOKE regress_rights_owner FROM regress_rights_caller;
SELECT schemakit.soft_delete_purge('t', '1 year', 10);

-- what is deferred, as Django makes all foreign keys, is done before it is over
SET ROLE regress_rights_owner;
CREATE TABLE top (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE mid (id int PRIMARY KEY, top int REFERENCES top ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, deleted_at timestamptz);
CREATE TABLE low (id int PRIMARY KEY, mid int REFERENCES mid DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE side (id int PRIMARY KEY, top int DEFAULT 5 REFERENCES top ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED);
CREATE CONSTRAINT TRIGGER deferred_trigger AFTER DELETE ON mid DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION code();
SELECT schemakit.soft_delete_enable('top'), schemakit.soft_delete_enable('mid');
INSERT INTO top VALUES (1, '2001-01-01'), (2, '2001-01-01'), (5, NULL);
INSERT INTO mid VALUES (1, 1, '2001-01-01'), (2, 2, '2001-01-01');
INSERT INTO side VALUES (1, 1);
SET ROLE regress_rights_super;
SELECT schemakit.soft_delete_purge('top', '1 year', 1);
BEGIN;
SELECT schemakit.soft_delete_purge('top', '1 year');
-- the constraints are deferred as before
INSERT INTO low VALUES (1, 7);
INSERT INTO mid VALUES (7, 5);
COMMIT;
-- what is wrong already is told by the purge
BEGIN;
INSERT INTO low VALUES (2, 8);
SELECT schemakit.soft_delete_purge('top', '1 year');
ROLLBACK;
SELECT * FROM side;

-- a row that comes back, or gets another time, is deleted by other parents, too: what
-- their owners have put into these runs as nobody else
SET ROLE regress_rights_owner;
CREATE TABLE parent (id int PRIMARY KEY, deleted_at timestamptz);
GRANT SELECT, REFERENCES ON parent TO regress_rights_other;
CREATE INDEX ON parent (code(id)) WHERE code(7) = 7;
CREATE POLICY hides ON parent USING (code(id) > 1);
ALTER TABLE parent ENABLE ROW LEVEL SECURITY;
SELECT schemakit.soft_delete_enable('parent');
INSERT INTO parent VALUES (1), (2);
SET ROLE regress_rights_other;
CREATE TABLE rights_other.parent (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE rights_other.child (id int PRIMARY KEY, p int REFERENCES rights_owner.parent ON DELETE CASCADE,
    q int REFERENCES rights_other.parent ON DELETE CASCADE, parent int REFERENCES rights_other.child ON DELETE CASCADE, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('rights_other.parent'), schemakit.soft_delete_enable('rights_other.child');
INSERT INTO rights_other.parent VALUES (1), (2);
INSERT INTO rights_other.child VALUES (1, 1, 1, NULL), (2, 1, 2, NULL), (3, NULL, NULL, 2), (4, 2, 2, 4);
SET ROLE regress_rights_owner;
DELETE FROM parent_live;
-- rows of that time which were not deleted along are set apart
SET ROLE regress_rights_other;
UPDATE rights_other.parent SET deleted_at = '2001-01-01' WHERE id = 2;
SET ROLE regress_rights_owner;
UPDATE parent SET deleted_at = '2001-01-01';
UPDATE parent SET deleted_at = NULL;
-- 1 is back; the others have the time of the parent that is deleted still
SET ROLE regress_rights_other;
SELECT id, deleted_at = '2001-01-01' AS held FROM rights_other.child ORDER BY id;
UPDATE rights_other.parent SET deleted_at = NULL;
SELECT id, deleted_at FROM rights_other.child ORDER BY id;

-- a view is made where the table's owner may make one, although his trigger names another place
SET ROLE regress_rights_owner;
CREATE TABLE placed (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TRIGGER a AFTER UPDATE ON placed FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete('deleted_at', 'rights_other', 'orders');
SET ROLE regress_rights_super;
SELECT schemakit.soft_delete_enable('placed');
SELECT schemakit.soft_delete_enable('placed', view_name => 'rights_other.orders');

-- the past: rows as they are now are read as the owner
SET ROLE regress_rights_owner;
CREATE TABLE audited (id int PRIMARY KEY, a int);
SELECT schemakit.audit_enable('audited');
INSERT INTO audited VALUES (1, 1);
CREATE INDEX ON audited (a) WHERE code(1) = 1;
REVOKE SELECT ON audited FROM regress_rights_owner;
SET ROLE regress_rights_super;
SELECT * FROM schemakit.audit_as_of(NULL::audited, now());
DROP INDEX audited_a_idx;
-- there is no code of the owner's to run
SELECT * FROM schemakit.audit_as_of(NULL::audited, now());

-- advice: a statement that a superuser gives is planned as the owner of the code
SET ROLE regress_rights_owner;
CREATE DOMAIN checked AS int CHECK (code(VALUE) > 0);
CREATE TYPE pair AS (a checked, b int);
CREATE FUNCTION measured(float8, float8) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS $$BEGIN PERFORM rights_owner.code(1); RETURN $1 - $2; END$$;
CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = measured);
CREATE TABLE asked (id int PRIMARY KEY, a int, b int, c checked, d checked[], e pair, f span, g int);
CREATE INDEX ON asked (a) WHERE code(1) = 1;
CREATE INDEX ON asked ((g + code(1)));
CREATE STATISTICS asked_statistics ON (a + code(1)), b FROM asked;
INSERT INTO asked SELECT i, i, i % 1000, 1, '{1}', '(1,1)', '[1,2]', i FROM generate_series(1, 20000) AS i;
CREATE VIEW seen AS SELECT * FROM asked WHERE code(1) = 1 AND c = code(1);
CREATE VIEW written AS SELECT id, coalesce(d, '{1}'::checked[]) AS d, b FROM asked;
CREATE TABLE checks (id int, b int, CHECK (code(1) = 1));
CREATE TABLE parted (id int, b int) PARTITION BY RANGE ((id + code(1)));
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (1000000);
CREATE TABLE heir () INHERITS (checks);
CREATE TABLE defaults (id int, b int DEFAULT code(1));
CREATE TABLE guarded (id int, b int);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded USING (id = code(1));
INSERT INTO checks SELECT i, i FROM generate_series(1, 20000) AS i;
INSERT INTO parted SELECT i, i FROM generate_series(1, 20000) AS i;
ANALYZE asked, heir, guarded, checks, parted;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rights_owner TO regress_rights_other, regress_rights_caller;
SET ROLE regress_rights_other;
CREATE TABLE rights_other.theirs (id int, b int);
CREATE FUNCTION rights_other.code() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE INDEX ON rights_other.theirs (b) WHERE rights_other.code() = 1;
SET ROLE regress_rights_super;
SET client_min_messages = notice;
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM asked WHERE b = 7');
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes('SELECT * FROM seen WHERE b = 7');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM checks WHERE b = $1');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM parted WHERE b = 7');
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes('SELECT * FROM asked WHERE b = $1 AND e = $2 AND f && $3 AND c = $4 AND d = $5');
SELECT ddl FROM schemakit.advise_indexes('{INSERT INTO defaults (id) VALUES (1), UPDATE asked SET a = 5 WHERE b = 7, SELECT * FROM guarded WHERE b = 7}'::text[]);
-- nor is a constant of the owner's types read as somebody else
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes($$SELECT * FROM asked WHERE b = 7 AND d = '{1}'$$);
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes($$SELECT * FROM asked WHERE b = 7 AND e = '(1,1)'::pair$$);
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes($$SELECT * FROM asked WHERE b = 7 AND f && '[1,2]'$$);
SELECT ddl FROM schemakit.advise_indexes($$INSERT INTO asked (e) VALUES ('(1,1)')$$);
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes($$SELECT * FROM asked WHERE b = '7' AND c = '1'$$);
-- nor one in a view, where an index is written that has it
SELECT count(*) > 0 AS advised FROM schemakit.advise_indexes('SELECT id FROM written WHERE cardinality(d) = 7');
-- code of two roles is run as neither
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM asked JOIN rights_other.theirs USING (b)');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM asked WHERE b = 7 AND a = rights_other.code()');
-- what the superuser names is what is planned
CREATE SCHEMA regress_rights_super;
CREATE TABLE regress_rights_super.asked (b int);
SET search_path = "$user", rights_owner;
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM asked, seen WHERE seen.b = 7');
DROP SCHEMA regress_rights_super CASCADE;
SET search_path = rights_owner;
-- others plan what they may execute, as EXPLAIN does
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA schemakit TO regress_rights_caller;
SET ROLE regress_rights_caller;
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM checks WHERE b = $1');
-- the owner's table gets no code of those who only use it
SET ROLE regress_rights_super;
GRANT CREATE ON SCHEMA rights_other TO regress_rights_caller;
SET ROLE regress_rights_caller;
CREATE FUNCTION rights_other.used(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 % 1000; END';
\set VERBOSITY terse
SELECT ddl FROM schemakit.advise_indexes('SELECT id FROM checks WHERE rights_other.used(id) = 5');
\set VERBOSITY default
SELECT schemakit.advise_indexes_report('SELECT id FROM checks WHERE rights_other.used(id) = 5') #>> '{not_advised,0,reason}' AS why;
SET ROLE regress_rights_owner;
CREATE FUNCTION used(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 % 1000; END';
SET ROLE regress_rights_caller;
SELECT ddl FROM schemakit.advise_indexes('SELECT id FROM checks WHERE used(id) = 5');

RESET ROLE;
SET client_min_messages = warning;
DROP OWNED BY regress_rights_owner, regress_rights_other, regress_rights_super, regress_rights_caller CASCADE;
DROP ROLE regress_rights_owner, regress_rights_other, regress_rights_super, regress_rights_caller;
