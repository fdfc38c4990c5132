--
-- Events are written in jsonb's stored form: it is the one that the server itself
-- makes of the same object, bit for bit, and what is in it is what the server says
-- of the row.
--
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT FROM setseed(0.5);
CREATE SCHEMA audit_jsonb;
SET search_path = audit_jsonb;

-- digits of all lengths, and what is at the ends of what is written in another way
CREATE FUNCTION random_number() RETURNS numeric LANGUAGE sql AS $$
    SELECT trunc((random() - 0.5)::numeric * 2 * power(10::numeric, floor(random() * 30)::numeric - 8), (random() * 12)::int)
$$;
CREATE FUNCTION random_text() RETURNS text LANGUAGE sql AS $$
    SELECT CASE (random() * 6)::int
        WHEN 0 THEN '' WHEN 1 THEN 'plain' WHEN 2 THEN repeat('ü', (random() * 50)::int)
        WHEN 3 THEN repeat('long text ', (random() * 1000)::int) WHEN 4 THEN '"\' || chr(1 + (random() * 100)::int)
        ELSE md5(random()::text) END
$$;
CREATE FUNCTION random_time() RETURNS timestamp LANGUAGE sql AS $$
    SELECT CASE (random() * 12)::int
        WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' WHEN 2 THEN '0001-01-01' WHEN 3 THEN '0001-12-31 23:59:59.999999 BC'
        WHEN 4 THEN '9999-12-31 23:59:59.999999' WHEN 5 THEN '10000-01-01' WHEN 6 THEN '4713-01-01 BC' WHEN 7 THEN '1999-12-31 23:59:59.999999'
        WHEN 8 THEN '2000-01-01' ELSE '0001-01-01'::timestamp + random() * interval '9998 years' + random() * interval '1 s'
            + CASE WHEN random() < 0.5 THEN trunc(random() * 1000000)::int * interval '1 us' ELSE '0' END END
$$;
CREATE FUNCTION random_jsonb(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE floor(random() * CASE WHEN depth > 2 THEN 6 ELSE 8 END)::int
        WHEN 0 THEN 'null' WHEN 1 THEN 'true' WHEN 2 THEN to_jsonb(audit_jsonb.random_number())
        WHEN 3 THEN to_jsonb(left(audit_jsonb.random_text(), 40)) WHEN 4 THEN '{}' WHEN 5 THEN '[]'
        WHEN 6 THEN coalesce((SELECT jsonb_agg(audit_jsonb.random_jsonb(depth + 1)) FROM generate_series(1, CASE WHEN random() < 0.1 THEN 40 ELSE 4 END)), '[]')
        ELSE coalesce((SELECT jsonb_object_agg(repeat('k', i) || i, audit_jsonb.random_jsonb(depth + 1))
                       FROM generate_series(0, CASE WHEN random() < 0.1 THEN 40 ELSE 4 END) AS i), '{}') END;
END
$$;

CREATE TABLE odd (id bigint PRIMARY KEY, truth bool, i2 smallint, i4 int, i8 bigint, num numeric, num2 numeric(12, 4),
    txt text, vc varchar(40000), bp char(7), d date, ts timestamp, tz timestamptz, tz3 timestamptz(3), u uuid,
    doc jsonb, "ü" text, ints int[], texts text[], docs jsonb[], f8 float8);
SELECT schemakit.audit_enable('odd', capture => 'full');
INSERT INTO odd SELECT
    (2 * i - 601) * (10::bigint ^ (i % 15))::bigint, random() < 0.5, (random() * 65535 - 32768)::int, (random() * 4294967295 - 2147483648)::bigint,
    trunc((random() - 0.5)::numeric * 1.8e19 / 10::numeric ^ (i % 20)), audit_jsonb.random_number(), (random() * 1e7)::numeric, audit_jsonb.random_text(),
    left(audit_jsonb.random_text(), 40000), 'x' || i % 3, CASE WHEN i % 20 = 0 THEN 'infinity' ELSE audit_jsonb.random_time()::date END,
    audit_jsonb.random_time(), audit_jsonb.random_time(), now(), gen_random_uuid(), audit_jsonb.random_jsonb(0), 'ü',
    ARRAY[i, NULL, -i], ARRAY[audit_jsonb.random_text(), NULL], ARRAY[audit_jsonb.random_jsonb(2)], random()
FROM generate_series(1, 600) AS i;
INSERT INTO odd (id, i2, i4, i8, num, doc) VALUES
    (-9223372036854775808, -32768, -2147483648, -9223372036854775808, 'NaN', '{}'),
    (9223372036854775807, 32767, 2147483647, 9223372036854775807, 'Infinity', '[]'),
    (0, 0, 0, 0, 0, 'null'), (2, 10000, 100000000, 10000000000000000, 0.000, '{"$jsonb": 1}'),
    (4, 9999, 99999999, 9999999999999999, -10000, '{"$bytes": 1, "$sha256": "x"}'), (6, -1, -1, -1, 1e100, '"x"'), (8, 1, 1, 1, 1e-100, '{"$a": 1, "b": 2}');
-- large enough for several offsets in the object, with names of all lengths
DO $$BEGIN
    EXECUTE format('CREATE TABLE audit_jsonb.wide (id int PRIMARY KEY, %s)',
        (SELECT string_agg(format('%I %s', repeat(chr(97 + i % 26), 1 + i % 9) || i, (ARRAY['int', 'text', 'numeric', 'bool', 'jsonb'])[1 + i % 5]), ', ') FROM generate_series(1, 130) AS i));
    PERFORM schemakit.audit_enable('audit_jsonb.wide', capture => 'full');
    EXECUTE format('INSERT INTO audit_jsonb.wide SELECT r, %s FROM generate_series(1, 100) AS r',
        (SELECT string_agg(format('CASE WHEN random() > 0.2 THEN %s END', (ARRAY['r * 1000', '''text '' || r', 'r / 7.0', 'r % 2 = 0', 'audit_jsonb.random_jsonb(2)'])[1 + i % 5]), ', ') FROM generate_series(1, 130) AS i));
END$$;
-- one column and two of them, out of all places
CREATE TABLE narrow (id int PRIMARY KEY, b text, a uuid, ccc numeric);
SELECT schemakit.audit_enable('narrow');
INSERT INTO narrow SELECT i FROM generate_series(1, 50) AS i;
UPDATE narrow SET b = audit_jsonb.random_text() WHERE id % 3 > 0;
UPDATE narrow SET a = gen_random_uuid(), ccc = audit_jsonb.random_number() WHERE id % 2 > 0;
CREATE TABLE keyed (c int, a uuid, b text, n numeric, PRIMARY KEY (b, n, a));
SELECT schemakit.audit_enable('keyed');
INSERT INTO keyed SELECT i, gen_random_uuid(), audit_jsonb.random_text(), audit_jsonb.random_number() FROM generate_series(1, 50) AS i
WHERE audit_jsonb.random_text() IS NOT NULL;
UPDATE keyed SET c = c + 1, n = n + 1;
DELETE FROM narrow WHERE id < 20;
CREATE TABLE twice (b int, a int);
SELECT schemakit.audit_enable('twice', key => '{b,a,b}');
INSERT INTO twice VALUES (1, 2);
SELECT key FROM schemakit.audit_log WHERE table_name = 'audit_jsonb.twice';

CREATE TEMP TABLE event AS
    SELECT table_name, op, key, old, new, CASE WHEN table_name NOT IN ('audit_jsonb.keyed', 'audit_jsonb.twice') THEN (key->>'id')::bigint END AS id
    FROM schemakit.audit_log WHERE table_name LIKE 'audit_jsonb.%';
CREATE TEMP TABLE document AS
    SELECT e.table_name, d.doc FROM event AS e, LATERAL (VALUES (e.key), (e.old), (e.new)) AS d(doc) WHERE d.doc IS NOT NULL;
ANALYZE event, document, odd, wide;

-- as the server stores the same text
SELECT d.table_name, count(*) > 50 AS enough,
    count(*) FILTER (WHERE NOT (a *= b)) AS stored_otherwise, count(*) FILTER (WHERE d.doc <> b.doc) AS different,
    count(*) FILTER (WHERE jsonb_hash(d.doc) <> jsonb_hash(b.doc)) AS hashed_otherwise,
    count(*) FILTER (WHERE jsonb_send(d.doc) <> jsonb_send(b.doc)) AS sent_otherwise
FROM document AS d, LATERAL (SELECT d.doc) AS a, LATERAL (SELECT d.doc::text::jsonb) AS b(doc)
WHERE d.table_name <> 'audit_jsonb.twice' GROUP BY 1 ORDER BY 1;

-- what the server says of the rows; of some values, the log says it in another way
SELECT count(*) > 600 AS enough,
    count(*) FILTER (WHERE (e.new - '{doc,num,f8,docs,d,ts,tz,tz3}'::text[])::text <> (o.row - '{doc,num,f8,docs,d,ts,tz,tz3}'::text[])::text) AS different,
    count(*) FILTER (WHERE jsonb_typeof(o.row->'num') = 'number' AND (e.new->'num')::text <> (o.row->'num')::text) AS numbers,
    count(*) FILTER (WHERE jsonb_typeof(o.row->'doc') <> 'null' AND NOT o.row->'doc' ?| '{$jsonb,$bytes}' AND (e.new->'doc')::text <> (o.row->'doc')::text) AS documents,
    count(*) FILTER (WHERE (e.new->'d')::text <> (o.row->'d')::text OR (e.new->'ts')::text <> (o.row->'ts')::text
        OR (e.new->'tz')::text <> (o.row->'tz')::text OR (e.new->'tz3')::text <> (o.row->'tz3')::text) AS times
FROM event AS e JOIN (SELECT id, to_jsonb(odd) AS row FROM odd OFFSET 0) AS o ON o.id = e.id WHERE e.table_name = 'audit_jsonb.odd';
SELECT count(*), count(*) FILTER (WHERE replace(e.new::text, '{"$jsonb": null}', 'null') <> to_jsonb(w)::text) AS different
FROM event AS e JOIN wide AS w USING (id) WHERE e.table_name = 'audit_jsonb.wide';
SELECT id, new->>'i8' AS i8, new->'num' AS num, new->'doc' AS doc FROM event
WHERE table_name = 'audit_jsonb.odd' AND new->'ü' = 'null' ORDER BY id;
-- and back
SELECT count(*) FROM (SELECT a::text FROM schemakit.audit_as_of(NULL::odd, clock_timestamp()) AS a EXCEPT ALL SELECT odd::text FROM odd) AS d;

DROP SCHEMA audit_jsonb CASCADE;
