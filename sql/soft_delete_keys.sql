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

-- purge: rows that refer to themselves and to each other, whatever ON DELETE says
CREATE TABLE cyc_c (id int PRIMARY KEY, parent int REFERENCES cyc_c ON DELETE CASCADE, deleted_at timestamptz);
CREATE TABLE cyc_n (id int PRIMARY KEY, parent int REFERENCES cyc_n, deleted_at timestamptz);
CREATE TABLE cyc_r (id int PRIMARY KEY, parent int REFERENCES cyc_r ON DELETE RESTRICT, deleted_at timestamptz);
CREATE TABLE cyc_d (id int PRIMARY KEY, parent int REFERENCES cyc_d DEFERRABLE INITIALLY DEFERRED, deleted_at timestamp);
CREATE TABLE cyc_p (part int, id int, part2 int, parent int, deleted_at timestamptz, PRIMARY KEY (part, id),
    FOREIGN KEY (part2, parent) REFERENCES cyc_p) PARTITION BY LIST (part);
CREATE TABLE cyc_p1 PARTITION OF cyc_p FOR VALUES IN (1);
CREATE TABLE cyc_p2 PARTITION OF cyc_p FOR VALUES IN (2);
SELECT count(schemakit.soft_delete_enable(t, protect => true)) FROM unnest('{cyc_c,cyc_n,cyc_r,cyc_d,cyc_p}'::regclass[]) AS t;
CREATE FUNCTION fill() RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    -- 1 to itself; 2 and 3 in a cycle, to which 4 refers; 5 and 6 in a cycle that a live
    -- row refers to, 8, and one that is not old enough, 9 to 8; 10 refers to a kept one
    INSERT INTO cyc_c SELECT * FROM (VALUES (1, 1, '2001-01-01'::timestamptz), (2, 3, '2001-01-02'), (3, 2, '2001-01-03'),
        (4, 3, '2001-01-04'), (5, 6, '2001-01-05'), (6, 5, '2001-01-06'), (7, 6, '2001-01-07'), (8, 7, NULL), (9, 8, now()), (10, 6, '2001-01-10')) AS v;
    INSERT INTO cyc_n TABLE cyc_c;
    INSERT INTO cyc_r TABLE cyc_c;
    INSERT INTO cyc_d TABLE cyc_c;
    INSERT INTO cyc_p SELECT id % 2 + 1, id, parent % 2 + 1, parent, deleted_at FROM cyc_c;
$$;
BEGIN;
SET LOCAL session_replication_role = replica;  -- 8 refers to a row that is deleted
SELECT fill();
COMMIT;
CREATE FUNCTION purge_all(max_rows int) RETURNS TABLE (t regclass, purged bigint, rows int[]) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    FOREACH t IN ARRAY '{cyc_c,cyc_n,cyc_r,cyc_d,cyc_p}'::regclass[] LOOP
        purged := schemakit.soft_delete_purge(t, '1 year', max_rows);
        EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s', t) INTO rows;
        RETURN NEXT;
    END LOOP;
END$$;
SET client_min_messages = notice;
-- those that are referred to come last, and rows in a cycle go together
SELECT * FROM purge_all(1);
SELECT * FROM purge_all(1);
SELECT * FROM purge_all(1);
SELECT * FROM purge_all(1000);
SET client_min_messages = warning;

-- across tables: by CASCADE, and under NO ACTION where the table is the purged one
CREATE TABLE a (id int PRIMARY KEY, b int, deleted_at timestamptz);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE, deleted_at timestamptz);
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
-- s: a row of a table that is deleted from along refers to itself
CREATE TABLE s (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE, s int REFERENCES s, deleted_at timestamptz);
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{a,b,s}'::regclass[]) AS t;
INSERT INTO a VALUES (1, NULL), (2, NULL), (3, NULL);
INSERT INTO b VALUES (1, 1), (2, 2), (3, 3);
UPDATE a SET b = id % 3 + 1;
INSERT INTO s VALUES (1, 1, 1), (2, 2, NULL);
UPDATE s SET deleted_at = '2001-01-01';
UPDATE b SET deleted_at = '2001-01-01' WHERE id = 1;  -- fails
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE a SET deleted_at = '2001-01-01';
UPDATE b SET deleted_at = CASE WHEN id = 2 THEN now() ELSE '2001-01-01' END;
COMMIT;
SELECT schemakit.soft_delete_purge('a', '1 year');
UPDATE b SET deleted_at = '2001-01-01';
SELECT schemakit.soft_delete_purge('b', '1 year'), schemakit.soft_delete_purge('a', '1 year');
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM s);

-- a row that the caller's row security hides is not deleted, nor what it refers to
CREATE ROLE regress_keys_cleaner;
GRANT USAGE ON SCHEMA soft_keys TO regress_keys_cleaner;
CREATE TABLE h (id int PRIMARY KEY, parent int REFERENCES h ON DELETE CASCADE, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('h');
INSERT INTO h VALUES (1, 1, '2001-01-01'), (2, 3, '2001-01-01'), (3, 2, '2001-01-01');
GRANT SELECT, UPDATE, DELETE ON h TO regress_keys_cleaner;
ALTER TABLE h ENABLE ROW LEVEL SECURITY;
CREATE POLICY hidden ON h USING (id <> 3);
SET ROLE regress_keys_cleaner;
SELECT schemakit.soft_delete_purge('h', '1 year');
RESET ROLE;
SELECT id FROM h ORDER BY id;
-- a long way back
TRUNCATE h;
CREATE INDEX ON h (parent);
INSERT INTO h SELECT i, (i + 1) % 3000, '2001-01-01' FROM generate_series(0, 2999) AS i;
SELECT schemakit.soft_delete_purge('h', '1 year', 2999), schemakit.soft_delete_purge('h', '1 year', 3000);
SET client_min_messages = error;
RESET search_path;
DROP SCHEMA soft_keys CASCADE;
DROP ROLE regress_keys_cleaner;
