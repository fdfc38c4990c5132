--
-- Soft delete: what users build on the view survives DDL on the table, and is in no
-- command's way
--
SET client_min_messages = warning;
CREATE SCHEMA built;
SET search_path = built, public;
CREATE ROLE regress_built_owner;
CREATE ROLE regress_built_reader;
GRANT ALL ON SCHEMA built TO regress_built_owner;
CREATE VIEW shown AS
SELECT relname AS view, attnum AS n, attname AS col, format_type(atttypid, atttypmod) AS type, attacl::text ~ 'regress_built_reader=r' AS granted, col_description(attrelid, attnum) AS comment, pg_get_expr(adbin, adrelid) AS def
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = attrelid LEFT JOIN pg_attrdef AS d ON adrelid = attrelid AND adnum = attnum
WHERE relkind = 'v' AND relname ~ '_live$' AND attnum > 0 ORDER BY 1, 2;
CREATE TYPE mood AS ENUM ('fine', 'sad');
CREATE TABLE users (id int PRIMARY KEY, name text, nick text, mood mood, age int, score int);
SELECT schemakit.soft_delete_enable('users');
INSERT INTO users VALUES (1, 'ann', 'a', 'fine', 20, 5), (2, 'bob', 'b', 'sad', 30, 6);

-- parts of the view itself: it is made again with them
ALTER VIEW users_live ALTER COLUMN score SET DEFAULT 1 + 2;
ALTER VIEW users_live ALTER COLUMN nick SET DEFAULT 'nobody';
COMMENT ON COLUMN users_live.score IS 'of points';
GRANT SELECT (score, nick) ON users_live TO regress_built_reader;
CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''%'', tg_name; RETURN NULL; END';
CREATE TRIGGER early BEFORE INSERT ON users_live FOR EACH STATEMENT EXECUTE FUNCTION pass();
COMMENT ON TRIGGER early ON users_live IS 'first';
CREATE RULE also AS ON INSERT TO users_live DO ALSO NOTIFY built;
COMMENT ON RULE also ON users_live IS 'too';
ALTER TABLE users DROP COLUMN nick;
TABLE shown;
SELECT tgname, pg_get_triggerdef(oid) AS def, obj_description(oid, 'pg_trigger') AS comment FROM pg_trigger WHERE tgrelid = 'users_live'::regclass ORDER BY 1;
SELECT rulename, ev_enabled, obj_description(oid, 'pg_rewrite') AS comment FROM pg_rewrite WHERE ev_class = 'users_live'::regclass ORDER BY 1;
INSERT INTO users_live (id, name) VALUES (3, 'eve') RETURNING id, score;

-- what depends on it: the view stays, with a column that is null
CREATE VIEW names AS SELECT id, name FROM users_live;
CREATE MATERIALIZED VIEW kept AS SELECT id, name FROM users_live;
CREATE FUNCTION them() RETURNS SETOF users_live LANGUAGE sql AS 'SELECT * FROM users_live ORDER BY id';
CREATE FUNCTION loud(users_live) RETURNS text LANGUAGE sql AS 'SELECT upper($1.name)';
CREATE TABLE copies AS SELECT users_live AS copy FROM users_live;
PREPARE stale AS SELECT id, name FROM them();
EXECUTE stale;
SELECT 'users_live'::regclass::oid AS before \gset
ALTER TABLE users DROP COLUMN age;
SELECT 'users_live'::regclass::oid = :before AS same;
SELECT col, type FROM shown;
TABLE names;
REFRESH MATERIALIZED VIEW kept;
TABLE kept;
SELECT * FROM them();
EXECUTE stale;
SELECT loud(u), (SELECT (copy).name FROM copies WHERE (copy).id = u.id) FROM users_live AS u ORDER BY id;
INSERT INTO users_live (id, name) VALUES (4, 'joe') RETURNING id, score;
DELETE FROM users_live WHERE id = 4 RETURNING name;
SELECT state, detail FROM schemakit.status() WHERE relid = 'users'::regclass AND feature = 'soft_delete';
-- new columns and other types
ALTER TABLE users ADD COLUMN age date, ALTER COLUMN score TYPE bigint;
SELECT col, type FROM shown;
SELECT copy FROM copies ORDER BY 1;
-- what depends on the column itself is in the way, as it is of a table's column
\set VERBOSITY terse
ALTER TABLE users DROP COLUMN name;
ALTER TABLE users DROP COLUMN name CASCADE;
\set VERBOSITY default
SELECT count(*) FROM pg_class WHERE relname IN ('names', 'kept') AND relnamespace = 'built'::regnamespace;
DROP FUNCTION loud(users_live);
-- with the type of a column, and with what it is generated from
CREATE FUNCTION twice(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
ALTER TABLE users ADD COLUMN double bigint GENERATED ALWAYS AS (twice(score)) STORED;
DROP TYPE mood CASCADE;
DROP FUNCTION twice(bigint) CASCADE;
SELECT col, type FROM shown;
SELECT * FROM them();
ALTER TABLE users ADD COLUMN half bigint GENERATED ALWAYS AS (score / 2) STORED;
ALTER TABLE users DROP COLUMN score CASCADE;
SELECT col, type FROM shown;
-- when nothing depends on it any more, the next change puts it right
DROP FUNCTION them();
DROP TABLE copies;
ALTER TABLE users ADD COLUMN name text;
SELECT col, type FROM shown;
DELETE FROM users_live WHERE id = 1 RETURNING id;

-- with a schema, and with all that a role owns
CREATE SCHEMA types;
CREATE DOMAIN types.email AS text CHECK (VALUE ~ '@');
CREATE TYPE types.pair AS (a int, b int);
ALTER TABLE users ADD COLUMN email types.email, ADD COLUMN pair types.pair;
CREATE VIEW names AS SELECT id, name FROM users_live;
GRANT SELECT ON users_live TO regress_built_reader;
DROP SCHEMA types CASCADE;
SELECT col FROM shown;
TABLE names;
SELECT has_table_privilege('regress_built_reader', 'users_live', 'SELECT');
DROP VIEW names;
CREATE DOMAIN short AS varchar(3);
CREATE ROLE regress_built_type;
ALTER DOMAIN short OWNER TO regress_built_type;
ALTER TABLE users ADD COLUMN short short;
DROP OWNED BY regress_built_type CASCADE;
SELECT col FROM shown;

-- a table of a composite type
CREATE TYPE row_type AS (id int, a int, b text, deleted_at timestamptz);
CREATE TABLE typed OF row_type (PRIMARY KEY (id));
SELECT schemakit.soft_delete_enable('typed');
ALTER TYPE row_type DROP ATTRIBUTE a CASCADE;
ALTER TYPE row_type ALTER ATTRIBUTE b TYPE varchar(9) CASCADE, ADD ATTRIBUTE c int CASCADE;
SELECT col, type FROM shown WHERE view = 'typed_live';
DROP TABLE typed;

-- another owner: what the table has lost, the view loses; nothing else is done to it
CREATE TABLE given (id int PRIMARY KEY, a int, b int);
SELECT schemakit.soft_delete_enable('given');
ALTER VIEW given_live OWNER TO regress_built_reader;
ALTER TABLE given DROP COLUMN a, ALTER COLUMN b TYPE bigint, ADD COLUMN c int;
SELECT col, type FROM shown WHERE view = 'given_live';
ALTER VIEW given_live OWNER TO CURRENT_USER;
ALTER TABLE given ADD COLUMN d int;
SELECT col, type FROM shown WHERE view = 'given_live';
DROP TABLE given;

-- the role may not create what is to be made again
CREATE TABLE mine (id int PRIMARY KEY, a int, b int);
SELECT schemakit.soft_delete_enable('mine');
ALTER TABLE mine OWNER TO regress_built_owner;
REVOKE CREATE ON SCHEMA built FROM regress_built_owner;
SET ROLE regress_built_owner;
ALTER TABLE built.mine DROP COLUMN a, ADD COLUMN c int;
RESET ROLE;
SELECT col FROM shown WHERE view = 'mine_live';
-- DROP TABLE: triggers and defaults of the view are no obstacle
CREATE TRIGGER early BEFORE INSERT ON mine_live FOR EACH STATEMENT EXECUTE FUNCTION pass();
ALTER VIEW mine_live ALTER COLUMN b SET DEFAULT 4;
CREATE RULE also AS ON INSERT TO mine_live DO ALSO NOTIFY built;
DROP TABLE mine;

-- the column itself: only with CASCADE, and then soft delete is over
CREATE TABLE over (id int PRIMARY KEY);
SELECT schemakit.soft_delete_enable('over', protect => true);
INSERT INTO over VALUES (1), (2);
\set VERBOSITY terse
ALTER TABLE over DROP COLUMN deleted_at;
ALTER TABLE over DROP COLUMN deleted_at CASCADE;
\set VERBOSITY default
DELETE FROM over WHERE id = 1;
TRUNCATE over;
\d over
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
SELECT schemakit.soft_delete_enable('parted', protect => true);
ALTER TABLE parted DROP COLUMN deleted_at CASCADE;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgrelid IN ('parted'::regclass, 'parted_1'::regclass);
TRUNCATE parted_1;

-- operators and configurations that columns are generated with
CREATE TABLE texts (id int PRIMARY KEY, t text);
SELECT schemakit.soft_delete_enable('texts');
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
CREATE FUNCTION same(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = same);
ALTER TABLE texts ADD COLUMN v tsvector GENERATED ALWAYS AS (to_tsvector('built.plain', t)) STORED, ADD COLUMN o boolean GENERATED ALWAYS AS (t OPERATOR(built.===) 'x') STORED;
DROP TEXT SEARCH CONFIGURATION plain CASCADE;
DROP OPERATOR ===(text, text) CASCADE;
SELECT col FROM shown WHERE view = 'texts_live';
-- in replica mode, and in a session that looks as if it restored a dump
ALTER TABLE texts ADD COLUMN a int, ADD COLUMN b int, ADD COLUMN c int;
SET session_replication_role = replica;
ALTER TABLE texts DROP COLUMN a, ALTER COLUMN b TYPE bigint;
RESET session_replication_role;
SELECT col, type FROM shown WHERE view = 'texts_live';
-- without the event trigger that would put things right afterwards, nothing is done before
ALTER EVENT TRIGGER schemakit_ddl_command_end DISABLE;
\set VERBOSITY terse
ALTER TABLE texts DROP COLUMN b;  -- fails
\set VERBOSITY default
ALTER EVENT TRIGGER schemakit_ddl_command_end ENABLE ALWAYS;
SET check_function_bodies = off;
SET search_path = '';
ALTER TABLE built.texts DROP COLUMN b, ALTER COLUMN c TYPE text;
RESET check_function_bodies;
SET search_path = built, public;
SELECT col, type FROM shown WHERE view = 'texts_live';
DELETE FROM texts_live;
SET check_function_bodies = off;
SET search_path = '';
DROP TABLE built.texts;
RESET check_function_bodies;
SET search_path = built, public;
SELECT count(*) FROM shown WHERE view = 'texts_live';

-- rows of the view's type are stored: a column with another type is a new one, of which
-- the same is said
CREATE TABLE retyped (id int PRIMARY KEY, a int, b text);
SELECT schemakit.soft_delete_enable('retyped');
ALTER VIEW retyped_live ALTER a SET DEFAULT 7, ALTER b SET DEFAULT 'eight';
COMMENT ON COLUMN retyped_live.a IS 'commented';
COMMENT ON COLUMN retyped_live.b IS 'too';
GRANT SELECT (a) ON retyped_live TO PUBLIC;
CREATE TABLE storing (v retyped_live);
INSERT INTO storing VALUES (ROW(1, 2, '3', NULL));
ALTER TABLE retyped ALTER a TYPE bigint, ALTER b TYPE int USING 8;
INSERT INTO retyped_live (id) VALUES (1) RETURNING id, a, b;
SELECT attname, attacl IS NOT NULL AS granted, col_description(attrelid, attnum) FROM pg_attribute
WHERE attrelid = 'retyped_live'::regclass AND attname IN ('a', 'b') ORDER BY attname;
SELECT * FROM storing;
DROP TABLE storing;
DROP TABLE retyped;
DROP SCHEMA built CASCADE;
DROP ROLE regress_built_owner, regress_built_reader, regress_built_type;
