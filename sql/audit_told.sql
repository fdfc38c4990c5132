-- What the audit log tells is true, or refused with an error that says why.
CREATE SCHEMA audit_told;
SET search_path = audit_told;
SET TimeZone = 'UTC';
SET IntervalStyle = 'postgres';
CREATE TABLE moments (name text PRIMARY KEY, at timestamptz);
CREATE FUNCTION remember(name text) RETURNS void LANGUAGE sql AS
    $$SELECT pg_sleep(0.001); INSERT INTO audit_told.moments VALUES (name, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET at = excluded.at; SELECT pg_sleep(0.001)$$;
CREATE FUNCTION at(name text) RETURNS timestamptz STABLE LANGUAGE sql AS
    $$SELECT at FROM audit_told.moments AS m WHERE m.name = $1$$;

-- values that a column's present type does not take
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE notes (a int, b text, v text, m mood, n numeric(8,2), PRIMARY KEY (a, b));
SELECT schemakit.audit_enable('notes');
INSERT INTO notes VALUES (1, 'x', 'much', 'sad', 123456.78), (2, 'y', '17', 'happy', 1), (3, 'z', 'gone', 'happy', 2);
SELECT remember('notes');
UPDATE notes SET v = '16', m = 'happy', n = 1.5 WHERE a = 1;
DELETE FROM notes WHERE a = 3;
ALTER TABLE notes ALTER v TYPE int USING v::int;
DO $$BEGIN
    PERFORM * FROM schemakit.audit_as_of(NULL::audit_told.notes, audit_told.at('notes'));
EXCEPTION WHEN data_exception THEN RAISE NOTICE '%', SQLERRM;
END$$;
SELECT * FROM schemakit.audit_as_of(NULL::notes, at('notes'), '{"a": 1, "b": "x"}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::notes, at('notes'), '{"a": 3, "b": "z"}');  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::notes, at('notes'), '{"a": 2, "b": "y"}');
SELECT * FROM schemakit.audit_as_of_jsonb('notes', at('notes')) AS r ORDER BY r;
SELECT * FROM schemakit.audit_as_of_jsonb('notes', at('notes'), '{"a": 3, "b": "z"}');
SELECT r ->> 'v' AS v FROM schemakit.audit_as_of_jsonb('notes', at('notes')) AS r ORDER BY 1;
ALTER TABLE notes DROP COLUMN v;
ALTER TABLE notes ALTER n TYPE numeric(4,2);
SELECT * FROM schemakit.audit_as_of(NULL::notes, at('notes'));  -- fails
-- a table without key
CREATE TABLE heap (v text);
SELECT schemakit.audit_enable('heap');
INSERT INTO heap VALUES ('much');
SELECT remember('heap');
DELETE FROM heap;
ALTER TABLE heap ALTER v TYPE varchar(2);
SELECT * FROM schemakit.audit_as_of(NULL::heap, at('heap'));  -- fails
SELECT * FROM schemakit.audit_as_of_jsonb('heap', at('heap'));
SELECT * FROM schemakit.audit_as_of_jsonb(NULL, now());  -- fails
SELECT * FROM schemakit.audit_as_of_jsonb('heap', NULL);  -- fails
-- columns that the log does not have are not in the objects either
CREATE TABLE masked (id int PRIMARY KEY, a text, b text, "C" text, later int);
ALTER TABLE masked DROP COLUMN later;
SELECT schemakit.audit_enable('masked', exclude => '{a}', mask => '{"C": "hash"}');
INSERT INTO masked VALUES (1, 'a', 'b', 'c');
SELECT remember('masked');
ALTER TABLE masked ADD later int DEFAULT 1;
SELECT * FROM schemakit.audit_as_of(NULL::masked, at('masked'));
SELECT * FROM schemakit.audit_as_of_jsonb('masked', at('masked'));

-- nor are columns of a table that inherits which its parent does not have
CREATE TABLE animals (id int PRIMARY KEY, name text);
CREATE TABLE cats (lives text, PRIMARY KEY (id)) INHERITS (animals);
SELECT schemakit.audit_enable('animals');
INSERT INTO animals VALUES (1, 'ox');
INSERT INTO cats VALUES (2, 'tom', 'nine'), (3, 'kit', 'nine');
SELECT remember('animals');
UPDATE animals SET name = upper(name);
DELETE FROM cats WHERE id = 3;
ALTER TABLE cats ALTER lives TYPE int USING 9;
SELECT r FROM schemakit.audit_as_of_jsonb('animals', at('animals')) AS r ORDER BY r;
SELECT * FROM schemakit.audit_as_of(NULL::animals, at('animals')) ORDER BY id;
SELECT r FROM schemakit.audit_as_of_jsonb('cats', at('animals')) AS r ORDER BY r;

-- keys, as people write them
CREATE TABLE items (order_id int, line smallint, "Name" text, PRIMARY KEY (order_id, line, "Name"));
SELECT schemakit.audit_enable('items');
INSERT INTO items VALUES (1, 1, 'a');
SELECT op FROM schemakit.audit_history('items', '{"order_id": 1.0, "line": "1", "Name": "a"}');
SELECT * FROM schemakit.audit_as_of(NULL::items, now(), '{"order_id": 1.00, "line": 1, "Name": "a"}');
SELECT op FROM schemakit.audit_history('items', '{"order_id": 1.5, "line": 1, "Name": "a"}');  -- fails
SELECT op FROM schemakit.audit_history('items', '{"order_id": 1, "line": 100000, "Name": "a"}');  -- fails
SELECT op FROM schemakit.audit_history('items', '{"order_id": "one", "line": 1, "Name": "a"}');  -- fails
SELECT op FROM schemakit.audit_history('items', '{"order_id": 1, "line": 1}');  -- fails
SELECT op FROM schemakit.audit_history('items', '{"order_id": 1, "line": 1, "name": "a"}');  -- fails

-- keys that are equal, and written differently
CREATE TABLE spelled (k jsonb, i interval, v int, PRIMARY KEY (k, i));
SELECT schemakit.audit_enable('spelled');
INSERT INTO spelled VALUES ('[1]', '1 day', 1), ('[2]', '1 day', 1);
SELECT remember('spelled');
UPDATE spelled SET v = 2 WHERE k = '[1.0]';
UPDATE spelled SET k = '[1.00]', i = '24 hours' WHERE k = '[1]';
DELETE FROM spelled WHERE k = '[2]';
INSERT INTO spelled VALUES ('[2.0]', '24 hours', 3);
SELECT op, key, old, new FROM schemakit.audit_history('spelled', '{"k": [1.000], "i": "86400 s"}');
SELECT op, key, old, new FROM schemakit.audit_history('spelled', '{"k": [2], "i": "1 day"}');
SELECT * FROM schemakit.audit_as_of(NULL::spelled, at('spelled'), '{"k": [1.000], "i": "86400 s"}');
SELECT * FROM schemakit.audit_as_of(NULL::spelled, at('spelled'), '{"k": [2.00], "i": "1 day"}');
SELECT * FROM schemakit.audit_as_of(NULL::spelled, clock_timestamp(), '{"k": [2.00], "i": "1 day"}');
SELECT op FROM schemakit.audit_history('spelled', '{"k": [3], "i": "1 day"}');

-- triggers with wrong arguments, made by hand: DDL goes through
CREATE TABLE wrong (id int PRIMARY KEY, v text);
CREATE TRIGGER wrong AFTER INSERT OR UPDATE OR DELETE ON wrong FOR EACH ROW EXECUTE FUNCTION schemakit.audit('not json');
ALTER TABLE wrong ADD w int;
ALTER TABLE wrong DROP w;
SELECT relid, state FROM schemakit.status() WHERE relid = 'wrong'::regclass;
INSERT INTO wrong VALUES (1);  -- fails: that is what the trigger is there for
SELECT schemakit.audit_enable('wrong');
DROP TABLE wrong;

-- while audit is disabled
SELECT schemakit.audit_disable('items');
\set VERBOSITY terse
DO $$
DECLARE d text; h text;
BEGIN
    PERFORM schemakit.audit_as_of(NULL::audit_told.items, now());
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RAISE NOTICE '% %', regexp_replace(d, '\d{4}-.*\+00', '...'), h;
END$$;
\set VERBOSITY default

-- partitions
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
SELECT schemakit.audit_enable('parts');
SELECT * FROM schemakit.audit_history('parts_1', '{"id": 1}');  -- fails

-- the order of a row's changes, where triggers change it again, or make room for it
CREATE TABLE chained (id int PRIMARY KEY, n int);
CREATE FUNCTION go_on() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF new.n < 3 THEN UPDATE audit_told.chained SET n = n + 1 WHERE id = new.id; END IF; RETURN NULL; END$$;
CREATE TRIGGER a_go_on AFTER INSERT OR UPDATE ON chained FOR EACH ROW EXECUTE FUNCTION go_on();
CREATE TABLE replaced (id int PRIMARY KEY, v text);
CREATE FUNCTION make_room() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN DELETE FROM audit_told.replaced WHERE id = new.id; RETURN new; END$$;
CREATE TRIGGER make_room BEFORE INSERT OR UPDATE OF id ON replaced FOR EACH ROW EXECUTE FUNCTION make_room();
CREATE TABLE revived (id int PRIMARY KEY, v text);
CREATE FUNCTION revive() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF old.v <> 'again' THEN INSERT INTO audit_told.revived VALUES (old.id, 'again'); END IF; RETURN NULL; END$$;
CREATE TRIGGER a_revive AFTER DELETE ON revived FOR EACH ROW EXECUTE FUNCTION revive();
CREATE TABLE mirrored (a int, b text);  -- without a key
CREATE FUNCTION mirror() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF new.a > 0 THEN UPDATE audit_told.mirrored SET a = -a WHERE b = new.b; END IF; RETURN NULL; END$$;
CREATE TRIGGER a_mirror AFTER INSERT OR UPDATE ON mirrored FOR EACH ROW EXECUTE FUNCTION mirror();
SELECT schemakit.audit_enable(t) FROM unnest('{chained,replaced,revived,mirrored}'::regclass[]) AS t;

/* The events of a table in the order of changed_at, applied: what goes wrong. */
CREATE FUNCTION replay(rel text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    e record;
    rows jsonb := '{}';
    k text;
    was jsonb;
BEGIN
    FOR e IN SELECT * FROM schemakit.audit_log WHERE table_name = 'audit_told.' || rel ORDER BY changed_at, txn_id, command, n LOOP
        k := CASE WHEN e.op = 'U' AND e.old ? 'id' THEN e.old ->> 'id' ELSE coalesce(e.key ->> 'id', '-') END;
        was := rows -> k;
        IF e.op = 'I' AND was IS NOT NULL OR e.op IN ('U', 'D') AND (was IS NULL OR NOT was @> e.old) THEN
            RETURN NEXT format('%s of %s does not suit %s', e.op, coalesce(e.old, e.new), was);
        END IF;
        rows := rows - k;
        IF e.op <> 'D' THEN
            was := coalesce(was, '{}') || e.new;
            rows := jsonb_set(rows, ARRAY[coalesce(was ->> 'id', '-')], was);
        END IF;
    END LOOP;
    RETURN QUERY EXECUTE format('SELECT ''is not '' || to_jsonb(t)::text FROM %s AS t WHERE $1 -> coalesce(to_jsonb(t) ->> ''id'', ''-'') IS DISTINCT FROM to_jsonb(t)', rel) USING rows;
END$$;

INSERT INTO chained VALUES (1, 0), (2, 1);
UPDATE chained SET n = 0;
BEGIN;
SAVEPOINT one;
UPDATE chained SET n = 1;
ROLLBACK TO one;
UPDATE chained SET n = 2 WHERE id = 2;
SAVEPOINT two;
UPDATE chained SET n = 0;
RELEASE two;
COMMIT;
SELECT key, op, old, new FROM schemakit.audit_log WHERE table_name = 'audit_told.chained' AND key = '{"id": 2}' ORDER BY changed_at;
INSERT INTO replaced VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO revived VALUES (1, 'a'), (2, 'b');
INSERT INTO mirrored VALUES (1, 'a');
SELECT remember('order');
INSERT INTO replaced VALUES (1, 'd'), (4, 'd');
UPDATE replaced SET id = 2 WHERE id = 3;
BEGIN;
INSERT INTO replaced VALUES (2, 'e');
SAVEPOINT one;
INSERT INTO replaced VALUES (1, 'f');
ROLLBACK TO one;
INSERT INTO replaced VALUES (1, 'g');
COMMIT;
DELETE FROM revived;
UPDATE mirrored SET a = 2;
SELECT op, old, new FROM schemakit.audit_history('replaced', '{"id": 1}');
SELECT op, old, new FROM schemakit.audit_history('replaced', '{"id": 2}');
SELECT op, old, new FROM schemakit.audit_history('revived', '{"id": 1}');
SELECT t, replay(t) FROM unnest('{chained,replaced,revived,mirrored}'::text[]) AS t;
SELECT * FROM schemakit.audit_as_of(NULL::replaced, at('order')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::revived, at('order')) ORDER BY id;
SELECT * FROM schemakit.audit_as_of(NULL::mirrored, at('order'));
-- more events than are kept in memory
INSERT INTO replaced SELECT g, 'a' FROM generate_series(1, 1500) AS g;
INSERT INTO chained SELECT g, 1 FROM generate_series(3, 1500) AS g;
SELECT remember('many');
INSERT INTO replaced SELECT g, 'b' FROM generate_series(1, 1500) AS g;
UPDATE chained SET n = 0;
SELECT table_name, op, old, new, was FROM (
    SELECT l.*, lag(new) OVER w AS was, lag(op) OVER w AS before FROM schemakit.audit_log AS l
    WHERE changed_at > at('many') WINDOW w AS (PARTITION BY rel_id, key ORDER BY changed_at)) AS l
WHERE before IS NOT NULL AND (op = 'I' AND before <> 'D' OR op <> 'I' AND (before = 'D' OR NOT was @> old));
SELECT count(*), min(v) FROM schemakit.audit_as_of(NULL::replaced, at('many'));

-- who acts: each statement of a text has its own comment, at its beginning or end
CREATE TABLE said (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('said');
CREATE VIEW who AS SELECT (key ->> 'id')::int AS id, op, actor FROM schemakit.audit_log
WHERE table_name = 'audit_told.said' AND changed_at > at('said') ORDER BY changed_at;
SELECT remember('said');
INSERT INTO said VALUES (1) /*actor='ann'*/ \; INSERT INTO said VALUES (2) /*actor='bob'*/ \; INSERT INTO said VALUES (3);
/*actor='cas'*/ INSERT INTO said VALUES (4) \; /*actor='dan'*/ /* x */ -- y
INSERT INTO said VALUES (5) \; INSERT INTO said VALUES (6) \; \; /*actor='eve'*/ ;
INSERT INTO said VALUES (7) /*actor='fay'*/ /*trace='1'*/;
/*application:shop,actor:gil,action:index*/ INSERT INTO said VALUES (8);
INSERT INTO said VALUES (9) /*application:shop,actor: hal */;
-- texts that are no comments, and comments that say nothing
INSERT INTO said VALUES (10), (('/*actor=''x''*/' IS NULL)::int + 11);
INSERT INTO said VALUES (12) /*actor:a=b,c*/;
INSERT INTO said VALUES (13) /*actor='a',b*/;
/* /*actor='nested'*/ */ INSERT INTO said VALUES (14);
SELECT * FROM who;
-- functions, blocks, cursors and prepared statements act for the statement that calls them
SELECT remember('said');
CREATE FUNCTION say(i int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    INSERT INTO audit_told.said VALUES (i) /*actor='inside'*/;
    FOR r IN UPDATE audit_told.said SET v = 1 WHERE id = i RETURNING id LOOP
        EXECUTE 'DELETE FROM audit_told.said WHERE id = $1 /*actor=''inside''*/' USING i;
    END LOOP;
END$$;
SELECT say(20) /*actor='ann'*/ \; SELECT say(21) /*actor='bob'*/ \; SELECT say(22);
DO $$BEGIN PERFORM audit_told.say(23); END$$ /*actor='cas'*/ \; SELECT 1 AS x /*actor='dan'*/;
PREPARE say AS INSERT INTO said VALUES ($1) /*actor='prepared'*/;
EXECUTE say(24) /*actor='eve'*/ \; EXECUTE say(25) \; EXECUTE say(26) /*actor='fay'*/;
BEGIN \; INSERT INTO said VALUES (27) /*actor='gil'*/ \; COMMIT /*actor='hal'*/ \; INSERT INTO said VALUES (28);
COPY said (id) FROM stdin /*actor='ida'*/;
29
\.
SELECT * FROM who;
-- triggers that are deferred fire at commit
SELECT remember('said');
CREATE TABLE waits (id int);
CREATE FUNCTION say_later() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO audit_told.said VALUES (new.id); RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON waits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION say_later();
INSERT INTO waits VALUES (30) /*actor='ann'*/;
BEGIN;
INSERT INTO said VALUES (31) /*actor='bob'*/;
INSERT INTO waits VALUES (32);
COMMIT;
BEGIN;
INSERT INTO said VALUES (33) /*actor='bob'*/;
INSERT INTO waits VALUES (34);
COMMIT /*actor='cas'*/;
SELECT * FROM who;
-- with the text of each
BEGIN;
SET LOCAL schemakit.audit_query = on;
INSERT INTO said VALUES (40) /*actor='ann'*/ \; INSERT INTO said VALUES (41) ;
COMMIT;
SELECT key, actor, query FROM schemakit.audit_log WHERE key IN ('{"id": 40}', '{"id": 41}') AND table_name = 'audit_told.said' ORDER BY changed_at;
-- an actor for one statement only: blocks with an exception handler are no transaction blocks
DO $$BEGIN PERFORM schemakit.audit_set_actor('dora'); EXCEPTION WHEN OTHERS THEN NULL; END$$;
DO $$BEGIN PERFORM schemakit.audit_set_actor('dora'); INSERT INTO audit_told.said VALUES (50); EXCEPTION WHEN OTHERS THEN NULL; END$$;
BEGIN;
DO $$BEGIN PERFORM schemakit.audit_set_actor('dora'); EXCEPTION WHEN OTHERS THEN NULL; END$$;
COMMIT;
-- positions: of this database, and not ahead of it
SELECT schemakit.audit_position() AS position \gset
INSERT INTO said VALUES (51);
SELECT key FROM schemakit.audit_changes(:'position', 'said');
-- the place in the WAL may go on meanwhile
SELECT regexp_replace(position, '/[^:]*', '') = regexp_replace(schemakit.audit_position(), '/[^:]*', '') AS same FROM schemakit.audit_changes(:'position', 'said');
CREATE FUNCTION changes_since(since text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text; n int;
BEGIN
    SELECT count(*) INTO n FROM schemakit.audit_changes(since, 'audit_told.said');
    RETURN n;
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN d;
END$$;
SELECT changes_since(schemakit.audit_position());
SELECT changes_since('1' || :'position');
SELECT changes_since(pg_current_snapshot()::text);
SELECT changes_since(split_part(:'position', ':', 1) || ':' || split_part(:'position', ':', 2) || ':' || x || ':' || x || ':')
FROM CAST((pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000) AS text) AS x;
SELECT since, changes_since(since) FROM unnest('{"",:::,x,1:2:3,-1:2:3:,1:1.1.0/0:2:3,-1:1.1.0/0:2:3:,1:1.1.0/0:2:3:x}'::text[]) AS since;
-- a place that is not there yet, and another timeline
SELECT changes_since(regexp_replace(:'position', '\.[^:]*', place)) FROM unnest('{.1.FFFFFFFF/0,.77.0/10}'::text[]) AS place;
SELECT count(*) FROM schemakit.audit_changes('nonsense');  -- fails
-- where one is required
SELECT schemakit.audit_enable('said', require_actor => true);
INSERT INTO said VALUES (60);  -- fails
INSERT INTO said VALUES (60) /*actor='ann'*/;

-- A key in the log that the type of the column does not take is equal to none.
CREATE TABLE retyped (k text PRIMARY KEY, v int);
SELECT schemakit.audit_enable('retyped');
INSERT INTO retyped VALUES ('no array', 1), ('{1}', 1);
DROP TABLE retyped;
CREATE DOMAIN ints AS int[];
CREATE TABLE retyped (k ints PRIMARY KEY, v int);
SELECT schemakit.audit_enable('retyped');
INSERT INTO retyped VALUES ('{7}', 2);
DELETE FROM retyped;
ALTER DOMAIN ints ADD CHECK (7 <> ALL (value));
INSERT INTO retyped VALUES ('{1}', 2);
UPDATE retyped SET v = 3;
SELECT op, key FROM schemakit.audit_history('retyped', '{"k": [1]}');
SELECT * FROM schemakit.audit_as_of(NULL::retyped, clock_timestamp(), '{"k": [1]}');
SELECT op, version FROM schemakit.audit_versions(NULL::retyped, '{"k": [1]}');

-- A key that is an array with a length of its elements, and domains over arrays and enums
CREATE DOMAIN feelings AS mood;
CREATE TABLE arrays (k varchar(3)[], n numeric(5,2)[], i ints, f feelings, v int, PRIMARY KEY (k, n, i, f));
SELECT schemakit.audit_enable('arrays');
INSERT INTO arrays VALUES ('{abc}', '{1.00}', '{1}', 'sad', 1), ('{d}', '{2.00}', '{2}', 'sad', 1);
SELECT remember('arrays');
UPDATE arrays SET v = 2 WHERE i = '{1}';
DELETE FROM arrays WHERE i = '{2}';
SELECT * FROM schemakit.audit_as_of(NULL::arrays, at('arrays'), '{"k": ["abc"], "n": [1], "i": [1], "f": "sad"}');
SELECT version FROM schemakit.audit_versions(NULL::arrays, '{"k": ["abc"], "n": [1], "i": [1], "f": "sad"}');
SELECT schemakit.audit_restore('arrays', at('arrays'), '{"k": ["abc"], "n": [1], "i": [1], "f": "sad"}');
SELECT schemakit.audit_restore('arrays', at('arrays'), remove => true);
TABLE arrays ORDER BY k;

-- names of objects that are gone, and texts that are no longer valid, are told with row and column
CREATE TABLE gone ();
CREATE TABLE named (id int PRIMARY KEY, r regclass, q text);
SELECT schemakit.audit_enable('named');
INSERT INTO named VALUES (1, 'gone', '!');
SELECT remember('named');
UPDATE named SET r = 'pg_class' WHERE id = 1;
DROP TABLE gone;
SELECT * FROM schemakit.audit_as_of(NULL::named, at('named'));  -- fails
SELECT schemakit.audit_restore('named', at('named'));  -- fails
SELECT version FROM schemakit.audit_versions(NULL::named);  -- fails
SELECT * FROM schemakit.audit_as_of_jsonb('named', at('named'));

-- a row of as many columns as a table can have
SELECT format('CREATE TABLE wide (id int PRIMARY KEY, %s)', string_agg(format('c%s int', i), ', ')) FROM generate_series(2, 1600) AS i \gexec
SELECT schemakit.audit_enable('wide');
INSERT INTO wide (id, c2, c1600) VALUES (1, 2, 3), (2, 3, 4);
SELECT remember('wide');
SELECT format('UPDATE wide SET %s', string_agg(format('c%s = %s', i, i), ', ')) FROM generate_series(2, 1600) AS i \gexec
DELETE FROM wide WHERE id = 2;
INSERT INTO wide (id) VALUES (3);
SELECT schemakit.audit_restore('wide', at('wide'), remove => true);
SELECT schemakit.audit_restore('wide', at('wide'), remove => true);
SELECT id, c2, c1000, c1600 FROM wide;
SELECT count(*) FROM schemakit.audit_verify('wide');

SET client_min_messages = warning;
DROP SCHEMA audit_told CASCADE;
