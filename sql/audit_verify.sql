-- the log compared with the table
CREATE SCHEMA audit_verify;
SET search_path = audit_verify;
\set problems 'problem, key, column_name, logged, found, since IS NOT NULL AS since, until IS NOT NULL AS until, detail'
CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, secret text, j jsonb, updated_at timestamptz DEFAULT now(), g int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO t VALUES (1, 'before', 1, 's', '{}');
SELECT schemakit.audit_enable('t', mask => '{"secret": "null"}');
INSERT INTO t SELECT i, 'v' || i, i, 's', jsonb_build_object('i', i) FROM generate_series(2, 9) AS i;
UPDATE t SET v = 'changed', n = 1.50 WHERE id IN (2, 3);
UPDATE t SET n = 7.00, j = NULL WHERE id = 1;
UPDATE t SET id = 30 WHERE id = 3;
UPDATE t SET id = CASE id WHEN 5 THEN 50 ELSE 60 END WHERE id IN (5, 6);
UPDATE t SET id = 5 WHERE id = 60;
DELETE FROM t WHERE id = 4;
DELETE FROM t WHERE id = 7;
INSERT INTO t VALUES (7, 'again');
ALTER TABLE t RENAME COLUMN v TO w;
ALTER TABLE t ADD COLUMN later int DEFAULT 3;
UPDATE t SET w = 'renamed' WHERE id = 8;
-- all is as it should be; of row 1, only what was changed is known
SELECT :problems FROM schemakit.audit_verify('t');

-- somebody changes rows without events: each is found
SET session_replication_role = replica;
UPDATE t SET n = 1.5 WHERE id = 2;
UPDATE t SET w = 'false', n = NULL WHERE id = 30;
UPDATE t SET secret = 'not compared', updated_at = '2000-01-01' WHERE id = 5;
UPDATE t SET n = 8 WHERE id = 1;
UPDATE t SET w = 'not known' WHERE id = 1;
DELETE FROM t WHERE id = 8;
INSERT INTO t VALUES (4, 'is back');
UPDATE t SET j = '{"i": 10}' WHERE id = 9;
INSERT INTO t VALUES (100, 'new');
RESET session_replication_role;
SELECT :problems FROM schemakit.audit_verify('t') ORDER BY 1, 2, 3;
-- with a baseline, a row without events is too much
CREATE TABLE b (id int, k text, v int, PRIMARY KEY (id, k));
INSERT INTO b VALUES (1, 'x', 1), (2, 'y', 2);
SELECT schemakit.audit_enable('b', baseline => true);
UPDATE b SET v = 3, k = 'z' WHERE id = 2;
SELECT :problems FROM schemakit.audit_verify('b');
ALTER TABLE b DISABLE TRIGGER USER;
INSERT INTO b VALUES (3, 'z', 3);
DELETE FROM b WHERE id = 1;
UPDATE b SET v = 4 WHERE id = 2;
SELECT :problems FROM schemakit.audit_verify('b') ORDER BY 1, 2, 3;
ALTER TABLE b ENABLE TRIGGER USER;
SELECT problem, role = current_user AS role, since < until AS closed, detail FROM schemakit.audit_verify('b') WHERE problem = 'gap';
-- what is put right is no difference any more
BEGIN;
UPDATE b SET v = 5 WHERE id = 2;
SELECT :problems FROM schemakit.audit_verify('b') WHERE key ->> 'id' = '2';
ROLLBACK;
ALTER TABLE b ALTER v TYPE bigint USING v + 1;
SELECT :problems FROM schemakit.audit_verify('b') ORDER BY 1, 2, 3;

-- also if the table had no rows, of which there is an event instead
CREATE TABLE begun (id int PRIMARY KEY);
CREATE TABLE begun_parts (id int) PARTITION BY RANGE (id);
CREATE TABLE begun_part PARTITION OF begun_parts DEFAULT;
SELECT schemakit.audit_enable('begun', baseline => true), schemakit.audit_enable('begun_parts', baseline => true);
SELECT table_name, op, key, old, new FROM schemakit.audit_log WHERE table_name LIKE 'audit_verify.begun%' ORDER BY 1;
SET session_replication_role = replica;
INSERT INTO begun VALUES (1);
INSERT INTO begun_parts VALUES (1), (1);
RESET session_replication_role;
INSERT INTO begun VALUES (2);
SELECT :problems FROM schemakit.audit_verify('begun');
SELECT :problems FROM schemakit.audit_verify('begun_parts');
SELECT clock_timestamp() AS at \gset
SELECT key, row FROM schemakit.audit_rows('audit_verify.begun', :'at');
SELECT op, key FROM schemakit.audit_history('begun', '{"id": 2}');
-- what was lost before is still told of
DELETE FROM begun;
INSERT INTO begun VALUES (3);
SET session_replication_role = replica;
DELETE FROM begun;
RESET session_replication_role;
SELECT schemakit.audit_enable('begun', baseline => true);
SELECT :problems FROM schemakit.audit_verify('begun');

-- without key, by content
CREATE TABLE loose (a int, b text);
SELECT schemakit.audit_enable('loose', baseline => true);
INSERT INTO loose VALUES (1, 'x'), (1, 'x'), (2, NULL), (3, 'z');
DELETE FROM loose WHERE ctid = (SELECT min(ctid) FROM loose);
UPDATE loose SET b = 'zz' WHERE a = 3;
SELECT * FROM schemakit.audit_verify('loose');
SET session_replication_role = replica;
INSERT INTO loose VALUES (1, 'x');
DELETE FROM loose WHERE a = 2;
RESET session_replication_role;
SELECT :problems FROM schemakit.audit_verify('loose') ORDER BY 1;
INSERT INTO loose VALUES (9, 'i'), (9, 'i');
SET session_replication_role = replica;
TRUNCATE loose;
RESET session_replication_role;
SELECT problem, logged, count(*) FROM schemakit.audit_verify('loose') GROUP BY 1, 2 ORDER BY 1, 2;

-- partitions, and rows that move; TRUNCATE with and without its rows
CREATE TABLE p (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
SELECT schemakit.audit_enable('p');
INSERT INTO p VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 1, 'c');
UPDATE p SET k = 2 WHERE id = 1;
SELECT * FROM schemakit.audit_verify('p');
SELECT * FROM schemakit.audit_verify('p1');  -- fails
TRUNCATE p1;
SELECT * FROM schemakit.audit_verify('p');
SELECT schemakit.audit_enable('p', truncate_rows => false);
TRUNCATE p2;
SELECT * FROM schemakit.audit_verify('p');
INSERT INTO p VALUES (4, 1, 'd');
TRUNCATE p;
SELECT * FROM schemakit.audit_verify('p');
INSERT INTO p VALUES (5, 1, 'e');
SET session_replication_role = replica;
INSERT INTO p2 VALUES (6, 2, 'f');
DELETE FROM p WHERE id = 5;
RESET session_replication_role;
SELECT :problems FROM schemakit.audit_verify('p') ORDER BY 1;
-- a parent's own rows, not those of the tables that inherit from it
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
SELECT schemakit.audit_enable('parent');
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1), (2);
SELECT * FROM schemakit.audit_verify('parent');
-- a key that does not identify rows; capture without values
CREATE TABLE twice (id int, v int);
SELECT schemakit.audit_enable('twice', key => '{id}');
INSERT INTO twice VALUES (1, 1), (1, 2);
SELECT :problems FROM schemakit.audit_verify('twice') WHERE problem = 'extra';
CREATE TABLE keys (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('keys', capture => 'keys');
INSERT INTO keys VALUES (1, 1), (2, 2);
UPDATE keys SET v = 3;
SET session_replication_role = replica;
DELETE FROM keys WHERE id = 2;
UPDATE keys SET v = 4;
RESET session_replication_role;
SELECT :problems FROM schemakit.audit_verify('keys');
-- created again
DROP TABLE keys;
CREATE TABLE keys (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('keys');
INSERT INTO keys VALUES (1, 1);
SELECT problem, detail FROM schemakit.audit_verify('keys');
-- an empty table, one that is not audited, and none
CREATE TABLE empty (id int PRIMARY KEY);
SELECT * FROM schemakit.audit_verify('empty');  -- fails
SELECT schemakit.audit_enable('empty');
SELECT * FROM schemakit.audit_verify('empty');
SELECT * FROM schemakit.audit_verify(NULL);  -- fails

-- whose rights
CREATE ROLE regress_verify_owner;
CREATE ROLE regress_verify_other;
GRANT USAGE ON SCHEMA audit_verify TO regress_verify_owner, regress_verify_other;
ALTER TABLE b OWNER TO regress_verify_owner;
SET ROLE regress_verify_owner;
SELECT count(*) > 0 AS some FROM schemakit.audit_verify('b');
ALTER TABLE b ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT count(*) FROM schemakit.audit_verify('b');  -- fails
ALTER TABLE b DISABLE ROW LEVEL SECURITY;
RESET ROLE;
SET ROLE regress_verify_other;
SELECT count(*) FROM schemakit.audit_verify('b');  -- fails
RESET ROLE;
GRANT SELECT ON schemakit.audit_log TO regress_verify_other;
SET ROLE regress_verify_other;
SELECT count(*) FROM schemakit.audit_verify('b');  -- fails
RESET ROLE;
GRANT SELECT ON b TO regress_verify_other;
SET ROLE regress_verify_other;
SELECT count(*) > 0 AS some FROM schemakit.audit_verify('b');
RESET ROLE;
REVOKE SELECT ON schemakit.audit_log FROM regress_verify_other;
-- TRUNCATE leaves nothing, whatever there was before
CREATE TABLE emptied (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('emptied');
INSERT INTO emptied VALUES (1, 'removed without event'), (2, 'truncated');
SET session_replication_role = replica;
DELETE FROM emptied WHERE id = 1;
RESET session_replication_role;
SELECT :problems FROM schemakit.audit_verify('emptied');
TRUNCATE emptied;
SELECT :problems FROM schemakit.audit_verify('emptied');
SET session_replication_role = replica;
INSERT INTO emptied VALUES (3, 'added without event');
RESET session_replication_role;
SELECT :problems FROM schemakit.audit_verify('emptied');
-- of objects, the log has names, which change
CREATE TYPE refers AS (r regclass);
CREATE TABLE target ();
CREATE TABLE names (id int PRIMARY KEY, r regclass, a regclass[], c refers, v text);
CREATE TABLE contents (r regclass, v text);
SELECT schemakit.audit_enable('names'), schemakit.audit_enable('contents');
INSERT INTO names VALUES (1, 'target', '{target}', ROW('target'), 'same');
INSERT INTO contents VALUES ('target', 'same');
ALTER TABLE target RENAME TO renamed;
SET session_replication_role = replica;
UPDATE names SET v = 'changed';
RESET session_replication_role;
SELECT :problems FROM schemakit.audit_verify('names');
SELECT :problems FROM schemakit.audit_verify('contents');
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA audit_verify CASCADE;
DROP ROLE regress_verify_owner, regress_verify_other;
