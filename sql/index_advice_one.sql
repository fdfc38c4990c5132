--
-- advise_indexes(): one advice, and not one tonight and the rest tomorrow.  No index of an
-- advice makes another one redundant, and when all of it was followed, nothing of it goes.
--
\set VERBOSITY terse
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
CREATE SCHEMA advice_one;
SET search_path = advice_one, public;
CREATE FUNCTION follow(queries text[], actions text[] DEFAULT '{create,drop,replace,reindex}') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    step record;
BEGIN
    FOR step IN SELECT * FROM schemakit.advise_indexes(queries, schemas => '{advice_one}', actions => actions) AS a ORDER BY a.rank, a.step
    LOOP
        EXECUTE replace(step.ddl, ' CONCURRENTLY', '');
        RETURN NEXT step.ddl;
    END LOOP;
END $$;

-- a foreign key is looked at if statements use its table, or change what it refers to, or if one asks
CREATE TABLE parent (id int PRIMARY KEY, a int, b int, UNIQUE (a, b));
CREATE TABLE child (parent smallint REFERENCES parent, x smallint);
CREATE TABLE other (x smallint, y smallint);
INSERT INTO parent SELECT i, i % 70, i FROM generate_series(1, 5000) AS i;
INSERT INTO child SELECT 1 + i % 5000, i - 30000 FROM generate_series(1, 60000) AS i;
INSERT INTO other SELECT i, i FROM generate_series(-30000, 30000) AS i;
VACUUM ANALYZE parent, child, other;
CREATE FUNCTION for_key(query text, actions text[] DEFAULT '{create}', tables regclass[] DEFAULT NULL) RETURNS SETOF text LANGUAGE sql AS
    $$ SELECT ddl FROM schemakit.advise_indexes(query, schemas => '{advice_one}', actions => actions, tables => tables) ORDER BY rank $$;
SELECT for_key('SELECT * FROM other WHERE x = 7');
SELECT for_key('SELECT * FROM other WHERE x = 7', tables => '{other,child}');
SELECT for_key('SELECT * FROM other WHERE x = 7', '{create,foreign_key}');
SELECT for_key('SELECT sum(x) FROM child');
SELECT for_key('INSERT INTO child VALUES ($1, $2)');
SELECT for_key('DELETE FROM parent WHERE id = $1');
SELECT for_key('SELECT * FROM parent WHERE id = $1');
SELECT i ->> 'index' AS index, i ->> 'reason' AS reason FROM jsonb_array_elements(
    schemakit.advise_indexes_report('SELECT * FROM other WHERE x = 7', schemas => '{advice_one}') -> 'not_advised') AS i;
-- it counts
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM other, child WHERE other.x = 7 AND child.x = other.y', schemas => '{advice_one}', max_indexes => 1);

-- what is advised for a statement becomes the foreign key's index if that can do the same
CREATE TABLE pair (a int, b int, x int, filler text, FOREIGN KEY (a, b) REFERENCES parent (a, b));
INSERT INTO pair SELECT i % 70, i, i, repeat('x', 100) FROM generate_series(1, 5000) AS i;
INSERT INTO pair SELECT a, b, x + i, filler FROM pair, generate_series(1, 5) AS i;
VACUUM ANALYZE pair;
SELECT follow('{SELECT * FROM pair WHERE a = 7}');
SELECT follow('{SELECT * FROM pair WHERE a = 7}');
-- one index for two foreign keys, and for one that is there
CREATE TABLE a_parent (a int PRIMARY KEY);
INSERT INTO a_parent SELECT generate_series(0, 69);
CREATE TABLE two (a int REFERENCES a_parent, b int, FOREIGN KEY (a, b) REFERENCES parent (a, b));
INSERT INTO two SELECT a, b FROM pair;
VACUUM ANALYZE two;
SELECT follow('{SELECT count(*) FROM two}');
SELECT follow('{SELECT count(*) FROM two}');
DROP INDEX two_a_b_idx;
CREATE INDEX two_a ON two (a);
SELECT follow('{SELECT count(*) FROM two}');
SELECT follow('{SELECT count(*) FROM two}');

-- an index on a partitioned table, and one on a partition
CREATE TABLE part (k int, a int, b int) PARTITION BY RANGE (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (20000);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (20000) TO (40000);
INSERT INTO part SELECT i, i, i FROM generate_series(1, 39999) AS i;
VACUUM ANALYZE part;
SELECT follow('{SELECT * FROM part WHERE a = 7,SELECT * FROM part_1 WHERE a = 7}', '{create}');
SELECT follow('{SELECT * FROM part WHERE a = 7,SELECT * FROM part_1 WHERE a = 7}');

-- any workload: no index of an advice begins with another one of it, and following it leaves nothing to drop of it
CREATE TABLE g1 (id int PRIMARY KEY, a int, b int, c int, d text, e timestamptz, g2 int, filler text);
CREATE TABLE g2 (id int PRIMARY KEY, a int, b int, c int, d text, e timestamptz, UNIQUE (a, id));
ALTER TABLE g1 ADD CONSTRAINT g1_g2 FOREIGN KEY (g2) REFERENCES g2, ADD CONSTRAINT g1_pair FOREIGN KEY (a, g2) REFERENCES g2 (a, id);
INSERT INTO g2 SELECT i, i % 40, i % 300, i % 7, 'd' || i % 50, timestamptz '2026-01-01' + i * interval '1 min' FROM generate_series(1, 3000) AS i;
INSERT INTO g1 SELECT i, (i % 3000 + 1) % 40, i * 7 % 900, i % 3, 'd' || i % 90, timestamptz '2026-01-01' + i * interval '1 min', i % 3000 + 1, repeat('x', 50)
    FROM generate_series(1, 12000) AS i;
VACUUM ANALYZE g1, g2;
CREATE FUNCTION random_condition(alias text) RETURNS text LANGUAGE sql AS $$
    SELECT format((ARRAY['%1$s.a = %2$s', '%1$s.b = %2$s', '%1$s.c = 2', '%1$s.d = ''d%2$s''', '%1$s.b < %2$s', '%1$s.a IN (1, %2$s)', '%1$s.d LIKE ''d%2$s%%''',
        '%1$s.e < ''2026-01-01''::timestamptz + interval ''%2$s min''', '%1$s.c IS NULL', 'lower(%1$s.d) = ''d%2$s'''])[1 + floor(random() * 10)], alias, floor(random() * 40)) $$;
CREATE FUNCTION random_query() RETURNS text LANGUAGE sql AS $$
    SELECT (ARRAY['SELECT %4$s FROM g1 WHERE %1$s', 'SELECT %4$s FROM g1 WHERE %1$s AND %2$s', 'SELECT %4$s FROM g1 WHERE %1$s AND %2$s ORDER BY %4$s LIMIT 5',
        'SELECT g1.b, g2.c FROM g1 JOIN g2 ON g1.g2 = g2.id WHERE %1$s AND %3$s', 'SELECT %4$s, count(*) FROM g1 WHERE %1$s GROUP BY 1',
        'UPDATE g1 SET c = 2 WHERE %1$s', 'DELETE FROM g2 WHERE g2.id = 7', 'SELECT * FROM g1 WHERE %1$s ORDER BY g1.e DESC, g1.b LIMIT 3'])[1 + floor(random() * 8)] $$;
CREATE FUNCTION random_workload(n int) RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(format(random_query(), random_condition('g1'), random_condition('g1'), random_condition('g2'), (ARRAY['g1.a', 'g1.b', 'g1.e', 'g1.d'])[1 + floor(random() * 4)]))
    FROM generate_series(1, n) $$;
-- whether two indexes that exist have the same beginning
CREATE FUNCTION begins_with(wide oid, narrow oid) RETURNS bool LANGUAGE sql AS $$
    SELECT w.indkey[0 : n.indnkeyatts - 1] = n.indkey[0 : n.indnkeyatts - 1] AND w.indoption[0 : n.indnkeyatts - 1] = n.indoption[0 : n.indnkeyatts - 1]
        AND w.indclass[0 : n.indnkeyatts - 1] = n.indclass[0 : n.indnkeyatts - 1] AND w.indnkeyatts >= n.indnkeyatts
        AND pg_get_expr(w.indexprs, w.indrelid) IS NOT DISTINCT FROM pg_get_expr(n.indexprs, n.indrelid)
        AND pg_get_expr(w.indpred, w.indrelid) IS NOT DISTINCT FROM pg_get_expr(n.indpred, n.indrelid)
        AND n.indnatts = n.indnkeyatts AND w.indrelid = n.indrelid
    FROM pg_index AS w, pg_index AS n WHERE w.indexrelid = wide AND n.indexrelid = narrow $$;
CREATE FUNCTION try_workload(seed float8) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    queries text[];
    made oid[];
    fault text;
BEGIN
    PERFORM setseed(seed);
    queries := random_workload(12);
    PERFORM follow(queries);
    made := array(SELECT indexrelid FROM pg_index WHERE indrelid IN ('g1'::regclass, 'g2'::regclass) AND NOT indisunique);
    RETURN QUERY SELECT format('seed %s: %s begins with %s', seed, pg_get_indexdef(w), pg_get_indexdef(n)) FROM unnest(made) AS w, unnest(made) AS n
        WHERE w <> n AND begins_with(w, n);
    RETURN QUERY SELECT format('seed %s: %s: %s', seed, action, ddl) FROM schemakit.advise_indexes(queries, schemas => '{advice_one}')
        WHERE table_name IN ('g1'::regclass, 'g2'::regclass) AND action = 'drop';
    FOR fault IN SELECT indexrelid::regclass FROM pg_index WHERE indexrelid = ANY (made) LOOP
        EXECUTE 'DROP INDEX ' || fault;
    END LOOP;
END $$;
SELECT f.* FROM generate_series(1, 15) AS s, try_workload(s / 100.0) AS f;

DROP SCHEMA advice_one CASCADE;
