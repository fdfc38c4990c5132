-- Partitions have what their parent has, through CREATE, ATTACH and DETACH.
CREATE SCHEMA partitions;
SET search_path = partitions;
CREATE VIEW touched AS
SELECT c.relname AS rel, t.tgname AS trigger, replace(encode(t.tgargs, 'escape'), '\000', ' ') AS args, t.tgenabled AS enabled,
       p.relname AS clone_of
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid LEFT JOIN pg_trigger pt ON pt.oid = t.tgparentid LEFT JOIN pg_class p ON p.oid = pt.tgrelid
WHERE t.tgfoid = 'schemakit.touch'::regproc AND c.relnamespace = 'partitions'::regnamespace
ORDER BY c.relname COLLATE "C", t.tgname;

-- partitions that are made as such
CREATE TABLE m (id int, at date, updated_at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE m2 PARTITION OF m FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (id);
CREATE TABLE m2a PARTITION OF m2 FOR VALUES IN (1, 2);
CREATE TABLE mdefault PARTITION OF m DEFAULT;
SELECT * FROM touched;
INSERT INTO m SELECT i, '2020-06-01', '2020-01-01' FROM generate_series(1, 3) i;
UPDATE m SET id = id + 10 RETURNING tableoid::regclass, updated_at = now() AS advanced;
UPDATE m1 SET updated_at = '2020-01-01';
UPDATE m1 SET id = 1 WHERE id = 11 RETURNING updated_at = now() AS advanced;
-- a row that moves to another partition
UPDATE m SET at = '2021-06-01' WHERE id = 1;
UPDATE m SET at = '2020-06-01' WHERE id = 1;
SELECT tableoid::regclass, id, updated_at > '2020-01-01' AS advanced FROM m WHERE id = 1;

-- DETACH: the table keeps its trigger
ALTER TABLE m DETACH PARTITION m1;
SELECT * FROM touched WHERE rel = 'm1';
UPDATE m1 SET updated_at = '2020-01-01';
UPDATE m1 SET id = 1 WHERE id = 1;
UPDATE m1 SET id = 100 WHERE id = 1 RETURNING updated_at = now() AS advanced;
-- ATTACH it again: its own trigger gives way to the parent's
ALTER TABLE m ATTACH PARTITION m1 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT * FROM touched WHERE rel = 'm1';
UPDATE m SET id = 101 WHERE id = 100 RETURNING updated_at > '2020-01-01' AS advanced;
-- one that is partitioned itself
ALTER TABLE m DETACH PARTITION m2;
SELECT * FROM touched WHERE rel LIKE 'm2%';
ALTER TABLE m ATTACH PARTITION m2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT * FROM touched WHERE rel LIKE 'm2%';
-- without waiting for the table's readers
ALTER TABLE m DETACH PARTITION mdefault;
DROP TABLE mdefault;
ALTER TABLE m DETACH PARTITION m1 CONCURRENTLY;
SELECT * FROM touched WHERE rel = 'm1';

-- tables that were made on their own
CREATE TABLE own (id int, at date, updated_at timestamptz);
CREATE TABLE own2 (LIKE m);
SELECT * FROM touched WHERE rel LIKE 'own%';
ALTER TABLE m ATTACH PARTITION own FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
ALTER TABLE m ATTACH PARTITION own2 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
SELECT * FROM touched WHERE rel LIKE 'own%';
-- in a transaction that is rolled back, the table keeps what it had
CREATE TABLE own3 (LIKE m);
BEGIN;
ALTER TABLE m ATTACH PARTITION own3 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
ROLLBACK;
SELECT * FROM touched WHERE rel = 'own3';
-- an ATTACH that fails leaves it, too
ALTER TABLE m ATTACH PARTITION own3 FOR VALUES FROM ('2020-01-01') TO ('2024-01-01');  -- fails
SELECT * FROM touched WHERE rel = 'own3';
ALTER TABLE m ATTACH PARTITION nowhere FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');  -- fails
ALTER TABLE nowhere ATTACH PARTITION own3 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');  -- fails
ALTER TABLE IF EXISTS nowhere ATTACH PARTITION own3 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
ALTER TABLE m DETACH PARTITION own3;  -- fails

-- in replica mode nothing is attached, but nothing stands in the way either
CREATE TABLE own4 (LIKE m);
SET session_replication_role = replica;
ALTER TABLE m ATTACH PARTITION own4 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
RESET session_replication_role;
SELECT * FROM touched WHERE rel = 'own4';

-- a parent without a trigger: the table's own stays
CREATE TABLE w (id int, at date, updated_at timestamptz) PARTITION BY RANGE (at);
DROP TRIGGER zz_schemakit_touch ON w;
ALTER TABLE w ATTACH PARTITION own3 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT * FROM touched WHERE rel IN ('w', 'own3');
-- and when the parent gets one, it becomes part of that
SELECT * FROM schemakit.auto_apply() WHERE relid = 'w'::regclass;
SELECT * FROM touched WHERE rel IN ('w', 'own3');
-- nobody can attach who may not
CREATE ROLE regress_partitions;
GRANT ALL ON SCHEMA partitions TO regress_partitions;
SET ROLE regress_partitions;
CREATE TABLE theirs (id int, at date, updated_at timestamptz);
ALTER TABLE w ATTACH PARTITION theirs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');  -- fails
RESET ROLE;
SELECT * FROM touched WHERE rel = 'theirs';
-- the owner of a partition need not be that of the parent
ALTER TABLE w ATTACH PARTITION theirs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
ALTER TABLE w DETACH PARTITION theirs;
SELECT * FROM touched WHERE rel = 'theirs';
DROP TABLE theirs;
REVOKE ALL ON SCHEMA partitions FROM regress_partitions;
DROP ROLE regress_partitions;

-- columns of a partitioned table
CREATE TABLE n (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE n1 PARTITION OF n FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
ALTER TABLE n ADD COLUMN updated_at timestamptz;
SELECT * FROM touched WHERE rel LIKE 'n%';
ALTER TABLE n RENAME COLUMN updated_at TO changed;
SELECT * FROM touched WHERE rel LIKE 'n%';
INSERT INTO n VALUES (1, '2020-06-01', '2020-01-01');
UPDATE n SET id = 2 RETURNING changed = now() AS advanced;
ALTER TABLE n DROP COLUMN changed;
SELECT * FROM touched WHERE rel LIKE 'n%';
-- columns in another order than the parent's
CREATE TABLE n2 (gone int, updated_at timestamptz, at date, id int);
ALTER TABLE n2 DROP COLUMN gone;
ALTER TABLE n ADD COLUMN updated_at timestamptz;
ALTER TABLE n ATTACH PARTITION n2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO n VALUES (1, '2021-06-01', '2020-01-01');
UPDATE n SET id = 5 WHERE at = '2021-06-01' RETURNING id, updated_at = now() AS advanced;

-- states
ALTER TABLE n2 DISABLE TRIGGER zz_schemakit_touch;
SELECT * FROM schemakit.status() WHERE relid::text LIKE 'n%';
SELECT schemakit.timestamps_enable('n2');  -- fails
SELECT schemakit.timestamps_disable('n');
SELECT rel, enabled FROM touched WHERE rel LIKE 'n%';
SELECT * FROM schemakit.status() WHERE relid::text LIKE 'n%';
SELECT schemakit.timestamps_enable('n');
SELECT rel, enabled FROM touched WHERE rel LIKE 'n%';
-- what attaching drops is not what a user drops
CREATE FUNCTION no_drops() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects()) THEN RAISE 'no drops'; END IF;
END$$;
CREATE EVENT TRIGGER no_drops ON sql_drop EXECUTE FUNCTION no_drops();
CREATE TABLE n3 (LIKE n);
ALTER TABLE n ATTACH PARTITION n3 FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
DROP EVENT TRIGGER no_drops;
SELECT * FROM touched WHERE rel = 'n3';
-- a parent's state goes with a partition that leaves
SELECT schemakit.timestamps_enable('n', mode => 'always');
SELECT schemakit.timestamps_disable('n');
ALTER TABLE n DETACH PARTITION n2;
SELECT * FROM touched WHERE rel LIKE 'n%';

SET client_min_messages = warning;
DROP SCHEMA partitions CASCADE;
