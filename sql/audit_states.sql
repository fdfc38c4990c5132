-- events S: what commands meant for the recording of changes
CREATE SCHEMA audit_states;
SET search_path = audit_states;
CREATE ROLE regress_audit_ann;
GRANT ALL ON SCHEMA audit_states TO regress_audit_ann;
CREATE VIEW events AS SELECT actor, role, split_part(table_name, '.', 2) AS rel, op, key, old, new FROM schemakit.audit_log
    WHERE table_name LIKE 'audit\_states.%' ORDER BY changed_at, txn_id, command, n;
GRANT SELECT ON events TO regress_audit_ann;
SET ROLE regress_audit_ann;
CREATE TABLE t (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('t');
INSERT INTO t VALUES (1, '1');
BEGIN;
SELECT schemakit.audit_set_actor('ann');
ALTER TABLE t DISABLE TRIGGER USER;
INSERT INTO t VALUES (2, '2');
ALTER TABLE t ENABLE TRIGGER USER;
INSERT INTO t VALUES (3, '3');
COMMIT;
SELECT schemakit.audit_disable('t');
SELECT schemakit.audit_disable('t');
SELECT schemakit.audit_enable('t');
SELECT schemakit.audit_enable('t', capture => 'full');
ALTER TABLE t ALTER v TYPE int USING v::int * 2;
-- these change nothing about recording
ALTER TABLE t ADD COLUMN c int;
ALTER TABLE t RENAME COLUMN c TO d;
ALTER TABLE t DROP COLUMN d;
ALTER TABLE t ALTER id TYPE bigint;
DROP TRIGGER zz_schemakit_audit ON t;
SELECT schemakit.audit_enable('t');
-- what is rolled back is no event
BEGIN;
ALTER TABLE t DISABLE TRIGGER ALL;
ROLLBACK;
BEGIN;
SAVEPOINT s;
ALTER TABLE t DISABLE TRIGGER USER;
ROLLBACK TO s;
INSERT INTO t VALUES (4, 4);
COMMIT;
RESET ROLE;
SELECT * FROM events;
-- in the history of a row, from its first event on
SELECT op, key, new FROM schemakit.audit_history('t', '{"id": 3}');
-- and among the changes
SELECT op, count(*) FROM schemakit.audit_changes(NULL, 't') GROUP BY op ORDER BY op;
-- the past does not stumble over them
CREATE TABLE moments AS SELECT clock_timestamp() AS at;
UPDATE t SET v = v + 1 WHERE id = 1;
SELECT * FROM schemakit.audit_as_of(NULL::t, (SELECT at FROM moments)) ORDER BY id;
-- a table without key
CREATE TABLE loose (v int);
SELECT schemakit.audit_enable('loose');
INSERT INTO loose VALUES (1);
UPDATE moments SET at = clock_timestamp();
ALTER TABLE loose ALTER v TYPE bigint USING v;
INSERT INTO loose VALUES (2);
SELECT * FROM schemakit.audit_as_of_jsonb('loose', (SELECT at FROM moments));
-- by a function with its owner's rights: the role is the one that the client is
CREATE FUNCTION stop() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit_states AS
    'BEGIN ALTER TABLE loose DISABLE TRIGGER zz_schemakit_audit; END';
SET ROLE regress_audit_ann;
SELECT stop();
RESET ROLE;
SELECT role, op, new FROM events WHERE rel = 'loose' AND new ->> 'recorded' = 'false';
-- found by the next change: event triggers were off
ALTER EVENT TRIGGER schemakit_ddl_command_end DISABLE;
ALTER TABLE loose ENABLE TRIGGER zz_schemakit_audit;
ALTER EVENT TRIGGER schemakit_ddl_command_end ENABLE ALWAYS;
INSERT INTO loose VALUES (3);
SELECT op, new FROM events WHERE rel = 'loose' OFFSET 4;
-- partitions
CREATE TABLE p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE p1 (id int NOT NULL, k int NOT NULL);
INSERT INTO p1 VALUES (1, 1);
SELECT schemakit.audit_enable('p'), schemakit.audit_enable('p1', key => '{id}');
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1);
UPDATE p SET id = 2;
ALTER TABLE p DETACH PARTITION p1;
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1);
DROP TABLE p1;
SELECT rel, op, new FROM events WHERE rel LIKE 'p%';
DROP TABLE t, loose;
SELECT rel, op, new FROM events WHERE rel IN ('t', 'loose') AND new ->> 'command' LIKE 'DROP TABLE';
-- who acts is known of each
SELECT count(*) FROM schemakit.audit_log WHERE op = 'S' AND (role IS NULL OR pid IS NULL);
DROP SCHEMA audit_states CASCADE;
DROP OWNED BY regress_audit_ann;
DROP ROLE regress_audit_ann;
