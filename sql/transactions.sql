-- DDL in transactions, with savepoints that roll back, and in functions that fail.
CREATE SCHEMA transactions;
SET search_path = transactions;
CREATE VIEW touched AS
SELECT t.tgrelid::regclass AS rel, replace(encode(t.tgargs, 'escape'), '\000', ' ') AS args
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgfoid = 'schemakit.touch'::regproc AND relnamespace = 'transactions'::regnamespace ORDER BY c.relname COLLATE "C";

BEGIN;
CREATE TABLE a (id int, updated_at timestamptz);
INSERT INTO a VALUES (1, '2020-01-01');
UPDATE a SET id = 2 RETURNING updated_at = now() AS advanced;
ROLLBACK;
SELECT * FROM touched;

BEGIN;
CREATE TABLE a (id int);
SAVEPOINT one;
ALTER TABLE a ADD COLUMN updated_at timestamptz;
SELECT * FROM touched;
ROLLBACK TO one;
SELECT * FROM touched;
ALTER TABLE a ADD COLUMN modified_at timestamptz;
SAVEPOINT two;
ALTER TABLE a RENAME modified_at TO m;
SELECT * FROM touched;
INSERT INTO a VALUES (1, '2020-01-01');
UPDATE a SET id = 2 RETURNING m = now() AS advanced;
ROLLBACK TO two;
SELECT * FROM touched;
INSERT INTO a VALUES (1, '2020-01-01');
SAVEPOINT three;
ALTER TABLE a DROP COLUMN modified_at;
SELECT * FROM touched;
UPDATE a SET id = 3;
ROLLBACK TO three;
UPDATE a SET id = 4 RETURNING modified_at = now() AS advanced;
SELECT schemakit.timestamps_disable('a');
ROLLBACK TO three;
SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'a'::regclass;
RELEASE two;
COMMIT;
SELECT * FROM touched;

-- an error in the command leaves nothing of ours behind
CREATE TABLE a (id int, updated_at timestamptz);  -- fails
CREATE TABLE b AS SELECT 1 / (i - 2) AS id, now() AS updated_at FROM generate_series(1, 3) i;  -- fails
CREATE TABLE c (id int, updated_at timestamptz, FOREIGN KEY (id) REFERENCES nowhere);  -- fails
ALTER TABLE a ADD COLUMN updated_at timestamptz, ADD COLUMN n int CHECK (n > 0) DEFAULT -1;  -- fails
SELECT * FROM touched;

-- blocks that catch errors
DO $$
BEGIN
    BEGIN
        CREATE TABLE transactions.d (id int, updated_at timestamptz);
        RAISE EXCEPTION 'no';
    EXCEPTION WHEN raise_exception THEN
        CREATE TABLE transactions.e (id int, updated_at timestamptz);
    END;
END$$;
SELECT * FROM touched;

-- procedures that commit
CREATE PROCEDURE make() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..3 LOOP
        EXECUTE format('CREATE TABLE transactions.p%s (id int, updated_at timestamptz)', i);
        IF i = 2 THEN ROLLBACK; ELSE COMMIT; END IF;
    END LOOP;
END$$;
CALL make();
SELECT * FROM touched;

-- several statements in one
CREATE TABLE x (id int, updated_at timestamptz)\; ALTER TABLE x RENAME updated_at TO u\; INSERT INTO x VALUES (1, '2020-01-01')\; UPDATE x SET id = 2;
SELECT u > '2020-01-01' AS advanced FROM x;

-- an event trigger of the user's that makes tables itself
CREATE FUNCTION also() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('transactions.also') IS NULL THEN
        CREATE TABLE transactions.also (id int, updated_at timestamptz);
    END IF;
END$$;
CREATE EVENT TRIGGER also ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION also();
CREATE TABLE first (id int, updated_at timestamptz);
DROP EVENT TRIGGER also;
SELECT * FROM touched WHERE rel IN ('first'::regclass, 'also'::regclass);
-- and one that drops the table before we see it
CREATE FUNCTION away() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN DROP TABLE transactions.gone; END$$;
CREATE EVENT TRIGGER aaa_away ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION away();
CREATE TABLE gone (id int, updated_at timestamptz);
DROP EVENT TRIGGER aaa_away;

-- read-only transactions
BEGIN READ ONLY;
SELECT count(*) > 0 AS some FROM schemakit.status();
CREATE TABLE ro (id int, updated_at timestamptz);  -- fails
ROLLBACK;
BEGIN READ ONLY;
SELECT schemakit.timestamps_disable('a');  -- fails
ROLLBACK;

-- GRANT on many tables locks none of them, not even those that have triggers
BEGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA transactions TO public;
SELECT count(*) FROM pg_locks JOIN pg_class AS c ON c.oid = relation WHERE relkind = 'r' AND relnamespace = 'transactions'::regnamespace;
ROLLBACK;
-- up to PostgreSQL 15 a table becomes a view by a rule, if it has no triggers
CREATE TABLE becomes (a int, updated_at timestamptz);
SELECT schemakit.audit_enable('becomes');
DO $$
BEGIN
    CREATE RULE "_RETURN" AS ON SELECT TO becomes DO INSTEAD SELECT 1 AS a, now() AS updated_at;
EXCEPTION WHEN wrong_object_type THEN
    DROP TABLE becomes;
    CREATE VIEW becomes AS SELECT 1 AS a, now() AS updated_at;
END $$;
SELECT a, updated_at = now() AS is_now FROM becomes;
SELECT relkind, relhastriggers FROM pg_class WHERE oid = 'becomes'::regclass;

SET client_min_messages = warning;
DROP SCHEMA transactions CASCADE;
