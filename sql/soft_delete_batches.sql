--
-- Soft delete: which rows belong to a batch
--
SET client_min_messages = warning;
CREATE SCHEMA soft_batch;
CREATE ROLE regress_batch_cleaner;
GRANT USAGE, CREATE ON SCHEMA soft_batch TO regress_batch_cleaner;
SET search_path = soft_batch, public;

-- who may update the stamp of a row cannot bring back what was deleted by itself
CREATE TABLE docs (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE parts (id int PRIMARY KEY, doc int REFERENCES docs ON DELETE CASCADE, deleted_at timestamptz);
CREATE TABLE bits (id int PRIMARY KEY, part int REFERENCES parts ON DELETE CASCADE, deleted_at timestamp(3));
CREATE TABLE tags (id int PRIMARY KEY, deleted_at timestamptz);
ALTER TABLE parts ADD tag int REFERENCES tags ON DELETE CASCADE;
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{docs,parts,bits,tags}'::regclass[]) AS t;
INSERT INTO docs VALUES (1);
INSERT INTO tags VALUES (1);
INSERT INTO parts VALUES (1, 1, NULL, 1), (2, 1, NULL, 1), (3, 1, NULL, NULL);
INSERT INTO bits VALUES (1, 1), (2, 2), (3, 3);
GRANT SELECT, UPDATE ON docs, tags TO regress_batch_cleaner;
GRANT SELECT ON parts, bits TO regress_batch_cleaner;
UPDATE parts SET deleted_at = '2001-01-01' WHERE id = 1;
UPDATE bits SET deleted_at = '2001-01-02' WHERE id = 2;
SET ROLE regress_batch_cleaner;
UPDATE docs SET deleted_at = '2001-01-01';
UPDATE docs SET deleted_at = NULL;
SELECT id FROM parts_live ORDER BY 1;
SELECT id FROM bits_live ORDER BY 1;
-- by way of another row, of another stamp, of a row in between
UPDATE docs SET deleted_at = '2002-01-01';
UPDATE docs SET deleted_at = (SELECT deleted_at FROM parts WHERE id = 1);
UPDATE docs SET deleted_at = NULL;
UPDATE tags SET deleted_at = (SELECT deleted_at - interval '1 microsecond' FROM parts WHERE id = 1);
UPDATE docs SET deleted_at = (SELECT deleted_at FROM parts WHERE id = 1);
UPDATE docs SET deleted_at = NULL;
UPDATE tags SET deleted_at = NULL;
UPDATE docs SET deleted_at = '2001-01-02';
UPDATE docs SET deleted_at = NULL;
SELECT id FROM parts_live ORDER BY 1;
SELECT id FROM bits_live ORDER BY 1;
RESET ROLE;
-- what they took with them comes back with them
UPDATE parts SET deleted_at = NULL WHERE id = 1;
SELECT id FROM bits_live ORDER BY 1;
-- who may update them all makes one batch of them
UPDATE bits SET deleted_at = '2001-01-03' WHERE id = 3;
UPDATE docs SET deleted_at = '2001-01-03';
UPDATE docs SET deleted_at = NULL;
SELECT id FROM bits_live ORDER BY 1;
-- rows of two deletions at one time belong to both, whoever may do what
SET ROLE regress_batch_cleaner;
UPDATE tags SET deleted_at = '2003-01-01';
UPDATE docs SET deleted_at = '2003-01-01';
UPDATE tags SET deleted_at = NULL;
SELECT id FROM parts_live ORDER BY 1;
UPDATE docs SET deleted_at = NULL;
SELECT id FROM parts_live ORDER BY 1;
RESET ROLE;
-- the same with several rows, keys and statements
CREATE TABLE pairs (id int PRIMARY KEY, a int REFERENCES docs ON UPDATE CASCADE ON DELETE CASCADE, b int REFERENCES docs ON UPDATE CASCADE ON DELETE CASCADE);
SELECT schemakit.soft_delete_enable('pairs');
INSERT INTO docs VALUES (11), (12);
INSERT INTO pairs VALUES (1, 11, 12), (2, 11, 11), (3, 11, 12);
UPDATE pairs SET deleted_at = '2001-01-01' WHERE id < 3;
SET ROLE regress_batch_cleaner;
UPDATE docs SET deleted_at = '2001-01-01' WHERE id > 10;
UPDATE docs SET deleted_at = NULL WHERE id > 10;
SELECT count(*) FROM docs_live WHERE id > 10;
UPDATE docs SET deleted_at = '2005-01-01' WHERE id > 10;
UPDATE docs SET deleted_at = NULL WHERE id = 11;
UPDATE docs SET deleted_at = NULL WHERE id = 12;
BEGIN;
UPDATE docs SET deleted_at = '2006-01-01' WHERE id = 11;
UPDATE docs SET deleted_at = '2006-01-01' WHERE id = 12;
COMMIT;
UPDATE docs SET deleted_at = NULL WHERE id > 10;
RESET ROLE;
SELECT id FROM pairs_live ORDER BY 1;
-- a key that changes in the same statement, or before in the same transaction
UPDATE pairs SET deleted_at = '2007-01-01' WHERE id < 3;
SET ROLE regress_batch_cleaner;
UPDATE docs SET id = id + 10, deleted_at = '2007-01-01' WHERE id > 10;  -- fails
BEGIN;
UPDATE docs SET id = id + 10 WHERE id > 10;
UPDATE docs SET deleted_at = '2007-01-01' WHERE id > 10;
COMMIT;
UPDATE docs SET deleted_at = NULL WHERE id > 10;
RESET ROLE;
SELECT id FROM pairs_live ORDER BY 1;


-- rows that refer to each other round tables one of which stores milliseconds only
CREATE TABLE p (id int PRIMARY KEY, q int, deleted_at timestamp);
CREATE TABLE q (id int PRIMARY KEY, q int, r int, p int, deleted_at timestamptz);
CREATE TABLE r (id int PRIMARY KEY, q int, p int, deleted_at timestamptz(3));
INSERT INTO p VALUES (3, NULL), (8, NULL), (1, 3), (7, 7), (2, 1), (4, 3), (5, 1), (6, 2);
INSERT INTO q VALUES (1, 4, 4, 4), (2, 1, 1, NULL), (3, 2, 1, 1), (4, 1, 2, 2), (5, NULL, 2, 2), (6, 3, 8, 8), (7, 2, NULL, NULL), (8, 8, 1, 6);
INSERT INTO r VALUES (1, 1, NULL), (2, 2, 1), (3, 1, 4), (4, NULL, 2), (5, 3, 1), (6, 6, 7), (7, NULL, 2), (8, 1, 7);
ALTER TABLE p ADD FOREIGN KEY (q) REFERENCES q ON DELETE CASCADE;
ALTER TABLE q ADD FOREIGN KEY (q) REFERENCES q ON DELETE CASCADE, ADD FOREIGN KEY (r) REFERENCES r ON DELETE CASCADE,
    ADD FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE;
ALTER TABLE r ADD FOREIGN KEY (q) REFERENCES q ON DELETE CASCADE, ADD FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE;
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{p,q,r}'::regclass[]) AS t;
UPDATE p SET deleted_at = '2020-01-01 00:00:00.0003'::timestamp + array_position('{3,8,1,7}', id) * interval '3 us' WHERE id IN (1, 3, 7, 8);
SELECT extract(microseconds FROM deleted_at) AS stamp, count(*) FROM r GROUP BY 1 ORDER BY 1;
UPDATE p SET deleted_at = NULL WHERE id IN (1, 3, 7, 8);
SELECT count(*) FROM p, q, r WHERE num_nonnulls(p.deleted_at, q.deleted_at, r.deleted_at) > 0;
SET client_min_messages = error;
RESET search_path;
DROP SCHEMA soft_batch CASCADE;
DROP ROLE regress_batch_cleaner;
