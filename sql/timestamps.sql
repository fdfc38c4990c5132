-- Every real change of a row advances updated_at, a change of nothing does not.
CREATE SCHEMA timestamps;
SET search_path = timestamps;

-- "was" is an old time; "advanced" compares with it
CREATE TABLE item (id int PRIMARY KEY, name text, n int DEFAULT 0, updated_at timestamptz);
INSERT INTO item VALUES (1, 'one', 0, '2020-01-01'), (2, 'two', 0, '2020-01-01'), (3, 'three', 0, NULL);

-- an INSERT keeps what it is given, also where that is nothing
SELECT id, updated_at = '2020-01-01' AS kept FROM item ORDER BY id;

-- a change
UPDATE item SET n = 1 WHERE id = 1 RETURNING id, updated_at = now() AS advanced;
-- a change where there was no time yet
UPDATE item SET n = 1 WHERE id = 3 RETURNING id, updated_at = now() AS advanced;
-- a change to and from null
UPDATE item SET updated_at = '2020-01-01';
UPDATE item SET name = NULL WHERE id = 1 RETURNING id, updated_at = now() AS advanced;
UPDATE item SET updated_at = '2020-01-01';
UPDATE item SET name = 'one' WHERE id = 1 RETURNING id, updated_at = now() AS advanced;
-- a change of nothing
UPDATE item SET updated_at = '2020-01-01';
UPDATE item SET n = n, name = name RETURNING id, updated_at = '2020-01-01' AS kept;
-- an UPDATE of no row
UPDATE item SET n = 1 WHERE false;

-- a time that the statement sets is kept, an older one and a null too
UPDATE item SET n = 5, updated_at = '2001-01-01' WHERE id = 1 RETURNING updated_at = '2001-01-01' AS kept;
UPDATE item SET n = 6, updated_at = NULL WHERE id = 1 RETURNING updated_at IS NULL AS kept;
-- a program that writes all columns back writes the old time with them
UPDATE item SET updated_at = '2020-01-01';
UPDATE item SET id = 2, name = 'changed', n = 0, updated_at = '2020-01-01' WHERE id = 2
RETURNING updated_at = now() AS advanced;

-- within one transaction: the first change has its time, later ones advance
BEGIN;
UPDATE item SET updated_at = '2019-01-01' WHERE id = 1;
UPDATE item SET n = 11 WHERE id = 1 RETURNING updated_at = now() AS at_transaction_time;
SELECT updated_at AS first FROM item WHERE id = 1 \gset
UPDATE item SET n = 12 WHERE id = 1 RETURNING updated_at > :'first' AS advanced;
SELECT updated_at AS second FROM item WHERE id = 1 \gset
UPDATE item SET n = 13 WHERE id = 1 RETURNING updated_at > :'second' AS advanced;
COMMIT;

-- one statement gives all its rows one time
UPDATE item SET updated_at = '2020-01-01';
UPDATE item SET n = n + 1;
SELECT count(DISTINCT updated_at) FROM item;

-- a time in the future never goes back
UPDATE item SET updated_at = '2222-02-02' WHERE id = 1;
UPDATE item SET n = 20 WHERE id = 1 RETURNING updated_at > '2222-02-02' AS advanced,
    updated_at < '2222-02-02 00:00:01' AS by_little;
UPDATE item SET updated_at = 'infinity' WHERE id = 1;
UPDATE item SET n = 21 WHERE id = 1 RETURNING updated_at;
UPDATE item SET updated_at = '-infinity' WHERE id = 1;
UPDATE item SET n = 22 WHERE id = 1 RETURNING updated_at = now() AS advanced;

-- every kind of statement that updates
UPDATE item SET updated_at = '2020-01-01';
INSERT INTO item VALUES (1, 'conflict') ON CONFLICT (id) DO UPDATE SET name = excluded.name
RETURNING updated_at = now() AS advanced;
INSERT INTO item VALUES (1, 'nothing') ON CONFLICT DO NOTHING;
MERGE INTO item USING (VALUES (2, 'merged'), (4, 'four')) v (id, name) ON item.id = v.id
WHEN MATCHED THEN UPDATE SET name = v.name
WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.name);
SELECT id, updated_at = '2020-01-01' AS kept FROM item ORDER BY id;
WITH w AS (UPDATE item SET n = -1 WHERE id = 3 RETURNING id, updated_at) SELECT id, updated_at = now() AS advanced FROM w;
UPDATE item SET updated_at = '2020-01-01';
UPDATE item SET n = v.n FROM (VALUES (1, 100), (2, 200)) v (id, n) WHERE item.id = v.id;
SELECT id, updated_at > '2020-01-01' AS advanced FROM item ORDER BY id;
CREATE VIEW item_view AS SELECT id, n, updated_at FROM item WHERE id < 10;
UPDATE item SET updated_at = '2020-01-01';
UPDATE item_view SET n = 300 WHERE id = 1 RETURNING updated_at = now() AS advanced;
CREATE RULE item_rule AS ON DELETE TO item DO INSTEAD UPDATE item SET n = -1 WHERE id = old.id;
DELETE FROM item WHERE id = 2;
SELECT updated_at > '2020-01-01' AS advanced FROM item WHERE id = 2;
DROP RULE item_rule ON item;
PREPARE change (int) AS UPDATE item SET n = $1 WHERE id = 1 RETURNING updated_at > '2020-01-01' AS advanced;
UPDATE item SET updated_at = '2020-01-01';
EXECUTE change (1000);
EXECUTE change (1001);
DEALLOCATE change;

-- foreign keys that update the referencing row
CREATE TABLE owner (id int PRIMARY KEY);
CREATE TABLE thing (id int PRIMARY KEY, owner int REFERENCES owner ON UPDATE CASCADE ON DELETE SET NULL, updated_at timestamptz);
INSERT INTO owner VALUES (1), (2);
INSERT INTO thing VALUES (1, 1, '2020-01-01'), (2, 2, '2020-01-01');
UPDATE owner SET id = 10 WHERE id = 1;
DELETE FROM owner WHERE id = 2;
SELECT id, owner, updated_at > '2020-01-01' AS advanced FROM thing ORDER BY id;

-- other BEFORE triggers: ours fires last, and sees what they did
CREATE FUNCTION set_n() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.n := 7; RETURN NEW; END$$;
CREATE TABLE seen (id int, n int, updated_at timestamptz);
CREATE TRIGGER z BEFORE UPDATE ON seen FOR EACH ROW EXECUTE FUNCTION set_n();
INSERT INTO seen VALUES (1, 1, '2020-01-01'), (2, 7, '2020-01-01');
UPDATE seen SET id = id;
SELECT id, n, updated_at > '2020-01-01' AS advanced FROM seen ORDER BY id;
-- one that returns the old row takes the change back
CREATE FUNCTION take_back() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN OLD; END$$;
CREATE TRIGGER z2 BEFORE UPDATE ON seen FOR EACH ROW EXECUTE FUNCTION take_back();
UPDATE seen SET updated_at = '2020-01-01', n = 8;
SELECT id, n FROM seen ORDER BY id;
DROP TRIGGER z2 ON seen;
-- AFTER triggers and RETURNING see the row as it is stored
CREATE TABLE log (id int, stamp timestamptz);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO timestamps.log VALUES (NEW.id, NEW.updated_at); RETURN NULL; END$$;
CREATE TRIGGER a AFTER UPDATE ON seen FOR EACH ROW EXECUTE FUNCTION note();
DROP TRIGGER z ON seen;
UPDATE seen SET n = n + 10 RETURNING id, updated_at = now() AS advanced;
SELECT seen.id, stamp = updated_at AS same, stamp > '2020-01-01' AS advanced FROM seen JOIN log USING (id) ORDER BY id;

-- mode always: what the statement sets is overwritten
CREATE TABLE strict (id int, n int, changed timestamptz);
SELECT schemakit.timestamps_enable('strict', 'changed', 'always');
INSERT INTO strict VALUES (1, 1, '2020-01-01');
UPDATE strict SET n = 2, changed = '2001-01-01' RETURNING changed = now() AS overwritten;
UPDATE strict SET changed = '2001-01-01' RETURNING changed >= now() AS overwritten;
UPDATE strict SET changed = NULL RETURNING changed >= now() AS overwritten;
SELECT changed AS was FROM strict \gset
UPDATE strict SET n = 2 RETURNING changed = :'was' AS kept;

-- a session that must not advance them
SET schemakit.timestamps_touch = off;
UPDATE item SET updated_at = '2020-01-01';
UPDATE item SET n = n + 1;
RESET schemakit.timestamps_touch;
SELECT DISTINCT updated_at = '2020-01-01' AS kept FROM item;
BEGIN;
SET LOCAL schemakit.timestamps_touch = off;
UPDATE item SET n = n + 1;
COMMIT;
UPDATE item SET n = n + 1 WHERE id = 1;
SELECT id, updated_at = '2020-01-01' AS kept FROM item ORDER BY id;

-- replica mode does not fire it
UPDATE item SET updated_at = '2020-01-01';
SET session_replication_role = replica;
UPDATE item SET n = n + 1;
RESET session_replication_role;
SELECT DISTINCT updated_at = '2020-01-01' AS kept FROM item;

-- the trigger function refuses what it is not made for
SELECT schemakit.touch();  -- fails
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE wrong (id int, at timestamptz);
CREATE TRIGGER t AFTER UPDATE ON wrong FOR EACH ROW EXECUTE FUNCTION schemakit.touch('at');
INSERT INTO wrong VALUES (1);
UPDATE wrong SET id = 2;  -- fails
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE UPDATE ON wrong EXECUTE FUNCTION schemakit.touch('at');
UPDATE wrong SET id = 2;  -- fails
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON wrong FOR EACH ROW EXECUTE FUNCTION schemakit.touch('at');
INSERT INTO wrong VALUES (1);  -- fails
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE UPDATE ON wrong FOR EACH ROW EXECUTE FUNCTION schemakit.touch();
UPDATE wrong SET id = 2;  -- fails
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE UPDATE ON wrong FOR EACH ROW EXECUTE FUNCTION schemakit.touch('at', 'sometimes');
UPDATE wrong SET id = 2;  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM wrong;

SET client_min_messages = warning;
DROP SCHEMA timestamps CASCADE;
