--
-- Statements that a session keeps go on with the tables, columns and operators
-- that they are about, whatever these are called meanwhile
--
SET client_min_messages = warning;
CREATE SCHEMA kept_app;
CREATE SCHEMA kept_green;
CREATE EXTENSION citext SCHEMA kept_green;
CREATE FUNCTION kept_make(sch text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %1$I.parent (id int PRIMARY KEY);
        CREATE TABLE %1$I.child (id int PRIMARY KEY, parent_id int REFERENCES %1$I.parent ON DELETE CASCADE);
        CREATE TABLE %1$I.strict (id int PRIMARY KEY, parent_id int REFERENCES %1$I.parent);
        INSERT INTO %1$I.parent SELECT generate_series(1, 6);
        INSERT INTO %1$I.child SELECT i, i FROM generate_series(1, 6) AS i;', sch);
    PERFORM count(schemakit.soft_delete_enable(format('%I.%s', sch, t))) FROM unnest('{parent,child,strict}'::text[]) AS t;
END$$;
SELECT kept_make('kept_app'), kept_make('kept_green');
CREATE VIEW kept_live AS SELECT 'app' AS sch, p.id, p.deleted_at IS NULL AS parent, c.deleted_at IS NULL AS child FROM kept_app.parent AS p JOIN kept_app.child AS c USING (id)
    UNION ALL SELECT 'green', p.id, p.deleted_at IS NULL, c.deleted_at IS NULL FROM kept_green.parent AS p JOIN kept_green.child AS c USING (id);

-- a schema whose name another one gets
DELETE FROM kept_app.parent_live WHERE id = 1;
UPDATE kept_app.parent SET deleted_at = NULL WHERE id = 1;
DELETE FROM kept_app.parent_live WHERE id = 1;
INSERT INTO kept_app.strict VALUES (3, 3);
ALTER SCHEMA kept_app RENAME TO kept_blue;
ALTER SCHEMA kept_green RENAME TO kept_app;
DELETE FROM kept_blue.parent_live WHERE id = 2;
SELECT * FROM kept_live WHERE NOT parent OR NOT child ORDER BY 1, 2;
UPDATE kept_blue.parent SET deleted_at = NULL WHERE id IN (1, 2);
SELECT * FROM kept_live WHERE NOT parent OR NOT child ORDER BY 1, 2;
-- RESTRICT and references look at the right table, too
DELETE FROM kept_blue.parent_live WHERE id = 3;  -- fails
DELETE FROM kept_app.parent_live WHERE id = 3;
INSERT INTO kept_blue.strict VALUES (4, 3);
DELETE FROM kept_blue.parent_live WHERE id = 5;
INSERT INTO kept_blue.strict VALUES (5, 5);  -- fails
-- or one that nobody takes
ALTER SCHEMA kept_blue RENAME TO kept_red;
DELETE FROM kept_red.parent_live WHERE id = 6;
SELECT * FROM kept_live WHERE NOT parent OR NOT child ORDER BY 1, 2;
-- tables and columns
ALTER TABLE kept_red.child RENAME TO brood;
ALTER TABLE kept_red.brood RENAME COLUMN parent_id TO mother;
ALTER TABLE kept_red.brood RENAME COLUMN deleted_at TO gone_at;
CREATE TABLE kept_red.child (id int PRIMARY KEY, parent_id int, deleted_at timestamptz);
INSERT INTO kept_red.child VALUES (1, 1);
DELETE FROM kept_red.parent_live WHERE id = 1;
SELECT * FROM kept_red.child;
SELECT id, mother FROM kept_red.brood WHERE gone_at IS NOT NULL ORDER BY 1;

-- while a statement runs
CREATE TABLE kept_red.slow (id int, n int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE kept_red.slow_1 PARTITION OF kept_red.slow DEFAULT;
SELECT schemakit.soft_delete_enable('kept_red.slow');
INSERT INTO kept_red.slow SELECT generate_series(1, 3);
CREATE FUNCTION kept_rename() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN ALTER SCHEMA kept_red RENAME TO kept_pink; RETURN NEW; END$$;
CREATE TRIGGER aa BEFORE UPDATE ON kept_red.slow FOR EACH ROW WHEN (new.id = 1) EXECUTE FUNCTION kept_rename();
DELETE FROM kept_red.slow_live;
SELECT count(*) FROM kept_pink.slow_live;

-- operators and types
CREATE TABLE kept_pink.words (w kept_app.citext PRIMARY KEY);
CREATE TABLE kept_pink.uses (id int PRIMARY KEY, w kept_app.citext REFERENCES kept_pink.words ON DELETE CASCADE);
SELECT schemakit.soft_delete_enable('kept_pink.words'), schemakit.soft_delete_enable('kept_pink.uses');
INSERT INTO kept_pink.words VALUES ('one'), ('two'), ('three');
INSERT INTO kept_pink.uses VALUES (1, 'ONE'), (2, 'TWO'), (3, 'Three');
DELETE FROM kept_pink.words_live WHERE w::text = 'one';
ALTER EXTENSION citext SET SCHEMA kept_pink;
DELETE FROM kept_pink.words_live WHERE w::text = 'two';
SELECT * FROM kept_pink.uses_live;
INSERT INTO kept_pink.uses VALUES (4, 'Two');  -- fails

-- the audit log tells the names that tables and types had at the time
CREATE TYPE kept_pink.mood AS ENUM ('good');
CREATE TABLE kept_pink.audited (id int PRIMARY KEY, m kept_pink.mood);
SELECT schemakit.audit_enable('kept_pink.audited');
INSERT INTO kept_pink.audited VALUES (1, 'good');
ALTER SCHEMA kept_pink RENAME TO kept_grey;
INSERT INTO kept_grey.audited VALUES (2, 'good');
ALTER TYPE kept_grey.mood RENAME TO temper;
INSERT INTO kept_grey.audited VALUES (3, 'good');
SELECT l.table_name, l.key, s.columns->1->>'type' AS type FROM schemakit.audit_log AS l
JOIN schemakit.audit_shape AS s USING (shape_id)
WHERE l.table_name ~ '^kept_' ORDER BY l.txn_id, l.n;
SELECT op, key FROM schemakit.audit_history('kept_grey.audited', '{"id": 1}');

DROP VIEW kept_live;
SET client_min_messages = error;
DROP SCHEMA kept_app, kept_grey CASCADE;
DROP FUNCTION kept_make, kept_rename;
