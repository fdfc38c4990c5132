--
-- Soft delete: permanent deletion, and what keeps and protects rows
--
SET client_min_messages = warning;
CREATE SCHEMA soft_purge;
CREATE ROLE regress_purge_cleaner;
CREATE ROLE regress_purge_tenant;
GRANT USAGE, CREATE ON SCHEMA soft_purge TO regress_purge_cleaner, regress_purge_tenant;
SET search_path = soft_purge, public;

-- what keeps a row from being deleted permanently is asked as the owner of the
-- table that references it, whatever the caller may see
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE k (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
CREATE TABLE d (id int PRIMARY KEY, k int REFERENCES k ON DELETE CASCADE);
CREATE TABLE r (id int PRIMARY KEY, p int REFERENCES p);
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{p,k,d}'::regclass[]) AS t;
INSERT INTO p VALUES (1), (2), (3), (4), (5);
INSERT INTO k VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO d VALUES (1, 1), (2, 2);
ALTER TABLE k OWNER TO regress_purge_tenant;
ALTER TABLE k ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE, DELETE ON p TO regress_purge_cleaner;
GRANT SELECT ON k, d, r TO regress_purge_cleaner;
UPDATE p SET deleted_at = '2001-01-01' WHERE id < 5;
SET ROLE regress_purge_tenant;
ALTER TABLE k NO FORCE ROW LEVEL SECURITY;
UPDATE k SET deleted_at = NULL, p = 5 WHERE id = 2;
ALTER TABLE k DISABLE TRIGGER zz_schemakit_soft_delete_reference;
UPDATE k SET p = 2 WHERE id = 2;
ALTER TABLE k ENABLE TRIGGER zz_schemakit_soft_delete_reference;
ALTER TABLE k FORCE ROW LEVEL SECURITY;
RESET ROLE;
INSERT INTO r VALUES (4, 4);
UPDATE d SET deleted_at = now() WHERE id = 1;
SET client_min_messages = notice;
SET ROLE regress_purge_cleaner;
-- 1 is kept by d, which is not old enough; 2 by k, which is live; 4 by r
SELECT schemakit.soft_delete_purge('p', '1 year');
RESET ROLE;
SELECT 'p' AS t, id FROM p UNION ALL SELECT 'k', id FROM k UNION ALL SELECT 'd', id FROM d ORDER BY 1, 2;
DELETE FROM r;
UPDATE d SET deleted_at = '2001-01-01';
REVOKE SELECT ON k, d, r FROM regress_purge_cleaner;
SET ROLE regress_purge_cleaner;
SELECT schemakit.soft_delete_purge('p', '1 year', 1);
SELECT schemakit.soft_delete_purge('p', '1 year', 5);
SELECT schemakit.soft_delete_purge('p', '1 year');
RESET ROLE;
SELECT 'p' AS t, id FROM p UNION ALL SELECT 'k', id FROM k UNION ALL SELECT 'd', id FROM d ORDER BY 1, 2;
-- the caller's own row security holds for the table itself
INSERT INTO p VALUES (6, '2001-01-01'), (7, '2001-01-01');
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
CREATE POLICY six ON p USING (id <> 6);
SET ROLE regress_purge_cleaner;
SELECT schemakit.soft_delete_purge('p', '1 year');
RESET ROLE;
SELECT id FROM p ORDER BY 1;
SET client_min_messages = warning;

-- a purge within a purge, and what is protected meanwhile
CREATE TABLE a (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE, deleted_at timestamptz);
CREATE TABLE c (id int PRIMARY KEY, deleted_at timestamptz);
SELECT count(schemakit.soft_delete_enable(t, protect => true)) FROM unnest('{a,b,c}'::regclass[]) AS t;
CREATE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE sql text;
BEGIN
    FOREACH sql IN ARRAY TG_ARGV LOOP
        BEGIN
            EXECUTE sql;
        EXCEPTION WHEN OTHERS THEN RAISE WARNING '%: %', sql, SQLERRM;
        END;
    END LOOP;
    RETURN NULL;
END$$;
CREATE TRIGGER meanwhile AFTER DELETE ON a FOR EACH ROW WHEN (old.id = 1) EXECUTE FUNCTION
    meanwhile('SELECT schemakit.soft_delete_purge(''c'', ''1 year'')', 'DELETE FROM c', 'TRUNCATE c', 'DELETE FROM a WHERE id = 3', 'DELETE FROM b WHERE id = 3',
        'TRUNCATE b', 'SELECT schemakit.soft_delete_purge(''a'', ''1 year'')', 'SELECT schemakit.soft_delete_purge(''a'', ''1 year'', 0)', 'DELETE FROM c');
INSERT INTO a VALUES (1, '2001-01-01'), (2, '2001-01-02'), (3, NULL);
INSERT INTO b VALUES (1, 1, '2001-01-01'), (2, 2, '2001-01-02'), (3, 3, NULL);
INSERT INTO c VALUES (1, '2001-01-01'), (2, NULL);
SELECT schemakit.soft_delete_purge('a', '1 year');
SELECT 'a' AS t, id FROM a UNION ALL SELECT 'b', id FROM b UNION ALL SELECT 'c', id FROM c ORDER BY 1, 2;
DELETE FROM c;  -- fails
DELETE FROM a;  -- fails

-- a partition, rows of which are found through those of another partition first: they count
CREATE TABLE parts (id int, r int, parent int, parent_r int, PRIMARY KEY (id, r),
    FOREIGN KEY (parent, parent_r) REFERENCES parts ON DELETE CASCADE) PARTITION BY LIST (r);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
SELECT schemakit.soft_delete_enable('parts');
INSERT INTO parts VALUES (1, 1, NULL, NULL, '2001-01-01'), (2, 2, 1, 1, '2001-01-01'), (3, 1, 2, 2, '2001-03-01');
INSERT INTO parts SELECT i, 1, NULL, NULL, '2001-02-01' FROM generate_series(11, 1100) AS i;
SELECT schemakit.soft_delete_purge('parts_1', '1 year', 1);  -- not one with two
SELECT id FROM parts WHERE id < 13 ORDER BY 1;
SELECT schemakit.soft_delete_purge('parts_1', '1 year');
SELECT count(*) FROM parts;

-- keys that refer to a partition, of the table and of one whose rows go along
CREATE TABLE whole (k int, id int, deleted_at timestamptz, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE whole_1 (deleted_at timestamptz, dropped int, id int NOT NULL UNIQUE, k int NOT NULL);
ALTER TABLE whole_1 DROP COLUMN dropped;
ALTER TABLE whole ATTACH PARTITION whole_1 FOR VALUES IN (1);
CREATE TABLE whole_2 PARTITION OF whole FOR VALUES IN (2);
CREATE TABLE to_part (id int REFERENCES whole_1 (id) ON DELETE CASCADE);
CREATE TABLE to_part_restrict (id int REFERENCES whole_1 (id));
CREATE TABLE root (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE along (id int PRIMARY KEY, root int REFERENCES root ON DELETE CASCADE, deleted_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE along_1 PARTITION OF along DEFAULT;
CREATE TABLE to_along (id int REFERENCES along_1 ON DELETE CASCADE);
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{whole,root,along}'::regclass[]) AS t;
SELECT relid, detail FROM schemakit.status() WHERE relid = 'whole'::regclass;
INSERT INTO whole SELECT k, id, '2001-01-01' FROM generate_series(1, 3) AS id, generate_series(1, 2) AS k;
INSERT INTO to_part VALUES (1);
INSERT INTO to_part_restrict VALUES (2);
INSERT INTO root VALUES (1, '2001-01-01'), (2, '2001-01-01');
INSERT INTO along VALUES (1, 1, '2001-01-01'), (2, 2, '2001-01-01');
INSERT INTO to_along VALUES (1);
SET client_min_messages = notice;
SELECT schemakit.soft_delete_purge('whole', '1 year');
SELECT schemakit.soft_delete_purge('root', '1 year');
SET client_min_messages = warning;
SELECT k, id FROM whole ORDER BY 1, 2;
SELECT (SELECT count(*) FROM to_part) AS to_part, (SELECT count(*) FROM root) AS root, (SELECT count(*) FROM to_along) AS to_along;

-- what the server does not delete is not in the way of the rest
CREATE TABLE refused (id int PRIMARY KEY, parent int REFERENCES refused, deleted_at timestamptz);
CREATE TABLE not_null (id int NOT NULL REFERENCES refused ON DELETE SET NULL);
CREATE TABLE no_default (id int DEFAULT 99 REFERENCES refused ON DELETE SET DEFAULT);
SELECT schemakit.soft_delete_enable('refused');
INSERT INTO refused SELECT i, NULL, timestamptz '2001-01-01' + i * interval '1 s' FROM generate_series(1, 5) AS i;
INSERT INTO refused VALUES (6, 7, '2001-01-01'), (7, 6, '2001-01-01');
INSERT INTO not_null VALUES (1), (6);
INSERT INTO no_default VALUES (2);
SET client_min_messages = notice;
SELECT schemakit.soft_delete_purge('refused', '1 year', 2);
SELECT schemakit.soft_delete_purge('refused', '1 year');
SET client_min_messages = warning;
SELECT id FROM refused ORDER BY id;
-- nor is a row that a policy keeps
ALTER TABLE refused ENABLE ROW LEVEL SECURITY;
CREATE POLICY may_see ON refused FOR SELECT USING (true);
CREATE POLICY may_lock ON refused FOR UPDATE USING (true);
CREATE POLICY may_delete ON refused FOR DELETE USING (id <> 12);
GRANT SELECT, UPDATE, DELETE ON refused TO regress_purge_cleaner;
INSERT INTO refused VALUES (11, NULL, '2001-01-01'), (12, 11, '2001-01-01'), (13, NULL, '2001-01-01');
SET ROLE regress_purge_cleaner;
SELECT schemakit.soft_delete_purge('refused', '1 year');
RESET ROLE;
SELECT id FROM refused ORDER BY id;

-- a trigger changes the type of what has been read
CREATE TABLE first (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE second (key numeric PRIMARY KEY, first int REFERENCES first ON DELETE CASCADE, deleted_at timestamptz);
CREATE TABLE third (key numeric REFERENCES second ON DELETE CASCADE, id int PRIMARY KEY, deleted_at timestamptz);
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{first,second,third}'::regclass[]) AS t;
INSERT INTO first SELECT i, timestamptz '2001-01-01' - i * interval '1 s' FROM generate_series(1, 1500) AS i;
INSERT INTO second SELECT i, i, '2001-01-01' FROM generate_series(1, 1500) AS i;
INSERT INTO third SELECT i, i, '2001-01-01' FROM generate_series(1, 1500) AS i;
CREATE FUNCTION alter_type() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE third DROP CONSTRAINT third_key_fkey;
    ALTER TABLE second ALTER key TYPE int;
    ALTER TABLE third ALTER key TYPE int, ADD CONSTRAINT third_key_fkey FOREIGN KEY (key) REFERENCES second ON DELETE CASCADE;
    RETURN old;
END$$;
CREATE TRIGGER alter_type BEFORE DELETE ON first FOR EACH ROW WHEN (old.id = 1200) EXECUTE FUNCTION alter_type();
SELECT schemakit.soft_delete_purge('first', '1 year');  -- fails
SELECT count(*) FROM first;

-- an error says which table was being purged, and not how
CREATE TABLE failing (id int PRIMARY KEY);
SELECT schemakit.soft_delete_enable('failing');
INSERT INTO failing VALUES (1);
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
CREATE TRIGGER fail BEFORE DELETE ON failing FOR EACH ROW EXECUTE FUNCTION fail();
UPDATE failing SET deleted_at = '2001-01-01';
SELECT schemakit.soft_delete_purge('failing', '30 days');
DROP VIEW failing_live;
DROP TABLE failing;
SET client_min_messages = error;
RESET search_path;
DROP SCHEMA soft_purge CASCADE;
DROP ROLE regress_purge_cleaner, regress_purge_tenant;
