--
-- Soft delete: keys that change, and rows that refer to themselves or to each other
--
SET client_min_messages = warning;
CREATE SCHEMA soft_keys;
SET search_path = soft_keys, public;

-- the key of a row and its stamp change in one statement: ON UPDATE CASCADE comes
-- first, then what ON DELETE says
CREATE TABLE p (a int, b text, v int, PRIMARY KEY (a, b));
CREATE TABLE cascades (id int PRIMARY KEY, a int, b text, FOREIGN KEY (a, b) REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE grand (id int PRIMARY KEY, a int, b text, c int REFERENCES cascades ON DELETE CASCADE,
    FOREIGN KEY (a, b) REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE keeps (id int PRIMARY KEY, a int, b text, FOREIGN KEY (a, b) REFERENCES p ON UPDATE CASCADE);
CREATE TABLE defers (id int PRIMARY KEY, a int, b text,
    FOREIGN KEY (a, b) REFERENCES p ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE nulls (id int PRIMARY KEY, a int, b text, FOREIGN KEY (a, b) REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL);
CREATE TABLE loses (id int PRIMARY KEY, a int, b text, FOREIGN KEY (a, b) REFERENCES p ON UPDATE SET NULL ON DELETE CASCADE);
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{p,cascades,grand,keeps,defers,nulls,loses}'::regclass[]) AS t;
INSERT INTO p SELECT i, 'x' FROM generate_series(1, 6) AS i;
INSERT INTO cascades VALUES (1, 1, 'x'), (2, 1, 'x'), (3, 3, 'x');
INSERT INTO grand VALUES (1, 1, 'x', 1), (2, 1, 'x', 2), (3, 2, 'x', 1);
INSERT INTO keeps VALUES (2, 2, 'x');
INSERT INTO defers VALUES (4, 4, 'x');
INSERT INTO nulls VALUES (5, 5, 'x');
INSERT INTO loses VALUES (6, 6, 'x');
UPDATE p SET a = 11, deleted_at = '2001-01-01' WHERE a = 1;
UPDATE p SET a = 12, deleted_at = '2001-01-02' WHERE a = 2;  -- fails
UPDATE p SET a = 14, deleted_at = '2001-01-04' WHERE a = 4;  -- fails
BEGIN;
UPDATE p SET a = 14, deleted_at = '2001-01-04' WHERE a = 4;
UPDATE defers SET deleted_at = '2001-01-04';
COMMIT;
UPDATE p SET a = a + 10, b = 'y', deleted_at = '2001-01-05' WHERE a IN (3, 5, 6);
SELECT * FROM p ORDER BY 1;
SELECT 'cascades' AS t, id, a, b, deleted_at FROM cascades UNION ALL SELECT 'grand', id, a, b, deleted_at FROM grand
UNION ALL SELECT 'keeps', * FROM keeps UNION ALL SELECT 'defers', * FROM defers
UNION ALL SELECT 'nulls', * FROM nulls UNION ALL SELECT 'loses', * FROM loses ORDER BY 1, 2;
-- back, with another key again
UPDATE p SET a = 1, deleted_at = NULL WHERE a = 11;
SELECT 'cascades' AS t, id, a, b, deleted_at FROM cascades UNION ALL SELECT 'grand', id, a, b, deleted_at FROM grand ORDER BY 1, 2;
-- the view: the key alone, while there are deleted rows that refer to it
UPDATE p_live SET a = 21 WHERE a = 1;
SELECT a, b, id FROM cascades_live ORDER BY id;

-- a row that a trigger deletes, or makes refer to another one, in the statement that
-- made it refer to a deleted one is not refused
CREATE TABLE q (id int PRIMARY KEY);
CREATE TABLE k (id int PRIMARY KEY, q int REFERENCES q);
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{q,k}'::regclass[]) AS t;
INSERT INTO q VALUES (1), (2), (3);
UPDATE q SET deleted_at = '2001-01-01' WHERE id < 3;
CREATE FUNCTION mend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE k SET q = CASE id WHEN 1 THEN 3 ELSE q END, deleted_at = CASE id WHEN 2 THEN now() END
    WHERE id = new.id AND id < 3;
    RETURN NULL;
END$$;
CREATE TRIGGER mend AFTER INSERT ON k FOR EACH ROW EXECUTE FUNCTION mend();
INSERT INTO k VALUES (1, 1);
INSERT INTO k VALUES (2, 2);
INSERT INTO k VALUES (3, 1);  -- fails
SELECT id, q, deleted_at IS NULL AS live FROM k ORDER BY id;
SET client_min_messages = error;
RESET search_path;
DROP SCHEMA soft_keys CASCADE;
