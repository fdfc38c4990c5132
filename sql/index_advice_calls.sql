--
-- advise_indexes(): how it may be called, what it says when it has no advice, and
-- which indexes save too little.
--
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET default_statistics_target = 300;      -- all rows of tables this small
CREATE SCHEMA calls;
SET search_path = calls, public;
CREATE TABLE item (id int PRIMARY KEY, owner int, code int, filler text);
INSERT INTO item SELECT i, i % 1000, i * 7 % 5003, repeat('x', 100) FROM generate_series(1, 40000) AS i;
VACUUM ANALYZE item;

-- one text where an array is wanted
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7');
SELECT ddl FROM schemakit.advise_indexes(queries => 'SELECT * FROM item WHERE owner = 7');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7'::varchar, '{3}', tables => '{item}');
SELECT ddl FROM schemakit.advise_indexes((SELECT query FROM (VALUES ('SELECT * FROM item WHERE owner = 7')) AS v (query)));
SELECT schemakit.advise_indexes_report('SELECT * FROM item WHERE owner = 7') #>> '{coverage,planned}' AS planned;
SELECT schemakit.advise_indexes_report(queries => 'SELECT * FROM item WHERE owner = 7') #>> '{coverage,planned}' AS planned;
CREATE FUNCTION plan(VARIADIC lines text[]) RETURNS bool LANGUAGE sql RETURN array_to_string(lines, ' ') ~ 'item_owner_idx';
SELECT plan(VARIADIC array_agg(l)) FROM schemakit.explain_with_indexes('SELECT * FROM item WHERE owner = 7', 'CREATE INDEX ON item (owner)') AS l;
SELECT plan(VARIADIC array_agg(l)) FROM schemakit.explain_with_indexes(query => 'SELECT * FROM item WHERE owner = 7', indexes => 'CREATE INDEX ON item (owner)') AS l;
SELECT plan(VARIADIC array_agg(l)) FROM schemakit.explain_with_indexes('SELECT * FROM item WHERE owner = 7', 'CREATE INDEX ON item (owner)', '{item_pkey}') AS l;

-- an array, typed or not: what is written as an array is one
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1', 'SELECT 2']) #>> '{coverage,planned}' AS planned;
SELECT schemakit.advise_indexes_report(ARRAY['SELECT 1', 'SELECT 2']::varchar[]) #>> '{coverage,planned}' AS planned;
SELECT schemakit.advise_indexes_report((SELECT array_agg(q) FROM (VALUES ('SELECT 1'), ('SELECT 2')) AS v (q))) #>> '{coverage,planned}' AS planned;
SELECT schemakit.advise_indexes_report('{SELECT 1,SELECT 2}') #>> '{coverage,planned}' AS planned;
SELECT schemakit.advise_indexes_report(E' \n{"SELECT 1, 2",SELECT 2}', '{1,2}') #>> '{coverage,planned}' AS planned;
SELECT schemakit.advise_indexes_report('[0:1]={SELECT 1,SELECT 2}') #>> '{coverage,planned}' AS planned;
SELECT schemakit.advise_indexes_report(queries => '{}') #>> '{coverage,planned}' AS planned;
SELECT schemakit.advise_indexes_report('{SELECT 1');     -- fails
SELECT schemakit.advise_indexes_report('') -> 'skipped' AS skipped;
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM item WHERE owner = 7', '{}');
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM item WHERE owner = 7', ARRAY['CREATE INDEX ON item (owner)', 'CREATE INDEX ON item (code)']);
SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM item WHERE owner = 7', '{CREATE INDEX ON item (owner),CREATE INDEX ON item (code)}');
SELECT schemakit.explain_with_indexes('SELECT 1', NULL);     -- fails
SELECT schemakit.explain_with_indexes('SELECT 1', NULL::text[]);     -- fails
SELECT schemakit.explain_with_indexes('SELECT 1', '');     -- fails

-- parameters without a type, as drivers send them
PREPARE report AS SELECT schemakit.advise_indexes_report($1, $2) #>> '{coverage,planned}' AS planned;
EXECUTE report('SELECT 1, 2', NULL);
EXECUTE report('{SELECT 1,SELECT 2}', '{1,2}');
PREPARE explain AS SELECT plan(VARIADIC array_agg(l)) FROM schemakit.explain_with_indexes($1, $2) AS l;
EXECUTE explain('SELECT * FROM item WHERE owner = 7', 'CREATE INDEX ON item (owner)');
EXECUTE explain('SELECT * FROM item WHERE owner = 7', '{CREATE INDEX ON item (owner)}');

-- without queries, or with null, it is the measured statements
CREATE FUNCTION measured(report jsonb) RETURNS bool LANGUAGE sql RETURN report ? 'min_gain_ms_per_day';
SELECT measured(schemakit.advise_indexes_report()), measured(schemakit.advise_indexes_report(NULL)), measured(schemakit.advise_indexes_report(queries => NULL)),
    measured(schemakit.advise_indexes_report(NULL::text)), measured(schemakit.advise_indexes_report(NULL::text[])), measured(schemakit.advise_indexes_report(max_indexes => 1));
EXECUTE report(NULL, NULL);

-- what could not be planned, and why there is no advice
SET client_min_messages = notice;
SELECT ddl FROM schemakit.advise_indexes('selec * FROM item WHERE owner = 7');
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7', 'SELECT * FROM item WHERE owner = v_owner', 'SELECT * FROM nosuch', 'VACUUM']);
SELECT ddl FROM schemakit.advise_indexes(ARRAY['bad', 'bad', 'bad', 'bad', 'bad', 'bad', 'bad']);
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7', 'SELECT * FROM item WHERE code = 7'], max_queries => 1);
SELECT ddl FROM schemakit.advise_indexes('{}', tables => '{item}');
SELECT ddl FROM schemakit.advise_indexes('SELECT 1', tables => '{item}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', schemas => '{public}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE id = 7', tables => '{item}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE id = 7', tables => '{item}', actions => '{drop,reindex}');
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM item WHERE owner = 7', 'INSERT INTO item (id) VALUES ($1)'], ARRAY[1, 1e7], tables => '{item}');
CREATE TABLE fresh (a int);
INSERT INTO fresh SELECT i FROM generate_series(1, 30000) AS i;
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM fresh WHERE a = 7', tables => '{fresh}');
SET client_min_messages = warning;

-- what was left out, with its gain
CREATE FUNCTION left_out(queries text[], weights float8[], max_indexes int DEFAULT 10, storage_budget bigint DEFAULT NULL, min_benefit float8 DEFAULT 0.01)
    RETURNS TABLE (index text, reason text, gains bool) LANGUAGE sql AS $$
    SELECT i ->> 'index', i ->> 'reason', (i ->> 'workload_gain_pct')::float8 > 0
    FROM schemakit.advise_indexes_report(queries, weights, tables => '{item}', max_indexes => max_indexes, storage_budget => storage_budget, min_benefit => min_benefit) AS r,
        jsonb_array_elements(r -> 'not_advised') AS i $$;
\set two 'ARRAY[$$SELECT * FROM item WHERE owner = 7$$, $$SELECT * FROM item WHERE code = 7$$]'
SELECT * FROM left_out(:two, '{1,1}');
SELECT * FROM left_out(:two, '{1,3}', max_indexes => 1);
SELECT * FROM left_out(:two, '{1,3}', storage_budget => 3 * schemakit.estimate_index_size('CREATE INDEX ON item (code)') / 2);
SELECT * FROM left_out(:two, '{1,40}', min_benefit => 0.05);
SELECT regexp_replace(schemakit.advise_indexes_report(:two, tables => '{item}', storage_budget => 8192) ->> 'notes', '\d{3,}', 'n') AS notes;

-- a small table: what an index saves decides, and not how large the table is
CREATE TABLE small (id int PRIMARY KEY, kind int, doc jsonb);
INSERT INTO small SELECT i, i % 500, jsonb_build_object('color', i % 7, 'weight', i % 50) FROM generate_series(1, 5000) AS i;
CREATE TABLE tiny (id int, kind int);
INSERT INTO tiny SELECT i, i FROM generate_series(1, 100) AS i;
VACUUM ANALYZE small, tiny;
SELECT pg_relation_size('small') < 1000000 AS is_small;
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM small WHERE doc @> jsonb_build_object(''color'', ''red'', ''weight'', 100 * $1)', tables => '{small}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM small WHERE kind = 7', tables => '{small}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM tiny WHERE kind = 7', tables => '{tiny}');
SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM small WHERE kind = 7', 'SELECT * FROM item WHERE owner < 900'], '{1,100}', tables => '{small}');

-- a foreign key of a small table, and of one whose rows go
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (parent int REFERENCES parent, filler text);
INSERT INTO parent SELECT i FROM generate_series(1, 100) AS i;
INSERT INTO child SELECT i % 100 + 1, 'x' FROM generate_series(1, 5000) AS i;
VACUUM ANALYZE parent, child;
SELECT ddl FROM schemakit.advise_indexes('{}', tables => '{child}');
SELECT i ->> 'index' AS index, i ->> 'reason' AS reason, i -> 'workload_gain_pct' AS gain
    FROM jsonb_array_elements(schemakit.advise_indexes_report('{}', tables => '{child}') -> 'not_advised') AS i;
SELECT ddl FROM schemakit.advise_indexes('DELETE FROM parent WHERE id = $1', tables => '{child}');

-- duplicates are told however small they are; that an index is not used, only where the table would be read by it
CREATE INDEX tiny_1 ON tiny (kind);
CREATE INDEX tiny_2 ON tiny (kind);
CREATE INDEX small_kind ON small (kind);
CREATE PROCEDURE read(tab regclass, n int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. n LOOP
        EXECUTE format('SELECT count(*) FROM %s', tab);
    END LOOP;
    PERFORM pg_stat_force_next_flush();
END $$;
SET schemakit.advice_unused_days = 0;
SET enable_indexonlyscan = off;           -- so that read() uses no index
CALL read('tiny', 300);
CALL read('small', 300);
SELECT ddl, reason FROM schemakit.advise_indexes('{}', tables => '{tiny}', actions => '{drop}');
DROP INDEX tiny_2;
SELECT ddl FROM schemakit.advise_indexes('{}', tables => '{tiny}', actions => '{drop}');
SELECT ddl FROM schemakit.advise_indexes('{}', tables => '{small}', actions => '{drop}');
-- the same call again and again has the same arguments
CREATE TABLE again (id int PRIMARY KEY, owner int);
INSERT INTO again SELECT i, i % 100 FROM generate_series(1, 20000) AS i;
ANALYZE again;
SELECT i, schemakit.advise_indexes_report('SELECT * FROM again WHERE owner = 7') -> 'skipped' AS skipped
FROM generate_series(1, 3) AS i;
SELECT i, count(*) FROM generate_series(1, 3) AS i,
    LATERAL schemakit.explain_with_indexes('SELECT * FROM again WHERE owner = 7', 'CREATE INDEX ON again (owner)') AS line
WHERE line ~ 'Index' GROUP BY i ORDER BY i;
-- a name that is taken
SELECT schemakit.estimate_index_size('CREATE INDEX again ON again (owner)');  -- fails
SELECT schemakit.estimate_index_size('CREATE INDEX IF NOT EXISTS again ON again (owner)');  -- fails
DROP TABLE again;

-- what is left out has the true reason, whatever max_indexes is
CREATE TABLE deep (id int PRIMARY KEY, owner int, code int, filler text);
INSERT INTO deep SELECT i, i % 1000, i * 7 % 5003, repeat(md5(i::text), 8) FROM generate_series(1, 40000) AS i;
VACUUM ANALYZE deep;
SELECT n, regexp_replace(i ->> 'index', ' INCLUDE.*', '') AS index, i ->> 'reason' AS reason
FROM unnest('{0,1,2,10}'::int[]) AS n, schemakit.advise_indexes_report(
    ARRAY['SELECT * FROM deep WHERE owner = 7', 'SELECT * FROM deep WHERE code = 7', 'SELECT * FROM deep WHERE filler = $1'],
    '{100,0.8,3}', tables => '{deep}', actions => '{create}', max_indexes => n) AS r, jsonb_array_elements(r -> 'not_advised') AS i
ORDER BY n, index;

-- limits hold for foreign keys, too, and what is said of their changes is true
TRUNCATE child;
INSERT INTO child SELECT i % 100 + 1, 'x' FROM generate_series(1, 60000) AS i;
VACUUM ANALYZE child;
CREATE FUNCTION for_key(queries text[], weights float8[], max_indexes int, budget bigint) RETURNS TABLE (said text) LANGUAGE sql AS $$
    SELECT ddl || ': ' || substring(reason, '[^;]*$') FROM schemakit.advise_indexes(queries, weights, tables => '{child}', actions => '{create}',
        max_indexes => $3, storage_budget => $4)
    UNION ALL
    SELECT i ->> 'index' || ' is left out: ' || (i ->> 'reason') FROM jsonb_array_elements(schemakit.advise_indexes_report(queries, weights,
        tables => '{child}', actions => '{create}', max_indexes => $3, storage_budget => $4) -> 'not_advised') AS i $$;
SELECT for_key('{SELECT 1}', NULL, 10, NULL);
SELECT for_key('{SELECT 1}', NULL, 0, NULL);
SELECT for_key('{SELECT 1}', NULL, 10, 8192);
SELECT for_key('{DELETE FROM parent WHERE id = 5,SELECT count(*) FROM child}', '{3,1e6}', 10, NULL);
SELECT for_key('{DELETE FROM parent WHERE id = 5,SELECT count(*) FROM child}', '{3,1}', 10, NULL);
SELECT for_key('{DELETE FROM parent WHERE id = 5,SELECT count(*) FROM child}', '{1,1e6}', 10, NULL);

-- a table's name is no statement, and nothing but CREATE INDEX is an index
\set VERBOSITY default
SET client_min_messages = notice;
SELECT ddl FROM schemakit.advise_indexes('child', actions => '{create}');
-- nor is it the statements' fault if nothing is advised
SELECT count(*) FROM schemakit.advise_indexes('SELECT 1', tables => '{child}', actions => '{create}', max_indexes => 0);
CREATE TABLE "My child" (a int);
SELECT ddl FROM schemakit.advise_indexes(' calls."My child" ', actions => '{create}');
SELECT ddl FROM schemakit.advise_indexes('no_table', actions => '{create}');
SELECT schemakit.estimate_index_size('parent_pkey');
SELECT schemakit.estimate_index_size('CREATE INDEX ON parent (no)');
SELECT schemakit.estimate_index_size('CREATE INDEX ON parent ((id + no))');
SELECT schemakit.explain_with_indexes('SELECT * FROM parent', '{"CREATE INDEX ON parent (id",parent_pkey}');
SELECT schemakit.explain_with_indexes('SELECT * FROM parent', 'DROP TABLE parent');
SELECT schemakit.explain_with_indexes('SELECT * FROM parent WHERE no = 1', 'CREATE INDEX ON parent (id)');

-- statements that were copied out of a function, and texts that are none
CREATE FUNCTION asked(queries text[]) RETURNS TABLE (ddl text, confidence text) LANGUAGE sql AS $$
    SELECT ddl, confidence FROM schemakit.advise_indexes(queries, actions => '{create}') $$;
SELECT * FROM asked(ARRAY['SELECT * FROM item WHERE owner = v_owner']);
SELECT * FROM asked(ARRAY['SELECT filler INTO v_filler FROM item WHERE owner = new.owner AND code > new.code - "V code" LIMIT v_n']);
SELECT * FROM asked(ARRAY['SELECT * FROM item WHERE owner = ANY (v_owners)', 'DELETE FROM item WHERE code = v_code;']);
SELECT * FROM asked(ARRAY['SELECT * FROM item WHERE age(now(), now() - v_age) > ''1 h'' AND code = 7']);
SELECT * FROM asked(ARRAY['SELECT * FROM item WHERE item.onwer = 7']);
SELECT * FROM asked(ARRAY['SELECT * FROM item WHERE owner = v_owner AND nosuch(v_owner)']);
SELECT * FROM asked(ARRAY['SELECT * FROM nosuch WHERE owner = v_owner', '', 'PERFORM 1', 'SELECT 1; SELECT 2', 'SELECT filler INTO a, b FROM item']);
-- what PL/pgSQL puts into variables
SELECT statement, (SELECT string_agg(ddl, ' ') FROM schemakit.advise_indexes(ARRAY[statement], tables => '{item}', actions => '{create}'))
FROM unnest(ARRAY['SELECT filler INTO STRICT v FROM item WHERE owner = 7', 'SELECT filler, code INTO a, b FROM item WHERE owner = 7',
    'SELECT INTO v.x, "W"."y", z[1 + i].n filler, code, id FROM item WHERE owner = 7', 'SELECT filler FROM item WHERE owner = 7 INTO strict value;',
    'SELECT filler INTO strict FROM item WHERE owner = 7', 'SELECT filler INTO TEMP TABLE t FROM item WHERE owner = 7',
    'UPDATE item SET filler = NULL WHERE owner = 7 AND code = 8 RETURNING id INTO STRICT v', 'WITH d AS (DELETE FROM item WHERE owner = 7 RETURNING id) SELECT count(*) INTO a FROM d']) AS statement;
SELECT schemakit.advise_indexes_report('SELECT * FROM item WHERE owner = v_owner') -> 'notes' AS notes;
SELECT schemakit.explain_with_indexes('SELECT * FROM item WHERE owner = v_owner', '{}');

SELECT count(*) FROM asked(ARRAY['SELECT * FROM item WHERE owner IN (v_1, v_2, v_3, v_4, v_5, v_6, v_7)']);
SELECT count(*) FROM asked(array_fill('SELECT * FROM item WHERE owner = v'::text, '{7}'));
-- types are guessed in whatever is called
DO $$ BEGIN PERFORM * FROM schemakit.advise_indexes('SELECT filler FROM item WHERE code > $1 - $2', actions => '{create}'); END $$;

-- the ends of what arguments may be
SELECT ddl, reason FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', time_budget => '300000 years', actions => '{create}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', time_budget => '178000000 years', actions => '{create}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', time_budget => '-178000000 years');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', tables => '{}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', tables => ARRAY[to_regclass('nosuch')]);
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', schemas => '{}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', actions => '{}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', actions => '{replace}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', max_indexes => 0, actions => '{create}');
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', max_indexes => -1);
SELECT regexp_replace(schemakit.advise_indexes_report('SELECT * FROM item WHERE owner = 7', storage_budget => 0) ->> 'notes', '\d{3,}', 'n') AS notes;
SELECT ddl FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', storage_budget => -1);
SET client_min_messages = warning;

DROP SCHEMA calls CASCADE;
