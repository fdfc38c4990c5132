--
-- Indexes that do not exist: the planner must do with them what it does with
-- the same indexes when they do.
--
\set VERBOSITY terse
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SELECT FROM setseed(0.42);

CREATE SCHEMA whatif;
SET search_path = whatif, public;

CREATE TABLE item (
    id int PRIMARY KEY, owner int, kind int, price numeric, name text, code varchar(20),
    made timestamptz, deleted_at timestamptz, tags int[], doc jsonb, flag boolean);
INSERT INTO item
    SELECT i, (random() * 500)::int, (random() * 10)::int, (random() * 1000)::numeric(8,2),
           'name' || (random() * 5000)::int, md5(i::text)::varchar(20),
           timestamptz '2026-01-01' + i * interval '1 minute',
           CASE WHEN random() < 0.8 THEN timestamptz '2026-06-01' END,
           ARRAY[(random() * 30)::int, (random() * 300)::int],
           jsonb_build_object('k', (random() * 2000)::int, 's', 'v' || (random() * 50)::int),
           random() < 0.02
    FROM generate_series(1, 20000) AS i;
CREATE TABLE owner (dropped int, id int PRIMARY KEY, region int, label text);
ALTER TABLE owner DROP COLUMN dropped;
INSERT INTO owner SELECT i, i % 20, 'label' || i FROM generate_series(0, 500) AS i;
CREATE TABLE log (at date, item int, what text, amount int) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
-- a partition with its columns in another order, and with its own partitions
CREATE TABLE log_2 (amount int, gone int, what text, at date, item int) PARTITION BY LIST (amount);
ALTER TABLE log_2 DROP COLUMN gone;
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE log_2a PARTITION OF log_2 FOR VALUES IN (0, 1, 2, 3, 4);
CREATE TABLE log_2b PARTITION OF log_2 DEFAULT;
INSERT INTO log SELECT date '2026-01-01' + (i % 59), (random() * 7000)::int, 'what' || (random() * 100)::int, (random() * 9)::int
    FROM generate_series(1, 40000) AS i;
-- columns that go together, which statistics tell
CREATE TABLE pair (a int, b int);
INSERT INTO pair SELECT i * 37 % 2500, i * 37 % 2500 / 3 FROM generate_series(1, 20000) AS i;
CREATE STATISTICS pair_both (ndistinct) ON a, b FROM pair;
VACUUM ANALYZE pair;
VACUUM ANALYZE item;
VACUUM ANALYZE owner;
VACUUM ANALYZE log;

-- every index that could be with every query
CREATE TABLE matrix_index (i serial, ddl text);
INSERT INTO matrix_index (ddl) VALUES
    ('CREATE INDEX ON whatif.item (owner)'),
    ('CREATE INDEX ON whatif.item (kind, price DESC NULLS LAST)'),
    ('CREATE INDEX ON whatif.item (owner, made, kind)'),
    ('CREATE INDEX ON whatif.item (owner) INCLUDE (price)'),
    ('CREATE INDEX ON whatif.item (made)'),
    ('CREATE INDEX ON whatif.item (name text_pattern_ops)'),
    ('CREATE INDEX ON whatif.item (lower(name))'),
    ('CREATE INDEX ON whatif.item ((doc ->> ''k''))'),
    ('CREATE INDEX ON whatif.item (owner) WHERE deleted_at IS NULL'),
    ('CREATE INDEX ON whatif.item (lower(name)) WHERE deleted_at IS NULL'),
    ('CREATE INDEX ON whatif.item (id) WHERE flag'),
    ('CREATE UNIQUE INDEX ON whatif.item (code)'),
    ('CREATE INDEX ON whatif.item USING hash (code)'),
    ('CREATE INDEX ON whatif.item USING brin (made)'),
    ('CREATE INDEX ON whatif.item USING gin (tags)'),
    ('CREATE INDEX ON whatif.item USING gin (doc jsonb_path_ops)'),
    ('CREATE INDEX ON whatif.pair (a, b)'),
    ('CREATE INDEX ON whatif.owner (region, id)'),
    ('CREATE INDEX ON whatif.owner (label COLLATE "C")'),
    ('CREATE INDEX ON whatif.log (item)'),
    ('CREATE INDEX ON whatif.log (amount, at DESC) INCLUDE (what)'),
    ('CREATE INDEX ON whatif.log (lower(what), item) WHERE amount > 7');
CREATE TABLE matrix_query (q serial, query text);
INSERT INTO matrix_query (query) VALUES
    ('SELECT * FROM whatif.item WHERE owner = 7'),
    ('SELECT price FROM whatif.item WHERE owner = 7'),
    ('SELECT * FROM whatif.item WHERE owner IN (3, 5, 9) ORDER BY made DESC LIMIT 5'),
    ('SELECT * FROM whatif.item WHERE kind = 3 ORDER BY price DESC NULLS LAST LIMIT 10'),
    ('SELECT count(*) FROM whatif.item WHERE made > ''2026-01-14'''),
    ('SELECT * FROM whatif.item WHERE name LIKE ''name12%'''),
    ('SELECT * FROM whatif.item WHERE lower(name) = ''name77'''),
    ('SELECT * FROM whatif.item WHERE doc ->> ''k'' = ''12'''),
    ('SELECT * FROM whatif.item WHERE doc @> ''{"k": 12}'''),
    ('SELECT * FROM whatif.item WHERE tags @> ''{17}'''),
    ('SELECT * FROM whatif.item WHERE code = ''c4ca4238a0b923820dcc'''),
    ('SELECT id FROM whatif.item WHERE flag ORDER BY id LIMIT 20'),
    ('SELECT max(made) FROM whatif.item'),
    ('SELECT owner, count(*) FROM whatif.item GROUP BY owner'),
    ('SELECT DISTINCT owner FROM whatif.item WHERE deleted_at IS NULL'),
    ('SELECT * FROM whatif.item WHERE owner = 3 OR lower(name) = ''name9'''),
    ('SELECT * FROM whatif.owner o JOIN whatif.item i ON i.owner = o.id WHERE o.region = 3 AND o.label = ''label3'''),
    ('SELECT * FROM whatif.owner o JOIN whatif.item i ON i.owner = o.id WHERE o.label = ''label3'' AND i.deleted_at IS NULL'),
    ('SELECT * FROM whatif.owner o JOIN whatif.item i ON i.owner = o.id WHERE lower(i.name) = ''name5'' AND i.deleted_at IS NULL'),
    ('SELECT o.id, (SELECT count(*) FROM whatif.item i WHERE i.owner = o.id AND i.deleted_at IS NULL) FROM whatif.owner o WHERE o.region = 1'),
    ('SELECT * FROM whatif.owner o WHERE EXISTS (SELECT FROM whatif.item i WHERE i.owner = o.id AND i.flag)'),
    ('WITH x AS MATERIALIZED (SELECT * FROM whatif.item WHERE owner = 12) SELECT * FROM x JOIN whatif.owner o ON o.id = x.kind'),
    ('SELECT o.label FROM whatif.owner o LEFT JOIN whatif.item i ON i.code = o.label WHERE o.region = 4'),
    ('SELECT * FROM whatif.item i JOIN whatif.log l ON l.item = i.id WHERE i.owner = 40'),
    ('SELECT * FROM whatif.log WHERE item = 77'),
    ('SELECT * FROM whatif.log WHERE item = 77 AND at = ''2026-02-10'''),
    ('SELECT what FROM whatif.log WHERE amount = 3 ORDER BY at DESC LIMIT 3'),
    ('SELECT * FROM whatif.log WHERE lower(what) = ''what9'' AND amount > 7 AND item < 100'),
    ('SELECT * FROM whatif.item WHERE owner = 1 UNION ALL SELECT * FROM whatif.item WHERE made < ''2026-01-01 01:00'''),
    ('UPDATE whatif.item SET price = price + 1 WHERE owner = 9'),
    ('DELETE FROM whatif.log WHERE item = 12');

CREATE FUNCTION plan_of(query text, ddl text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
    IF ddl IS NULL THEN
        FOR line IN EXECUTE 'EXPLAIN ' || query LOOP plan := plan || line || E'\n'; END LOOP;
    ELSE
        SELECT string_agg(l, E'\n') || E'\n' INTO plan FROM schemakit.explain_with_indexes(query, ARRAY[ddl]) AS l;
    END IF;
    RETURN plan;
END $$;
CREATE FUNCTION cost_of(plan text) RETURNS float8 LANGUAGE sql AS $$
    SELECT max((regexp_match(split_part(plan, E'\n', 1), '\.\.([0-9.]+)'))[1]::float8) $$;
CREATE FUNCTION shape_of(plan text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(plan, '\(cost=[^)]*\)', '', 'g') $$;

CREATE TABLE result (i int, q int, bare text, supposed text, built text);
CREATE TABLE size (ddl text, supposed bigint, built bigint);
DO $$
DECLARE x record; supposed bigint; built bigint;
BEGIN
    FOR x IN SELECT * FROM matrix_index LOOP
        INSERT INTO result SELECT x.i, q, plan_of(query, NULL), plan_of(query, x.ddl), NULL FROM matrix_query;
        supposed := schemakit.estimate_index_size(x.ddl);
        EXECUTE x.ddl;
        -- an index on an expression has statistics once it is analyzed
        IF x.ddl ~ 'lower|doc ->>' THEN ANALYZE item; ANALYZE log; END IF;
        UPDATE result SET built = plan_of(query, NULL) FROM matrix_query m WHERE m.q = result.q AND result.i = x.i;
        SELECT sum(pg_relation_size(c.oid)) INTO built FROM pg_class c
            WHERE relkind = 'i' AND relnamespace = 'whatif'::regnamespace AND relname NOT LIKE '%pkey';
        INSERT INTO size VALUES (x.ddl, supposed, built);
        EXECUTE (SELECT string_agg('DROP INDEX ' || c.oid::regclass, '; ') FROM pg_class c
            WHERE relkind IN ('i', 'I') AND NOT relispartition AND relnamespace = 'whatif'::regnamespace AND relname NOT LIKE '%pkey');
    END LOOP;
END $$;

-- the same plans, at the same cost
SELECT count(*) > 600 AS pairs, count(*) FILTER (WHERE shape_of(bare) <> shape_of(built)) > 60 AS "index matters"
    FROM result;
SELECT ddl, query FROM result JOIN matrix_index USING (i) JOIN matrix_query USING (q)
    WHERE shape_of(supposed) <> shape_of(built);
SELECT count(*) FILTER (WHERE abs(cost_of(supposed) / cost_of(built) - 1) <= 0.01) >= 0.95 * count(*) AS "95 % within 1 %"
    FROM result WHERE shape_of(bare) <> shape_of(built);

-- and of the same size
SELECT ddl, round(supposed::numeric / built, 2) AS ratio FROM size
    WHERE abs(supposed::numeric / built - 1) > CASE WHEN ddl ~ 'gin' THEN 0.3 ELSE 0.15 END;
-- a GIN index on items that hardly any two rows share
CREATE TABLE rare AS SELECT ARRAY[md5(i::text), CASE WHEN i % 600 < 2 THEN 'twice' || i / 600 ELSE md5('x' || i) END] AS words FROM generate_series(1, 60000) AS i;
ANALYZE rare;
SELECT schemakit.estimate_index_size('CREATE INDEX ON rare USING gin (words)') AS supposed \gset
CREATE INDEX rare_words ON rare USING gin (words);
SELECT :supposed / pg_relation_size('rare_words')::numeric BETWEEN 0.7 AND 1.3 AS "within 30 %";
DROP SCHEMA whatif CASCADE;
