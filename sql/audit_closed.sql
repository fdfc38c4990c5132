-- What has happened to the log's tables is told by status(), and audit_maintain() mends what it can.
SET client_min_messages = warning;
CREATE TABLE c_acc (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('c_acc');
INSERT INTO c_acc VALUES (1, 1);
BEGIN;
SET LOCAL schemakit.audit_writable = on;
UPDATE schemakit.audit_event SET at = '2023-04-05', changed_at = '2023-04-05'
WHERE shape_id IN (SELECT shape_id FROM schemakit.audit_shape WHERE table_name = 'c_acc');
SELECT * FROM schemakit.audit_maintain() WHERE partition ~ '2023';
-- the month has just been moved there: it has no indexes for searches
SELECT relid, feature, state, detail FROM schemakit.status() WHERE state = 'log not indexed';
SELECT * FROM schemakit.audit_maintain() WHERE partition ~ '2023';
SELECT relid, state, detail FROM schemakit.status() WHERE state = 'log not indexed';
-- one is missing, also one that the month had when it was made, and two are not valid
DROP INDEX schemakit.audit_event_p2023_04_value_idx, schemakit.audit_event_p2023_04_key_hash_idx;
UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('schemakit.audit_event_p2023_04_actor_idx'::regclass, 'schemakit.audit_event_p2023_04_carrier_idx'::regclass);
SELECT relid, state, detail FROM schemakit.status() WHERE state = 'log not indexed';
SELECT * FROM schemakit.audit_maintain() WHERE partition ~ '2023';
SELECT relid, state, detail FROM schemakit.status() WHERE state = 'log not indexed';
SELECT count(*), bool_and(indisvalid) FROM pg_index WHERE indrelid = 'schemakit.audit_event_p2023_04'::regclass;
SELECT count(*) FROM schemakit.audit_history('c_acc', '{"id": 1}');
-- what is too old to be kept is not indexed before it is dropped
DROP INDEX schemakit.audit_event_p2023_04_value_idx;
SELECT * FROM schemakit.audit_maintain(retain => '1 year') WHERE partition ~ '2023';
ROLLBACK;
-- the month that is written to: those that it had when it was made
BEGIN;
SET LOCAL schemakit.audit_writable = on;
SELECT count(*) >= 0 AS maintained FROM schemakit.audit_maintain();
SELECT 'schemakit.' || to_char(now() AT TIME ZONE 'UTC', '"audit_event_p"YYYY"_"MM') AS month, to_char(now() AT TIME ZONE 'UTC', '"schemakit.audit_event_p"YYYY"_"MM"_key_hash_idx"') AS key_index,
    to_char(now() AT TIME ZONE 'UTC', '"schemakit.audit_event_p"YYYY"_"MM"_time_idx"') AS time_index \gset
DROP INDEX :key_index;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = :'time_index'::regclass;
SELECT relid = :'month'::regclass AS this_month, state, regexp_replace(detail, '\d{4}_\d{2}', '#', 'g') AS detail FROM schemakit.status() WHERE state = 'log not indexed';
ROLLBACK;
SELECT relid, state, detail FROM schemakit.status() WHERE state = 'log not indexed';
-- triggers and rules of others that could change events, or leave them out, or keep them from being removed
CREATE FUNCTION c_other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
BEGIN;
CREATE TRIGGER c_before BEFORE INSERT ON schemakit.audit_event_default FOR EACH ROW EXECUTE FUNCTION c_other();
CREATE TRIGGER c_after AFTER INSERT ON schemakit.audit_shape FOR EACH ROW EXECUTE FUNCTION c_other();
CREATE RULE c_also AS ON INSERT TO schemakit.audit_marks DO ALSO SELECT 1;
SELECT relid, state, detail FROM schemakit.status() WHERE state ~ 'log';
ALTER TABLE schemakit.audit_event_default DISABLE TRIGGER c_before;
SET LOCAL schemakit.audit_writable = on;
CREATE RULE c_instead AS ON DELETE TO schemakit.audit_event DO INSTEAD NOTHING;
SELECT relid, state, detail FROM schemakit.status() WHERE state ~ 'log';
ROLLBACK;
DROP TABLE c_acc;
DROP FUNCTION c_other();
