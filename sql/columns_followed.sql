-- The trigger follows its column to a new name, goes away with it, and never
-- makes an UPDATE fail.
CREATE SCHEMA columns_followed;
SET search_path = columns_followed;
CREATE FUNCTION touched(tab regclass) RETURNS TABLE (rel regclass, args text, enabled "char") LANGUAGE sql AS
$$SELECT tgrelid::regclass, replace(encode(tgargs, 'escape'), '\000', ' '), tgenabled FROM pg_trigger
  WHERE tgrelid = tab AND tgfoid = 'schemakit.touch'::regproc ORDER BY tgname$$;

-- renamed to a name that no rule knows, and back
CREATE TABLE t (id int, updated_at timestamptz);
INSERT INTO t VALUES (1, '2020-01-01');
ALTER TABLE t RENAME COLUMN updated_at TO "Last Change";
SELECT * FROM touched('t');
UPDATE t SET id = 2 RETURNING "Last Change" = now() AS advanced;
ALTER TABLE t RENAME "Last Change" TO updated_at;
SELECT * FROM touched('t');
-- another column renamed; the table and the schema renamed
ALTER TABLE t RENAME COLUMN id TO key;
ALTER TABLE t RENAME TO t2;
ALTER SCHEMA columns_followed RENAME TO columns_renamed;
SET search_path = columns_renamed;
UPDATE t2 SET updated_at = '2020-01-01';
UPDATE t2 SET key = 3 RETURNING updated_at = now() AS advanced;
ALTER SCHEMA columns_renamed RENAME TO columns_followed;
SET search_path = columns_followed;
ALTER TABLE t2 RENAME TO t;
CREATE SCHEMA columns_elsewhere;
ALTER TABLE t SET SCHEMA columns_elsewhere;
UPDATE columns_elsewhere.t SET updated_at = '2020-01-01';
UPDATE columns_elsewhere.t SET key = 4 RETURNING updated_at = now() AS advanced;
ALTER TABLE columns_elsewhere.t SET SCHEMA columns_followed;
DROP SCHEMA columns_elsewhere;
ALTER TABLE t OWNER TO CURRENT_USER;
-- mode and state go with it
SELECT schemakit.timestamps_enable('t', mode => 'always');
ALTER TABLE t DISABLE TRIGGER zz_schemakit_touch;
ALTER TABLE t RENAME COLUMN updated_at TO modified_at;
SELECT * FROM touched('t');
DROP TABLE t;

-- renamed to a name that is looked for: attached
CREATE TABLE r (id int, stamp timestamptz);
ALTER TABLE r RENAME COLUMN stamp TO updated_at;
SELECT * FROM touched('r');
-- two columns change places
ALTER TABLE r ADD COLUMN other timestamptz;
ALTER TABLE r RENAME COLUMN updated_at TO tmp;
ALTER TABLE r RENAME COLUMN other TO updated_at;
ALTER TABLE r RENAME COLUMN tmp TO other;
SELECT * FROM touched('r');
DROP TABLE r;

-- then status() tells which one is not maintained
CREATE TABLE s (id int, updated_at timestamptz, new timestamptz);
ALTER TABLE s RENAME COLUMN updated_at TO old;
ALTER TABLE s RENAME COLUMN new TO updated_at;
SELECT * FROM schemakit.status();
DROP TABLE s;

-- dropped: the trigger goes, and UPDATE works
CREATE TABLE d (id int, updated_at timestamptz);
INSERT INTO d VALUES (1);
ALTER TABLE d DROP COLUMN updated_at;
SELECT * FROM touched('d');
UPDATE d SET id = 2;
-- another column with a name that is looked for takes over
ALTER TABLE d ADD COLUMN updated_at timestamptz;
ALTER TABLE d RENAME COLUMN updated_at TO old_updated_at;
ALTER TABLE d ADD COLUMN updated_at timestamptz;
ALTER TABLE d DROP COLUMN old_updated_at;
SELECT * FROM touched('d');
-- where the trigger was disabled, so is that of the column that takes over
ALTER TABLE d ADD COLUMN modified_at timestamptz;
ALTER TABLE d DISABLE TRIGGER zz_schemakit_touch;
ALTER TABLE d DROP COLUMN updated_at;
SELECT * FROM touched('d');
-- dropped and made anew in one command, and in another type
ALTER TABLE d DROP COLUMN modified_at, ADD COLUMN updated_at timestamptz;
ALTER TABLE d DROP COLUMN updated_at, ADD COLUMN updated_at timestamp(3);
SELECT * FROM touched('d');
DROP TABLE d;
-- dropped with its type
CREATE DOMAIN stamp AS timestamptz;
CREATE TABLE dd (id int, updated_at stamp);
SELECT * FROM touched('dd');
SET client_min_messages = warning;
DROP DOMAIN stamp CASCADE;
RESET client_min_messages;
SELECT * FROM touched('dd');
CREATE SCHEMA columns_types CREATE TABLE x (id int);
CREATE DOMAIN columns_types.stamp AS timestamptz;
ALTER TABLE dd ADD COLUMN updated_at columns_types.stamp;
SELECT * FROM touched('dd');
SET client_min_messages = warning;
DROP SCHEMA columns_types CASCADE;
RESET client_min_messages;
SELECT * FROM touched('dd');
UPDATE dd SET id = 1;
DROP TABLE dd;

-- inheritance: the children's triggers follow, too
CREATE TABLE p (id int, updated_at timestamptz);
CREATE TABLE c () INHERITS (p);
CREATE TABLE g () INHERITS (c);
ALTER TABLE p RENAME COLUMN updated_at TO changed;
SELECT * FROM touched('p') UNION ALL SELECT * FROM touched('c') UNION ALL SELECT * FROM touched('g');
ALTER TABLE p DROP COLUMN changed;
SELECT * FROM touched('p') UNION ALL SELECT * FROM touched('c') UNION ALL SELECT * FROM touched('g');
DROP TABLE g, c, p;
-- typed tables
CREATE TYPE rt AS (id int, updated_at timestamptz);
CREATE TABLE y OF rt;
ALTER TYPE rt RENAME ATTRIBUTE updated_at TO changed CASCADE;
SELECT * FROM touched('y');
ALTER TYPE rt DROP ATTRIBUTE changed CASCADE;
SELECT * FROM touched('y');
DROP TABLE y;
DROP TYPE rt;
-- views and other things with columns are not meant
CREATE TABLE base (id int, updated_at timestamptz);
CREATE VIEW v AS SELECT * FROM base;
ALTER VIEW v RENAME COLUMN updated_at TO changed;
ALTER TABLE v RENAME COLUMN id TO updated_at;
SELECT * FROM touched('base');
DROP VIEW v;
DROP TABLE base;

-- ALTER VIEW renames columns of tables, too; and children of foreign tables follow
CREATE TABLE av (id int, updated_at timestamptz);
ALTER VIEW av RENAME COLUMN updated_at TO changed;
SELECT * FROM touched('av');
DROP TABLE av;
CREATE FOREIGN DATA WRAPPER columns_fdw;
CREATE SERVER columns_server FOREIGN DATA WRAPPER columns_fdw;
CREATE FOREIGN TABLE fp (id int) SERVER columns_server;
CREATE TABLE fc () INHERITS (fp);
ALTER FOREIGN TABLE fp ADD COLUMN updated_at timestamptz;
SELECT * FROM touched('fc');
ALTER FOREIGN TABLE fp RENAME COLUMN updated_at TO changed;
SELECT * FROM touched('fc');
ALTER FOREIGN TABLE fp DROP COLUMN changed;
SELECT * FROM touched('fc');
DROP FOREIGN DATA WRAPPER columns_fdw CASCADE;

-- a rename leaves all else as it is: conditions, columns, states of partitions
CREATE TABLE w (id int, x int, updated_at timestamptz);
DROP TRIGGER zz_schemakit_touch ON w;
CREATE TRIGGER mine BEFORE UPDATE OF x ON w FOR EACH ROW WHEN (new.x > 0) EXECUTE FUNCTION schemakit.touch('updated_at', 'always');
ALTER TABLE w RENAME COLUMN updated_at TO "a\b'c";
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'w'::regclass;
INSERT INTO w VALUES (1, 1, '2020-01-01');
UPDATE w SET x = 2 RETURNING "a\b'c" = now() AS advanced;
DROP TABLE w;
-- and needs no more rights than the rename itself
CREATE ROLE regress_columns;
CREATE TABLE m (id int, updated_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2);
ALTER TABLE m2 DISABLE TRIGGER zz_schemakit_touch;
ALTER TABLE m OWNER TO regress_columns;
ALTER TABLE m RENAME COLUMN updated_at TO changed;
SELECT * FROM touched('m') UNION ALL SELECT * FROM touched('m1') UNION ALL SELECT * FROM touched('m2');
INSERT INTO m VALUES (1, '2020-01-01'), (2, '2020-01-01');
UPDATE m SET id = id RETURNING id, changed = '2020-01-01' AS kept;
ALTER TABLE m ADD COLUMN n int;
UPDATE m SET n = 1 RETURNING id, changed = now() AS advanced;
DROP TABLE m;
DROP ROLE regress_columns;

-- a type that cannot hold a time, and back: no UPDATE fails meanwhile
CREATE TABLE k (id int, updated_at timestamptz);
INSERT INTO k VALUES (1, '2020-01-01');
ALTER TABLE k ALTER COLUMN updated_at TYPE text;
UPDATE k SET id = 2 RETURNING *;
SELECT relid, state, detail FROM schemakit.status() WHERE relid = 'k'::regclass;
ALTER TABLE k ALTER COLUMN updated_at TYPE timestamptz USING '2020-01-01';
UPDATE k SET id = 3 RETURNING updated_at = now() AS advanced;

-- nothing of ours stands in the way of any change of the column
ALTER TABLE k ALTER COLUMN updated_at TYPE timestamp(0);
ALTER TABLE k ALTER COLUMN updated_at TYPE date;
ALTER TABLE k ALTER COLUMN updated_at SET NOT NULL, ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE k ADD COLUMN n int GENERATED ALWAYS AS (extract(year FROM updated_at)::int) STORED;
ALTER TABLE k DROP COLUMN updated_at CASCADE;
SELECT * FROM touched('k');

-- where event triggers did not see the change, UPDATE still works
CREATE TABLE unseen (id int, updated_at timestamptz);
INSERT INTO unseen VALUES (1, '2020-01-01');
SET session_replication_role = replica;
ALTER TABLE unseen RENAME COLUMN updated_at TO changed;
RESET session_replication_role;
UPDATE unseen SET id = 2 RETURNING *;
SELECT relid, state, detail FROM schemakit.status() WHERE relid = 'unseen'::regclass;
SELECT schemakit.timestamps_enable('unseen', 'changed');
UPDATE unseen SET id = 3 RETURNING changed = now() AS advanced;

-- the change and the UPDATE in one transaction and in one function, with plans kept
CREATE FUNCTION twice() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE result boolean;
BEGIN
    FOR i IN 1..2 LOOP
        UPDATE columns_followed.unseen SET id = id + 1;
        ALTER TABLE columns_followed.unseen RENAME COLUMN changed TO other;
        UPDATE columns_followed.unseen SET id = id + 1, other = '2020-01-01';
        UPDATE columns_followed.unseen SET id = id + 1 RETURNING other >= now() INTO result;
        ALTER TABLE columns_followed.unseen RENAME COLUMN other TO changed;
    END LOOP;
    RETURN result;
END$$;
SELECT twice();

-- a trigger by hand keeps its other arguments, whatever they are
CREATE TABLE three (id int, at timestamptz);
CREATE TRIGGER three BEFORE UPDATE ON three FOR EACH ROW EXECUTE FUNCTION schemakit.touch('at', 'always', 'more');
ALTER TABLE three RENAME COLUMN at TO at2;
SELECT tgnargs, encode(tgargs, 'escape') FROM pg_trigger WHERE tgrelid = 'three'::regclass AND tgname = 'three';

SET client_min_messages = warning;
DROP SCHEMA columns_followed CASCADE;
