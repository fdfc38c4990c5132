-- Events that are too old are deleted so many at a time, the oldest transactions first.
SET client_min_messages = warning;
CREATE SCHEMA audit_expire;
SET search_path = audit_expire;
SET schemakit.audit_actor = 'ann';
CREATE TABLE short (id int PRIMARY KEY);
CREATE TABLE usual (id int PRIMARY KEY);
SELECT schemakit.audit_enable('short'), schemakit.audit_enable('usual'), schemakit.audit_retain('short', '30 days');
CREATE FUNCTION age(days int) RETURNS void LANGUAGE sql AS $$
    SET schemakit.audit_writable = on;
    UPDATE schemakit.audit_shape SET recorded_at = '2001-01-01' WHERE schema_name = 'audit_expire';
    UPDATE schemakit.audit_event SET at = now() - make_interval(days => days), changed_at = now() - make_interval(days => days)
    WHERE at > now() - interval '1 day' AND txn_id IN (SELECT txn_id FROM schemakit.audit_event JOIN schemakit.audit_shape USING (shape_id) WHERE schema_name = 'audit_expire');
    RESET schemakit.audit_writable; $$;
-- the oldest transaction has 10 events of the table, which carry who acts for others; others have 3, 1 and again 10
BEGIN; INSERT INTO short SELECT generate_series(1, 10); INSERT INTO usual SELECT generate_series(1, 3); COMMIT;
SELECT age(90);
BEGIN; INSERT INTO usual VALUES (4); INSERT INTO short SELECT generate_series(11, 13); COMMIT;
SELECT age(80);
INSERT INTO short VALUES (14);
SELECT age(70);
INSERT INTO short SELECT generate_series(21, 30);
SELECT age(60);
-- not too old
INSERT INTO short SELECT generate_series(31, 40);
SELECT age(10);
CREATE FUNCTION maintain(max_rows bigint) RETURNS TABLE (deleted bigint, more bool) LANGUAGE sql AS $$
    SELECT sum(substring(action FROM 'rows deleted: (\d+)')::bigint), bool_or(action = 'more rows to delete')
    FROM schemakit.audit_maintain('0', max_rows => max_rows) $$;
CREATE VIEW seen AS SELECT table_name, count(*), min((key ->> 'id')::int), max((key ->> 'id')::int), bool_and(actor = 'ann' AND role = current_user) AS who
    FROM schemakit.audit_log WHERE table_name ~ '^audit_expire' GROUP BY table_name ORDER BY table_name;
-- partitions for these months are made first, so that all calls that follow do the same
SELECT count(*) >= 0 AS ran FROM schemakit.audit_maintain('0', max_rows => 1);
SELECT * FROM seen;
-- a transaction goes as a whole, however many events it has
SELECT * FROM maintain(2);
SELECT * FROM seen;
SELECT * FROM maintain(2);
SELECT * FROM seen;
SELECT * FROM maintain(100);
SELECT * FROM seen;
SELECT * FROM maintain(100);
-- since when the table's log is complete is known from the beginning
\set VERBOSITY sqlstate
SELECT count(*) FROM schemakit.audit_as_of(NULL::short, now() - interval '65 days');  -- fails
\set VERBOSITY default
SELECT schemakit.audit_maintain(max_rows => 0);  -- fails
SELECT schemakit.audit_maintain(max_rows => NULL);  -- fails
SELECT count(*) >= 0 AS ran FROM schemakit.audit_maintain('0', max_rows => 9223372036854775807);
SELECT schemakit.audit_retain('short', NULL);
DROP SCHEMA audit_expire CASCADE;
