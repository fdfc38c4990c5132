-- updated_at of every type, beside columns of every type.
CREATE SCHEMA touch_types;
SET search_path = touch_types;
SET timezone = 'Asia/Tokyo';

-- the precision of the column is honoured
CREATE TABLE p (id int,
    tz timestamptz, tz0 timestamptz(0), tz3 timestamptz(3), tz6 timestamptz(6),
    ts timestamp, ts0 timestamp(0), ts3 timestamp(3), d date);
INSERT INTO p (id) VALUES (1);
DO $$
DECLARE
    col name;
BEGIN
    FOREACH col IN ARRAY '{tz,tz0,tz3,tz6,ts,ts0,ts3,d}'::name[] LOOP
        PERFORM schemakit.timestamps_enable('p', col);
        UPDATE p SET id = id + 1;
    END LOOP;
END $$;
-- now(), cast to the type as any assignment would; or the clock where a
-- column's coarse time is not later than the old one
SELECT tz = now() OR tz > now() - interval '1 minute' AS tz,
       tz0 = tz0::timestamptz(0) AND abs(extract(epoch FROM tz0 - now())) < 60 AS tz0,
       tz3 = tz3::timestamptz(3) AND abs(extract(epoch FROM tz3 - now())) < 60 AS tz3,
       abs(extract(epoch FROM tz6 - now())) < 60 AS tz6,
       abs(extract(epoch FROM ts - now()::timestamp)) < 60 AS ts,
       ts0 = ts0::timestamp(0) AND abs(extract(epoch FROM ts0 - now()::timestamp)) < 60 AS ts0,
       ts3 = ts3::timestamp(3) AND abs(extract(epoch FROM ts3 - now()::timestamp)) < 60 AS ts3,
       d - current_date BETWEEN 0 AND 1 AS d
FROM p;

-- what the column has no room for is dropped, as programs do: rounded up, the time
-- would lie ahead, and what they save a moment later would set it back
CREATE DOMAIN second AS timestamp(0);
CREATE DOMAIN day AS date;
DO $$
DECLARE
    types text[] := '{timestamp(0),timestamp(1),timestamp(2),timestamp(3),timestamp(4),timestamp(5),timestamp(6),timestamp,'
        'timestamptz(0),timestamptz(1),timestamptz(2),timestamptz(3),timestamptz(4),timestamptz(5),timestamptz(6),timestamptz,second,date,day}';
    precisions int[] := '{0,1,2,3,4,5,6,6,0,1,2,3,4,5,6,6,0,NULL,NULL}';
    kept boolean;
BEGIN
    FOR i IN 1 .. cardinality(types) LOOP
        EXECUTE format('CREATE TABLE cut_%s (id int, updated_at %s)', i, types[i]);
        EXECUTE format('INSERT INTO cut_%s VALUES (1, ''1999-01-01'')', i);
        EXECUTE format('UPDATE cut_%s SET id = 2 RETURNING updated_at = CASE WHEN %L IS NULL THEN date_trunc(''day'', now()::timestamp)
            ELSE date_trunc(''second'', now()::timestamp) + trunc(extract(microsecond FROM now()) %% 1000000 / 10 ^ (6 - %2$L)) * 10 ^ (6 - %2$L) * interval ''1 microsecond'' END', i, precisions[i]) INTO kept;
        IF kept IS NOT true THEN
            RAISE WARNING '% is not cut off', types[i];
        END IF;
        EXECUTE format('DROP TABLE cut_%s', i);
    END LOOP;
END $$;
CREATE TABLE saved (id int, n int, updated_at timestamp(0));
INSERT INTO saved VALUES (1, 1, '2020-01-01');
BEGIN;
UPDATE saved SET n = 2 RETURNING updated_at = date_trunc('second', now()::timestamp) AS now;
SELECT updated_at AS first FROM saved \gset
-- a program saves what it has read, with its own time
UPDATE saved SET n = 3, updated_at = date_trunc('second', now()::timestamp) RETURNING updated_at >= :'first' AS not_set_back;
COMMIT;
-- a coarse column may keep its time through changes, but never goes back
CREATE TABLE coarse (id int, updated_at timestamp(0), d date);
INSERT INTO coarse VALUES (1, '2222-02-02', '2222-02-02');
UPDATE coarse SET id = 2 RETURNING updated_at, d;
DROP TRIGGER zz_schemakit_touch ON coarse;
SELECT schemakit.timestamps_enable('coarse', 'd');
UPDATE coarse SET id = 3 RETURNING updated_at, d;
-- nor does it leave the range of the type
CREATE TABLE latest (id int, updated_at timestamptz);
INSERT INTO latest VALUES (1, '294276-12-31 23:59:59.999999 UTC');
UPDATE latest SET id = 2 RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
-- a time without zone is that of the session
CREATE TABLE zone (id int, updated_at timestamp);
INSERT INTO zone VALUES (1, '2020-01-01');
UPDATE zone SET id = 2 RETURNING updated_at = (now() AT TIME ZONE 'Asia/Tokyo') AS local_time;

-- domains over these types, and their constraints
CREATE DOMAIN stamp AS timestamptz(0) NOT NULL DEFAULT now();
CREATE DOMAIN substamp AS stamp CHECK (VALUE > '2000-01-01');
CREATE TABLE dom (id int, updated_at stamp);
CREATE TABLE subdom (id int, updated_at substamp);
INSERT INTO dom VALUES (1, '2020-01-01');
INSERT INTO subdom VALUES (1, '2020-01-01');
UPDATE dom SET id = 2 RETURNING updated_at = date_trunc('second', now()) AS advanced;
UPDATE subdom SET id = 2 RETURNING updated_at = date_trunc('second', now()) AS advanced;
CREATE DOMAIN past AS timestamptz CHECK (VALUE < '2021-01-01');
CREATE TABLE pastdom (id int, updated_at past);
INSERT INTO pastdom VALUES (1, '2020-01-01');
-- a value that breaks the domain is not stored: the row keeps its time
UPDATE pastdom SET id = 2 RETURNING updated_at = '2020-01-01' AS kept;

-- a table with columns of every kind: each real change is seen, each no-op is not
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE kinds (
    id int PRIMARY KEY,
    c_json json, c_jsonb jsonb, c_xml xml, c_point point, c_circle circle,
    c_numeric numeric, c_float float8, c_text text, c_char char(5), c_name name,
    c_bytea bytea, c_array int[], c_enum mood, c_pair pair, c_range int4range,
    c_multi int4multirange, c_uuid uuid, c_inet inet, c_interval interval, c_bit bit(3),
    c_tsvector tsvector, c_bool bool, c_int2 int2, c_oid oid, c_time timetz,
    dropped int,
    c_generated int GENERATED ALWAYS AS (id * 2) STORED,
    updated_at timestamptz);
ALTER TABLE kinds DROP COLUMN dropped;
INSERT INTO kinds VALUES (1, '{"a":1}', '{"a":1}', '<a/>', '(1,2)', '<(1,2),3>',
    1.0, 'NaN', 'x', 'y', 'z', '\x00', '{1,2}', 'ok', (1, 'b'), '[1,5)',
    '{[1,2)}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1', '1 day', B'101',
    'a b', true, 1, 1, '12:00+00', DEFAULT, '2020-01-01');
CREATE FUNCTION changes(assignment text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    advanced boolean;
BEGIN
    UPDATE kinds SET updated_at = '2020-01-01';
    EXECUTE 'UPDATE kinds SET ' || assignment || ' RETURNING updated_at > ''2020-01-01''' INTO advanced;
    RETURN advanced;
END $$;
-- the same values, written again
SELECT a AS seen_as_change FROM unnest(ARRAY[
    'id = 1', 'c_json = ''{"a":1}''', 'c_jsonb = ''{"a": 1}''', 'c_xml = ''<a/>''', 'c_point = ''(1,2)''',
    'c_circle = ''<(1,2),3>''', 'c_numeric = 1.0', 'c_float = ''NaN''', 'c_text = ''x''', 'c_char = ''y''',
    'c_name = ''z''', 'c_bytea = ''\x00''', 'c_array = ''{1,2}''', 'c_enum = ''ok''', 'c_pair = (1, ''b'')::pair',
    'c_range = ''[1,4]''', 'c_multi = ''{[1,2)}''', 'c_inet = ''10.0.0.1''', 'c_interval = ''1 day''',
    'c_bit = B''101''', 'c_tsvector = ''b a''', 'c_bool = true', 'c_int2 = 1', 'c_oid = 1', 'c_time = ''12:00+00''']) a
WHERE changes(a);
-- values that an operator may call equal, but that are stored differently, and others
SELECT a AS not_seen FROM unnest(ARRAY[
    'id = 1 + c_int2', 'c_json = ''{"a": 1}''', 'c_jsonb = ''{"a":1.0}''', 'c_xml = ''<a />''', 'c_point = ''(1,3)''',
    'c_circle = ''<(2,2),3>''', 'c_numeric = 1.00', 'c_float = 0', 'c_float = ''-0''', 'c_text = ''x ''', 'c_char = ''z''',
    'c_name = ''zz''', 'c_bytea = ''\x01''', 'c_array = ''[2:3]={1,2}''', 'c_enum = ''sad''', 'c_pair = (1, NULL)::pair',
    'c_range = ''empty''', 'c_multi = ''{}''', 'c_uuid = NULL', 'c_inet = ''10.0.0.1/31''', 'c_interval = ''24 hours''',
    'c_bit = B''111''', 'c_tsvector = ''a''', 'c_bool = NULL', 'c_int2 = 2', 'c_oid = 2', 'c_time = ''13:00+01''']) a
WHERE NOT changes(a);

-- long values: unchanged ones, changed ones, and the same value stored anew
CREATE TABLE long (id int, big text, big2 text, updated_at timestamptz);
ALTER TABLE long ALTER big SET STORAGE EXTERNAL;
INSERT INTO long SELECT 1, repeat('abc', 100000), repeat(md5(''), 10000), '2020-01-01';
UPDATE long SET id = id RETURNING updated_at = '2020-01-01' AS kept;
UPDATE long SET big = repeat('abc', 100000), big2 = repeat(md5(''), 10000) RETURNING updated_at = '2020-01-01' AS kept;
UPDATE long SET big = repeat('abd', 100000) RETURNING updated_at = now() AS advanced;
UPDATE long SET updated_at = '2020-01-01';
UPDATE long SET big2 = repeat(md5(''), 10000) || 'x' RETURNING updated_at = now() AS advanced;
SELECT length(big), length(big2) FROM long;

-- columns that are younger than the row, with and without a default
CREATE TABLE young (id int);
INSERT INTO young VALUES (1);
ALTER TABLE young ADD COLUMN n int DEFAULT 5, ADD COLUMN m text;
ALTER TABLE young ADD COLUMN updated_at timestamptz DEFAULT '2020-01-01';
UPDATE young SET n = 5 RETURNING *;
UPDATE young SET n = 6 RETURNING n, m, updated_at = now() AS advanced;
CREATE TABLE young2 (id int);
INSERT INTO young2 VALUES (1);
ALTER TABLE young2 ADD COLUMN updated_at timestamptz;
UPDATE young2 SET id = 2 RETURNING updated_at = now() AS advanced;

-- a generated updated_at is left alone, also if asked for by trigger
CREATE TABLE gen (id int, base timestamptz, updated_at timestamptz GENERATED ALWAYS AS (base) STORED);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'gen'::regclass;
CREATE TRIGGER t BEFORE UPDATE ON gen FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
INSERT INTO gen VALUES (1, '2020-01-01');
UPDATE gen SET id = 2 RETURNING updated_at = '2020-01-01' AS kept;
-- and so is a column of another type, or one that is not there
CREATE TABLE odd (id int, updated_at text, epoch bigint);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'odd'::regclass;
CREATE TRIGGER t1 BEFORE UPDATE ON odd FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
CREATE TRIGGER t2 BEFORE UPDATE ON odd FOR EACH ROW EXECUTE FUNCTION schemakit.touch('nowhere');
INSERT INTO odd VALUES (1, 'text', 1);
UPDATE odd SET id = 2 RETURNING *;

-- a generated column that depends on updated_at follows it
CREATE TABLE dep (id int, updated_at timestamp, year int GENERATED ALWAYS AS (extract(year FROM updated_at)::int) STORED);
INSERT INTO dep VALUES (1, '2001-01-01');
UPDATE dep SET id = 2 RETURNING year = extract(year FROM now()) AS followed;

-- unlogged tables, and rows of a wide table
CREATE UNLOGGED TABLE unlog (id int, updated_at timestamptz DEFAULT '2020-01-01');
INSERT INTO unlog VALUES (1);
UPDATE unlog SET id = 2 RETURNING updated_at = now() AS advanced;
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TABLE wide (%s, updated_at timestamptz)', string_agg('c' || i || ' int', ', '))
             FROM generate_series(1, 300) i);
END $$;
INSERT INTO wide (c1, c7, updated_at) VALUES (1, 7, '2020-01-01');
UPDATE wide SET c300 = 1 RETURNING c1, c7, c300, updated_at = now() AS advanced;

RESET timezone;
SET client_min_messages = warning;
DROP SCHEMA touch_types CASCADE;
