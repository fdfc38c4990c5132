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

\set SHOW_CONTEXT never
-- rows are put back: inserted, updated, or left as they are
CREATE TABLE nodes (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent int REFERENCES nodes, name text UNIQUE, n numeric,
    twice numeric GENERATED ALWAYS AS (n * 2) STORED, doc json, place point, gone int, old_name int[], secret text DEFAULT 'none',
    created_at timestamptz DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
ALTER TABLE nodes DROP gone;
SELECT schemakit.audit_enable('nodes', exclude => '{secret}');
INSERT INTO nodes (parent, name, n, doc, place, old_name, secret) VALUES
    (NULL, 'a', 1.0, '{"a": 1}', '(1,2)', '[0:1]={1,2}', 's1'), (1, 'b', 2.50, '[1,  2]', NULL, '{}', 's2'), (2, 'c', 3, NULL, '(0,0)', NULL, 's3');
CREATE TABLE before AS TABLE nodes;
SELECT schemakit.audit_mark('nodes') IS NOT NULL AS marked;
UPDATE nodes SET n = 9, secret = 'changed' WHERE id = 3;
DELETE FROM nodes WHERE id = 3;
DELETE FROM nodes WHERE id = 2;
UPDATE nodes SET name = 'c', doc = NULL, place = '(5,5)', secret = 's4' WHERE id = 1;
INSERT INTO nodes (name, n) VALUES ('b', 7);
ALTER TABLE nodes ADD added int NOT NULL DEFAULT 5;
ALTER TABLE nodes RENAME old_name TO new_name;
SELECT id, updated_at AS was_updated_at FROM nodes WHERE id = 1 \gset
-- one row, with its time of change; columns that are not in the log stay
SELECT schemakit.audit_restore('nodes', schemakit.audit_at('nodes'), '{"id": 1}');
SELECT schemakit.audit_restore('nodes', schemakit.audit_at('nodes'), '{"id": 1}');
SELECT id, parent, name, n, twice, doc, place, new_name, secret, added, updated_at > :'was_updated_at' AS touched FROM nodes ORDER BY id;
-- all rows: what came since is in the way, or goes
SELECT schemakit.audit_restore('nodes', schemakit.audit_at('nodes'));  -- fails
SELECT schemakit.audit_restore('nodes', schemakit.audit_at('nodes'), '{"id": 4}');
SELECT schemakit.audit_restore('nodes', schemakit.audit_at('nodes'), '{"id": 4}', remove => true);
SELECT schemakit.audit_restore('nodes', schemakit.audit_at('nodes'));
SELECT schemakit.audit_restore('nodes', schemakit.audit_at('nodes'), remove => true);
SELECT id, parent, name, n, twice, doc, place, new_name, secret, added FROM nodes ORDER BY id;
SELECT count(*) AS same FROM nodes JOIN before USING (id, parent, name, n, twice, created_at) WHERE nodes.doc::text IS NOT DISTINCT FROM before.doc::text AND place IS NOT DISTINCT FROM before.place OR id = 1;
SELECT schemakit.audit_restore('nodes', 'infinity', remove => true);
\set VERBOSITY terse
SELECT schemakit.audit_restore('nodes', '-infinity');  -- fails
\set VERBOSITY default
SELECT schemakit.audit_restore('nodes', NULL);  -- fails
SELECT schemakit.audit_restore('nodes', now(), '{"name": "a"}');  -- fails

-- all that rows refer to comes back at once, and unique values are free in time
DELETE FROM nodes WHERE id = 3;
DELETE FROM nodes;
INSERT INTO nodes (name) VALUES ('a'), ('x');
SELECT schemakit.audit_restore('nodes', schemakit.audit_at('nodes'), remove => true);
SELECT id, parent, name, secret FROM nodes ORDER BY id;

-- triggers, policies and rights are the table's and the caller's
CREATE TABLE docs (id int PRIMARY KEY, who text, v text, ssn text NOT NULL);
ALTER TABLE docs OWNER TO regress_moments_owner;
SELECT schemakit.audit_enable('docs', mask => '{"ssn": "null"}');
INSERT INTO docs VALUES (1, 'regress_moments_owner', 'one', 'n1'), (2, 'other', 'two', 'n2'), (3, 'regress_moments_owner', 'three', 'n3');
SELECT schemakit.audit_mark('docs') IS NOT NULL AS marked;
UPDATE docs SET v = 'changed', ssn = 'n4';
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % by %', tg_op, COALESCE(NEW.id, OLD.id), current_user;
    RETURN COALESCE(NEW, OLD);
END$$;
CREATE TRIGGER note BEFORE INSERT OR UPDATE OR DELETE ON docs FOR EACH ROW EXECUTE FUNCTION note();
SET ROLE regress_moments_owner;
SELECT schemakit.audit_restore('docs', schemakit.audit_at('docs'), '{"id": 1}');
SELECT * FROM docs ORDER BY id;
-- a value that is not known, and has no default
DELETE FROM docs WHERE id = 1;
SELECT schemakit.audit_restore('docs', schemakit.audit_at('docs'), '{"id": 1}');  -- fails
ALTER TABLE docs ALTER ssn SET DEFAULT '?';
SELECT schemakit.audit_restore('docs', schemakit.audit_at('docs'), '{"id": 1}');
SELECT * FROM docs WHERE id = 1;
-- who may not write, and who may not read the history
REVOKE UPDATE ON docs FROM regress_moments_owner;
SELECT schemakit.audit_restore('docs', schemakit.audit_at('docs'));  -- fails
SELECT schemakit.audit_restore('docs', schemakit.audit_at('docs'), '{"id": 2}');  -- fails
GRANT UPDATE ON docs TO regress_moments_owner;
GRANT ALL ON docs TO regress_moments_marker;
SET ROLE regress_moments_marker;
SELECT schemakit.audit_restore('audit_moments.docs', schemakit.audit_at('docs'));  -- fails
RESET ROLE;
GRANT USAGE ON SCHEMA audit_moments TO regress_moments_marker;
GRANT SELECT ON schemakit.audit_log TO regress_moments_marker;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON docs USING (who <> 'other') WITH CHECK (v <> 'three');
SET ROLE regress_moments_marker;
SELECT schemakit.audit_restore('docs', schemakit.audit_at('docs'));  -- fails: the policy
SELECT schemakit.audit_restore('docs', schemakit.audit_at('docs'), '{"id": 2}');  -- fails, too
BEGIN READ ONLY;
SELECT schemakit.audit_restore('docs', schemakit.audit_at('docs'), '{"id": 1}');  -- fails
ROLLBACK;
RESET ROLE;
REVOKE SELECT ON schemakit.audit_log FROM regress_moments_marker;
SELECT id, v FROM docs ORDER BY id;

-- only what differs is set: no trigger fires for other columns, and no other privilege is needed
CREATE TABLE narrow (id int PRIMARY KEY, a int, b int);
SELECT schemakit.audit_enable('narrow');
INSERT INTO narrow VALUES (1, 1, 1), (2, 2, 2);
SELECT schemakit.audit_mark('narrow') IS NOT NULL AS marked;
UPDATE narrow SET a = 10;
CREATE TRIGGER note_a BEFORE UPDATE OF a ON narrow FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note_b BEFORE UPDATE OF b ON narrow FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note_insert BEFORE INSERT ON narrow EXECUTE FUNCTION note();
GRANT SELECT, UPDATE (a) ON narrow TO regress_moments_marker;
GRANT SELECT ON schemakit.audit_log TO regress_moments_marker;
SET ROLE regress_moments_marker;
SELECT schemakit.audit_restore('narrow', schemakit.audit_at('narrow'), '{"id": 1}');
RESET ROLE;
UPDATE narrow SET b = 10;
SET ROLE regress_moments_marker;
SELECT schemakit.audit_restore('narrow', schemakit.audit_at('narrow'), '{"id": 1}');  -- fails
RESET ROLE;
REVOKE SELECT ON schemakit.audit_log FROM regress_moments_marker;

-- other kinds of tables: partitions, keys of two columns, null or written in other ways
CREATE TABLE parts (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE loose (a numeric, b text, v text);
CREATE TABLE only_key (a int PRIMARY KEY);
CREATE TABLE keyless (a int);
SELECT schemakit.audit_enable('parts'), schemakit.audit_enable('loose', key => '{a,b}'), schemakit.audit_enable('only_key'), schemakit.audit_enable('keyless');
INSERT INTO parts VALUES (1, '2026-01-01', 'one'), (2, '2026-02-01', 'two');
INSERT INTO loose VALUES (1.0, NULL, 'one'), (NULL, NULL, 'none'), (2, 'x', 'two');
INSERT INTO only_key VALUES (1), (2);
SELECT schemakit.audit_mark('kinds') IS NOT NULL AS marked;
UPDATE parts SET v = 'changed', day = '2026-02-02' WHERE id = 1;
DELETE FROM parts WHERE id = 2;
UPDATE loose SET v = 'changed', a = a + 0.00;
DELETE FROM loose WHERE b = 'x';
DELETE FROM only_key WHERE a = 1;
INSERT INTO only_key VALUES (3);
SELECT schemakit.audit_restore(t, schemakit.audit_at('kinds'), remove => true) FROM unnest('{parts,loose,only_key}'::regclass[]) AS t;
SELECT schemakit.audit_restore(t, schemakit.audit_at('kinds'), remove => true) FROM unnest('{parts,loose,only_key}'::regclass[]) AS t;
SELECT tableoid::regclass, * FROM parts ORDER BY id;
SELECT * FROM loose ORDER BY a;
SELECT * FROM only_key ORDER BY a;
SELECT schemakit.audit_restore('parts_1', schemakit.audit_at('kinds'));  -- fails
SELECT schemakit.audit_restore('keyless', schemakit.audit_at('kinds'));  -- fails
TRUNCATE parts;
SELECT schemakit.audit_restore('parts', schemakit.audit_at('kinds'));

-- a row that was soft-deleted comes back, and what went with it
CREATE TABLE orders (id int PRIMARY KEY, v text, deleted_at timestamptz);
CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('orders'), schemakit.soft_delete_enable('items'), schemakit.audit_enable('orders'), schemakit.audit_enable('items');
INSERT INTO orders VALUES (1, 'one');
INSERT INTO items VALUES (1, 1);
SELECT schemakit.audit_mark('orders') IS NOT NULL AS marked;
DELETE FROM orders_live WHERE id = 1;
SELECT schemakit.audit_restore('orders', schemakit.audit_at('orders'), '{"id": 1}');
SELECT * FROM orders_live JOIN items_live ON order_id = orders_live.id;

-- versions: what rows were, and when
CREATE TABLE people (id int PRIMARY KEY, name text, n numeric, secret text);
INSERT INTO people VALUES (98, 'never', 1), (99, 'old', 1);
SELECT schemakit.audit_enable('people', exclude => '{secret}');
INSERT INTO people VALUES (1, 'a', 1.0), (2, 'b', 2);
/*actor='ann'*/ UPDATE people SET name = 'c' WHERE id = 1;
BEGIN;
UPDATE people SET n = 5 WHERE id = 1;
UPDATE people SET n = 6 WHERE id = 1;
INSERT INTO people VALUES (3);
DELETE FROM people WHERE id = 3;
COMMIT;
SELECT schemakit.audit_mark('people') IS NOT NULL AS marked;
DELETE FROM people WHERE id = 1;
INSERT INTO people VALUES (1, 'again');
UPDATE people SET id = 7 WHERE id = 2;
UPDATE people SET name = 'new' WHERE id = 99;
ALTER TABLE people ADD added int DEFAULT 4;
ALTER TABLE people ALTER name TYPE varchar(20);
UPDATE people SET added = 5 WHERE id = 7;
ALTER TABLE people ALTER n TYPE text USING 'new';
ALTER TABLE people RENAME name TO renamed;
UPDATE people SET renamed = 'last', n = 'newer' WHERE id = 99;
DELETE FROM people WHERE id = 98;
SELECT dense_rank() OVER (ORDER BY valid_from) AS valid_from, valid_to IS NULL AS now, op, actor, (version).* FROM schemakit.audit_versions(NULL::people) ORDER BY (version).id, 1;
SELECT op, version FROM schemakit.audit_versions(NULL::people, '{"id": 1}');
SELECT op, version FROM schemakit.audit_versions(NULL::people, from_at => schemakit.audit_at('people'), to_at => schemakit.audit_at('people')) ORDER BY (version).id;
-- they are what audit_as_of() returns, at any time
CREATE FUNCTION differences(OUT at timestamptz, OUT missing bigint, OUT wrong bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL client_min_messages = warning;
    CREATE TEMP TABLE v AS SELECT valid_from, valid_to, version::text FROM schemakit.audit_versions(NULL::people);
    FOR at IN SELECT DISTINCT m.at + d * interval '1 microsecond' FROM (
                SELECT changed_at FROM schemakit.audit_event WHERE changed_at > (SELECT min(valid_from) FROM v)
                UNION SELECT recorded_at FROM schemakit.audit_shape WHERE recorded_at > (SELECT min(valid_from) FROM v)) AS m(at), unnest('{-1,0,1}'::int[]) AS d
    LOOP
        SELECT count(*) FILTER (WHERE v.version IS NULL), count(*) FILTER (WHERE a IS NULL) INTO missing, wrong
        FROM schemakit.audit_as_of(NULL::people, at) AS a
        FULL JOIN (SELECT version FROM v WHERE valid_from <= at AND (valid_to > at OR valid_to IS NULL)) AS v ON a::text = v.version;
        CONTINUE WHEN missing = 0 AND wrong = 0;
        RETURN NEXT;
    END LOOP;
END$$;
SELECT * FROM differences();
SELECT count(*) FROM schemakit.audit_versions(NULL::people, '{"id": 5}');
SELECT schemakit.audit_versions('people', '{"id": 1}');  -- fails
SELECT * FROM schemakit.audit_versions(NULL::keyless);  -- fails
\set VERBOSITY terse
SELECT * FROM schemakit.audit_versions(NULL::people, from_at => '2001-01-01');  -- fails
\set VERBOSITY default
SELECT * FROM schemakit.audit_versions(NULL::people, from_at => now(), to_at => now() - interval '1 day');  -- fails
SET ROLE regress_moments_marker;
SELECT * FROM schemakit.audit_versions(NULL::people);  -- fails
RESET ROLE;
-- what the owner has put on types runs as the owner
CREATE FUNCTION is_short(text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'checked by %', current_user;
    RETURN length($1) < 100;
END$$;
CREATE DOMAIN short AS text CHECK (is_short(value));
CREATE TYPE packed AS (v short);
CREATE TABLE owned (id int PRIMARY KEY, v packed);
ALTER TABLE owned OWNER TO regress_moments_owner;
SELECT schemakit.audit_enable('owned');
INSERT INTO owned VALUES (1, ROW('one'));
UPDATE owned SET v = ROW('two');
SELECT op, (version).v FROM schemakit.audit_versions(NULL::owned);
-- rows that TRUNCATE has removed, and those that it has not recorded
TRUNCATE people;
INSERT INTO people (id, renamed) VALUES (1, 'after');
SELECT count(*) FROM schemakit.audit_versions(NULL::people, '{"id": 1}');
SELECT schemakit.audit_enable('people', truncate_rows => false);
TRUNCATE people;
INSERT INTO people (id, renamed) VALUES (1, 'last');
SELECT op, version FROM schemakit.audit_versions(NULL::people, '{"id": 1}');
\set VERBOSITY sqlstate
SELECT * FROM schemakit.audit_versions(NULL::people, '{"id": 1}', from_at => schemakit.audit_at('people'));  -- fails
\set VERBOSITY default
-- rows of tables that inherit come along
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (parent);
SELECT schemakit.audit_enable('parent');
INSERT INTO parent VALUES (1, 'one');
INSERT INTO child VALUES (2, 'two', 2);
UPDATE parent SET v = 'changed';
SELECT op, (version).* FROM schemakit.audit_versions(NULL::parent);

-- what a command does belongs to the past from its transaction's commit on, as rows do
CREATE TABLE commanded (id int PRIMARY KEY, v text);
INSERT INTO commanded VALUES (1, 'one');
BEGIN;
UPDATE commanded SET v = 'two';
SELECT schemakit.audit_enable('commanded');
SELECT schemakit.audit_mark('enabled') IS NOT NULL AS marked;
COMMIT;
SELECT schemakit.audit_mark('committed') IS NOT NULL AS marked;
BEGIN;
ALTER TABLE commanded ADD n int DEFAULT 5;
SELECT schemakit.audit_mark('added') IS NOT NULL AS marked;
UPDATE commanded SET v = 'three';
COMMIT;
SELECT * FROM schemakit.audit_as_of(NULL::commanded, schemakit.audit_at('added'));
SELECT op, version FROM schemakit.audit_versions(NULL::commanded);
BEGIN;
ALTER TABLE commanded ALTER n TYPE text USING 'computed';
SELECT schemakit.audit_mark('computed') IS NOT NULL AS marked;
COMMIT;
SELECT * FROM schemakit.audit_as_of_jsonb('commanded', schemakit.audit_at('computed'));
BEGIN;
SAVEPOINT one;
ALTER TABLE commanded DISABLE TRIGGER zz_schemakit_audit;
ROLLBACK TO one;
ALTER TABLE commanded DISABLE TRIGGER zz_schemakit_audit;
UPDATE commanded SET v = 'hidden';
ALTER TABLE commanded ENABLE TRIGGER zz_schemakit_audit;
SELECT schemakit.audit_mark('hidden') IS NOT NULL AS marked;
COMMIT;
SELECT problem, until = since AS at_once FROM schemakit.audit_verify('commanded') WHERE problem = 'gap' AND column_name IS NULL;
\set VERBOSITY sqlstate
SELECT * FROM schemakit.audit_as_of(NULL::commanded, schemakit.audit_at('enabled'));  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::commanded, schemakit.audit_at('committed'));  -- fails
SELECT * FROM schemakit.audit_as_of(NULL::commanded, schemakit.audit_at('hidden'));  -- fails
\set VERBOSITY default
SELECT * FROM schemakit.audit_as_of(NULL::commanded, clock_timestamp());
CREATE TABLE divided (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE divided_1 (LIKE divided INCLUDING INDEXES);
INSERT INTO divided_1 VALUES (1, 'came along');
SELECT schemakit.audit_enable('divided');
BEGIN;
ALTER TABLE divided ATTACH PARTITION divided_1 DEFAULT;
SELECT schemakit.audit_mark('attached') IS NOT NULL AS marked;
COMMIT;
\set VERBOSITY sqlstate
SELECT * FROM schemakit.audit_as_of(NULL::divided, schemakit.audit_at('attached'));  -- fails
\set VERBOSITY default

DROP SCHEMA audit_moments CASCADE;
DROP ROLE regress_moments_owner, regress_moments_marker;
