-- What the oracle of the audit log works on: tables of all kinds, random work on
-- them, and a replay of the log that knows nothing but the log's tables.
CREATE EXTENSION schemakit;

CREATE TABLE parts (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 (v text, gone int, k int NOT NULL, id int NOT NULL);
ALTER TABLE parts_2 DROP gone;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2);
CREATE TABLE parts_3 PARTITION OF parts DEFAULT;
CREATE TABLE parents (id int PRIMARY KEY, v text);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON UPDATE CASCADE ON DELETE CASCADE, v text);
CREATE TABLE friends (id int PRIMARY KEY, parent int REFERENCES parents ON UPDATE SET NULL ON DELETE SET NULL);
CREATE TABLE bosses (id int PRIMARY KEY, boss int REFERENCES bosses ON UPDATE CASCADE ON DELETE SET NULL, v text);
CREATE TABLE composite (a int, b text, v numeric, PRIMARY KEY (a, b));
CREATE TABLE keyless (a int, b text);
CREATE TABLE altered (id int PRIMARY KEY, v text);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TABLE typed (
    id int PRIMARY KEY, n numeric, f float8, t text, b bytea, jb jsonb, js json, at timestamptz, iv interval,
    arr int[], rg tstzrange, md mood, po positive, pr pair, big text, twice int GENERATED ALWAYS AS (id * 2) STORED, updated_at timestamptz);

-- a row changes again when it has been changed, and before
CREATE TABLE chained (id int PRIMARY KEY, n int, v text);
CREATE FUNCTION go_on() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF new.n % 4 <> 0 THEN UPDATE chained SET n = n + 1, v = v || '+' WHERE id = new.id; END IF; RETURN NULL; END$$;
CREATE TRIGGER a_go_on AFTER INSERT OR UPDATE ON chained FOR EACH ROW EXECUTE FUNCTION go_on();
CREATE FUNCTION drag() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN UPDATE bosses SET v = new.v WHERE id = new.id; new.v := left(new.v, 20); RETURN new; END$$;
CREATE TRIGGER a_drag BEFORE UPDATE ON chained FOR EACH ROW EXECUTE FUNCTION drag();

-- a row makes room for itself, and comes back when it is deleted
CREATE TABLE replaced (id int PRIMARY KEY, v text);
CREATE FUNCTION make_room() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF tg_op = 'INSERT' OR new.id <> old.id THEN DELETE FROM replaced WHERE id = new.id; END IF; RETURN new; END$$;
CREATE TRIGGER make_room BEFORE INSERT OR UPDATE ON replaced FOR EACH ROW EXECUTE FUNCTION make_room();
CREATE FUNCTION revive() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF length(old.v) > 30 AND old.id % 2 = 0 THEN INSERT INTO replaced VALUES (old.id, left(old.v, 8)) ON CONFLICT DO NOTHING; END IF; RETURN NULL; END$$;
CREATE TRIGGER a_revive AFTER DELETE ON replaced FOR EACH ROW EXECUTE FUNCTION revive();

-- values of odd types, and keys
DO $$BEGIN
    CREATE EXTENSION citext;
EXCEPTION WHEN undefined_file OR feature_not_supported THEN
    CREATE DOMAIN citext AS text;  -- a server without it
END$$;
DO $$BEGIN
    CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
EXCEPTION WHEN feature_not_supported OR object_not_in_prerequisite_state THEN
    CREATE COLLATION caseless FROM "C";  -- a server without ICU
END$$;
CREATE DOMAIN short AS varchar(5) COLLATE "C" CHECK (value <> 'never');
CREATE TYPE deep AS (p pair, m mood[], s short, at timestamptz);
CREATE TABLE odd (
    id int PRIMARY KEY, po positive, ps positive[], md mood, mds mood[], pr pair, prs pair[], dp deep, sh short, shs short[],
    nr numrange, drs daterange[], tr tstzrange, mr nummultirange, ci citext, cis citext[], nd text COLLATE caseless, n numeric(12,3), ns numeric[],
    tz timestamptz(3), tzs timestamptz[], tt timetz, c char(7), cs char(3)[], b bytea, bs bytea[], js json, jss json[], jb jsonb, jbs jsonb[],
    iv interval, ip inet, bt varbit, f real, m money, oc "char", nm name, rc regclass, pt point, ts tsvector);
CREATE TABLE by_citext (k citext PRIMARY KEY, v int);
CREATE TABLE by_caseless (k text COLLATE caseless PRIMARY KEY, v int);
CREATE TABLE by_odd (n numeric(10,2), c char(4), at timestamptz, md mood, iv interval, v int, PRIMARY KEY (n, c, at, md, iv));

-- some tables have rows already
INSERT INTO parents SELECT i, 'there' FROM generate_series(1, 20) AS i;
INSERT INTO keyless VALUES (1, 'there'), (1, 'there');
CREATE VIEW audited AS SELECT unnest('{parts,parents,children,friends,bosses,composite,keyless,altered,typed,chained,replaced}'::regclass[]) AS rel;
-- the replay does not know all types
CREATE VIEW watched AS SELECT rel FROM audited UNION ALL SELECT unnest('{odd,by_citext,by_caseless,by_odd}'::regclass[]);
SELECT schemakit.audit_enable(rel, baseline => true) FROM watched;

CREATE TABLE done (xid xid8);  -- which transactions were committed
CREATE TABLE failed (sqlstate text, what int, message text);  -- what change() caught, as far as it was committed

/*
 * One random change, whose errors are caught, and noted: if all changes failed, the
 * log would suit the tables, too.  "r" is a random number.
 */
CREATE FUNCTION change(r bigint) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
    what int := r % 40;
    i int := (r / 40) % 40 + 1;
    j int := (r / 1600) % 40 + 1;
    s text := md5(r::text);
BEGIN
    CASE what
    WHEN 0 THEN INSERT INTO parts VALUES (i, j % 3 + 1, s);
    WHEN 1 THEN UPDATE parts SET k = j % 3 + 1 WHERE id = i;
    WHEN 2 THEN UPDATE parts SET v = s WHERE id BETWEEN i AND i + 30;
    WHEN 3 THEN DELETE FROM parts WHERE id = i;
    WHEN 4 THEN INSERT INTO parts_2 (id, k, v) VALUES (i, 2, s) ON CONFLICT (id, k) DO UPDATE SET v = excluded.v;
    WHEN 5 THEN INSERT INTO parents VALUES (i, s) ON CONFLICT (id) DO UPDATE SET v = s;
    WHEN 6 THEN UPDATE parents SET id = j WHERE id = i;
    WHEN 7 THEN DELETE FROM parents WHERE id = i;
    WHEN 8 THEN INSERT INTO children SELECT i * 10 + g, j, s FROM generate_series(1, CASE WHEN j % 2 = 0 THEN 3 ELSE 30 END) AS g;
    WHEN 9 THEN UPDATE children SET parent = j WHERE id % 40 = i;
    WHEN 10 THEN INSERT INTO friends VALUES (i, j);
    WHEN 11 THEN INSERT INTO bosses VALUES (i, nullif(j % 3, 0), s), (i + 40, i + 40, s);
    WHEN 12 THEN UPDATE bosses SET id = id + 80 WHERE id = i;
    WHEN 13 THEN DELETE FROM bosses WHERE id % 40 = i;
    WHEN 14 THEN INSERT INTO composite VALUES (i, j::text, r / 100.0);
    WHEN 15 THEN UPDATE composite SET b = s, v = v * 1.10 WHERE a = i;
    WHEN 16 THEN UPDATE composite SET a = a + 1 WHERE a IN (i, j);
    WHEN 17 THEN DELETE FROM composite WHERE a = i;
    WHEN 18 THEN INSERT INTO keyless SELECT i, j FROM generate_series(1, 2);
    WHEN 19 THEN UPDATE keyless SET b = s WHERE a = i;
    WHEN 20 THEN DELETE FROM keyless WHERE ctid = (SELECT ctid FROM keyless WHERE a = i LIMIT 1);
    WHEN 21 THEN INSERT INTO altered (id, v) VALUES (i, s) ON CONFLICT (id) DO UPDATE SET v = excluded.v;
    WHEN 22 THEN DELETE FROM altered WHERE id = i;
    WHEN 23 THEN
        INSERT INTO typed (id, n, f, t, b, jb, js, at, iv, arr, rg, md, po, pr, big)
        VALUES (i, (ARRAY['NaN', 'Infinity', '1.00', r::text])[j % 4 + 1]::numeric, (ARRAY['-0', 'NaN', '1e-300', '0.1'])[j % 4 + 1]::float8,
                s || E'\n"\\' , decode(s, 'hex'), (ARRAY['null', '{"a": [1, null]}', '"x"', '{"$jsonb": null}'])[j % 4 + 1]::jsonb,
                (ARRAY['{"a" : "\u0000"}', '[1,  2]', 'null', '"x"'])[j % 4 + 1]::json, '2026-01-01'::timestamptz + i * interval '1.000001 s',
                make_interval(months => i, days => -j, secs => -1.5), (ARRAY['{}', '{1,NULL}', '[0:1]={1,2}', NULL])[j % 4 + 1]::int[],
                tstzrange('2026-01-01', '2026-01-02'), 'sad', j, (i, s), repeat(s, (j % 4) * 200));
    WHEN 24 THEN UPDATE typed SET n = n + 1, jb = 'null', f = -f, md = 'happy', pr = NULL WHERE id BETWEEN i AND i + 35;
    WHEN 25 THEN UPDATE typed SET t = t, big = big || 'x' WHERE id = i;
    WHEN 26 THEN DELETE FROM typed WHERE id = i;
    WHEN 27 THEN INSERT INTO chained VALUES (i, j, s) ON CONFLICT (id) DO UPDATE SET n = excluded.n;
    WHEN 28 THEN UPDATE chained SET n = n + 1 WHERE id IN (i, j);
    WHEN 29 THEN
        MERGE INTO composite c USING (VALUES (i, j::text), (j, i::text)) AS v(a, b) ON c.a = v.a AND c.b = v.b
        WHEN MATCHED AND c.a % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 0 WHEN NOT MATCHED THEN INSERT VALUES (v.a, v.b, 1);
    WHEN 30 THEN PERFORM rarely(i, j);
    WHEN 31 THEN INSERT INTO replaced VALUES (i, s), (j, s);
    WHEN 32 THEN UPDATE replaced SET id = j, v = v || 'x' WHERE id = i;
    WHEN 33 THEN DELETE FROM replaced WHERE id BETWEEN i AND i + 3;
    WHEN 34 THEN PERFORM change_odd(i, j, s);
    WHEN 35 THEN UPDATE odd SET ci = upper(ci), nd = upper(nd), n = n + 0.5, ns = ns || 1.50, md = NULL, mds = CASE WHEN array_ndims(mds) > 1 THEN NULL ELSE mds || md END, jb = 'null', js = 'null', c = left(c, 2), b = b || b, tz = tz + '1 s',
        f = -f, po = po + 1, iv = -iv, nr = NULL, dp.s = left(s, 5), pr.b = NULL, cs[1] = 'q', jss = jss || js, tzs = tzs || tz WHERE id BETWEEN i AND i + 3;
    WHEN 36 THEN DELETE FROM odd WHERE id = i;
    WHEN 37 THEN
        INSERT INTO by_citext VALUES ('Key ' || i, j) ON CONFLICT (k) DO UPDATE SET k = CASE WHEN j % 2 = 0 THEN upper(excluded.k::text) ELSE excluded.k::text END, v = j;
        INSERT INTO by_caseless VALUES ('Key ' || i, j) ON CONFLICT (k) DO UPDATE SET k = CASE WHEN j % 2 = 0 THEN lower(excluded.k) ELSE excluded.k END, v = j;
    WHEN 38 THEN
        INSERT INTO by_odd VALUES (i / 2.0, chr(64 + i % 26), timestamptz '2026-03-29 00:30:00Z' + i * interval '30 min', CASE WHEN j % 2 = 0 THEN 'sad' ELSE 'happy' END::mood, i * interval '25 h', j)
        ON CONFLICT (n, c, at, md, iv) DO UPDATE SET iv = justify_interval(excluded.iv), v = j;
    WHEN 39 THEN
        DELETE FROM by_citext WHERE v % 40 = i;
        DELETE FROM by_caseless WHERE k = 'KEY ' || i OR k = 'Key ' || i;  -- without ICU they differ
        UPDATE by_odd SET n = n + 100, md = 'sad' WHERE v = i;
        DELETE FROM by_odd WHERE v = j;
    END CASE;
    IF r % 7 = 0 THEN RAISE 'undone'; END IF;
EXCEPTION WHEN OTHERS THEN
    INSERT INTO failed VALUES (sqlstate, what, sqlerrm);
END$fn$;

/*
 * What events of a statement that changes many rows, which go into the log together, may
 * meet between two of them: a subtransaction, in which others are made, or read.
 */
CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
    IF random() < 0.8 THEN RETURN NULL; END IF;
    BEGIN
        IF random() < 0.5 THEN
            UPDATE parents SET v = v || '!' WHERE id > 40 * random() AND length(v) < 50;
        ELSE
            PERFORM FROM parents;
        END IF;
        IF random() < 0.5 THEN RAISE 'undone'; END IF;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    RETURN NULL;
END$fn$;
CREATE TRIGGER zzz_trouble AFTER INSERT OR UPDATE OR DELETE ON parts FOR EACH ROW EXECUTE FUNCTION trouble();
CREATE TRIGGER zzz_trouble AFTER INSERT OR UPDATE OR DELETE ON typed FOR EACH ROW EXECUTE FUNCTION trouble();
CREATE TRIGGER zzz_trouble AFTER INSERT OR UPDATE OR DELETE ON children FOR EACH ROW EXECUTE FUNCTION trouble();

/* A row of odd values; sessions differ in how they write them. */
CREATE FUNCTION change_odd(i int, j int, s text) RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
    PERFORM set_config('TimeZone', (ARRAY['UTC', 'Asia/Kathmandu', 'America/New_York', 'Europe/Berlin'])[j % 4 + 1], true),
        set_config('DateStyle', (ARRAY['ISO', 'German', 'SQL, DMY', 'Postgres'])[j % 4 + 1], true),
        set_config('IntervalStyle', (ARRAY['postgres', 'iso_8601', 'sql_standard', 'postgres_verbose'])[i % 4 + 1], true),
        set_config('bytea_output', (ARRAY['hex', 'escape'])[i % 2 + 1], true), set_config('extra_float_digits', (i % 4 - 1)::text, true);
    INSERT INTO odd VALUES (
        i, j, ARRAY[j, NULL, i], (ARRAY['sad', 'happy', NULL])[j % 3 + 1]::mood, (ARRAY['{}', '{sad,NULL}', '{{sad,happy}}'])[i % 3 + 1]::mood[],
        (i, E'a"b\\,(' || s), ARRAY[(j, NULL), NULL, (NULL, '')]::pair[], ((i, s), '{happy}', left(s, 5), now()), left(s, j % 6), ARRAY[left(s, 3), NULL, ''],
        numrange(i / 3.0, NULL, '(]'), ARRAY[daterange(current_date, NULL), 'empty'], tstzrange(now(), now() + '1 d'), nummultirange(numrange(1, 2.50), numrange(3, 4)),
        'MiXed ' || left(s, 3), ARRAY['Ab', NULL]::citext[], 'MiXed ' || left(s, 3), (ARRAY['1', '1.500', '-0.001', 'NaN'])[j % 4 + 1]::numeric, ARRAY[1.0, 1.00, 'NaN', '-Infinity']::numeric[],
        '2026-10-25 00:59:59.9996Z'::timestamptz + j * interval '1 h', ARRAY[timestamptz '-infinity', '0044-03-15 12:00 BC', '2026-01-01 00:00+05:45'], '23:59:59.5+13:45',
        left(s, j % 8), ARRAY['a', 'b  ', NULL], decode(s, 'hex'), ARRAY['\x', '\x00'::bytea], (ARRAY['null', ' {"b":1, "a" : [ ]}', '"\u0000"', NULL])[j % 4 + 1]::json,
        ARRAY['null', NULL, '1.0']::json[], (ARRAY['null', '{"$bytes": 1, "$sha256": 2}', '1.0', NULL])[i % 4 + 1]::jsonb, ARRAY['null', NULL, '{"$jsonb": 1}']::jsonb[],
        interval '1 mon -25 h' * i, '10.0.0.1/8', B'101' || (i % 2)::text::varbit, (ARRAY['NaN', '-0', '1e-38', '0.1'])[i % 4 + 1]::real, 1.1::numeric::money, 'x', left(s, 10), 'odd', point(i, -0.0), to_tsvector('simple', s));
EXCEPTION WHEN unique_violation THEN
    UPDATE odd SET sh = left(s, 4), c = s::char(5), tt = NULL, m = m * 2 WHERE id = i;
END$fn$;

/* TRUNCATE and DDL, which lock out others, a few times only. */
CREATE FUNCTION rarely(i int, j int) RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
    SET LOCAL lock_timeout = '100ms';
    CASE i
    WHEN 1 THEN TRUNCATE keyless;
    WHEN 2 THEN TRUNCATE parts;
    WHEN 3 THEN TRUNCATE parts_1;
    WHEN 4 THEN TRUNCATE children, composite;
    WHEN 5 THEN EXECUTE format('ALTER TABLE altered ADD COLUMN c%s int DEFAULT %s', j % 5, i);
    WHEN 6 THEN EXECUTE format('ALTER TABLE altered DROP COLUMN c%s', j % 5);
    WHEN 7 THEN EXECUTE format('ALTER TABLE altered RENAME COLUMN c%s TO c%s', j % 5, (j + 1) % 5);
    WHEN 8 THEN ALTER TABLE altered RENAME TO other; ALTER TABLE other RENAME TO altered;
    WHEN 9 THEN ALTER TABLE altered ALTER id TYPE bigint;
    ELSE NULL;
    END CASE;
END$fn$;

/*
 * The log replayed: what the tables ought to be.  Documents are kept by the
 * numbers of the columns.
 */
CREATE TABLE replayed (rel_id bigint, key jsonb, doc jsonb);
CREATE INDEX ON replayed (rel_id, md5(key::text));
CREATE FUNCTION by_id(doc jsonb, shape int) RETURNS jsonb STABLE LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(c ->> 'id', doc -> (c ->> 'name')), '{}')
    FROM schemakit.audit_shape, jsonb_array_elements(columns) AS c WHERE shape_id = shape AND doc ? (c ->> 'name')
$$;
CREATE FUNCTION replay() RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $fn$
DECLARE
    e record;
    left_behind jsonb := '{}';  -- rows that are between two keys, by the number of the event that has the new one
    d jsonb;
    events bigint := 0;
BEGIN
    TRUNCATE replayed;
    FOR e IN
        SELECT s.rel_id, v.txn_id, v.n, v.op, by_id(v.key, v.shape_id) AS key, by_id(v.old, v.shape_id) AS old, by_id(v.new, v.shape_id) AS new, v.key IS NULL AS keyless
        FROM schemakit.audit_event v JOIN schemakit.audit_shape s USING (shape_id)
        ORDER BY max(v.changed_at) OVER (PARTITION BY v.txn_id), v.txn_id, v.command, v.n
    LOOP
        events := events + 1;
        IF e.op IN ('T', 'S') THEN
            CONTINUE;
        END IF;
        IF e.keyless THEN
            e.key := e.old;
        END IF;
        d := '{}';
        IF e.op NOT IN ('I', 'B', 'N') THEN
            DELETE FROM replayed WHERE ctid = (SELECT ctid FROM replayed AS r
                WHERE r.rel_id = e.rel_id AND md5(r.key::text) = md5(e.key::text) LIMIT 1) RETURNING doc INTO d;
            IF d IS NULL THEN
                RAISE 'event % of % is about a row that is not there: %', e.op, e.rel_id, e.key;
            END IF;
            -- what DDL has put into the rows is no event
            IF EXISTS (SELECT FROM jsonb_each(e.old) AS o WHERE d ? o.key AND d -> o.key <> o.value) THEN
                RAISE 'event % of % does not suit its row: % %', e.op, e.rel_id, d, e.old;
            END IF;
        END IF;
        IF e.op = 'O' THEN
            left_behind := left_behind || jsonb_build_object(e.txn_id || '/' || e.n + 1, d);
        ELSIF e.op = 'N' THEN
            d := left_behind -> (e.txn_id || '/' || e.n);
            left_behind := left_behind - (e.txn_id || '/' || e.n);
        END IF;
        IF e.op IN ('I', 'B', 'N', 'U') THEN
            d := d || e.new;
            INSERT INTO replayed VALUES (e.rel_id, CASE WHEN e.keyless THEN d ELSE e.key END, d);
        END IF;
    END LOOP;
    RETURN events;
END$fn$;

/* A value as SQL text, from the format that the log is documented to have. */
CREATE FUNCTION value_of(v jsonb, type text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE
        WHEN v IS NULL OR v = 'null' THEN NULL
        WHEN type = 'jsonb' THEN CASE WHEN v @? '$ ? (exists(@."$jsonb"))' AND jsonb_typeof(v) = 'object' THEN v -> '$jsonb' ELSE v END::text
        WHEN type = 'integer[]' AND jsonb_typeof(v) = 'array' THEN translate(v::text, '[]', '{}')
        ELSE v #>> '{}' END
$$;

/* The rows that are in one and not in the other: a table and its replay. */
CREATE FUNCTION differences(rel regclass) RETURNS SETOF text LANGUAGE plpgsql AS $fn$
DECLARE
    shape record;
    columns text;
    query text;
BEGIN
    SELECT * INTO shape FROM schemakit.audit_shape WHERE relid = rel ORDER BY shape_id DESC LIMIT 1;
    SELECT string_agg(format('(value_of(doc -> %L, %L))::%s AS %I', c ->> 'id', replace(c ->> 'type', 'pg_catalog.', ''), c ->> 'type', c ->> 'name'), ', ' ORDER BY (c ->> 'attnum')::int)
    INTO columns FROM jsonb_array_elements(shape.columns) AS c WHERE rel <> 'altered'::regclass OR c ->> 'name' IN ('id', 'v');
    query := format('SELECT r::text FROM (SELECT %s FROM replayed WHERE rel_id = %s) AS r', columns, shape.rel_id);
    RETURN QUERY EXECUTE format('(SELECT ''only in the table: '' || x FROM (%1$s EXCEPT ALL %2$s) AS a(x) LIMIT 3)
        UNION ALL (SELECT ''only in the log: '' || x FROM (%2$s EXCEPT ALL %1$s) AS b(x) LIMIT 3)',
        format('SELECT r::text FROM (SELECT %s FROM %s) AS r', CASE WHEN rel = 'altered'::regclass THEN 'id, v' ELSE '*' END, rel), query);
END$fn$;

/* Copies of all tables at a moment, and what as_of() makes of it later. */
CREATE TABLE moments (n int PRIMARY KEY, at timestamptz);
CREATE FUNCTION remember(n int) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
    rel regclass;
BEGIN
    INSERT INTO moments VALUES (n, clock_timestamp());
    FOR rel IN SELECT a.rel FROM audited AS a LOOP
        EXECUTE format('CREATE TABLE copy_%s_%s AS SELECT * FROM %s', n, rel, rel);
    END LOOP;
    PERFORM pg_sleep(0.002);
END$fn$;
CREATE FUNCTION as_of_differences(n int, rel regclass) RETURNS SETOF text LANGUAGE plpgsql AS $fn$
DECLARE
    columns text := CASE WHEN rel = 'altered'::regclass THEN 'id::int, v' ELSE '*' END;
    was text := format('SELECT r::text FROM (SELECT %s FROM schemakit.audit_as_of(NULL::%s, (SELECT at FROM moments WHERE n = %s))) AS r', columns, rel, n);
    copy text := format('SELECT r::text FROM (SELECT %s FROM copy_%s_%s) AS r', columns, n, rel);
BEGIN
    RETURN QUERY EXECUTE format('(SELECT ''only in the copy: '' || x FROM (%1$s EXCEPT ALL %2$s) AS a(x) LIMIT 3)
        UNION ALL (SELECT ''only in as_of: '' || x FROM (%2$s EXCEPT ALL %1$s) AS b(x) LIMIT 3)', copy, was);
END$fn$;

/*
 * Copies of a table while others work: whoever changes it has finished, or waits.
 * A transaction that is prepared keeps its locks, and so keeps copies from being made.
 */
CREATE SEQUENCE snap_n;
CREATE TABLE snaps (n int PRIMARY KEY, rel regclass, at timestamptz);
CREATE FUNCTION snap(snapped regclass) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
    i int := nextval('snap_n');
BEGIN
    SET LOCAL lock_timeout = '50ms';
    EXECUTE format('LOCK TABLE %s IN SHARE MODE', snapped);
    INSERT INTO snaps VALUES (i, snapped, clock_timestamp());
    EXECUTE format('CREATE TABLE snap_%s AS SELECT * FROM %s', i, snapped);
EXCEPTION WHEN lock_not_available OR deadlock_detected OR undefined_column THEN
    NULL;
END$fn$;
CREATE FUNCTION snap_differences(i int) RETURNS SETOF text LANGUAGE plpgsql AS $fn$
DECLARE
    s record;
    columns text;
    rows text;
BEGIN
    SELECT * INTO s FROM snaps WHERE n = i;
    columns := CASE WHEN s.rel = 'altered'::regclass THEN 'id::int, v' ELSE '*' END;
    rows := 'SELECT r::text FROM (SELECT %s FROM %s) AS r';
    RETURN QUERY EXECUTE format('(SELECT ''only in the copy: '' || x FROM (%1$s EXCEPT ALL %2$s) AS a(x) LIMIT 3)
        UNION ALL (SELECT ''only in as_of: '' || x FROM (%2$s EXCEPT ALL %1$s) AS b(x) LIMIT 3)',
        format(rows, columns, 'snap_' || i), format(rows, columns, format('schemakit.audit_as_of(NULL::%s, %L)', s.rel, s.at)));
END$fn$;

/* The same for each row of it, by its key in capitals, where that is the same key. */
CREATE FUNCTION snap_differences_by_key(i int) RETURNS SETOF text LANGUAGE plpgsql AS $fn$
DECLARE
    s record;
BEGIN
    SELECT * INTO s FROM snaps WHERE n = i;
    RETURN QUERY EXECUTE format('SELECT c::text || '' was '' || w::text FROM snap_%1$s AS c
        LEFT JOIN LATERAL schemakit.audit_as_of(NULL::%2$s, %3$L, jsonb_build_object(''k'', upper(c.k::text))) AS w ON true
        WHERE upper(c.k::text)::%4$s = c.k AND w::text IS DISTINCT FROM c::text LIMIT 3',
        i, s.rel, s.at, (SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = s.rel AND attname = 'k'));
END$fn$;
