--
-- Soft delete: the view follows its table, bad input, protection, purge, rules
--
SET client_min_messages = warning;
CREATE SCHEMA views;
CREATE SCHEMA live;
SET search_path = views, public;
CREATE VIEW shown AS
SELECT c.oid::regclass AS view, pg_get_userbyid(c.relowner) AS owner, regexp_replace(c.relacl::text, 'Dxtm', 'Dxt', 'g') AS acl, obj_description(c.oid, 'pg_class') AS comment,
    (SELECT string_agg(attname::text || ' ' || format_type(atttypid, atttypmod) || coalesce(' ' || attacl::text, '') || coalesce(' -- ' || col_description(attrelid, attnum), ''), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) AS columns,
    array_to_string(reloptions, ', ') AS options, (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers
FROM pg_class AS c WHERE relkind = 'v' AND relname <> 'shown' AND relnamespace IN ('views'::regnamespace, 'live'::regnamespace) ORDER BY 1;
\x
-- how a command fails; the detail ends with a full stop or not, with the version
CREATE FUNCTION refusal(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    EXECUTE command;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLERRM || ': ' || rtrim(detail, '.');
END $$;
CREATE ROLE regress_views_owner;
CREATE ROLE regress_views_reader;
GRANT ALL ON SCHEMA views, live TO regress_views_owner, regress_views_reader;
CREATE TABLE users (id int PRIMARY KEY, "Full Name" text, "select" int, gone int);
GRANT SELECT ON users TO regress_views_reader WITH GRANT OPTION;
GRANT UPDATE ("select") ON users TO PUBLIC;
ALTER TABLE users OWNER TO regress_views_owner;
GRANT SELECT ON shown TO PUBLIC;
SET ROLE regress_views_owner;
SELECT schemakit.soft_delete_enable('users');
COMMENT ON VIEW users_live IS 'those who are here';
COMMENT ON COLUMN users_live."Full Name" IS 'as they write it';
ALTER VIEW users_live SET (security_barrier = true);
GRANT INSERT ON users_live TO regress_views_reader;
SELECT * FROM shown;

-- columns come, go, and change; what belongs to the view stays
ALTER TABLE users ADD COLUMN age int DEFAULT 7;
ALTER TABLE users DROP COLUMN gone, ALTER COLUMN age TYPE bigint, ADD COLUMN added int;
ALTER TABLE users RENAME COLUMN added TO renamed;
ALTER TABLE users RENAME COLUMN deleted_at TO removed_at;
SELECT * FROM shown;
INSERT INTO users_live (id, "Full Name") VALUES (1, 'Ann'), (2, 'Bob');
DELETE FROM users_live WHERE id = 1 RETURNING id, age;
SELECT id, removed_at IS NOT NULL AS removed FROM users ORDER BY id;
-- the time's own type, too, as long as it is one of a time
ALTER TABLE users ALTER COLUMN removed_at TYPE timestamptz(3), ALTER COLUMN "select" TYPE bigint;
\set VERBOSITY terse
ALTER TABLE users ALTER COLUMN removed_at TYPE text;
\set VERBOSITY default
SELECT refusal('ALTER TABLE users ALTER COLUMN removed_at TYPE text');
SELECT columns FROM shown;
SELECT state FROM schemakit.status() WHERE feature = 'soft_delete' AND relid = 'users'::regclass;
\set VERBOSITY terse
ALTER TABLE users DROP COLUMN removed_at;
\set VERBOSITY default
-- also when it is all undone
BEGIN;
ALTER TABLE users DROP COLUMN renamed;
ROLLBACK;
DO $$BEGIN ALTER TABLE users DROP COLUMN renamed; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END$$;
ALTER TABLE users ALTER COLUMN age TYPE int;
BEGIN;
SAVEPOINT s;
ALTER TABLE users DROP COLUMN renamed;
RELEASE s;
ALTER TABLE users ADD COLUMN renamed int;
COMMIT;
SELECT columns FROM shown;
-- and when it fails
ALTER TABLE users DROP COLUMN age, ADD CHECK (nonsense > 1);
SELECT columns FROM shown;

-- somebody's view on ours: the server's own errors for the columns that it has, and nothing is lost
CREATE VIEW names AS SELECT "Full Name" FROM users_live;
ALTER TABLE users DROP COLUMN "Full Name";
\set VERBOSITY terse
ALTER TABLE users ALTER COLUMN "Full Name" TYPE varchar(80);
\set VERBOSITY default
SELECT refusal('ALTER TABLE users ALTER COLUMN "Full Name" TYPE varchar(80)');
ALTER TABLE users DROP COLUMN age;
ALTER TABLE users ADD COLUMN more int;
ALTER TABLE users RENAME COLUMN "Full Name" TO full_name;
DROP TABLE users;
SELECT schemakit.soft_delete_disable('users');
SELECT view, columns FROM shown WHERE view = 'users_live'::regclass;
TABLE names;
DROP VIEW names;

-- names, schemas, owners and grants
ALTER TABLE users RENAME TO people;
RESET ROLE;
ALTER TABLE people SET SCHEMA public;
SELECT view FROM shown;
SELECT 'public.people_live'::regclass;
ALTER TABLE public.people SET SCHEMA views;
GRANT DELETE, TRUNCATE ON people TO regress_views_reader;
REVOKE SELECT ON people FROM regress_views_reader CASCADE;
GRANT SELECT (id) ON people TO regress_views_reader;
GRANT INSERT ON ALL TABLES IN SCHEMA views TO PUBLIC;
SELECT acl, columns FROM shown;
ALTER TABLE people OWNER TO CURRENT_USER;
SELECT view, owner = current_user AS is_ours FROM shown;
DROP TABLE people;
SELECT count(*) FROM shown;
-- who may not make the view again may drop columns all the same
CREATE TABLE users (id int PRIMARY KEY, v int);
ALTER TABLE users OWNER TO regress_views_owner;
SELECT schemakit.soft_delete_enable('users');
REVOKE ALL ON SCHEMA views FROM regress_views_owner;
GRANT USAGE ON SCHEMA views TO regress_views_owner;
SET ROLE regress_views_owner;
ALTER TABLE users DROP COLUMN v;
RESET ROLE;
ALTER TABLE users DROP COLUMN v;
SELECT columns FROM shown;
-- who owns the schema may drop tables in it, and no more; others may not
ALTER SCHEMA views OWNER TO regress_views_owner;
ALTER TABLE users OWNER TO CURRENT_USER;
SET ROLE regress_views_reader;
DROP TABLE users;
SET ROLE regress_views_owner;
ALTER TABLE users RENAME TO people;
DROP TABLE users;
RESET ROLE;
SELECT count(*) FROM shown;
ALTER SCHEMA views OWNER TO CURRENT_USER;

-- the overlay: the same statements, another meaning
CREATE TABLE users (id int PRIMARY KEY, name text);
SELECT schemakit.soft_delete_enable('users', view_name => 'live.users');
INSERT INTO users VALUES (1, 'ann'), (2, 'bob');
SET search_path = live, views, public;
DELETE FROM users WHERE name = 'bob' RETURNING *;
SELECT count(*) FROM users;
INSERT INTO users (id, name) VALUES (3, 'eve') RETURNING id;
UPDATE users SET name = 'Ann' WHERE id = 1 RETURNING name;
SELECT count(*) FROM views.users;
SET search_path = views, public;
ALTER TABLE users RENAME TO people;
SELECT view FROM shown;
SELECT schemakit.soft_delete_enable('people', view_name => 'views.somebody');
SELECT view FROM shown;
SELECT schemakit.soft_delete_enable('people', view_name => 'live.people');
SELECT schemakit.soft_delete_enable('people');
SELECT view FROM shown;
ALTER TABLE people RENAME TO users;
SELECT view FROM shown;

-- protection, and permanent deletion
SELECT schemakit.soft_delete_enable('users', protect => true);
DELETE FROM users;
TRUNCATE users;
SELECT detail FROM schemakit.status() WHERE relid = 'users'::regclass AND feature = 'soft_delete';
SELECT schemakit.soft_delete_purge('users', '1 day'), schemakit.soft_delete_purge('users', '0', force => true), (SELECT count(*) FROM users) AS left;
SELECT schemakit.soft_delete_enable('users', protect => false);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE TABLE logs (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE);
CREATE TABLE marks (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE SET NULL);
SELECT schemakit.soft_delete_enable('orders');
SELECT detail FROM schemakit.status() WHERE relid = 'orders'::regclass;
TRUNCATE users CASCADE;
INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 7) AS i;
INSERT INTO orders SELECT i, i FROM generate_series(1, 7) AS i;
INSERT INTO logs VALUES (4, 4);
INSERT INTO marks SELECT i, i FROM generate_series(1, 7) AS i;
UPDATE users SET deleted_at = now() - id * interval '10 days' WHERE id < 7;
-- 1 not long enough; 4 has an order with a log, 5 one that was deleted a moment ago, 6 one that never was: kept
UPDATE orders SET deleted_at = now() WHERE id = 5;
ALTER TABLE orders DISABLE TRIGGER USER;
UPDATE orders SET deleted_at = NULL WHERE id = 6;
ALTER TABLE orders ENABLE TRIGGER USER;
SELECT schemakit.soft_delete_purge('users', '15 days', 1) AS one, schemakit.soft_delete_purge('users', '15 days') AS others;
SELECT string_agg(id::text, ' ' ORDER BY id) AS users FROM users;
SELECT string_agg(id::text, ' ' ORDER BY id) AS orders FROM orders;
SELECT string_agg(id::text, ' ' ORDER BY id) FILTER (WHERE user_id IS NULL) AS unmarked FROM marks;
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);
SELECT schemakit.soft_delete_enable('tree');
INSERT INTO tree SELECT i, nullif(i / 2, 0) FROM generate_series(1, 100) AS i;
DELETE FROM tree_live WHERE id = 3;
SELECT schemakit.soft_delete_purge('tree', '0', force => true);
SELECT (SELECT count(*) FROM tree) = (SELECT count(*) FROM tree_live) AS all_gone;
-- one that fails leaves the protection on
SELECT schemakit.soft_delete_enable('tree', protect => true);
DELETE FROM tree_live WHERE id = 2;
CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''boom''; END';
CREATE TRIGGER boom AFTER DELETE ON tree FOR EACH ROW EXECUTE FUNCTION boom();
\set VERBOSITY terse
SELECT schemakit.soft_delete_purge('tree', '0', force => true);  -- fails
DROP TRIGGER boom ON tree;
DELETE FROM tree;  -- fails
\set VERBOSITY default

-- rules: the column is how a table says it
SELECT schemakit.auto_enable('soft_delete', schemas => 'views', options => '{"view_schema": "live", "protect": true}') > 0 AS made;
CREATE TABLE plain (id int PRIMARY KEY);
CREATE TABLE nokey (id int, deleted_at timestamptz);
CREATE TABLE soft (id int PRIMARY KEY, deleted_at timestamptz);
ALTER TABLE plain ADD COLUMN deleted_at timestamp(0);
CREATE TABLE live.taken (id int);
CREATE TABLE taken (id int PRIMARY KEY, deleted_at timestamptz);
SELECT relid, state, regexp_replace(detail, '[0-9]+', 'N') AS detail FROM schemakit.status() WHERE feature = 'soft_delete' AND relid::text ~ 'plain|nokey|soft|taken' ORDER BY relid::text;
SELECT schemakit.auto_enable('soft_delete', options => '{"colour": "red"}');
DELETE FROM schemakit.auto_rule WHERE feature = 'soft_delete';

-- a former partition gets a view of its own
CREATE TABLE spans (id int PRIMARY KEY, deleted_at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE spans_1 PARTITION OF spans FOR VALUES FROM (0) TO (10);
SELECT schemakit.soft_delete_enable('spans', view_schema => 'live');
ALTER TABLE spans DETACH PARTITION spans_1;
SELECT state, detail FROM schemakit.status() WHERE relid = 'spans_1'::regclass AND feature = 'soft_delete';
SELECT schemakit.soft_delete_enable('spans_1');
SELECT state, detail FROM schemakit.status() WHERE relid = 'spans_1'::regclass AND feature = 'soft_delete';
DROP TABLE spans, spans_1;

-- no silent physical delete
CREATE TABLE kept (id int PRIMARY KEY);
SELECT schemakit.soft_delete_enable('kept');
INSERT INTO kept VALUES (1);
CREATE OR REPLACE VIEW kept_live AS SELECT id, deleted_at FROM kept WHERE schemakit.is_live(deleted_at);
DROP TRIGGER zz_schemakit_soft_delete_row ON kept_live;
DELETE FROM kept_live;
SELECT state FROM schemakit.status() WHERE relid = 'kept'::regclass;
-- a column that came while event triggers did not fire; the next change brings it
CREATE TABLE late (id int PRIMARY KEY);
SELECT schemakit.soft_delete_enable('late');
SET session_replication_role = replica;
ALTER TABLE late ADD COLUMN n int;
RESET session_replication_role;
SELECT state FROM schemakit.status() WHERE relid = 'late'::regclass AND feature = 'soft_delete';
ALTER TABLE late ADD COLUMN m int;
SELECT state FROM schemakit.status() WHERE relid = 'late'::regclass AND feature = 'soft_delete';
-- the views go with the extension; what is built on one is in the way, and one without our trigger
BEGIN;
DROP VIEW kept_live;
SET LOCAL schemakit.audit_writable = on;
DROP EXTENSION schemakit;
SELECT count(*) FROM kept;
SELECT count(*) FROM pg_class WHERE relname ~ '_live$' AND relkind = 'v';
ROLLBACK;
\set VERBOSITY terse
SET schemakit.audit_writable = on;
DROP EXTENSION schemakit;  -- fails
BEGIN;
DROP VIEW kept_live;
CREATE VIEW on_late AS SELECT id FROM late_live;
DROP EXTENSION schemakit;  -- fails
ROLLBACK;
RESET schemakit.audit_writable;
\set VERBOSITY default
DROP TABLE late;
SELECT count(*) FROM kept;
SELECT schemakit.soft_delete_disable('kept');
SELECT schemakit.soft_delete_disable('kept');
\d kept

-- bad input: clear errors, and nothing is changed
CREATE TEMP TABLE temporary (id int PRIMARY KEY);
CREATE TABLE wrong (id int PRIMARY KEY, deleted_at text, never timestamptz NOT NULL, made timestamptz GENERATED ALWAYS AS (NULL) STORED);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parts DEFAULT;
CREATE VIEW a_view AS SELECT 1 AS id;
SELECT schemakit.soft_delete_enable('temporary');
CREATE FOREIGN DATA WRAPPER regress_nowhere;
CREATE SERVER regress_nowhere FOREIGN DATA WRAPPER regress_nowhere;
CREATE FOREIGN TABLE far_away (id int, deleted_at timestamptz) SERVER regress_nowhere;
SELECT schemakit.soft_delete_enable('far_away');
DROP FOREIGN DATA WRAPPER regress_nowhere CASCADE;
SELECT schemakit.soft_delete_enable('a_view');
SELECT schemakit.soft_delete_enable('part');
SELECT schemakit.soft_delete_enable('pg_class');
SELECT schemakit.soft_delete_enable('nokey');
SELECT schemakit.soft_delete_enable('wrong');
SELECT schemakit.soft_delete_enable('wrong', 'never');
SELECT schemakit.soft_delete_enable('wrong', 'live.wrong');
SELECT schemakit.soft_delete_enable('wrong', 'made');
SELECT schemakit.soft_delete_enable('wrong', 'removed_at', view_name => 'a_view');
SELECT schemakit.soft_delete_enable('wrong', 'removed_at', view_name => 'no_schema.x');
SELECT schemakit.soft_delete_enable('wrong', 'removed_at', view_name => 'a.b.c');
SELECT schemakit.soft_delete_enable(NULL);
SELECT schemakit.soft_delete_enable('wrong', NULL);
SELECT schemakit.soft_delete_enable('users', 'removed_at');
SELECT schemakit.soft_delete_purge('wrong', '1 day');
SELECT schemakit.soft_delete_purge('live.users', '1 day');
SELECT schemakit.audit_history('live.users', '{"id": 1}');
SELECT schemakit.soft_delete_enable('live.users');
SELECT schemakit.soft_delete_purge('users', '-1 day');
SELECT schemakit.soft_delete_purge('users', '90');
SELECT schemakit.soft_delete_purge('users', '23:59:59');
SELECT schemakit.soft_delete_purge('users', '-1 day', force => true);
SELECT schemakit.soft_delete_purge('users', '1 day', force => NULL);
SELECT schemakit.soft_delete_purge('users', '1 day', 0);
SELECT schemakit.soft_delete_purge('users', NULL);
SET ROLE regress_views_reader;
SELECT schemakit.soft_delete_enable('views.wrong');
SELECT schemakit.soft_delete_disable('views.users');
\set VERBOSITY terse
SELECT schemakit.soft_delete_purge('views.users', '1 day');
\set VERBOSITY default
RESET ROLE;
\x
\d wrong
-- who may delete softly: who may update the column, if the policies say so, too
TRUNCATE users CASCADE;
INSERT INTO users VALUES (1, 'regress_views_reader'), (2, 'else');
GRANT SELECT, DELETE ON users TO regress_views_reader;
SET ROLE regress_views_reader;
DELETE FROM live.users WHERE id = 2;
RESET ROLE;
GRANT UPDATE (deleted_at) ON users TO regress_views_reader;
SET ROLE regress_views_reader;
DELETE FROM live.users WHERE id = 2 RETURNING id;
RESET ROLE;
UPDATE users SET deleted_at = NULL;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON users FOR UPDATE USING (name = current_user);
CREATE POLICY see ON users FOR SELECT USING (true);
SET ROLE regress_views_reader;
DELETE FROM live.users RETURNING id;
RESET ROLE;
-- nobody else's view is taken for the table's, whatever it looks like
CREATE TABLE secrets (id int PRIMARY KEY, n text);
CREATE TABLE early (id int PRIMARY KEY, n text, deleted_at timestamptz);
INSERT INTO secrets VALUES (1, 'secret');
INSERT INTO early VALUES (1, 'secret');
SELECT schemakit.soft_delete_enable('secrets');
ALTER TABLE secrets OWNER TO regress_views_owner;
SET ROLE regress_views_reader;
CREATE VIEW live.bait AS SELECT ctid, id, n FROM secrets WHERE schemakit.is_live(deleted_at);
CREATE VIEW live.early_bait AS SELECT id, n FROM early WHERE schemakit.is_live(deleted_at);
CREATE TRIGGER cover INSTEAD OF DELETE ON live.early_bait FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete_row();
GRANT ALL ON live.bait, live.early_bait TO PUBLIC;
RESET ROLE;
SELECT schemakit.soft_delete_enable('early');
ALTER TABLE secrets ADD COLUMN k int;
ALTER TABLE early ADD COLUMN k int;
SET ROLE regress_views_reader;
SELECT * FROM live.bait;
SELECT * FROM live.early_bait;
DELETE FROM live.early_bait;
RESET ROLE;
SELECT relid, detail FROM schemakit.status() WHERE feature = 'soft_delete' AND relid IN ('secrets'::regclass, 'early'::regclass) ORDER BY 1;
SELECT view, owner LIKE 'regress%' AS regress, columns FROM shown WHERE view::text ~ 'bait|early|secrets';
DROP VIEW live.bait, live.early_bait;
-- its own goes with it, also if its owner could not make another one there
REVOKE ALL ON SCHEMA views FROM regress_views_owner;
GRANT USAGE ON SCHEMA views TO regress_views_owner;
SET ROLE regress_views_owner;
DROP TABLE views.secrets;
RESET ROLE;
-- a trigger of somebody who may make triggers only is not taken for the table's
CREATE TABLE marked (id int PRIMARY KEY, n int, x timestamptz, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('marked');
INSERT INTO marked VALUES (1, 1, NULL, now());
GRANT TRIGGER ON marked TO regress_views_reader;
SET ROLE regress_views_reader;
CREATE TRIGGER aaa AFTER UPDATE ON marked FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete();
CREATE TRIGGER bbb AFTER UPDATE ON marked FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete('x');
RESET ROLE;
ALTER TABLE marked DROP COLUMN n;
SELECT count(*) FROM marked_live;
CREATE TRIGGER ccc AFTER UPDATE ON marked FOR EACH ROW WHEN (false) EXECUTE FUNCTION schemakit.soft_delete('x');
ALTER TABLE marked ALTER COLUMN deleted_at TYPE timestamptz(3);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'marked'::regclass ORDER BY 1;
SELECT DISTINCT state FROM schemakit.status() WHERE relid = 'marked'::regclass AND feature = 'soft_delete';
-- views that are not as we make them stay as they are
CREATE TABLE own (id int PRIMARY KEY, email text, n int, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('own');
INSERT INTO own VALUES (1, 'one'), (2, 'two');
CREATE OR REPLACE VIEW own_live AS SELECT id, '***'::text AS email, n, deleted_at FROM own WHERE schemakit.is_live(deleted_at);
ALTER TABLE own ADD COLUMN j int;
ALTER TABLE own DROP COLUMN j;
SELECT * FROM own_live;
DROP VIEW own_live;
CREATE VIEW narrow AS SELECT id FROM own WHERE schemakit.is_live(deleted_at);
ALTER TABLE own ADD COLUMN k int;
SELECT * FROM narrow;
CREATE OR REPLACE VIEW narrow AS SELECT id FROM own WHERE schemakit.is_live(deleted_at) ORDER BY id LIMIT 1;
SELECT schemakit.soft_delete_enable('own');
ALTER TABLE own ADD COLUMN l int;
SELECT * FROM narrow;
DROP VIEW narrow;
CREATE VIEW ruled AS SELECT 1 AS id;
CREATE RULE r AS ON INSERT TO ruled DO INSTEAD SELECT id, n FROM own WHERE schemakit.is_live(deleted_at);
ALTER TABLE own DROP COLUMN l;
SELECT detail FROM schemakit.status() WHERE relid = 'own'::regclass AND feature = 'soft_delete';
DROP VIEW ruled;
CREATE OR REPLACE VIEW own_live AS SELECT id, email FROM ONLY own WHERE schemakit.is_live(deleted_at);
SELECT schemakit.soft_delete_enable('own');
ALTER TABLE own ADD COLUMN o int;
SELECT * FROM own_live;
DROP VIEW own_live;
SELECT schemakit.soft_delete_enable('own');
CREATE RULE nothing AS ON UPDATE TO own_live DO INSTEAD NOTHING;
\set VERBOSITY terse
ALTER TABLE own DROP COLUMN o;
\set VERBOSITY default
-- what cannot be made again remains as it is
CREATE DOMAIN closed AS int;
REVOKE USAGE ON TYPE closed FROM PUBLIC;
CREATE TABLE typed (id int PRIMARY KEY, a closed, b int);
SELECT schemakit.soft_delete_enable('typed');
GRANT ALL ON SCHEMA views TO regress_views_owner;
ALTER TABLE typed OWNER TO regress_views_owner;
SET ROLE regress_views_owner;
ALTER TABLE typed DROP COLUMN b;
RESET ROLE;
SELECT count(*) FROM typed_live;
-- partitions that had a view before
CREATE TABLE whole (id int, a int, b int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part1 (id int PRIMARY KEY, a int, b int);
SELECT schemakit.soft_delete_enable('whole'), schemakit.soft_delete_enable('part1');
ALTER TABLE whole ATTACH PARTITION part1 DEFAULT;
ALTER TABLE whole ADD COLUMN n int;
ALTER TABLE whole DROP COLUMN b;
SELECT * FROM part1_live;
DROP TABLE part1;
DROP TABLE whole;
-- a new owner: who has a view of his own, and who could not make the other one
CREATE SCHEMA theirs;
GRANT ALL ON SCHEMA theirs TO regress_views_owner, regress_views_reader;
GRANT USAGE ON SCHEMA views TO regress_views_owner;
GRANT regress_views_owner TO regress_views_reader;
CREATE TABLE theirs.given (id int PRIMARY KEY, n int, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('theirs.given', view_name => 'views.given_live');
ALTER TABLE theirs.given OWNER TO regress_views_reader;
SET ROLE regress_views_owner;
CREATE VIEW theirs.mine AS SELECT id FROM theirs.given WHERE schemakit.is_live(deleted_at);
CREATE TRIGGER mine INSTEAD OF DELETE ON theirs.mine FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete_row();
SET ROLE regress_views_reader;
ALTER TABLE theirs.given OWNER TO regress_views_owner;
RESET ROLE;
SELECT view, owner FROM shown WHERE view::text ~ 'given';
DROP VIEW theirs.mine;
ALTER TABLE theirs.given OWNER TO regress_views_reader;
SET ROLE regress_views_reader;
ALTER TABLE theirs.given DROP COLUMN n, ALTER COLUMN deleted_at TYPE timestamp, OWNER TO regress_views_owner;
RESET ROLE;
SELECT state, detail FROM schemakit.status() WHERE relid = 'theirs.given'::regclass AND feature = 'soft_delete';
SELECT view, owner, columns FROM shown WHERE view::text ~ 'given';
-- a view that is given away by itself is not the table's any more, until it comes back
CREATE TABLE lent (id int PRIMARY KEY);
SELECT schemakit.soft_delete_enable('lent');
ALTER VIEW lent_live OWNER TO regress_views_reader;
ALTER TABLE lent ADD COLUMN a int;
SELECT state FROM schemakit.status() WHERE relid = 'lent'::regclass AND feature = 'soft_delete';
ALTER VIEW lent_live OWNER TO CURRENT_USER;
ALTER TABLE lent ADD COLUMN b int;
SELECT state FROM schemakit.status() WHERE relid = 'lent'::regclass AND feature = 'soft_delete';
SELECT * FROM lent_live;
-- a rule, when the column gets another type, attaches nothing to what has it already
SELECT schemakit.auto_enable('soft_delete', schemas => 'views') AS rule \gset
CREATE TABLE auto (id int PRIMARY KEY, n int, deleted_at timestamptz);
ALTER TABLE auto ALTER COLUMN deleted_at TYPE timestamptz(3), DROP COLUMN n;
CREATE TABLE hand (id int PRIMARY KEY, n int, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('hand', view_name => 'hand_alive', protect => true);
ALTER TABLE hand DISABLE TRIGGER ALL;
ALTER TABLE hand ALTER COLUMN deleted_at TYPE timestamp;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgrelid IN ('auto'::regclass, 'hand'::regclass) ORDER BY 1, 2;
SELECT view, columns FROM shown WHERE view::text ~ '^(auto|hand)' ORDER BY 1;
SELECT schemakit.auto_disable(:rule);
-- a view with rules, or with more than the table's columns, is not given to a new owner:
-- with his rights it would be run
CREATE TABLE private (s text);
INSERT INTO private VALUES ('not for the reader');
CREATE TABLE theirs.trap (id int PRIMARY KEY);
CREATE TABLE theirs.trap2 (id int PRIMARY KEY);
ALTER TABLE theirs.trap OWNER TO regress_views_reader;
ALTER TABLE theirs.trap2 OWNER TO regress_views_reader;
SET ROLE regress_views_reader;
SELECT schemakit.soft_delete_enable('theirs.trap'), schemakit.soft_delete_enable('theirs.trap2');
CREATE RULE r AS ON INSERT TO theirs.trap_live DO INSTEAD INSERT INTO views.private VALUES (NEW.id::text);
CREATE OR REPLACE VIEW theirs.trap2_live WITH (security_invoker = false) AS
	SELECT id, deleted_at, (SELECT min(s) FROM views.private) AS s FROM theirs.trap2 WHERE schemakit.is_live(deleted_at);
GRANT ALL ON theirs.trap_live, theirs.trap2_live, theirs.trap2 TO regress_views_reader, PUBLIC;
RESET ROLE;
INSERT INTO theirs.trap2 VALUES (1);
ALTER TABLE theirs.trap OWNER TO CURRENT_USER;
ALTER TABLE theirs.trap2 OWNER TO CURRENT_USER;
SET ROLE regress_views_reader;
INSERT INTO theirs.trap_live(id) VALUES (1);
SELECT * FROM theirs.trap2_live;
RESET ROLE;
SELECT relid, state FROM schemakit.status() WHERE relid::text ~ 'trap' AND feature = 'soft_delete' ORDER BY relid::text;
-- a column that a view has twice is the owner's own doing
CREATE TABLE twice (id int PRIMARY KEY, n text);
SELECT schemakit.soft_delete_enable('twice');
CREATE OR REPLACE VIEW twice_live WITH (security_invoker = true) AS
	SELECT id, n, deleted_at, n AS nick FROM twice WHERE schemakit.is_live(deleted_at);
ALTER TABLE twice ADD COLUMN x int;
ALTER TABLE twice RENAME TO two;
SELECT view, columns FROM shown WHERE view::text ~ 'two';
-- in a schema where he may not make any, the table's owner does not choose names
CREATE SCHEMA overlay;
CREATE TABLE theirs.overlaid (id int PRIMARY KEY);
ALTER TABLE theirs.overlaid OWNER TO regress_views_reader;
SELECT schemakit.soft_delete_enable('theirs.overlaid', view_name => 'overlay.overlaid');
SET ROLE regress_views_reader;
ALTER TABLE theirs.overlaid RENAME TO accounts;
RESET ROLE;
SELECT relname FROM pg_class WHERE relnamespace = 'overlay'::regnamespace AND relkind = 'v';
ALTER TABLE theirs.accounts RENAME TO overlaid;
GRANT CREATE ON SCHEMA overlay TO regress_views_reader;
SET ROLE regress_views_reader;
ALTER TABLE theirs.overlaid RENAME TO accounts;
RESET ROLE;
SELECT relname FROM pg_class WHERE relnamespace = 'overlay'::regnamespace AND relkind = 'v';
-- nor does he add a column to a view where he may make none
SELECT schemakit.soft_delete_enable('theirs.accounts', view_name => 'theirs.accounts_live');
REVOKE CREATE ON SCHEMA theirs FROM regress_views_owner, regress_views_reader;
SET ROLE regress_views_reader;
ALTER TABLE theirs.accounts ADD COLUMN more int;
RESET ROLE;
SELECT count(*) FROM pg_attribute WHERE attrelid = 'theirs.accounts_live'::regclass AND attname = 'more';
GRANT CREATE ON SCHEMA theirs TO regress_views_owner, regress_views_reader;
-- a temporary view could not be changed by other sessions that change the table
CREATE TABLE lasting (id int PRIMARY KEY, n int);
SELECT schemakit.soft_delete_enable('lasting', view_name => 'pg_temp.gone');
ALTER TABLE lasting ADD COLUMN deleted_at timestamptz;
CREATE TEMP VIEW gone AS SELECT * FROM lasting WHERE schemakit.is_live(deleted_at);
SELECT schemakit.soft_delete_enable('lasting');
SELECT schemakit.soft_delete_enable('lasting', view_name => 'pg_temp.lasting_live');
DROP VIEW gone;
-- what is in the way is said by the server alone
CREATE TABLE mistyped (id int PRIMARY KEY, n int);
SELECT schemakit.soft_delete_enable('mistyped');
\set VERBOSITY sqlstate
ALTER TABLE mistyped ALTER COLUMN deleted_at TYPE nosuch;
CREATE FUNCTION takes(mistyped_live[]) RETURNS int LANGUAGE sql RETURN 1;
\set VERBOSITY terse
ALTER TABLE mistyped DROP COLUMN n;
\set VERBOSITY default
-- a session that comes to look like a restore owes what it has taken away all the same
CREATE TABLE odd (id int PRIMARY KEY, b text);
SELECT schemakit.soft_delete_enable('odd');
INSERT INTO odd VALUES (1, 'x');
CREATE FUNCTION pretend(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('search_path', '', true), set_config('check_function_bodies', 'off', true);
	RETURN $1;
END $$;
ALTER TABLE odd ALTER COLUMN b TYPE varchar USING pretend(b);
SELECT view, columns FROM shown WHERE view::text ~ 'odd';
-- where nobody would put it back, nothing is taken away
CREATE TABLE copied (id int PRIMARY KEY, n int);
SELECT schemakit.soft_delete_enable('copied');
SET session_replication_role = replica;
\set VERBOSITY terse
ALTER TABLE copied DROP COLUMN n;
ALTER TABLE copied ALTER COLUMN deleted_at TYPE timestamp;
ALTER TABLE copied RENAME TO copied2;
DROP TABLE copied2;
\set VERBOSITY default
RESET session_replication_role;
-- nor is anything put back later
BEGIN;
CREATE TABLE later (id int PRIMARY KEY, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('later');
ALTER TABLE later DROP COLUMN deleted_at CASCADE;
SELECT schemakit.soft_delete_enable('later');
DROP VIEW later_live;
ALTER TABLE later ADD COLUMN z int;
SELECT to_regclass('later_live');
ROLLBACK;
-- a table that has lost its trigger: the view is in the way of no command, either
CREATE TABLE lost (id int PRIMARY KEY, a int, b int, c int);
SELECT schemakit.soft_delete_enable('lost');
INSERT INTO lost VALUES (1, 2, 3, 4);
DROP TRIGGER zz_schemakit_soft_delete ON lost;
ALTER TABLE lost DROP COLUMN a;
ALTER TABLE lost ALTER COLUMN b TYPE text, ADD COLUMN d int;
CREATE DOMAIN passing AS int;
ALTER TABLE lost ALTER COLUMN c TYPE passing;
DROP DOMAIN passing CASCADE;
SELECT * FROM lost_live;
SELECT state FROM schemakit.status() WHERE relid = 'lost'::regclass;
SELECT schemakit.soft_delete_enable('lost');
DELETE FROM lost_live RETURNING b, d;
SELECT count(*) FROM lost;
DROP TRIGGER zz_schemakit_soft_delete ON lost;
DROP TABLE lost;
SELECT to_regclass('lost_live');
-- one that somebody has replaced is as any other view
CREATE TABLE replaced (id int PRIMARY KEY, a int, b int);
SELECT schemakit.soft_delete_enable('replaced');
CREATE OR REPLACE VIEW replaced_live AS SELECT id, a + 1 AS a, b, deleted_at FROM replaced WHERE schemakit.is_live(deleted_at);
ALTER TABLE replaced DROP COLUMN b;  -- fails
SET client_min_messages = error;
DROP SCHEMA views, live, theirs, overlay CASCADE;
DROP ROLE regress_views_owner, regress_views_reader;
