-- For how long events are kept: by table, and held.
SET client_min_messages = warning;
CREATE SCHEMA audit_retain;
CREATE SCHEMA audit_archive;
SET search_path = audit_retain;
RESET client_min_messages;
SET schemakit.audit_actor = 'somebody';
CREATE TABLE short (id int PRIMARY KEY, v text);
CREATE TABLE usual (id int PRIMARY KEY, v text);
CREATE TABLE long (id int PRIMARY KEY, v text);
CREATE TABLE held (id int PRIMARY KEY, v text);
CREATE TABLE whole (id int PRIMARY KEY, v text);
SELECT t, schemakit.audit_enable(t::regclass) FROM unnest('{short,usual,long,held,whole}'::text[]) AS t;
SELECT schemakit.audit_retain('short', '30 days');
SELECT schemakit.audit_retain('long', '10 years');
SELECT schemakit.audit_hold('held', '{"id": 2}', 'case 17');
SELECT schemakit.audit_hold('whole', NULL, 'case 18');
SELECT table_name, retain, set_by = current_user AS me FROM schemakit.audit_retained ORDER BY table_name;
SELECT table_name, key, reason, held_by = current_user AS me FROM schemakit.audit_holds ORDER BY reason;
-- transactions of several tables: each kind of event carries who acts for others, once
BEGIN;
INSERT INTO short VALUES (1, 'carrier');
INSERT INTO usual VALUES (1, 'carried');
INSERT INTO short VALUES (2, 'between');
INSERT INTO long VALUES (1, 'carried');
COMMIT;
BEGIN;
INSERT INTO usual VALUES (2, 'carrier');
INSERT INTO short VALUES (3, 'carried');
COMMIT;
INSERT INTO short VALUES (4, 'alone');
INSERT INTO held VALUES (1, 'x'), (2, 'held'), (3, 'y');
UPDATE held SET id = 20 WHERE id = 2;
UPDATE held SET v = 'still held' WHERE id = 20;
UPDATE held SET v = 'not held';
INSERT INTO whole VALUES (1, 'z');

-- what is in the log, of which age
CREATE VIEW seen AS SELECT split_part(table_name, '.', 2) AS tab, op, key ->> 'id' AS id, actor, role = current_user AS me
    FROM schemakit.audit_log WHERE table_name ~ '^audit_retain' ORDER BY txn_id, command, n;
CREATE FUNCTION age(days int) RETURNS void LANGUAGE sql AS $$
    SET schemakit.audit_writable = on;
    UPDATE schemakit.audit_shape SET recorded_at = '2001-01-01' WHERE schema_name = 'audit_retain';
    UPDATE schemakit.audit_event SET at = now() - make_interval(days => days), changed_at = now() - make_interval(days => days)
    WHERE txn_id IN (SELECT txn_id FROM schemakit.audit_event JOIN schemakit.audit_shape USING (shape_id) WHERE schema_name = 'audit_retain');
    RESET schemakit.audit_writable; $$;
CREATE FUNCTION maintain(retain interval = NULL, archive text = NULL) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT replace(regexp_replace(partition, '_p\d+_\d\d', '_month') || ' ' || action, 'audit_event_', '') FROM schemakit.audit_maintain('0', retain, archive => archive) ORDER BY 1 $$;
SELECT age(20);
-- in the first days of a month that is another one, which is made, and indexed next time
SELECT count(*) >= 0 AS ran FROM maintain();
SELECT count(*) >= 0 AS ran FROM maintain();
SELECT maintain();
SELECT * FROM seen;
SELECT age(60);
SELECT count(*) >= 0 AS ran FROM maintain();
SELECT maintain();
SELECT * FROM seen;
SELECT maintain();
-- nobody takes what is left of an event for one
SELECT count(*) FROM schemakit.audit_history('short', '{"id": 1}');
SELECT op, actor FROM schemakit.audit_history('usual', '{"id": 1}');
SELECT id FROM schemakit.audit_as_of(NULL::usual, now() - interval '90 days');
SELECT id FROM schemakit.audit_as_of(NULL::short, now() - interval '20 days') ORDER BY id;
DO $$BEGIN PERFORM schemakit.audit_as_of(NULL::short, now() - interval '90 days'); EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE NOTICE '%', split_part(SQLERRM, ' at ', 1); END$$;
-- two years later
SELECT age(730);
SELECT count(*) >= 0 AS ran FROM maintain();
SELECT maintain('1 year');
SELECT * FROM seen;
SELECT maintain('1 year');
SELECT op, actor FROM schemakit.audit_history('long', '{"id": 1}');
SELECT op, new FROM schemakit.audit_history('held', '{"id": 20}');
SELECT count(*) FROM schemakit.audit_history('usual', '{"id": 1}');
-- released
SELECT schemakit.audit_release('held', '{"id": 2}', 'another case');
SELECT schemakit.audit_hold('held', '{"id": 2}', 'case 19');
SELECT schemakit.audit_release('held', '{"id": 2}', 'case 17');
SELECT maintain('1 year');
SELECT schemakit.audit_release('held', '{"id": 2}');
SELECT schemakit.audit_release('whole', NULL);
SELECT schemakit.audit_retain('long', NULL);
SELECT count(*) FROM schemakit.audit_holds;
SELECT maintain('1 year');
SELECT * FROM seen;

-- archived
SELECT schemakit.audit_retain('long', '10 years');
INSERT INTO usual VALUES (5, 'old');
INSERT INTO long VALUES (5, 'old');
SELECT age(800);
SELECT count(*) >= 0 AS ran FROM maintain();
SELECT maintain('1 year', 'audit_archive');
SELECT schemakit.audit_retain('long', NULL);
SELECT * FROM schemakit.audit_maintain(retain => '1 year', archive => 'no_such_schema');  -- fails
SELECT * FROM schemakit.audit_maintain(retain => '1 year', archive => 'schemakit');  -- fails
SELECT maintain('1 year', 'audit_archive');
SELECT * FROM seen;
SELECT regexp_replace(relname, '\d+_\d\d', 'month') AS archived, relowner = (SELECT extowner FROM pg_extension WHERE extname = 'schemakit') AS ours,
    (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers, (SELECT count(*) FROM pg_depend WHERE objid = c.oid AND deptype = 'e') AS member,
    (SELECT count(*) FROM aclexplode(relacl) WHERE grantee <> relowner) AS open
    FROM pg_class AS c WHERE relnamespace = 'audit_archive'::regnamespace AND relkind = 'r';
SELECT relname AS archived FROM pg_class WHERE relnamespace = 'audit_archive'::regnamespace AND relkind = 'r' \gset
SELECT op, new FROM audit_archive.:archived WHERE op <> 'C' ORDER BY txn_id;
-- a name that is in use
INSERT INTO usual VALUES (6, 'old');
SELECT age(800);
SELECT maintain('1 year', 'audit_archive');  -- a month first
SELECT maintain('1 year', 'audit_archive');  -- the name is taken
DROP TABLE audit_archive.:archived;
SELECT maintain('1 year', 'audit_archive');
SELECT op FROM schemakit.audit_history('usual', '{"id": 6}');
-- and brought back
SELECT relname AS archived, translate(substr(relname, 14), '_', '-') || '-01' AS month FROM pg_class WHERE relnamespace = 'audit_archive'::regnamespace AND relkind = 'r' \gset
SET schemakit.audit_writable = on;
ALTER TABLE audit_archive.:archived SET SCHEMA schemakit;
SELECT format('ALTER TABLE schemakit.audit_event ATTACH PARTITION schemakit.%I FOR VALUES FROM (%L) TO (%L)', :'archived', :'month' || ' 00:00+00', (:'month'::date + interval '1 month')::date || ' 00:00+00') AS attach \gset
:attach;
ALTER EXTENSION schemakit ADD TABLE schemakit.:archived;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.:archived FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
ALTER TABLE schemakit.:archived ENABLE ALWAYS TRIGGER audit_protect_statement;
DELETE FROM schemakit.audit_retention WHERE complete_since > :'month' AND rel_id IS NULL;
RESET schemakit.audit_writable;
SELECT op FROM schemakit.audit_history('usual', '{"id": 6}');
SELECT state, replace(detail, :'archived', 'audit_event_pX') AS detail FROM schemakit.status() WHERE relid::text ~ 'audit_event';
DELETE FROM schemakit.:archived;  -- fails
SELECT maintain('1 year');

-- a row goes to another partition, and triggers do something between
CREATE TABLE moving (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE moving_a PARTITION OF moving FOR VALUES IN ('a');
CREATE TABLE moving_b PARTITION OF moving FOR VALUES IN ('b');
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO short SELECT 100 + count(*), 'moved' FROM short; RETURN NULL; END$$;
CREATE TRIGGER zz_note AFTER DELETE ON moving FOR EACH ROW EXECUTE FUNCTION note();
SELECT schemakit.audit_enable('moving');
INSERT INTO moving SELECT i, 'a' FROM generate_series(1, 4) AS i;
UPDATE moving SET region = 'b';
UPDATE moving SET region = 'a' WHERE id = 2;
SELECT schemakit.audit_retain('moving', '0 seconds', force => true);
SELECT schemakit.audit_hold('moving', '{"id": 2, "region": "b"}', 'case 20');
SELECT schemakit.audit_hold('moving', '{"id": 3, "region": "a"}', 'case 21');
SELECT schemakit.audit_hold('moving', '{"id": 4, "region": "b"}', 'case 22');
SELECT count(*) >= 0 AS ran FROM maintain();
SELECT op, key FROM schemakit.audit_log WHERE table_name = 'audit_retain.moving' ORDER BY key ->> 'id', changed_at, n;

-- the key gets another type, or other columns
CREATE TABLE retyped (id int PRIMARY KEY, v text);
CREATE TABLE rekeyed (id int PRIMARY KEY, r int NOT NULL DEFAULT 1);
CREATE TABLE renamed (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable(t), schemakit.audit_hold(t, '{"id": 1}', 'case 23'), schemakit.audit_retain(t, '0 seconds', force => true) FROM unnest('{retyped,rekeyed,renamed}'::regclass[]) AS t;
INSERT INTO retyped VALUES (1, 'a'), (2, 'b');
INSERT INTO rekeyed VALUES (1), (2);
INSERT INTO renamed VALUES (1, 'a'), (2, 'b');
ALTER TABLE retyped ALTER id TYPE text;
ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, ADD PRIMARY KEY (id, r);
ALTER TABLE renamed RENAME id TO number;
UPDATE retyped SET v = 'later';
UPDATE rekeyed SET r = 2;
UPDATE renamed SET v = 'later';
SELECT count(*) >= 0 AS ran FROM maintain();
SELECT table_name, op, key FROM schemakit.audit_log WHERE table_name ~ '^audit_retain\.re(typed|keyed|named)$' ORDER BY table_name, changed_at, n;
SELECT schemakit.audit_retain(t, NULL) FROM unnest('{retyped,rekeyed,renamed}'::regclass[]) AS t;
SET schemakit.audit_writable = on;
DELETE FROM schemakit.audit_holds;
DELETE FROM schemakit.audit_event WHERE shape_id IN (SELECT shape_id FROM schemakit.audit_shape WHERE table_name ~ '^re(typed|keyed|named)$');
RESET schemakit.audit_writable;

-- other names that are in use in the archive; and schemas of others
SELECT schemakit.audit_retain('short', NULL), schemakit.audit_retain('moving', NULL);
INSERT INTO usual VALUES (7, 'old');
SELECT age(830);
SELECT count(*) >= 0 AS ran FROM maintain();
SELECT relid::regclass::text AS month FROM pg_partition_tree('schemakit.audit_event') WHERE relid::regclass::text ~ to_char(now() AT TIME ZONE 'UTC' - interval '830 days', '"_p"YYYY_MM') \gset
SELECT split_part(:'month', '.', 2) || '_time_idx' AS taken, '_' || split_part(:'month', '.', 2) AS type \gset
CREATE TABLE audit_archive.:taken ();
SELECT maintain('1 year', 'audit_archive');
DROP TABLE audit_archive.:taken;
CREATE DOMAIN audit_archive.:type AS int;
SELECT maintain('1 year', 'audit_archive');
DROP DOMAIN audit_archive.:type;
CREATE ROLE regress_retain_owner;
ALTER SCHEMA audit_archive OWNER TO regress_retain_owner;
SELECT maintain('1 year', 'audit_archive');  -- fails
ALTER SCHEMA audit_archive OWNER TO CURRENT_USER;
SELECT maintain('1 year', 'audit_archive');

-- arguments
SELECT schemakit.audit_retain('short', '1 hour');  -- fails
SELECT schemakit.audit_retain('short', '1 hour', force => true);
SELECT schemakit.audit_retain('short', '-1 days', force => true);  -- fails
SELECT schemakit.audit_retain(NULL, '1 day');  -- fails
SELECT schemakit.audit_hold('short', '{"id": 1}', NULL);  -- fails
SELECT schemakit.audit_hold('short', '{"v": 1}', 'x');  -- fails
SELECT schemakit.audit_hold('pg_class', NULL, 'x');  -- fails
INSERT INTO schemakit.audit_holds SELECT;  -- fails
DELETE FROM schemakit.audit_retained;  -- fails
ALTER TABLE short OWNER TO regress_retain_owner;
GRANT USAGE ON SCHEMA audit_retain TO regress_retain_owner;
SET ROLE regress_retain_owner;
SELECT schemakit.audit_retain('short', '1 day');  -- fails
SELECT schemakit.audit_hold('short', NULL, 'x');  -- fails
SELECT schemakit.audit_release('short', NULL);  -- fails
RESET ROLE;

-- for other tests
SET schemakit.audit_writable = on;
DELETE FROM schemakit.audit_retention;
DELETE FROM schemakit.audit_retained;
RESET schemakit.audit_writable;
SET client_min_messages = warning;
DROP SCHEMA audit_retain, audit_archive CASCADE;
DROP ROLE regress_retain_owner;
