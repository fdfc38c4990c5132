--
-- advise_indexes(): conditions that an index serves in a less common way.  Each statement
-- is run before and after the advice was followed, and reads fewer pages then.
--
\set VERBOSITY terse
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET default_statistics_target = 300;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SCHEMA missed;
SET search_path = missed, public;

CREATE TABLE doc (id int PRIMARY KEY, title text, code text COLLATE "C", status text, made timestamptz, owner int, d int, payload text);
INSERT INTO doc SELECT i, md5(i::text) || ' ' || md5((i * 7)::text), 'c' || i, CASE WHEN i % 400 = 0 THEN 'open' WHEN i % 333 = 0 THEN 'wait' ELSE 'done' END,
    timestamptz '2026-01-01' + i * interval '1 minute', i % 100, i % 5000, repeat('p', 100) FROM generate_series(1, 30000) AS i;
VACUUM ANALYZE doc;

CREATE FUNCTION pages(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;     -- the first reads catalogs, too
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
    RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::int + (plan #>> '{0,Plan,Shared Read Blocks}')::int;
END $$;
-- what is advised for a statement, and whether one like it reads less with that
CREATE FUNCTION tried(query text, actual text = NULL) RETURNS TABLE (index text, better bool) LANGUAGE plpgsql AS $$
DECLARE
    before int;
    command text;
BEGIN
    actual = coalesce(actual, query);
    before = pages(actual);
    FOR command IN SELECT a.ddl FROM schemakit.advise_indexes(ARRAY[query], actions => '{create}') AS a ORDER BY rank, step LOOP
        EXECUTE replace(command, 'CONCURRENTLY ', '');
        index = regexp_replace(command, 'CREATE INDEX (CONCURRENTLY )?\S+ ', '');
        better = pages(actual) < before / 2;
        RETURN NEXT;
        IF command ~ '^CREATE' THEN
            EXECUTE 'DROP INDEX missed.' || substring(command FROM 'CONCURRENTLY (\S+)');
        END IF;
    END LOOP;
END $$;

-- what is not equal to a value that most rows have
SELECT * FROM tried('SELECT * FROM doc WHERE status <> ''done''');
SELECT * FROM tried('SELECT * FROM doc WHERE status <> ''done'' ORDER BY made LIMIT 20');
SELECT * FROM tried('SELECT * FROM doc WHERE status <> ''done'' AND owner = $1', 'SELECT * FROM doc WHERE status <> ''done'' AND owner = 0');
SELECT * FROM tried('SELECT * FROM doc WHERE status <> ''open''');
-- functions that say which operators serve them
SELECT * FROM tried('SELECT * FROM doc WHERE starts_with(code, ''c2999'')');
-- a word that is looked for, with the first rows in another order
SELECT * FROM tried('SELECT * FROM doc WHERE title ILIKE $1', 'SELECT * FROM doc WHERE title ILIKE ''%c81e728d9d4c%''');
SELECT * FROM tried('SELECT * FROM doc WHERE title ILIKE $1 ORDER BY id LIMIT 20', 'SELECT * FROM doc WHERE title ILIKE ''%c81e728d9d4c%'' ORDER BY id LIMIT 20');
-- the least value among some rows
SELECT * FROM tried('SELECT min(made) FROM doc WHERE d = $1', 'SELECT min(made) FROM doc WHERE d = 77');
SELECT * FROM tried('SELECT min(d), max(d) FROM doc WHERE d > $1', 'SELECT min(d), max(d) FROM doc WHERE d > 4000');
-- constants of which only their number is left
SELECT * FROM tried('SELECT $1 + $2, $3 + $4, $5 + $6, $7 + $8, $9 + $10, $11 + $12, $13 + $14, $15 + $16, $17 + $18, $19 + $20 FROM doc WHERE d = $21', 'SELECT * FROM doc WHERE d = 77');
SELECT * FROM tried('SELECT sum(CASE WHEN status = $1 THEN $2 ELSE $3 END) FROM doc WHERE d = $4', 'SELECT * FROM doc WHERE d = 77');
DROP SCHEMA missed CASCADE;
