-- Named moments, versions of rows, and rows put back as they were.
CREATE SCHEMA audit_moments;
SET search_path = audit_moments;
SET timezone = 'UTC';
CREATE ROLE regress_moments_owner;
CREATE ROLE regress_moments_marker;
GRANT CREATE, USAGE ON SCHEMA audit_moments TO regress_moments_owner;

-- a mark is a moment for all tables, before what the calling transaction commits
CREATE TABLE a (id int PRIMARY KEY, v text);
CREATE TABLE b (LIKE a INCLUDING ALL);
SELECT schemakit.audit_enable(t) FROM unnest('{a,b}'::regclass[]) AS t;
INSERT INTO a VALUES (1, 'one');
INSERT INTO b VALUES (1, 'one');
BEGIN;
UPDATE a SET v = 'two';
SELECT schemakit.audit_mark('deployment 1.7') > now() AS marked;
UPDATE b SET v = 'two';
COMMIT;
SELECT * FROM schemakit.audit_as_of(NULL::a, schemakit.audit_at('deployment 1.7'))
UNION ALL SELECT * FROM schemakit.audit_as_of(NULL::b, schemakit.audit_at('deployment 1.7'));
SELECT schemakit.audit_mark('deployment 1.8') > schemakit.audit_at('deployment 1.7') AS later;
SELECT * FROM schemakit.audit_as_of(NULL::a, schemakit.audit_at('deployment 1.8'), '{"id": 1}');
SELECT name, at = schemakit.audit_at(name) AS same, role = current_user AS by_me FROM schemakit.audit_marks ORDER BY at;

-- a name is given once, unless it was rolled back
SELECT schemakit.audit_mark('deployment 1.7');  -- fails
BEGIN;
SELECT schemakit.audit_mark('deployment 1.9') IS NOT NULL AS marked;
ROLLBACK;
SELECT schemakit.audit_at('deployment 1.9');  -- fails
SELECT schemakit.audit_mark(NULL);  -- fails
SELECT schemakit.audit_mark('');  -- fails
SELECT schemakit.audit_mark(repeat('x', 1001));  -- fails
SELECT schemakit.audit_at(NULL);  -- fails
BEGIN READ ONLY;
SELECT schemakit.audit_mark('deployment 1.9');  -- fails
ROLLBACK;

-- marks are protected like the log
INSERT INTO schemakit.audit_marks VALUES ('x', now(), 'x');  -- fails
UPDATE schemakit.audit_marks SET at = now();  -- fails
DELETE FROM schemakit.audit_marks;  -- fails
TRUNCATE schemakit.audit_marks;  -- fails
ALTER TABLE schemakit.audit_marks DISABLE TRIGGER audit_protect;  -- fails
BEGIN;
SET LOCAL schemakit.audit_writable = on;
DELETE FROM schemakit.audit_marks WHERE name = 'deployment 1.8';
ROLLBACK;

-- every role may ask for a mark; to make one, or to see all, is a privilege
SET ROLE regress_moments_marker;
SELECT schemakit.audit_at('deployment 1.8') IS NOT NULL AS known;
SELECT schemakit.audit_mark('mine');  -- fails
SELECT count(*) FROM schemakit.audit_marks;  -- fails
RESET ROLE;
GRANT EXECUTE ON FUNCTION schemakit.audit_mark(text) TO regress_moments_marker;
SET ROLE regress_moments_marker;
SELECT schemakit.audit_mark('mine') IS NOT NULL AS marked;
RESET ROLE;
SELECT role FROM schemakit.audit_marks WHERE name = 'mine';
REVOKE EXECUTE ON FUNCTION schemakit.audit_mark(text) FROM regress_moments_marker;

DROP SCHEMA audit_moments CASCADE;
DROP ROLE regress_moments_owner, regress_moments_marker;
