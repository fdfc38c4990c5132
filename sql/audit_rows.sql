-- audit_rows(): tables by the name that they had, also if they are gone.
SET client_min_messages = warning;
CREATE ROLE regress_rows_owner;
CREATE ROLE regress_rows_later;
CREATE SCHEMA audit_rows;
GRANT ALL ON SCHEMA audit_rows TO PUBLIC;
SET search_path = audit_rows;
RESET client_min_messages;
\set VERBOSITY terse
SET ROLE regress_rows_owner;
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
SELECT schemakit.audit_enable('t');
INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3);
UPDATE t SET a = 'xx' WHERE id = 1;
UPDATE t SET id = 20, b = 22 WHERE id = 2;
UPDATE t SET a = 'later' WHERE id = 20;
DELETE FROM t WHERE id = 3;
INSERT INTO t VALUES (3, 'again', NULL);
SELECT clock_timestamp() AS first \gset
ALTER TABLE t RENAME b TO c;
ALTER TABLE t ADD d int DEFAULT 7;
UPDATE t SET c = 5 WHERE id = 1;
UPDATE t SET id = id + 1;
SELECT clock_timestamp() AS second \gset
ALTER TABLE t DROP a;
BEGIN;
DELETE FROM t WHERE id = 2;
SAVEPOINT s;
DELETE FROM t;
ROLLBACK TO s;
COMMIT;
SELECT clock_timestamp() AS third \gset
ALTER TABLE t RENAME TO u;
SELECT clock_timestamp() AS fourth \gset
-- as it is there
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'third') ORDER BY key;
SELECT key, row FROM schemakit.audit_rows('audit_rows.u', :'fourth') ORDER BY key;
\set VERBOSITY sqlstate
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'fourth') ORDER BY key;  -- fails
SELECT key, row FROM schemakit.audit_rows('audit_rows.u', :'third') ORDER BY key;  -- fails
\set VERBOSITY terse
-- and gone
CREATE TEMPORARY TABLE told AS SELECT 1 AS n, r.* FROM schemakit.audit_as_of_jsonb('u', :'third') AS r
UNION ALL SELECT 2, r.* FROM schemakit.audit_as_of_jsonb('u', :'fourth') AS r;
DROP TABLE u;
SELECT clock_timestamp() AS fifth \gset
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'first') ORDER BY key;
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'second') ORDER BY key;
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'third') ORDER BY key;
(SELECT 1, row FROM schemakit.audit_rows('audit_rows.t', :'third') UNION ALL SELECT 2, row FROM schemakit.audit_rows('audit_rows.u', :'fourth'))
EXCEPT ALL SELECT * FROM told;
\set VERBOSITY sqlstate
SELECT key, row FROM schemakit.audit_rows('audit_rows.u', :'fifth');  -- fails
\set VERBOSITY terse

-- another one that has the name later
SET ROLE regress_rows_later;
CREATE TABLE t (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('t', baseline => true);
INSERT INTO t VALUES (1, 'mine');
SELECT clock_timestamp() AS sixth \gset
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'sixth') ORDER BY key;
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'first') ORDER BY key;  -- fails
SET ROLE regress_rows_owner;
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'first') ORDER BY key;
SELECT key, row FROM schemakit.audit_rows('audit_rows.t', :'sixth') ORDER BY key;  -- fails

-- changes that were not recorded
CREATE TABLE g (id int PRIMARY KEY, v text, w text);
SELECT schemakit.audit_enable('g', baseline => true);
INSERT INTO g VALUES (1, 'deleted', ''), (2, 'former', '');
SELECT schemakit.audit_disable('g');
DELETE FROM g WHERE id = 1;
UPDATE g SET v = 'unseen' WHERE id = 2;
SELECT schemakit.audit_enable('g');
SELECT clock_timestamp() AS between \gset
DROP TABLE g;
SELECT key, row FROM schemakit.audit_rows('audit_rows.g', :'between') ORDER BY key;

-- rows without key, rows from before, and TRUNCATE
CREATE TABLE n (a text, b int);
INSERT INTO n VALUES ('unseen', 0), ('before', 0);
SELECT schemakit.audit_enable('n');
INSERT INTO n VALUES ('x', 1), ('x', 1), ('y', 2), (NULL, NULL);
DELETE FROM n WHERE ctid = (SELECT min(ctid) FROM n WHERE a = 'x');
UPDATE n SET b = 3 WHERE a = 'y';
UPDATE n SET b = 4 WHERE a = 'before';
SELECT clock_timestamp() AS seventh \gset
TRUNCATE n;
INSERT INTO n VALUES ('after', 1);
SELECT clock_timestamp() AS eighth \gset
CREATE TABLE k (id int PRIMARY KEY, v text, w text);
INSERT INTO k VALUES (1, 'unseen', ''), (2, 'before', ''), (3, 'gone', '');
SELECT schemakit.audit_enable('k', baseline => false, truncate_rows => false);
UPDATE k SET v = 'changed' WHERE id = 2;
DELETE FROM k WHERE id = 3;
SELECT clock_timestamp() AS ninth \gset
TRUNCATE k;
INSERT INTO k VALUES (4, 'new', 'w');
SELECT clock_timestamp() AS tenth \gset
CREATE TABLE b (id int PRIMARY KEY, v text);
INSERT INTO b VALUES (1, 'a'), (2, 'b');
SELECT schemakit.audit_enable('b', baseline => true, mask => '{"v": "null"}');
UPDATE b SET v = 'c' WHERE id = 2;
CREATE TABLE m (id int PRIMARY KEY, v text, w text, x text);
SELECT schemakit.audit_enable('m');
INSERT INTO m VALUES (1, 'secret', 'too', 'open');
SELECT schemakit.audit_enable('m', mask => '{"v": "hash"}', exclude => '{w}');
UPDATE m SET v = 'more secret', w = 'more', x = 'still';
SELECT clock_timestamp() AS eleventh \gset
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parted DEFAULT;
SELECT schemakit.audit_enable('parted', truncate_rows => false);
INSERT INTO parted VALUES (1);
TRUNCATE part;
SELECT clock_timestamp() AS twelfth \gset
CREATE TABLE keys (id int PRIMARY KEY);
SELECT schemakit.audit_enable('keys', capture => 'keys');
SELECT clock_timestamp() AS thirteenth \gset
DROP TABLE n, k, b, m, parted, keys;
SELECT key, row FROM schemakit.audit_rows('audit_rows.n', :'seventh') ORDER BY row;
SELECT key, row FROM schemakit.audit_rows('audit_rows.n', :'eighth') ORDER BY row;
SELECT key, row FROM schemakit.audit_rows('audit_rows.k', :'ninth') ORDER BY key;
SELECT key, row FROM schemakit.audit_rows('audit_rows.k', :'tenth') ORDER BY key;
SELECT key, row FROM schemakit.audit_rows('audit_rows.b', :'eleventh') ORDER BY key;
SELECT key, row FROM schemakit.audit_rows('audit_rows.m', :'eleventh') ORDER BY key;
\set VERBOSITY sqlstate
SELECT key, row FROM schemakit.audit_rows('audit_rows.parted', :'twelfth');  -- fails
SELECT key, row FROM schemakit.audit_rows('audit_rows.keys', :'thirteenth');  -- fails
\set VERBOSITY default
-- a table that had the name before has nothing to do with the rows of this one
CREATE TABLE twice (k text PRIMARY KEY, v text);
SELECT schemakit.audit_enable('twice');
INSERT INTO twice VALUES ('1', 'first'), ('2', 'first');
ALTER TABLE twice DISABLE TRIGGER ALL;
DROP TABLE twice;
CREATE TABLE twice (k int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('twice', baseline => true);
INSERT INTO twice VALUES (2, 'second'), (3, 'second');
SELECT clock_timestamp() AS fourteenth \gset
DROP TABLE twice;
SELECT key, row FROM schemakit.audit_rows('audit_rows.twice', :'fourteenth') ORDER BY key;
-- arguments
SELECT * FROM schemakit.audit_rows('t', now());  -- fails
SELECT * FROM schemakit.audit_rows('a.b.c', now());  -- fails
SELECT * FROM schemakit.audit_rows('', now());  -- fails
SELECT * FROM schemakit.audit_rows(NULL, now());  -- fails
SELECT * FROM schemakit.audit_rows('audit_rows.t', NULL);  -- fails
SELECT * FROM schemakit.audit_rows('audit_rows.t', '-infinity');  -- fails
SELECT * FROM schemakit.audit_rows('"audit_rows".t', 'infinity');  -- fails
RESET ROLE;
SELECT key, row FROM schemakit.audit_rows('"audit_rows".t', 'infinity');

SET client_min_messages = warning;
DROP SCHEMA audit_rows CASCADE;
DROP OWNED BY regress_rows_owner, regress_rows_later;
DROP ROLE regress_rows_owner, regress_rows_later;
