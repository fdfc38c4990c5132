-- Events of a statement go into the log several at once: nobody can tell
CREATE SCHEMA audit_buffer;
SET search_path = audit_buffer;
CREATE TABLE many (id int PRIMARY KEY, v text);
CREATE TABLE other (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('many'), schemakit.audit_enable('other');

-- what a trigger does after each row's event
CREATE TABLE trouble (how text, every int);
CREATE TABLE seen (id int, events bigint);
CREATE FUNCTION events(name text) RETURNS bigint LANGUAGE sql AS
$$SELECT count(*) FROM schemakit.audit_log WHERE table_name = name AND xid = pg_current_xact_id()$$;
CREATE FUNCTION after_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    t trouble;
BEGIN
    SELECT * INTO t FROM trouble;
    IF t.every IS NULL OR NEW.id % t.every <> 0 THEN
        RETURN NULL;
    END IF;
    IF t.how = 'read' THEN
        INSERT INTO seen SELECT NEW.id, events('audit_buffer.many');
    ELSIF t.how = 'read in a subtransaction' THEN
        BEGIN
            INSERT INTO seen SELECT NEW.id, events('audit_buffer.many');
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
    ELSIF t.how = 'undo' THEN
        -- the events are read, so they are written in what is rolled back
        BEGIN
            INSERT INTO other SELECT i, events('audit_buffer.many')::text FROM generate_series(1, 20) AS i;
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
    ELSIF t.how = 'deep' THEN
        BEGIN
            BEGIN
                INSERT INTO other SELECT NEW.id * 100 + i, events('audit_buffer.many')::text FROM generate_series(1, 20) AS i;
                BEGIN
                    PERFORM events('audit_buffer.many');
                    RAISE division_by_zero;
                EXCEPTION WHEN division_by_zero THEN
                    INSERT INTO other SELECT NEW.id * 100 + 50 + i FROM generate_series(1, 20) AS i;
                END;
                IF NEW.id % 2 = 0 THEN
                    RAISE division_by_zero;
                END IF;
            EXCEPTION WHEN unique_violation THEN NULL;
            END;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
    END IF;
    RETURN NULL;
END$$;
CREATE TRIGGER zzz_after_event AFTER INSERT OR UPDATE ON many FOR EACH ROW EXECUTE FUNCTION after_event();

-- Each row has its event, each event its number, and no event is there of what was undone.
CREATE VIEW wrong AS
SELECT 'row without event' AS what, count(*) FROM many m WHERE NOT EXISTS (SELECT FROM schemakit.audit_log l WHERE l.table_name = 'audit_buffer.many' AND l.op IN ('I', 'U') AND l.key = jsonb_build_object('id', m.id) AND l.new ->> 'v' = m.v)
UNION ALL SELECT 'event without row', count(*) FROM schemakit.audit_log l WHERE l.table_name = 'audit_buffer.many' AND op = 'I' AND NOT EXISTS (SELECT FROM many m WHERE jsonb_build_object('id', m.id) = l.key)
UNION ALL SELECT 'other row without event', count(*) FROM other o WHERE NOT EXISTS (SELECT FROM schemakit.audit_log l WHERE l.table_name = 'audit_buffer.other' AND l.op = 'I' AND l.key = jsonb_build_object('id', o.id))
UNION ALL SELECT 'event without other row', count(*) FROM schemakit.audit_log l WHERE l.table_name = 'audit_buffer.other' AND op = 'I' AND NOT EXISTS (SELECT FROM other o WHERE jsonb_build_object('id', o.id) = l.key)
UNION ALL SELECT 'event twice', count(*) FROM (SELECT FROM schemakit.audit_log WHERE table_name LIKE 'audit\_buffer.%' GROUP BY txn_id, n HAVING count(*) > 1) AS t
UNION ALL SELECT 'row changed in another number of events', count(*) FROM (SELECT key FROM schemakit.audit_log WHERE table_name = 'audit_buffer.many' AND op = 'I' GROUP BY key HAVING count(*) > 1) AS t;

INSERT INTO many SELECT i, 'plain' FROM generate_series(1, 1000) AS i;
SELECT * FROM wrong;

INSERT INTO trouble VALUES ('read', 1);
INSERT INTO many SELECT i, 'read' FROM generate_series(1001, 1300) AS i;
-- each sees the events before it and its own
SELECT count(*), count(*) FILTER (WHERE events = id - 1000) AS right FROM seen;
TRUNCATE seen;
UPDATE trouble SET how = 'read in a subtransaction', every = 7;
UPDATE many SET v = how FROM trouble WHERE id > 1000;
SELECT count(*) > 30 AS many, count(*) FILTER (WHERE events % 7 = (SELECT min(events) FROM seen) % 7) = count(*) AS right FROM seen;
SELECT * FROM wrong;

UPDATE trouble SET how = 'undo', every = 50;
INSERT INTO many SELECT i, how FROM generate_series(2001, 2600) AS i, trouble;
SELECT count(*) FROM other;
SELECT * FROM wrong;
UPDATE trouble SET how = 'deep', every = 5;
INSERT INTO many SELECT i, how FROM generate_series(3001, 3600) AS i, trouble;
SELECT count(*) FROM other;
SELECT * FROM wrong;

-- A subtransaction that begins when there are events which the log does not have yet.
-- What reads the log in it sees them; they are there also if it is rolled back.
CREATE FUNCTION begins_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id % 50 <> 0 THEN
        RETURN NULL;
    END IF;
    BEGIN
        RAISE NOTICE '% sees % events', NEW.id, events('audit_buffer.many');
        INSERT INTO other SELECT NEW.id * 100 + i, events('audit_buffer.many')::text FROM generate_series(1, 20) AS i;
        BEGIN
            RAISE NOTICE '% sees % events', NEW.id, events('audit_buffer.many');
            IF NEW.id % 100 = 0 THEN
                RAISE division_by_zero;
            END IF;
        EXCEPTION WHEN unique_violation THEN NULL;
        END;
        IF NEW.id % 150 = 0 THEN
            RAISE division_by_zero;
        END IF;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
    RAISE NOTICE '% sees % events', NEW.id, events('audit_buffer.many');
    RETURN NULL;
END$$;
DROP TRIGGER zzz_after_event ON many;
CREATE TRIGGER zzz_begins_first AFTER INSERT ON many FOR EACH ROW EXECUTE FUNCTION begins_first();
INSERT INTO many SELECT i, 'first' FROM generate_series(10001, 10330) AS i;
SELECT * FROM wrong WHERE count <> 0;
BEGIN;
SAVEPOINT a;
INSERT INTO many SELECT i, 'first' FROM generate_series(11001, 11120) AS i;
ROLLBACK TO a;
INSERT INTO many SELECT i, 'first' FROM generate_series(12001, 12120) AS i;
COMMIT;
SELECT * FROM wrong WHERE count <> 0;
DROP TRIGGER zzz_begins_first ON many;
CREATE TRIGGER zzz_after_event AFTER INSERT OR UPDATE ON many FOR EACH ROW EXECUTE FUNCTION after_event();

-- in a subtransaction that is kept, and in one that is not
BEGIN;
SAVEPOINT a;
INSERT INTO many SELECT i, how FROM generate_series(4001, 4300) AS i, trouble;
SAVEPOINT b;
INSERT INTO many SELECT i, how FROM generate_series(4301, 4600) AS i, trouble;
ROLLBACK TO b;
INSERT INTO many SELECT i, how FROM generate_series(4601, 4700) AS i, trouble;
RELEASE a;
SELECT events('audit_buffer.many');
COMMIT;
SELECT * FROM wrong;

-- an error in the middle
INSERT INTO many SELECT i, CASE WHEN i = 5300 THEN repeat('x', 10) ELSE 'y' END FROM generate_series(5000, 5300) AS i
UNION ALL SELECT 1, 'there already';
SELECT * FROM wrong WHERE count <> 0;

-- several tables at once; values that are stored elsewhere; more than fits
UPDATE trouble SET how = 'undo', every = 40;
WITH a AS (INSERT INTO many SELECT i, string_agg(md5(random()::text), '') FROM generate_series(6001, 6200) AS i, generate_series(1, 100) GROUP BY i RETURNING id),
     b AS (INSERT INTO other SELECT 1000000 + i, 'with' FROM generate_series(1, 200) AS i RETURNING id)
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b);
SELECT * FROM wrong;

-- COPY
COPY many FROM PROGRAM 'awk ''BEGIN { for (i = 7001; i <= 7500; i++) print i "\tcopied" }''';
SELECT * FROM wrong;

-- all of a transaction say who acts
SELECT count(*) FROM schemakit.audit_log WHERE table_name LIKE 'audit\_buffer.%' AND role IS NULL;
SELECT count(DISTINCT carrier), count(*) FROM schemakit.audit_event WHERE txn_id = (SELECT txn_id FROM schemakit.audit_log WHERE key = '{"id": 7001}');
-- and what a table was is the same as without
SELECT count(*) FROM schemakit.audit_as_of(NULL::many, (SELECT max(at) - interval '1 microsecond' FROM schemakit.audit_log WHERE new ->> 'v' = 'copied'));
SELECT count(*) FROM (SELECT * FROM schemakit.audit_as_of(NULL::many, now()) EXCEPT SELECT * FROM many) AS differs;

-- also if the event that did has been removed in the transaction
BEGIN;
UPDATE many SET v = 'before' WHERE id = 1;
SET LOCAL schemakit.audit_writable = on;
DELETE FROM schemakit.audit_event WHERE key = '{"id": 1}' AND new ->> 'v' = 'before';
UPDATE many SET v = 'after' WHERE id = 1;
COMMIT;
SELECT count(*), count(role) FROM schemakit.audit_log WHERE table_name = 'audit_buffer.many' AND new ->> 'v' = 'after';

-- the index has them all
SELECT count(*), count(*) FILTER (WHERE (SELECT count(*) FROM schemakit.audit_history('many', jsonb_build_object('id', m.id))) > 0) AS found FROM many m WHERE id % 10 = 0;

-- they go to the end of the partition, not one by one to where there is room for one
CREATE TABLE room (id int PRIMARY KEY, v int, s text);
SELECT schemakit.audit_enable('room');
INSERT INTO room SELECT i, 0, repeat('x', i % 100) FROM generate_series(1, 1000) AS i;
SELECT e.tableoid::regclass AS leaf FROM schemakit.audit_log AS l JOIN schemakit.audit_event AS e USING (txn_id, n) WHERE l.table_name = 'audit_buffer.room' LIMIT 1 \gset
VACUUM :leaf;
SELECT pg_relation_size(:'leaf') / current_setting('block_size')::int AS pages \gset
UPDATE room SET v = 1;
SELECT count(*), count(*) FILTER (WHERE (ctid::text::point)[0] < :pages - 1) AS elsewhere
FROM schemakit.audit_event WHERE new = '{"v": 1}' AND txn_id = (SELECT max(txn_id) FROM schemakit.audit_log WHERE table_name = 'audit_buffer.room') AND n > 100;

SET client_min_messages = warning;
DROP SCHEMA audit_buffer CASCADE;
