-- No UPDATE fails for the time that it would set, whatever was made of the column since.
CREATE SCHEMA touch_keys;
SET search_path = touch_keys;
CREATE FUNCTION state(rel regclass) RETURNS TABLE (state text, detail text) LANGUAGE sql AS
$$SELECT state, detail FROM schemakit.status() WHERE relid = rel AND feature = 'timestamps'$$;
-- two rows get new values in one statement: may they, and are the times old or new?
CREATE FUNCTION change(rel regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    times text;
BEGIN
    EXECUTE format('UPDATE %s SET n = n + 1', rel);
    EXECUTE format('SELECT string_agg(CASE WHEN updated_at < ''2021-01-01'' THEN ''kept'' ELSE ''set'' END, '' '' ORDER BY id) FROM %s', rel) INTO times;
    RETURN times;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
CREATE PROCEDURE fill(rel regclass) LANGUAGE plpgsql AS $$BEGIN
    EXECUTE format('INSERT INTO %s (id, n, updated_at) VALUES (1, 1, ''2020-01-01''), (2, 2, ''2020-01-02'')', rel);
END $$;

-- unique indexes and constraints made after the table, as migration tools make them
CREATE TABLE t (id int PRIMARY KEY, n int, updated_at timestamptz);
CALL fill('t');
CREATE UNIQUE INDEX t_updated_at_key ON t (updated_at);
SELECT change('t');
SELECT * FROM state('t');
-- without it, all is as before
DROP INDEX t_updated_at_key;
SELECT * FROM state('t');
SELECT change('t');
UPDATE t SET updated_at = '2020-01-01'::timestamptz + id * interval '1 day';
CREATE UNIQUE INDEX CONCURRENTLY t_updated_at_key ON t (n, updated_at);
SELECT change('t');
SELECT * FROM state('t');
DROP INDEX t_updated_at_key;
ALTER TABLE t ADD CONSTRAINT t_key UNIQUE (updated_at) DEFERRABLE INITIALLY DEFERRED;
SELECT change('t');
ALTER TABLE t DROP CONSTRAINT t_key;
CREATE UNIQUE INDEX "Strange name" ON t (date_trunc('day', updated_at AT TIME ZONE 'UTC'));
SELECT change('t');
SELECT * FROM state('t');
DROP INDEX "Strange name";
CREATE FUNCTION row_key(t) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.id';
CREATE UNIQUE INDEX whole_row ON t (row_key(t));
SELECT * FROM state('t');
DROP FUNCTION row_key CASCADE;
-- a row may come under a unique index's condition
CREATE UNIQUE INDEX partial ON t ((true)) WHERE updated_at > '2021-01-01';
SELECT change('t');
SELECT * FROM state('t');
DROP INDEX partial;
-- exclusion constraints
ALTER TABLE t ADD CONSTRAINT t_excl EXCLUDE USING btree (updated_at WITH =);
SELECT change('t');
SELECT * FROM state('t');
ALTER TABLE t DROP CONSTRAINT t_excl;
ALTER TABLE t ADD COLUMN created_at timestamptz DEFAULT '2019-01-01';
ALTER TABLE t ADD CONSTRAINT t_overlap EXCLUDE USING gist (tstzrange(updated_at, updated_at, '[]') WITH &&);
SELECT change('t');
SELECT * FROM state('t');
ALTER TABLE t DROP CONSTRAINT t_overlap;
-- an invalid index is checked, too
CREATE TABLE twice (id int, n int, updated_at timestamptz);
INSERT INTO twice VALUES (1, 1, '2020-01-01'), (2, 2, '2020-01-01');
\set VERBOSITY terse
CREATE UNIQUE INDEX CONCURRENTLY twice_key ON twice (updated_at);  -- fails
SELECT * FROM state('twice');

-- what is no obstacle: other columns of the index, columns that are only included,
-- an index that is not unique, and one that has the primary key's columns
CREATE INDEX ON t (updated_at);
CREATE UNIQUE INDEX ON t (id) INCLUDE (updated_at);
CREATE UNIQUE INDEX t_page_key ON t (updated_at, id);
SELECT change('t');
SELECT * FROM state('t');
-- unless something refers to it, or compares by other rules
CREATE TABLE referring (at timestamptz, t int, FOREIGN KEY (at, t) REFERENCES t (updated_at, id));
SELECT * FROM state('t');
DROP TABLE referring;
SELECT * FROM state('t');
CREATE TABLE code (id text COLLATE "C" PRIMARY KEY, updated_at timestamptz);
CREATE UNIQUE INDEX code_page_key ON code (updated_at, id COLLATE "POSIX");
SELECT * FROM state('code');
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, updated_at timestamptz);
CREATE UNIQUE INDEX late_page_key ON late (updated_at, id);
SELECT * FROM state('late');
DROP TABLE t, twice, code, late;

-- partitions: the key of the table, of one partition, of one that is partitioned itself
CREATE TABLE p (id int, n int, updated_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2) PARTITION BY RANGE (updated_at);
CREATE TABLE p20 PARTITION OF p2 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CALL fill('p');
SELECT change('p');
UPDATE p SET updated_at = '2020-01-01' WHERE id = 1;
CREATE UNIQUE INDEX p1_key ON p1 (updated_at);
SELECT change('p');
SELECT relid, state, detail FROM schemakit.status() WHERE relid::text ~ '^p[0-9]*$' ORDER BY relid::text;
DROP INDEX p1_key;
CREATE UNIQUE INDEX p_key ON p (id, updated_at);
SELECT change('p');
SELECT * FROM state('p');
DROP TABLE p;
-- an UPDATE that moves rows to partitions that have keys and constraints of their own, and
-- columns in another order
CREATE TABLE m (id int, n int, updated_at timestamptz) PARTITION BY LIST (n);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1, 2);
CREATE TABLE m3 (updated_at timestamptz, gone text, n int, id int) PARTITION BY RANGE ((id + 1));
ALTER TABLE m3 DROP COLUMN gone;
ALTER TABLE m ATTACH PARTITION m3 FOR VALUES IN (3, NULL);
CREATE TABLE m3_free PARTITION OF m3 FOR VALUES FROM (0) TO (2);
CREATE TABLE m3_key PARTITION OF m3 FOR VALUES FROM (2) TO (10);
CREATE UNIQUE INDEX m3_times ON m3_key (updated_at);
CREATE TABLE m3_check PARTITION OF m3 (CHECK (updated_at < '2021-01-01' OR id = 11)) FOR VALUES FROM (10) TO (20);
CREATE TABLE m3_hash PARTITION OF m3 DEFAULT PARTITION BY HASH (id);
CREATE TABLE m3_hash_0 PARTITION OF m3_hash (UNIQUE (updated_at)) FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m3_hash_1 PARTITION OF m3_hash (UNIQUE (updated_at)) FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO m SELECT id, 1, '2020-01-01'::timestamptz + id * interval '1 day' FROM unnest('{0,1,2,10,11,30,31}'::int[]) id;
UPDATE m SET n = 3 RETURNING tableoid::regclass, id, updated_at > '2021-01-01' AS set;
UPDATE m SET n = 4;  -- fails
UPDATE m3_key SET id = 10;  -- fails
UPDATE m3 SET id = 20 WHERE id = 0 RETURNING tableoid::regclass::text ~ 'hash' AS moved;
UPDATE m3 SET n = 1;  -- fails
-- the usual ones have none
DROP TABLE m3;
CREATE TABLE m3 PARTITION OF m DEFAULT;
INSERT INTO m VALUES (1, 1, '2020-01-01'), (2, 2, '2020-01-02');
UPDATE m SET n = n + 1 RETURNING tableoid::regclass, updated_at > '2021-01-01' AS set;
UPDATE m SET n = n + 1 RETURNING tableoid::regclass, updated_at > '2021-01-01' AS set;
DROP TABLE m;
-- attached to a table that is partitioned by it
CREATE TABLE joins (id int, n int, updated_at timestamptz);
CALL fill('joins');
CREATE TABLE joined (id int, n int, updated_at timestamptz) PARTITION BY RANGE (updated_at);
ALTER TABLE joined ATTACH PARTITION joins FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT change('joined');
SELECT change('joins');
DROP TABLE joined;

-- foreign keys from the column
CREATE TABLE days (at timestamptz PRIMARY KEY);
INSERT INTO days VALUES ('2020-01-01'), ('2020-01-02');
CREATE TABLE f (id int PRIMARY KEY, n int, updated_at timestamptz);
CALL fill('f');
ALTER TABLE f ADD CONSTRAINT f_day FOREIGN KEY (updated_at) REFERENCES days NOT VALID;
SELECT change('f');
SELECT * FROM state('f');
DROP TABLE f, days;

-- constraints of the table: where they hold with the new time, it is set
CREATE TABLE c (id int PRIMARY KEY, n int, archived_at timestamptz, updated_at timestamptz);
CALL fill('c');
ALTER TABLE c ADD CONSTRAINT not_archived CHECK (updated_at <= archived_at), ADD CONSTRAINT other CHECK (n > 0);
UPDATE c SET archived_at = '2020-12-31' WHERE id = 2;
UPDATE c SET updated_at = '2020-01-01'::timestamptz + id * interval '1 day';
SELECT change('c');
SELECT * FROM state('c');
UPDATE c SET n = 0;  -- fails
ALTER TABLE c DROP CONSTRAINT not_archived, DROP CONSTRAINT other;
-- the usual one is in nobody's way
ALTER TABLE c ADD COLUMN created_at timestamptz DEFAULT '2019-01-01', ADD CHECK (updated_at >= created_at);
UPDATE c SET updated_at = '2020-01-01'::timestamptz + id * interval '1 day', created_at = CASE id WHEN 2 THEN NULL ELSE created_at END;
SELECT change('c');
UPDATE c SET updated_at = NULL, created_at = '2222-02-02' WHERE id = 1;
UPDATE c SET n = 0 WHERE id = 1 RETURNING updated_at;
-- one that raises errors, or writes
CREATE SEQUENCE called;
CREATE FUNCTION strict(at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
    PERFORM nextval('touch_keys.called');
    IF at > '2021-01-01' THEN RAISE EXCEPTION 'much too late'; END IF;
    RETURN true;
END $$;
CREATE TABLE s (id int PRIMARY KEY, n int, updated_at timestamptz, CHECK (strict(updated_at)));
CALL fill('s');
SELECT change('s');
-- a cancelled statement is cancelled
CREATE FUNCTION cancelled(at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
    IF at > '2021-01-01' THEN RAISE query_canceled USING message = 'cancelled'; END IF;
    RETURN true;
END $$;
ALTER TABLE s DROP CONSTRAINT s_updated_at_check, ADD CHECK (cancelled(updated_at));
UPDATE s SET n = 10;  -- fails
DROP TABLE c, s;
-- after a change in the same transaction, the clock's time may be too late
CREATE TABLE today (id int PRIMARY KEY, n int, updated_at timestamptz CHECK (updated_at <= now()));
CALL fill('today');
BEGIN;
UPDATE today SET n = 3 RETURNING updated_at = now() AS advanced;
UPDATE today SET n = 4 RETURNING updated_at = now() AS kept;
COMMIT;
DROP TABLE today;

-- domains
CREATE DOMAIN past AS timestamptz CHECK (VALUE < '2021-01-01');
CREATE DOMAIN other AS timestamptz NOT NULL;
CREATE TABLE d (id int PRIMARY KEY, n int, updated_at past, seen_at other DEFAULT now());
CALL fill('d');
SELECT change('d');
ALTER DOMAIN past DROP CONSTRAINT past_check;
SELECT change('d');
DELETE FROM d;
CALL fill('d');
ALTER DOMAIN past ADD CONSTRAINT raises CHECK (strict(VALUE::timestamptz));
SELECT change('d');
DROP TABLE d;

-- generated columns, and what is made of them
CREATE TABLE g (id int PRIMARY KEY, n int, updated_at timestamp,
    year int GENERATED ALWAYS AS (extract(year FROM updated_at)) STORED);
CALL fill('g');
SELECT change('g');
UPDATE g SET updated_at = '2018-01-01'::timestamp + id * interval '400 days';
CREATE UNIQUE INDEX g_year_key ON g (year);
SELECT * FROM state('g');
SELECT change('g');
DROP INDEX g_year_key;
ALTER TABLE g ADD CONSTRAINT years CHECK (year < 2022);
SELECT change('g');
SELECT * FROM state('g');
-- its expression may fail
ALTER TABLE g DROP COLUMN year, ADD COLUMN small smallint GENERATED ALWAYS AS ((extract(epoch FROM updated_at - '2020-01-01') / 1000)::smallint) STORED;
SELECT change('g');
ALTER TABLE g DROP COLUMN small, ADD COLUMN old boolean NOT NULL GENERATED ALWAYS AS (CASE WHEN updated_at < '2021-01-01' THEN true END) STORED;
SELECT change('g');
ALTER TABLE g DROP COLUMN old;
SELECT change('g');
DROP TABLE g;
-- as may that of an index
CREATE TABLE e (id int PRIMARY KEY, n int, updated_at timestamp);
CALL fill('e');
CREATE INDEX e_expr ON e (((extract(epoch FROM updated_at - '2020-01-01') / 1000)::smallint));
SELECT change('e');
DROP INDEX e_expr;
CREATE INDEX e_pred ON e (n) WHERE (extract(epoch FROM updated_at - '2020-01-01') / 1000)::smallint > 0;
SELECT change('e');
DROP INDEX e_pred;
CREATE INDEX e_plain ON e (n) WHERE updated_at > '2021-01-01';
SELECT change('e');
DROP TABLE e;

-- policies
CREATE ROLE regress_keys;
GRANT USAGE ON SCHEMA touch_keys TO regress_keys;
CREATE TABLE stale (id int PRIMARY KEY, n int, updated_at timestamptz);
CALL fill('stale');
ALTER TABLE stale ENABLE ROW LEVEL SECURITY;
CREATE POLICY stale_only ON stale USING (updated_at < '2021-01-01');
GRANT ALL ON stale TO regress_keys;
SET ROLE regress_keys;
SELECT change('stale');
RESET ROLE;
DROP POLICY stale_only ON stale;
CREATE POLICY stale_only ON stale USING (updated_at < (SELECT '2021-01-01'::timestamptz + stale.n * interval '1 second'));
SELECT * FROM state('stale');
SET ROLE regress_keys;
SELECT change('stale');
RESET ROLE;
DROP POLICY stale_only ON stale;
-- the usual ones do not mind
CREATE POLICY fresh ON stale USING (n > 0 AND updated_at > '2019-01-01');
SET ROLE regress_keys;
SELECT change('stale');
RESET ROLE;
DROP TABLE stale;
REVOKE ALL ON SCHEMA touch_keys FROM regress_keys;
DROP ROLE regress_keys;

-- views that check what is updated through them, and nothing else
CREATE TABLE v (id int PRIMARY KEY, n int, updated_at timestamptz);
CALL fill('v');
CREATE VIEW old AS SELECT id, n, n + 0 AS same, updated_at AS at FROM v WHERE updated_at < '2021-01-01' WITH CHECK OPTION;
CREATE FUNCTION through(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    times text;
BEGIN
    EXECUTE statement;
    SELECT string_agg(CASE WHEN updated_at < '2021-01-01' THEN 'kept' ELSE 'set' END, ' ' ORDER BY id) INTO times FROM v;
    RAISE EXCEPTION USING message = times;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
SELECT through('UPDATE old SET n = 10');
SELECT through('UPDATE v SET n = 10');
SELECT through('UPDATE old SET n = 10, at = now()');
-- views over views: options are added and taken away
CREATE VIEW few AS SELECT * FROM old WHERE n > 0 WITH LOCAL CHECK OPTION;
ALTER VIEW old RESET (check_option);
SELECT through('UPDATE old SET n = 10');
SELECT through('UPDATE few SET n = 10');
ALTER VIEW few SET (check_option = cascaded);
SELECT through('UPDATE few SET n = 10');
CREATE VIEW top AS SELECT n AS number FROM few WHERE at > '2000-01-01' AND same > 0;
ALTER VIEW few RESET (check_option);
SELECT through('UPDATE top SET number = 10');
ALTER VIEW top SET (check_option = cascaded);
PREPARE through_top AS UPDATE top SET number = $1;
BEGIN;
EXECUTE through_top(10);
SELECT updated_at < '2021-01-01' AS kept FROM v;
ROLLBACK;
ALTER VIEW top SET (check_option = local);
BEGIN;
EXECUTE through_top(10);
SELECT updated_at < '2021-01-01' AS kept FROM v;
ROLLBACK;
DROP VIEW old CASCADE;
-- more than the row, and all of the row
CREATE VIEW sub AS SELECT * FROM v WHERE updated_at < (SELECT '2021-01-01'::timestamptz + v.n * interval '1 second') WITH CHECK OPTION;
SELECT through('UPDATE sub SET n = 10');
CREATE VIEW whole AS SELECT id, n FROM v WHERE row_to_json(v)::text !~ 'updated_at":"202[1-9]' WITH CHECK OPTION;
SELECT through('UPDATE whole SET n = 10');
-- partitions and children have their columns in another order
CREATE TABLE v_child (updated_at timestamptz, n int, id int NOT NULL);
ALTER TABLE v_child INHERIT v;
INSERT INTO v_child VALUES ('2020-01-03', 3, 3);
SELECT through('UPDATE whole SET n = 10');
CREATE OR REPLACE VIEW whole AS SELECT id, n FROM v WHERE updated_at < '2021-01-01' WITH CHECK OPTION;
SELECT through('UPDATE whole SET n = 10');
CREATE OR REPLACE VIEW whole AS SELECT id, n FROM v WHERE updated_at > '2019-01-01' WITH CHECK OPTION;
SELECT through('UPDATE whole SET n = 10');
DROP TABLE v CASCADE;

-- inheritance children have indexes of their own
CREATE TABLE parent (id int PRIMARY KEY, n int, updated_at timestamptz);
CREATE TABLE child (UNIQUE (updated_at)) INHERITS (parent);
SELECT * FROM state('child');
CALL fill('child');
SELECT change('parent');
SELECT change('child');
DROP TABLE child, parent;

-- who names the table, wants its column maintained all the same
CREATE TABLE asked (id int PRIMARY KEY, n int, updated_at timestamptz UNIQUE);
SELECT * FROM state('asked');
SELECT schemakit.timestamps_enable('asked');
SELECT * FROM state('asked');
SELECT schemakit.timestamps_enable('asked', mode => 'always');
SELECT tgname, encode(tgargs, 'escape') FROM pg_trigger WHERE tgrelid = 'asked'::regclass;
SELECT * FROM state('asked');
INSERT INTO asked VALUES (1, 1, '2020-01-01');
SELECT change('asked');
INSERT INTO asked VALUES (2, 1, '2020-01-01');
SELECT change('asked');
-- enabled before the index was made, it is left alone until it is enabled again
CREATE TABLE before (id int PRIMARY KEY, n int, updated_at timestamptz);
SELECT schemakit.timestamps_enable('before');
CALL fill('before');
CREATE UNIQUE INDEX before_key ON before (updated_at);
SELECT change('before');
SELECT * FROM state('before');
SELECT schemakit.timestamps_enable('before');
SELECT * FROM state('before');
-- audit: a column that is left alone says something
CREATE TABLE told (id int PRIMARY KEY, n int, updated_at timestamptz UNIQUE);
CALL fill('told');
CREATE TRIGGER touch BEFORE UPDATE ON told FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
BEGIN;
SELECT schemakit.audit_enable('told');
UPDATE told SET updated_at = '2020-02-02' WHERE id = 1;
SELECT count(*) FROM schemakit.audit_log WHERE table_name = 'touch_keys.told';
ROLLBACK;

CREATE TRIGGER wrong BEFORE UPDATE ON told FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at', 'sometimes');
SELECT * FROM state('told') ORDER BY state;

-- a function that is replaced: what a session knows of it is no longer true
CREATE FUNCTION fits(timestamptz) RETURNS bool LANGUAGE sql IMMUTABLE LEAKPROOF AS 'SELECT $1 IS NOT NULL';
CREATE TABLE fitting (id int PRIMARY KEY, n int, updated_at timestamptz CHECK (fits(updated_at)));
INSERT INTO fitting VALUES (1, 0, '2000-01-01');
UPDATE fitting SET n = 1 RETURNING updated_at > '2001-01-01' AS touched;
UPDATE fitting SET updated_at = '2000-01-01';
CREATE OR REPLACE FUNCTION fits(timestamptz) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
    IF $1 > '2001-01-01' THEN RAISE 'too new'; END IF; RETURN true; END$$;
UPDATE fitting SET n = 2 RETURNING updated_at > '2001-01-01' AS touched;
DROP TABLE fitting;
DROP FUNCTION fits;

SET client_min_messages = warning;
DROP SCHEMA touch_keys CASCADE;
