-- audit_restore() of rows that have taken unique values from each other.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA audit_restore;
SET search_path = audit_restore;
CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE, nick varchar(20), boss int REFERENCES people,
    n int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (id * 2) STORED, secret text, note text);
CREATE UNIQUE INDEX ON people (nick, note);
CREATE TABLE cards (id int PRIMARY KEY, owner int NOT NULL REFERENCES people, email text REFERENCES people (email));
SELECT schemakit.audit_enable('people', exclude => '{secret}');
INSERT INTO people (id, email, nick, boss, secret, note) VALUES (1, 'a', 'x', NULL, 'one', 'n'), (2, 'b', 'y', 1, 'two', 'n'), (3, 'c', 'z', 2, 'three', 'n'), (4, 'd', 'w', 3, 'four', 'n');
INSERT INTO cards VALUES (1, 1, 'a'), (2, 2, 'b');
CREATE TABLE was AS SELECT * FROM people;
SELECT schemakit.audit_mark('swapped people') IS NOT NULL AS marked;
CREATE FUNCTION restored() RETURNS TABLE (restored bigint, again bigint, differ bigint) LANGUAGE plpgsql AS $$
BEGIN
    restored := schemakit.audit_restore('people', schemakit.audit_at('swapped people'), remove => true);
    again := schemakit.audit_restore('people', schemakit.audit_at('swapped people'), remove => true);
    SELECT count(*) INTO differ FROM (SELECT id, email, nick, boss, n, twice, note FROM people EXCEPT SELECT id, email, nick, boss, n, twice, note FROM was) AS d;
    RETURN NEXT;
END$$;
-- two rows exchange their values
BEGIN; SET CONSTRAINTS ALL DEFERRED;
UPDATE cards SET email = NULL;
UPDATE people SET email = 'tmp' WHERE id = 1; UPDATE people SET email = 'a' WHERE id = 2; UPDATE people SET email = 'b' WHERE id = 1;
UPDATE cards SET email = 'a' WHERE id = 1; UPDATE cards SET email = 'b' WHERE id = 2;
COMMIT;
SELECT * FROM restored();
SELECT id, secret FROM people ORDER BY id;
-- what tells of the rows: those that are put in again were deleted
SELECT key ->> 'id' AS id, op, new ->> 'email' AS email FROM schemakit.audit_log WHERE table_name ~ 'people' ORDER BY changed_at DESC, n DESC LIMIT 4;
-- a ring of three, and one that took over what was free, whose own value a new row has
UPDATE cards SET email = NULL;
UPDATE people SET email = 'tmp' WHERE id = 1; UPDATE people SET email = 'a' WHERE id = 2; UPDATE people SET email = 'b' WHERE id = 3; UPDATE people SET email = 'c' WHERE id = 1;
UPDATE people SET email = 'e' WHERE id = 4;
INSERT INTO people (id, email) VALUES (5, 'd');
SELECT * FROM restored();
-- a chain: each took over the value of the next
UPDATE people SET email = 'f' WHERE id = 1; UPDATE people SET email = 'a' WHERE id = 2; UPDATE people SET email = 'b' WHERE id = 3; UPDATE people SET email = 'c' WHERE id = 4;
SELECT * FROM restored();
UPDATE people SET email = 'f' WHERE id = 4; UPDATE people SET email = 'd' WHERE id = 3; UPDATE people SET email = 'c' WHERE id = 2; UPDATE people SET email = 'b' WHERE id = 1;
SELECT * FROM restored();
-- an index on two columns, values that a row which is gone had, and rows that refer to each other
UPDATE people SET nick = NULL WHERE id = 1; UPDATE people SET nick = 'x' WHERE id = 2; UPDATE people SET nick = 'y', boss = 1 WHERE id = 1;
UPDATE people SET boss = NULL WHERE id = 3; DELETE FROM people WHERE id = 4; UPDATE people SET email = 'd' WHERE id = 3;
SELECT * FROM restored();
-- without "remove", the value belongs to a row that stays
UPDATE people SET email = 'g' WHERE id = 4; INSERT INTO people (id, email) VALUES (6, 'd');
SELECT schemakit.audit_restore('people', schemakit.audit_at('swapped people'));  -- fails
SELECT * FROM restored();
-- deferrable constraints are checked when all rows are back
ALTER TABLE cards DROP CONSTRAINT cards_email_fkey;
ALTER TABLE people DROP CONSTRAINT people_email_key, ADD UNIQUE (email) DEFERRABLE;
UPDATE people SET email = CASE id WHEN 1 THEN 'b' ELSE 'a' END WHERE id IN (1, 2);
SELECT * FROM restored();
ALTER TABLE people DROP CONSTRAINT people_email_key, ADD UNIQUE (email);
-- where a delete would be followed by others, rows are updated: nothing is lost
CREATE TABLE notes (id int PRIMARY KEY, owner int REFERENCES people ON DELETE CASCADE);
INSERT INTO notes VALUES (1, 1), (2, 2);
UPDATE people SET email = 'tmp' WHERE id = 1; UPDATE people SET email = 'a' WHERE id = 2; UPDATE people SET email = 'b' WHERE id = 1;
\set VERBOSITY terse
SELECT schemakit.audit_restore('people', schemakit.audit_at('swapped people'), remove => true);  -- fails
\set VERBOSITY default
SELECT count(*) FROM notes;
DROP TABLE notes;
-- it takes the privileges that it needs
CREATE ROLE regress_restore_some;
GRANT USAGE ON SCHEMA audit_restore TO regress_restore_some;
GRANT SELECT, UPDATE ON people, cards, was TO regress_restore_some;
SELECT schemakit.audit_grant('people', 'regress_restore_some');
SET ROLE regress_restore_some;
SELECT schemakit.audit_restore('people', schemakit.audit_at('swapped people'));  -- fails
RESET ROLE;
SELECT * FROM restored();
-- a partitioned table, whose rows go to other partitions
CREATE TABLE seats (id int, hall int, seat int, PRIMARY KEY (id, hall), UNIQUE (hall, seat)) PARTITION BY LIST (hall);
CREATE TABLE seats_1 PARTITION OF seats FOR VALUES IN (1);
CREATE TABLE seats_2 PARTITION OF seats FOR VALUES IN (2);
SELECT schemakit.audit_enable('seats');
INSERT INTO seats SELECT i, 1 + i % 2, i FROM generate_series(1, 10) AS i;
CREATE TABLE seats_were AS SELECT * FROM seats;
SELECT schemakit.audit_mark('swapped seats') IS NOT NULL AS marked;
UPDATE seats SET seat = -seat; UPDATE seats SET seat = 11 + seat + hall - (hall - 1) * 2 WHERE hall = 1; UPDATE seats SET seat = 10 + seat WHERE hall = 2; UPDATE seats SET seat = seat % 10 + 1;
SELECT count(*) > 3 AS changed FROM (TABLE seats EXCEPT TABLE seats_were) AS d;
SELECT schemakit.audit_restore('seats', schemakit.audit_at('swapped seats'), remove => true) > 3 AS restored;
SELECT count(*) FROM (TABLE seats EXCEPT TABLE seats_were) AS d;
-- also where a partition alone is referred to, or deletes fire a trigger
CREATE TABLE tickets (id int, hall int, FOREIGN KEY (id, hall) REFERENCES seats_2 (id, hall) ON DELETE CASCADE);
INSERT INTO tickets VALUES (1, 2), (3, 2);
UPDATE seats SET seat = 0 WHERE id = 1; UPDATE seats SET seat = 1 WHERE id = 3; UPDATE seats SET seat = 3 WHERE id = 1;
\set VERBOSITY terse
SELECT schemakit.audit_restore('seats', schemakit.audit_at('swapped seats'));  -- fails
SELECT count(*) FROM tickets;
DROP TABLE tickets;
CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''% is gone'', old.id; RETURN old; END';
CREATE TRIGGER gone BEFORE DELETE ON seats FOR EACH ROW EXECUTE FUNCTION gone();
SELECT schemakit.audit_restore('seats', schemakit.audit_at('swapped seats'));  -- fails
\set VERBOSITY default
DROP TRIGGER gone ON seats;
SELECT schemakit.audit_restore('seats', schemakit.audit_at('swapped seats'));
SELECT count(*) FROM (TABLE seats EXCEPT TABLE seats_were) AS d;
-- rules that do something else: refused, but only if they would be used
CREATE TABLE ruled (id int PRIMARY KEY, v int UNIQUE);
CREATE TABLE ruled_log (id int, v int);
SELECT schemakit.audit_enable('ruled');
INSERT INTO ruled VALUES (1, 1), (2, 2), (3, 3);
SELECT schemakit.audit_mark('before rules') IS NOT NULL AS marked;
UPDATE ruled SET v = 20 WHERE id = 2;
CREATE RULE ruled_insert AS ON INSERT TO ruled DO ALSO INSERT INTO ruled_log VALUES (new.id, new.v);
CREATE RULE ruled_delete AS ON DELETE TO ruled DO INSTEAD NOTHING;
SELECT schemakit.audit_restore('ruled', schemakit.audit_at('before rules'));
SELECT schemakit.audit_restore('ruled', schemakit.audit_at('before rules'), remove => true);  -- fails
ALTER TABLE ruled DISABLE RULE ruled_delete;
DELETE FROM ruled WHERE id = 3;
SELECT schemakit.audit_restore('ruled', schemakit.audit_at('before rules'), '{"id": 3}');  -- fails
ALTER TABLE ruled DISABLE RULE ruled_insert;
SELECT schemakit.audit_restore('ruled', schemakit.audit_at('before rules'), remove => true);
-- no row is taken out, which a rule would tell of
UPDATE ruled SET v = 0 WHERE id = 1; UPDATE ruled SET v = 1 WHERE id = 2; UPDATE ruled SET v = 2 WHERE id = 1;
ALTER TABLE ruled ENABLE RULE ruled_insert;
CREATE RULE ruled_update AS ON UPDATE TO ruled WHERE new.v = 7 DO INSTEAD NOTHING;
SELECT schemakit.audit_restore('ruled', schemakit.audit_at('before rules'));  -- fails
DROP RULE ruled_update ON ruled;
\set VERBOSITY terse
SELECT schemakit.audit_restore('ruled', schemakit.audit_at('before rules'));  -- fails
\set VERBOSITY default
TABLE ruled_log;
TABLE ruled ORDER BY id;
DROP SCHEMA audit_restore CASCADE;
DROP ROLE regress_restore_some;
