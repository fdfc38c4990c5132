-- From where changes come: the replication origin of the session is in the log.
SET client_min_messages = warning;
CREATE TABLE o_acc (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('o_acc', replica => true);
SELECT pg_replication_origin_create('o_north'), pg_replication_origin_create('o_south') \gset
INSERT INTO o_acc VALUES (1, 1);
SELECT pg_replication_origin_session_setup('o_north');
-- in replica mode, as who brings changes of others does it
SET session_replication_role = replica;
UPDATE o_acc SET v = 2;
BEGIN;
SELECT pg_replication_origin_xact_setup('0/10', '2020-02-03 04:05:06+00');
UPDATE o_acc SET v = 3;
UPDATE o_acc SET v = 4;
COMMIT;
RESET session_replication_role;
-- the origin changes in the transaction: so who acts is carried again
BEGIN;
UPDATE o_acc SET v = 5;
UPDATE o_acc SET v = 6;
SELECT pg_replication_origin_session_reset();
UPDATE o_acc SET v = 7;
UPDATE o_acc SET v = 8;
SAVEPOINT a;
SELECT pg_replication_origin_session_setup('o_south');
UPDATE o_acc SET v = 9;
-- the origin is the session's, and no ROLLBACK takes it back
ROLLBACK TO a;
UPDATE o_acc SET v = 10;
COMMIT;
SELECT pg_replication_origin_session_reset();
UPDATE o_acc SET v = 11;
SELECT new ->> 'v' AS v, origin FROM schemakit.audit_log WHERE table_name = 'public.o_acc' ORDER BY changed_at, n;
-- how many events have it, how many of these commit, and when the origin committed
SELECT origin, count(*), count(*) FILTER (WHERE op = 'C') AS commits, min(origin_at) AT TIME ZONE 'UTC' AS origin_at, count(origin_at)
FROM schemakit.audit_event WHERE origin IS NOT NULL OR origin_at IS NOT NULL GROUP BY origin ORDER BY origin;
-- the time is that of the transaction for which it was said, not what another one has left
SELECT pg_replication_origin_session_setup('o_south');
BEGIN; UPDATE o_acc SET v = 12; UPDATE o_acc SET v = 13; COMMIT;
BEGIN; SELECT pg_replication_origin_xact_setup('0/20', '2021-02-03 04:05:06+00'); UPDATE o_acc SET v = 14; UPDATE o_acc SET v = 15; COMMIT;
BEGIN; UPDATE o_acc SET v = 16; UPDATE o_acc SET v = 17; COMMIT;
BEGIN; SELECT pg_replication_origin_xact_setup('0/30', '2022-02-03 04:05:06+00'); UPDATE o_acc SET v = 18; ROLLBACK;
BEGIN; UPDATE o_acc SET v = 18; UPDATE o_acc SET v = 19; COMMIT;
BEGIN; SELECT pg_replication_origin_xact_setup('0/40', '2022-02-03 04:05:06+00'); UPDATE o_acc SET v = 20; UPDATE o_acc SET v = 21; COMMIT;
SELECT pg_replication_origin_session_reset();
SELECT min(e.new ->> 'v') AS v, c.origin_at AT TIME ZONE 'UTC' AS origin_at FROM schemakit.audit_event AS c JOIN schemakit.audit_log AS e USING (txn_id)
WHERE c.op = 'C' AND e.table_name = 'public.o_acc' AND e.new ->> 'v' IN ('12', '14', '16', '18', '20') GROUP BY c.txn_id, c.origin_at ORDER BY 1;
-- events of several rows are put into the log together, and tell the same
SELECT pg_replication_origin_session_setup('o_south');
INSERT INTO o_acc SELECT i, i FROM generate_series(100, 1000) AS i;
SELECT pg_replication_origin_session_reset();
SELECT origin, count(*) FROM schemakit.audit_log WHERE table_name = 'public.o_acc' AND op = 'I' GROUP BY origin ORDER BY origin;
-- it is told by whatever returns rows of the log; what was done here alone can be asked for
SELECT count(*) FILTER (WHERE origin IS NULL) AS here, count(*) FILTER (WHERE origin = 'o_north') AS north FROM schemakit.audit_history('o_acc', '{"id": 1}');
SELECT count(*) FILTER (WHERE origin IS NULL) AS here, count(*) FILTER (WHERE origin = 'o_north') AS north FROM schemakit.audit_changes(rel => 'o_acc');
SELECT new ->> 'v' AS v, origin FROM schemakit.audit_search(tables => '{o_acc}', value => '{"v": 5}');
-- an origin that is dropped meanwhile: its name stays in the log, and its number is told by who still has it
SELECT pg_replication_origin_drop('o_north');
SELECT count(*) FROM schemakit.audit_log WHERE origin = 'o_north';
SELECT pg_replication_origin_drop('o_south');
DROP TABLE o_acc;
