-- Tables that inherit from others get what their parents have.
CREATE SCHEMA inheritance;
SET search_path = inheritance;
CREATE VIEW events AS
SELECT regexp_replace(table_name, '^inheritance\.', '') AS rel, op, key, old, new
FROM schemakit.audit_log WHERE table_name LIKE 'inheritance.%' ORDER BY txn_id, command, n;
CREATE VIEW states AS SELECT relid::text AS rel, feature, state, nullif(regexp_replace(detail, '(; )?(not )?complete since [^;]*', ''), '') AS detail FROM schemakit.status()
WHERE relid IN (SELECT oid FROM pg_class WHERE relnamespace = 'inheritance'::regnamespace) ORDER BY relid::text COLLATE "C", feature;

-- the error with its detail, without times
CREATE FUNCTION error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text;
BEGIN
    EXECUTE query;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN regexp_replace(concat(message, ': ', detail), '[0-9]{4}-[0-9-]+ [0-9:.]+([+-][0-9:]+| [A-Z]+)?', 'T', 'g');
END$$;

-- children that there are, and later ones
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (parent);
CREATE TABLE grandchild (PRIMARY KEY (id)) INHERITS (child);
INSERT INTO child VALUES (10, 'before', 0);
SELECT schemakit.audit_enable('parent', mask => '{"v": "null"}', baseline => true);
CREATE TABLE later (more int, PRIMARY KEY (id)) INHERITS (parent);
SELECT * FROM states;
INSERT INTO parent VALUES (1, 'p');
INSERT INTO child VALUES (2, 'c', 2);
INSERT INTO grandchild VALUES (3, 'g', 3);
INSERT INTO later VALUES (4, 'l', 4);
UPDATE parent SET id = id + 100 WHERE id < 10;
DELETE FROM parent WHERE id = 103;
SELECT * FROM events;
TRUNCATE later;
TRUNCATE parent;
SELECT rel, op, key FROM events WHERE op IN ('T', 'D');
-- options go along, unless a child has its own
SELECT schemakit.audit_enable('later', capture => 'full');
SELECT schemakit.audit_enable('parent', exclude => '{v}');
SELECT * FROM states;
SELECT schemakit.audit_disable('parent');
SELECT * FROM states;
SELECT schemakit.audit_enable('parent', exclude => '{v}');
SELECT * FROM states;
-- who loses its trigger is told of, and gets it again
DROP TRIGGER zz_schemakit_audit ON child;
DROP TRIGGER zz_schemakit_audit_truncate ON child;
SELECT * FROM states WHERE rel ~ 'child';
SELECT schemakit.audit_enable('parent', exclude => '{v}');
SELECT * FROM states WHERE rel ~ 'child';

-- INHERIT and NO INHERIT
CREATE TABLE joins (id int PRIMARY KEY, v text);
CREATE TABLE below (PRIMARY KEY (id)) INHERITS (joins);
ALTER TABLE joins INHERIT parent;
SELECT * FROM states WHERE rel ~ 'joins|below';
ALTER TABLE joins NO INHERIT parent;
SELECT * FROM states WHERE rel ~ 'joins|below';
DROP TABLE below, joins;

-- a child of somebody else; one that cannot be audited
CREATE ROLE regress_inheritance;
GRANT ALL ON SCHEMA inheritance TO regress_inheritance;
ALTER TABLE parent OWNER TO regress_inheritance;
SET ROLE regress_inheritance;
SELECT schemakit.audit_enable('parent');  -- fails
CREATE TEMP TABLE temporary () INHERITS (parent);
RESET ROLE;
DROP TABLE temporary;
SELECT schemakit.audit_enable('parent');
SET ROLE regress_inheritance;
CREATE TABLE theirs () INHERITS (parent);
RESET ROLE;
SELECT * FROM states WHERE rel = 'theirs';
DROP TABLE theirs;

-- timestamps, also without a rule
CREATE TABLE stamped (id int, at timestamptz);
CREATE TABLE stamped_child () INHERITS (stamped);
SELECT schemakit.timestamps_enable('stamped', 'at');
CREATE TABLE stamped_later () INHERITS (stamped);
SELECT * FROM states WHERE rel ~ 'stamped';
INSERT INTO stamped_child VALUES (1, '2020-01-01');
INSERT INTO stamped_later VALUES (1, '2020-01-01');
UPDATE stamped SET id = 2 RETURNING tableoid::regclass, at = now() AS advanced;

-- soft delete: its protection, too
CREATE TABLE kept (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE kept_child (PRIMARY KEY (id)) INHERITS (kept);
SELECT schemakit.soft_delete_enable('kept', protect => true);
SELECT * FROM states WHERE rel ~ 'kept' AND feature = 'soft_delete';

-- a table as it was: with the rows of those that inherited from it then
CREATE TABLE animals (id int PRIMARY KEY, name text);
CREATE TABLE dogs (breed text, PRIMARY KEY (id)) INHERITS (animals);
SELECT schemakit.audit_enable('animals');
INSERT INTO animals VALUES (1, 'cow');
INSERT INTO dogs VALUES (2, 'rex', 'poodle'), (3, 'max', 'beagle');
SELECT clock_timestamp() AS noon \gset
UPDATE animals SET name = upper(name);
DELETE FROM animals WHERE id = 3;
CREATE TABLE cats (lives int, PRIMARY KEY (id)) INHERITS (animals);
INSERT INTO cats VALUES (4, 'tom', 9);
CREATE FUNCTION animals_at(at timestamptz) RETURNS SETOF animals LANGUAGE sql AS 'SELECT * FROM schemakit.audit_as_of(NULL::animals, at) ORDER BY id';
SELECT * FROM animals_at(:'noon');
SELECT * FROM schemakit.audit_as_of(NULL::dogs, :'noon') ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::animals, :'noon', '{"id": 2}');
SELECT clock_timestamp() AS one \gset
SELECT * FROM animals_at(:'one');
-- one that is no child any more was one; one that is a child now was none
CREATE TABLE birds (id int PRIMARY KEY, name text);
SELECT schemakit.audit_enable('birds');
INSERT INTO birds VALUES (5, 'tweety');
SELECT clock_timestamp() AS two \gset
ALTER TABLE dogs NO INHERIT animals;
ALTER TABLE birds INHERIT animals;
UPDATE dogs SET name = 'gone';
SELECT * FROM animals_at(:'two');
SELECT * FROM animals_at(clock_timestamp());
-- a child whose columns are in another order
CREATE TABLE fish (scales int, name text, id int PRIMARY KEY);
INSERT INTO fish VALUES (7, 'nemo', 6);
ALTER TABLE fish INHERIT animals;
SELECT clock_timestamp() AS three \gset
DELETE FROM fish;
SELECT * FROM animals_at(:'three');
-- a child with another key; what cannot be told is refused: one that was not audited, one that is gone
\set VERBOSITY terse
SELECT error_of(format('SELECT * FROM schemakit.audit_as_of(NULL::animals, %L, ''{"id": 6}'')', :'three'));
CREATE TABLE plants (code int PRIMARY KEY) INHERITS (animals);
SELECT error_of(format('SELECT * FROM schemakit.audit_as_of(NULL::animals, %L, ''{"id": 6}'')', clock_timestamp()));
DROP TABLE plants;
SELECT error_of(format('SELECT * FROM animals_at(%L)', clock_timestamp()));
DROP TRIGGER zz_schemakit_audit ON cats;
SELECT error_of(format('SELECT * FROM animals_at(%L)', clock_timestamp()));
SELECT schemakit.audit_enable('animals');
SELECT error_of(format('SELECT * FROM animals_at(%L)', :'three'));
SELECT count(*) FROM animals_at(clock_timestamp());
SELECT clock_timestamp() AS four \gset
DROP TABLE fish;
SELECT error_of(format('SELECT * FROM animals_at(%L)', :'four'));
SELECT count(*) FROM animals_at(clock_timestamp());
-- a child that nobody audited, which came while event triggers did not fire
SET session_replication_role = replica;
CREATE TABLE unseen () INHERITS (animals);
INSERT INTO unseen VALUES (7, 'yeti');
RESET session_replication_role;
SELECT * FROM states WHERE rel = 'unseen';
SELECT error_of(format('SELECT * FROM animals_at(%L)', clock_timestamp()));
SELECT clock_timestamp() AS five \gset
SELECT schemakit.audit_enable('animals');
SELECT error_of(format('SELECT * FROM animals_at(%L)', :'five'));
SELECT count(*) FROM animals_at(clock_timestamp());

-- history that begins for a table and its children at once has no gap; that of others has
CREATE TABLE base (id int PRIMARY KEY, v int);
CREATE TABLE other (id int, w int);
CREATE TABLE derived () INHERITS (base, other);
CREATE TABLE derived_again () INHERITS (derived);
INSERT INTO derived_again VALUES (1, 1, 1);
CREATE FUNCTION gaps() RETURNS TABLE (rel text, reason text) LANGUAGE sql AS
$$SELECT table_name, s.reason FROM schemakit.audit_shape AS s WHERE schema_name = 'inheritance' AND table_name ~ 'base|other|derived' AND s.reason IS NOT NULL ORDER BY shape_id$$;
SELECT schemakit.audit_enable('base');
SELECT * FROM gaps();
SELECT clock_timestamp() AS at \gset
SELECT pg_sleep(0.01);
UPDATE base SET v = 2;
SELECT * FROM schemakit.audit_as_of(NULL::base, :'at');
-- one that was audited, and has a child that was not
DROP TRIGGER zz_schemakit_audit ON derived;
SELECT schemakit.audit_enable('derived');
SELECT * FROM gaps();
DROP TABLE base CASCADE;
DROP TABLE other;
SET client_min_messages = warning;
DROP SCHEMA inheritance CASCADE;
DROP ROLE regress_inheritance;
