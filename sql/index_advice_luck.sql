--
-- advise_indexes(): an index that is good only if a guess of the planner is right.
-- Each statement is run before and after the advice was followed, and may not read more
-- than a tenth more pages.
--
\set VERBOSITY terse
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET default_statistics_target = 300;
SELECT FROM setseed(0.5);
CREATE SCHEMA luck;
SET search_path = luck, public;

CREATE FUNCTION pages(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;     -- the first reads catalogs, too
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
    RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::int + (plan #>> '{0,Plan,Shared Read Blocks}')::int;
END $$;
CREATE TABLE follow (ddl text);
-- which indexes are advised, and what the statements read with them
CREATE FUNCTION advised(queries text[], limits int = 10) RETURNS TABLE (index text, confidence text) LANGUAGE sql AS $$
    DELETE FROM follow;
    INSERT INTO follow SELECT a.ddl FROM schemakit.advise_indexes(queries, max_indexes => limits, actions => '{create}') AS a;
    SELECT regexp_replace(ddl, 'CREATE INDEX (CONCURRENTLY )?\S+ ', ''), confidence
    FROM schemakit.advise_indexes(queries, max_indexes => limits, actions => '{create}') ORDER BY rank, step $$;
CREATE FUNCTION slower(queries text[]) RETURNS TABLE (query text, before int, after int) LANGUAGE plpgsql AS $$
DECLARE
    first int[] = ARRAY(SELECT pages(q) FROM unnest(queries) AS q);
    command text;
BEGIN
    FOR command IN SELECT replace(ddl, 'CONCURRENTLY ', '') FROM follow LOOP
        EXECUTE command;
    END LOOP;
    FOR i IN 1 .. cardinality(queries) LOOP
        query = queries[i];
        before = first[i];
        after = pages(query);
        IF after > before * 1.1 + 3 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- nearly all rows are done, so rows of one value seem to be in order; they are not
CREATE TABLE job (id int PRIMARY KEY, state text, run_at timestamptz, payload text, done bool NOT NULL);
INSERT INTO job SELECT i, 's' || i % 5, timestamptz '2026-01-01' + random() * interval '100 days', repeat('x', 100), i % 350 <> 0
FROM generate_series(1, 45000) AS i;
CREATE INDEX job_run_at ON job (run_at) WHERE NOT done;
VACUUM ANALYZE job;
SELECT * FROM advised('{SELECT * FROM job WHERE NOT done ORDER BY run_at LIMIT 10}');
SELECT * FROM slower('{SELECT * FROM job WHERE NOT done ORDER BY run_at LIMIT 10}');
SELECT * FROM advised('{SELECT * FROM job WHERE NOT done ORDER BY run_at LIMIT $1}');
-- where they are in order, or nothing serves the statement yet, the index is good
CREATE TABLE batch AS SELECT i AS id, i / 900 AS batch, repeat('x', 100) AS payload FROM generate_series(1, 45000) AS i;
VACUUM ANALYZE batch;
SELECT * FROM advised('{SELECT * FROM batch WHERE batch = 7}');
SELECT * FROM slower('{SELECT * FROM batch WHERE batch = 7}');
DROP INDEX job_run_at;
SELECT * FROM advised('{SELECT * FROM job WHERE NOT done ORDER BY run_at LIMIT 10}');
SELECT * FROM slower('{SELECT * FROM job WHERE NOT done ORDER BY run_at LIMIT 10}');

-- the same on partitions
CREATE TABLE parted (id int, run_at timestamptz, payload text, done bool NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (25000);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (25000) TO (50000);
INSERT INTO parted SELECT i, timestamptz '2026-01-01' + random() * interval '100 days', repeat('x', 100), i % 350 <> 0 FROM generate_series(1, 45000) AS i;
CREATE INDEX parted_run_at ON parted (run_at) WHERE NOT done;
VACUUM ANALYZE parted;
SELECT * FROM advised('{SELECT * FROM parted WHERE NOT done ORDER BY run_at LIMIT 10}');

-- few rows are pending, at the end of the order; which value is looked for was guessed
CREATE TABLE task (id int PRIMARY KEY, status text, owner int, created_at timestamptz, payload text);
INSERT INTO task SELECT i, CASE WHEN i > 57000 AND i % 3 = 0 THEN 'pending' ELSE (ARRAY['done', 'failed', 'skipped'])[1 + i % 3] END,
    i % 5000, timestamptz '2026-01-01' + i * interval '1 minute', repeat('y', 100) FROM generate_series(1, 60000) AS i;
VACUUM ANALYZE task;
SELECT * FROM advised('{SELECT * FROM task WHERE status = $1 ORDER BY created_at LIMIT $2, SELECT * FROM task ORDER BY created_at DESC LIMIT 10,
    SELECT * FROM task WHERE owner = $1 AND created_at > $2 ORDER BY created_at LIMIT $3}');
SELECT * FROM slower('{SELECT * FROM task WHERE status = ''pending'' ORDER BY created_at LIMIT 5, SELECT * FROM task ORDER BY created_at DESC LIMIT 10}');
DROP TABLE task;
CREATE TABLE task AS SELECT i AS id, CASE WHEN i > 57000 AND i % 3 = 0 THEN 'pending' ELSE (ARRAY['done', 'failed', 'skipped'])[1 + i % 3] END AS status,
    timestamptz '2026-01-01' + i * interval '1 minute' AS created_at, repeat('y', 100) AS payload FROM generate_series(1, 60000) AS i;
VACUUM ANALYZE task;
SELECT * FROM advised('{SELECT * FROM task WHERE status = $1 ORDER BY created_at LIMIT $2, SELECT * FROM task ORDER BY created_at DESC LIMIT 10}', 1);
SELECT * FROM slower('{SELECT * FROM task WHERE status = ''pending'' ORDER BY created_at LIMIT 5, SELECT * FROM task ORDER BY created_at DESC LIMIT 10}');

-- the one word that is looked for may be the one that most rows have: the advice says so
CREATE TABLE word (id int PRIMARY KEY, word text);
INSERT INTO word SELECT i, 'w' || i FROM generate_series(1, 1000) AS i;
CREATE TABLE film (id int, title text);
INSERT INTO film SELECT i, repeat('t', 60) || i FROM generate_series(1, 20000) AS i;
CREATE TABLE film_word (film_id int, word_id int);
INSERT INTO film_word SELECT 1 + i * 7919 % 20000, CASE WHEN i % 2 = 0 THEN 1 ELSE 1 + i / 2 % 1000 END FROM generate_series(1, 40000) AS i;
VACUUM ANALYZE word, film, film_word;
SELECT a.index, a.confidence FROM advised(ARRAY['SELECT f.title FROM word w JOIN film_word x ON x.word_id = w.id JOIN film f ON f.id = x.film_id WHERE w.word = ''w1''']) AS a;
-- and is right: this reads many times the pages
SELECT after > 10 * before AS slower FROM slower(ARRAY['SELECT f.title FROM word w JOIN film_word x ON x.word_id = w.id JOIN film f ON f.id = x.film_id WHERE w.word = ''w1''']);
DROP SCHEMA luck CASCADE;
