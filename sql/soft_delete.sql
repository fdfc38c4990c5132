--
-- Soft delete: what DELETE does to a view of live rows, and across foreign keys
--
SET client_min_messages = warning;
CREATE SCHEMA soft_delete;
SET search_path = soft_delete, public;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, seen int DEFAULT 0, upper_email text GENERATED ALWAYS AS (upper(email)) STORED, updated_at timestamptz DEFAULT '2001-01-01');
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE TABLE items (order_id int REFERENCES orders ON DELETE CASCADE, n int, PRIMARY KEY (order_id, n));
CREATE TABLE bills (id int PRIMARY KEY, order_id int, n int, FOREIGN KEY (order_id, n) REFERENCES items ON DELETE RESTRICT);
CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE SET NULL, order_id int DEFAULT 0 REFERENCES orders ON DELETE SET DEFAULT);
SELECT schemakit.soft_delete_enable('users');
SELECT schemakit.soft_delete_enable('orders'), schemakit.soft_delete_enable('items'), schemakit.soft_delete_enable('notes');
SELECT relid, state, detail FROM schemakit.status() WHERE feature = 'soft_delete' ORDER BY relid::text;
SELECT tgrelid::regclass AS rel, tgname, tgqual IS NOT NULL AS has_condition FROM pg_trigger
WHERE tgfoid::regproc::text LIKE 'schemakit.soft_delete%' AND tgrelid IN ('users'::regclass, 'users_live'::regclass) ORDER BY 2;

-- the view is one on which an application can do all that it does
INSERT INTO users_live (id, email) VALUES (1, 'ann'), (2, 'bob'), (3, 'eve') RETURNING id, email, upper_email, seen;
INSERT INTO users_live (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET seen = users_live.seen + 1 RETURNING id, seen;
UPDATE users_live SET seen = 5 WHERE id = 2 RETURNING id, seen;
INSERT INTO orders SELECT i, 1 + i % 3 FROM generate_series(1, 6) AS i;
INSERT INTO items SELECT i, n FROM generate_series(1, 6) AS i, generate_series(1, 2) AS n;
INSERT INTO notes VALUES (1, 1, 1), (2, 2, 2);
WITH d AS (DELETE FROM users_live WHERE email = 'bob' RETURNING *) SELECT id, email, deleted_at, (SELECT count(*) FROM d) FROM d;
DELETE FROM users_live WHERE email = 'bob' RETURNING id;
DELETE FROM users_live AS u USING orders AS o WHERE o.user_id = u.id AND u.id = 3 RETURNING u.id;
DO $$DECLARE n bigint; BEGIN DELETE FROM orders_live WHERE id IN (3, 6); GET DIAGNOSTICS n = ROW_COUNT; RAISE WARNING 'rows: %', n; END$$;
SELECT id, deleted_at IS NOT NULL AS deleted, updated_at > '2001-01-01' AS touched FROM users ORDER BY id;

-- the children go along, with the parent's stamp; what was deleted before keeps its own
SELECT o.id, o.user_id, o.deleted_at = u.deleted_at AS with_user FROM orders AS o JOIN users AS u ON u.id = o.user_id ORDER BY 1;
SELECT i.order_id, count(*), count(*) FILTER (WHERE i.deleted_at = o.deleted_at) AS with_order FROM items AS i JOIN orders AS o ON o.id = i.order_id GROUP BY 1 ORDER BY 1;
-- links that a real delete would change are kept
SELECT * FROM notes ORDER BY id;
-- what comes back is what went
UPDATE users SET deleted_at = NULL WHERE id = 2;
SELECT id FROM orders_live ORDER BY id;
SELECT order_id, n FROM items_live ORDER BY 1, 2;
UPDATE orders SET deleted_at = NULL WHERE id IN (3, 6);
UPDATE users SET deleted_at = NULL;
SELECT (SELECT count(*) FROM users_live) AS users, (SELECT count(*) FROM orders_live) AS orders, (SELECT count(*) FROM items_live) AS items;

-- another stamp for a batch
DELETE FROM users_live WHERE id = 1;
UPDATE users SET deleted_at = '2001-02-03' WHERE id = 1;
SELECT DISTINCT deleted_at FROM items WHERE deleted_at IS NOT NULL;
UPDATE users SET deleted_at = NULL WHERE id = 1;

-- refusals are those of a real delete, by what fields an application can see
INSERT INTO bills VALUES (1, 1, 2);
CREATE FUNCTION refusal(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE a text; b text; c text; d text; e text; f text;
BEGIN
    EXECUTE sql;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS a = RETURNED_SQLSTATE, b = MESSAGE_TEXT, c = PG_EXCEPTION_DETAIL, d = CONSTRAINT_NAME, e = TABLE_NAME, f = SCHEMA_NAME;
    RETURN concat_ws('|', a, b, c, d, e, f);
END$$;
SELECT refusal('DELETE FROM users_live WHERE id = 2') = refusal('DELETE FROM users WHERE id = 2') AS same_through_cascades,
    refusal('DELETE FROM items_live') = refusal('DELETE FROM items WHERE order_id = 1 AND n = 2') AS same,
    refusal('UPDATE items SET deleted_at = now()') = refusal('DELETE FROM items WHERE order_id = 1 AND n = 2') AS same_by_update,
    refusal('DELETE FROM items_live') LIKE '23___|update or delete on table "items"%Key (order_id, n)=(1, 2) is % from table "bills".|bills_order_id_n_fkey|bills|soft_delete' AS as_expected;
SELECT schemakit.soft_delete_enable('bills');
-- and the key is shown to those only who may read it
CREATE ROLE regress_soft_cleaner;
CREATE TABLE rooms (id int PRIMARY KEY, floor int);
CREATE TABLE beds (room_id int REFERENCES rooms);
SELECT schemakit.soft_delete_enable('rooms');
INSERT INTO rooms VALUES (7, 1);
INSERT INTO beds VALUES (7);
GRANT USAGE ON SCHEMA soft_delete TO regress_soft_cleaner;
GRANT UPDATE (deleted_at), SELECT (floor) ON rooms TO regress_soft_cleaner;
SET ROLE regress_soft_cleaner;
UPDATE rooms SET deleted_at = now();  -- fails
RESET ROLE;
GRANT SELECT (id) ON rooms TO regress_soft_cleaner;
SET ROLE regress_soft_cleaner;
UPDATE rooms SET deleted_at = now();  -- fails
RESET ROLE;
DELETE FROM bills_live;
DELETE FROM items_live RETURNING order_id, n;
-- a live row cannot refer to a deleted one, whichever comes first
UPDATE bills SET deleted_at = NULL;
INSERT INTO bills VALUES (2, 2, 1);
INSERT INTO bills VALUES (3, NULL, NULL), (4, 2, NULL);
UPDATE bills SET order_id = 2, n = 2 WHERE id = 3;
INSERT INTO bills VALUES (5, 2, 1, now());
INSERT INTO notes VALUES (3, 1, 1);
DELETE FROM users_live WHERE id = 1;
INSERT INTO orders VALUES (7, 1);
INSERT INTO notes VALUES (4, 1, NULL);  -- as it would be left by the deletion
UPDATE orders SET deleted_at = NULL WHERE user_id = 1;
UPDATE users SET deleted_at = NULL WHERE id = 1;

-- self references, circles, and rows that are deleted together
CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff ON DELETE CASCADE, deputy int REFERENCES staff);
SELECT schemakit.soft_delete_enable('staff');
INSERT INTO staff VALUES (1, NULL, NULL), (2, 1, NULL), (3, 2, NULL), (4, 4, NULL), (5, NULL, NULL), (6, 5, NULL), (7, NULL, 5);
UPDATE staff SET boss = 6 WHERE id = 5;
DELETE FROM staff_live WHERE id IN (1, 4, 6);
DELETE FROM staff_live WHERE id IN (1, 4);
DELETE FROM staff_live WHERE id IN (5, 7) RETURNING id;
SELECT id FROM staff_live ORDER BY id;
UPDATE staff SET deleted_at = NULL WHERE id IN (1, 4, 7);
UPDATE staff SET deleted_at = NULL WHERE id IN (1, 4, 6, 7);
SELECT id FROM staff_live ORDER BY id;

-- a circle that does not come back for another reason than a deleted parent
CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''boom''; END';
CREATE TABLE pairs (id int PRIMARY KEY, knot_id int);
CREATE TABLE knots (id int PRIMARY KEY, one int REFERENCES pairs ON DELETE CASCADE, two int REFERENCES pairs ON DELETE CASCADE);
ALTER TABLE pairs ADD FOREIGN KEY (knot_id) REFERENCES knots ON DELETE CASCADE;
SELECT schemakit.soft_delete_enable('pairs'), schemakit.soft_delete_enable('knots');
INSERT INTO pairs VALUES (1), (2);
INSERT INTO knots VALUES (1, 1, 2);
UPDATE pairs SET knot_id = 1 WHERE id = 2;
DELETE FROM pairs_live WHERE id = 1;
CREATE TRIGGER boom BEFORE UPDATE ON knots FOR EACH ROW WHEN (new.deleted_at IS NULL) EXECUTE FUNCTION boom();
\set VERBOSITY terse
UPDATE pairs SET deleted_at = NULL WHERE id = 1;  -- fails
\set VERBOSITY default
DROP TRIGGER boom ON knots;
UPDATE pairs SET deleted_at = NULL WHERE id = 1;
SELECT (SELECT count(*) FROM pairs_live) AS pairs, (SELECT count(*) FROM knots_live) AS knots;

-- rows that refer to each other, and to what is deleted or comes back besides
CREATE TABLE lands (id int PRIMARY KEY);
CREATE TABLE towns (id int PRIMARY KEY, land int REFERENCES lands ON DELETE CASCADE, inn int);
CREATE TABLE inns (id int PRIMARY KEY, town int REFERENCES towns ON DELETE CASCADE);
CREATE TABLE ways (id int PRIMARY KEY, town int REFERENCES towns ON DELETE CASCADE, next int REFERENCES ways ON DELETE CASCADE,
    land int REFERENCES lands ON DELETE CASCADE, inn int);
CREATE TABLE maps (id int PRIMARY KEY, inn int);
SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{lands,towns,inns,ways,maps}'::regclass[]) AS t;
INSERT INTO lands VALUES (1);
INSERT INTO towns VALUES (2, 1), (1, NULL);
INSERT INTO inns VALUES (1, 1);
INSERT INTO ways VALUES (1, 1, NULL), (2, NULL, 1), (3, 1, 2), (4, 1, 2);
UPDATE ways SET next = 3 WHERE id = 1;
CREATE VIEW live AS SELECT (SELECT string_agg(id::text, ' ' ORDER BY id) FROM lands_live) AS lands, (SELECT string_agg(id::text, ' ' ORDER BY id) FROM towns_live) AS towns,
    (SELECT string_agg(id::text, ' ' ORDER BY id) FROM inns_live) AS inns, (SELECT string_agg(id::text, ' ' ORDER BY id) FROM ways_live) AS ways;
-- the check of one row is not forgotten over the cycle of another
DELETE FROM towns_live;
DELETE FROM lands_live;
UPDATE towns SET deleted_at = NULL;  -- fails
SELECT * FROM live;
UPDATE lands SET deleted_at = NULL;
UPDATE towns SET deleted_at = NULL;
SELECT * FROM live;
-- a cycle refers to what comes back after it
ALTER TABLE ways DROP CONSTRAINT ways_town_fkey, ADD FOREIGN KEY (inn) REFERENCES inns;
ALTER TABLE inns DROP CONSTRAINT inns_town_fkey;
ALTER TABLE ways ADD FOREIGN KEY (town) REFERENCES towns ON DELETE CASCADE;
ALTER TABLE inns ADD FOREIGN KEY (town) REFERENCES towns ON DELETE CASCADE;
UPDATE ways SET inn = 1 WHERE id IN (2, 4);
DELETE FROM towns_live WHERE id = 1;
SELECT * FROM live;
UPDATE towns SET deleted_at = NULL;
SELECT * FROM live;
-- a cycle that another deletion would have taken is that one's
UPDATE ways SET land = 1 WHERE id = 3;
DELETE FROM towns_live WHERE id = 1;
DELETE FROM lands_live;
UPDATE towns SET deleted_at = NULL WHERE id = 1;
SELECT * FROM live;
UPDATE lands SET deleted_at = NULL;
SELECT * FROM live;
-- or it stays with the one that is not taken back
UPDATE ways SET town = 2 WHERE id = 3;
DELETE FROM towns_live;
UPDATE towns SET deleted_at = NULL WHERE id = 1;
SELECT * FROM live;
UPDATE towns SET deleted_at = NULL WHERE id = 2;
SELECT * FROM live;
-- and comes back with nothing that it may not refer to
DELETE FROM towns_live;
DELETE FROM inns_live;
UPDATE inns SET deleted_at = '2001-01-01';
UPDATE towns SET deleted_at = NULL;  -- fails
UPDATE inns SET deleted_at = (SELECT deleted_at FROM towns WHERE id = 1);
UPDATE towns SET deleted_at = NULL;
SELECT * FROM live;
-- what a trigger restores is checked when its own statement is done; what waits for the end is not
ALTER TABLE towns ADD FOREIGN KEY (inn) REFERENCES inns;
ALTER TABLE maps ADD FOREIGN KEY (inn) REFERENCES inns;
INSERT INTO towns VALUES (4, NULL), (3, NULL);
INSERT INTO inns VALUES (3, 3);
UPDATE towns SET inn = 3 WHERE id = 4;
UPDATE towns SET inn = NULL WHERE id = 3;
INSERT INTO maps VALUES (1, 1), (2, 3);
CREATE FUNCTION show_map() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE maps SET deleted_at = NULL WHERE id = TG_ARGV[0]::int; RETURN NULL; END';
CREATE TRIGGER zzz AFTER UPDATE ON towns FOR EACH ROW WHEN (new.id = 4 AND new.deleted_at IS NULL) EXECUTE FUNCTION show_map(1);
DELETE FROM maps_live;
DELETE FROM towns_live WHERE id IN (3, 4);
UPDATE towns SET deleted_at = NULL;
SELECT id FROM maps_live;
SELECT * FROM live;
DROP TRIGGER zzz ON towns;
CREATE TRIGGER zzz AFTER UPDATE ON towns FOR EACH ROW WHEN (new.id = 4 AND new.deleted_at IS NULL) EXECUTE FUNCTION show_map(2);
DELETE FROM towns_live WHERE id IN (3, 4);
UPDATE towns SET deleted_at = NULL;  -- fails

-- two parents: with the first, and back with the last
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY);
CREATE TABLE ab (a int REFERENCES a ON DELETE CASCADE, b int REFERENCES b ON DELETE CASCADE, PRIMARY KEY (a, b));
SELECT schemakit.soft_delete_enable(t) FROM unnest('{a,b,ab}'::regclass[]) AS t;
INSERT INTO a VALUES (1), (2);
INSERT INTO b VALUES (1), (2);
INSERT INTO ab SELECT a.id, b.id FROM a, b;
DELETE FROM a_live WHERE id = 1;
DELETE FROM b_live WHERE id = 1;
UPDATE a SET deleted_at = NULL WHERE id = 1;
SELECT * FROM ab_live ORDER BY 1, 2;
UPDATE b SET deleted_at = NULL WHERE id = 1;
SELECT a, b FROM ab_live ORDER BY 1, 2;

-- partitions on either side, and stamps of another type
CREATE TABLE regions (id int PRIMARY KEY, deleted_at timestamp(0)) PARTITION BY LIST (id);
CREATE TABLE regions_1 PARTITION OF regions FOR VALUES IN (1);
CREATE TABLE regions_2 (deleted_at timestamp(0), id int NOT NULL);
ALTER TABLE regions ATTACH PARTITION regions_2 FOR VALUES IN (2);
CREATE TABLE sales (id int, region_id int REFERENCES regions ON DELETE CASCADE, PRIMARY KEY (id, region_id)) PARTITION BY LIST (region_id);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES IN (1);
CREATE TABLE sales_2 (region_id int NOT NULL, id int NOT NULL);
SELECT schemakit.soft_delete_enable('regions'), schemakit.soft_delete_enable('sales');
ALTER TABLE sales_2 ADD deleted_at timestamptz;
ALTER TABLE sales ATTACH PARTITION sales_2 FOR VALUES IN (2);
INSERT INTO regions_live VALUES (1), (2);
INSERT INTO sales_live SELECT i, 1 + i % 2 FROM generate_series(1, 6) AS i;
SET TimeZone = 'Asia/Kolkata';
DELETE FROM regions_live WHERE id = 2 RETURNING id;
SELECT tableoid::regclass, id FROM sales WHERE deleted_at IS NULL ORDER BY id;
RESET TimeZone;
UPDATE regions_2 SET deleted_at = NULL;
SELECT id FROM sales_live ORDER BY id;
ALTER TABLE sales DETACH PARTITION sales_2;
SELECT relid, state FROM schemakit.status() WHERE relid = 'sales_2'::regclass;
DELETE FROM regions_live WHERE id = 2;
SELECT count(*) FROM sales_2 WHERE deleted_at IS NOT NULL;

-- a table about which UPDATE has to see to more
CREATE TABLE watched (id int PRIMARY KEY, v text);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING '% % %, rows: %', TG_WHEN, TG_OP, TG_LEVEL, (SELECT count(*) FROM new_rows);
    RETURN NULL;
END$$;
CREATE TRIGGER watch AFTER UPDATE ON watched REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION watch();
SELECT schemakit.soft_delete_enable('watched');
INSERT INTO watched VALUES (1), (2), (3);
DELETE FROM watched_live WHERE id < 3 RETURNING id;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN NEW.id <> 3 THEN NEW END; END';
CREATE TRIGGER keep BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION keep();
DELETE FROM watched_live RETURNING id;
DROP TRIGGER watch ON watched;
DELETE FROM watched_live RETURNING id;
-- rows in tables that inherit from it, and rules
CREATE TABLE base (id int PRIMARY KEY);
CREATE TABLE derived (v int, PRIMARY KEY (id)) INHERITS (base);
SELECT schemakit.soft_delete_enable('base');
INSERT INTO base VALUES (1);
INSERT INTO derived VALUES (2);
DELETE FROM base_live;
SELECT count(*) FROM base_live;
CREATE TABLE ruled (id int PRIMARY KEY);
CREATE TABLE seen (what text);
CREATE RULE see AS ON UPDATE TO ruled DO ALSO INSERT INTO seen VALUES ('seen');
SELECT schemakit.soft_delete_enable('ruled');
INSERT INTO ruled VALUES (1);
DELETE FROM ruled_live;
SELECT * FROM seen;

-- triggers that delete further rows, as for a real delete: BEFORE is an error
CREATE FUNCTION delete_others() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.deleted_at IS NOT NULL AND pg_trigger_depth() < 3 THEN
        DELETE FROM a_live WHERE id <> NEW.id;
    END IF;
    RETURN NEW;
END$$;
CREATE TRIGGER delete_others BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION delete_others();
DELETE FROM a_live;
DROP TRIGGER delete_others ON a;
CREATE TRIGGER delete_others AFTER UPDATE ON a FOR EACH ROW EXECUTE FUNCTION delete_others();
DELETE FROM a_live WHERE id = 1;
DROP TRIGGER delete_others ON a;
SELECT count(*) FROM a_live;
UPDATE a SET deleted_at = NULL;

-- in cursors, functions, savepoints
CREATE FUNCTION delete_user(int) RETURNS int LANGUAGE sql AS 'DELETE FROM users_live WHERE id = $1 RETURNING id';
BEGIN;
SELECT delete_user(3);
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT id FROM users_live ORDER BY id;
FETCH c;
DELETE FROM users_live WHERE id = 1;
FETCH c;
ROLLBACK TO s;
DO $$BEGIN DELETE FROM users_live WHERE id = 1; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN DELETE FROM users_live WHERE id = 2; END$$;
SELECT id FROM users_live;
ROLLBACK;
-- what was not yet checked in a savepoint that is undone
CREATE TABLE ends (id int PRIMARY KEY);
CREATE TABLE edges (id int PRIMARY KEY, end_id int REFERENCES ends ON DELETE CASCADE);
SELECT schemakit.soft_delete_enable('ends'), schemakit.soft_delete_enable('edges');
INSERT INTO ends VALUES (1), (2);
INSERT INTO edges VALUES (1, 1), (2, 2);
DELETE FROM ends_live;
CREATE TRIGGER zzzz AFTER UPDATE ON edges FOR EACH ROW WHEN (new.id = 1) EXECUTE FUNCTION boom();
\set VERBOSITY terse
BEGIN;
SAVEPOINT s;
UPDATE edges SET deleted_at = NULL WHERE id = 1;  -- fails
ROLLBACK TO s;
UPDATE ends SET deleted_at = NULL WHERE id = 2;
COMMIT;
\set VERBOSITY default
SELECT id FROM edges_live;
PREPARE p AS DELETE FROM users_live WHERE id = $1 RETURNING id;
EXECUTE p(1);
UPDATE users SET deleted_at = NULL;
DROP TRIGGER zz_schemakit_soft_delete_row ON users_live;
EXECUTE p(1);
DELETE FROM users_live;
SELECT count(*) FROM users;
DELETE FROM orders USING users_live AS u WHERE u.id = orders.user_id AND false;
SELECT schemakit.soft_delete_enable('users');
EXECUTE p(1);
UPDATE users SET deleted_at = NULL;
ALTER TABLE users DISABLE TRIGGER zz_schemakit_soft_delete;
EXECUTE p(1);
SELECT relid, state FROM schemakit.status() WHERE feature = 'soft_delete' AND state <> 'ok' ORDER BY relid::text;
ALTER TABLE users ENABLE TRIGGER zz_schemakit_soft_delete;

-- operators of a user's own have no say in what is executed as somebody else
CREATE SCHEMA evil;
CREATE FUNCTION evil.eq(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''evil''; RETURN true; END';
CREATE OPERATOR evil.= (FUNCTION = evil.eq, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE OPERATOR evil.<> (FUNCTION = evil.eq, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE OPERATOR evil.< (FUNCTION = evil.eq, LEFTARG = timestamptz, RIGHTARG = timestamptz);
SET search_path = evil, soft_delete, public, pg_catalog;
DELETE FROM a_live WHERE id = 1;
DELETE FROM b_live WHERE id = 1;
UPDATE a SET deleted_at = '2001-01-01' WHERE id = 1;
UPDATE a SET deleted_at = NULL WHERE id = 1;
UPDATE b SET deleted_at = NULL WHERE id = 1;
DELETE FROM staff_live WHERE id IN (1, 4);
UPDATE staff SET deleted_at = NULL;
SELECT schemakit.soft_delete_purge('ab', '0', force => true);
SET search_path = soft_delete, public;
SELECT a, b FROM ab_live ORDER BY 1, 2;

-- it costs the planner nothing
CREATE INDEX users_email_idx ON users (email) WHERE deleted_at IS NULL;
SET enable_seqscan = off;
CREATE FUNCTION plan_of(sql text) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY EXECUTE ''EXPLAIN (COSTS OFF) '' || sql; END';
SELECT string_agg(p, ' ') ~ 'using users_email_idx' AS index, string_agg(p, ' ') !~ 'Filter' AS no_filter FROM plan_of($$SELECT id FROM users_live WHERE email = 'ann'$$) AS p;
RESET enable_seqscan;

-- the audit log tells what it was
CREATE TABLE audited (id int PRIMARY KEY, parent int REFERENCES audited ON DELETE CASCADE);
SELECT schemakit.audit_enable('audited', capture => 'full'), schemakit.soft_delete_enable('audited', 'gone_at');
INSERT INTO audited VALUES (1, NULL), (2, 1);
DELETE FROM audited_live WHERE id = 1;
UPDATE audited SET gone_at = '2001-01-01' WHERE id = 1;
ALTER TABLE audited RENAME COLUMN gone_at TO left_at;
UPDATE audited SET left_at = NULL WHERE id = 1;
SELECT schemakit.audit_enable('audited');
DELETE FROM audited_live WHERE id = 2;
DELETE FROM audited WHERE id = 2;
SELECT key, op, changed, soft_delete FROM schemakit.audit_log WHERE table_name = 'soft_delete.audited' ORDER BY txn_id, command, n;
SELECT op, soft_delete FROM schemakit.audit_history('audited', '{"id": 1}');

SET client_min_messages = error;
DROP SCHEMA soft_delete, evil CASCADE;
DROP ROLE regress_soft_cleaner;
