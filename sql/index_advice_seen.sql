--
-- advise_indexes(): advice that one can see through.  What an index is for, why a statement
-- gets nothing, what is lost with an index, and what is won if one is built again.
--
\set VERBOSITY terse
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET default_statistics_target = 300;
CREATE SCHEMA advice_seen;
SET search_path = advice_seen, public;
CREATE TABLE item (id int PRIMARY KEY, owner int, code int, at timestamptz, name text, tags text[], deleted_at timestamptz, filler text);
INSERT INTO item SELECT i, i % 500, i * 7 % 5003, timestamptz '2026-01-01' + i * 7919 % 40000 * interval '1 min', 'n' || i, ARRAY['t' || i % 900],
    CASE WHEN i % 50 > 0 THEN timestamptz '2026-01-01' END, repeat('x', 100) FROM generate_series(1, 40000) AS i;
CREATE TABLE line (item int, n int, filler text);
INSERT INTO line SELECT 1 + i % 40000, i, repeat('x', 50) FROM generate_series(1, 80000) AS i;
VACUUM ANALYZE item, line;

-- the text of a statement, and which of its clauses the index serves
CREATE FUNCTION served(queries text[]) RETURNS TABLE (ddl text, statement text, serves text) LANGUAGE sql AS $$
    SELECT a.ddl, q ->> 'statement', q ->> 'serves' FROM schemakit.advise_indexes(queries, schemas => '{advice_seen}') AS a, jsonb_array_elements(a.queries_helped) AS q
    ORDER BY a.rank $$;
SELECT * FROM served('{SELECT * FROM item WHERE owner = 7}') \gx
SELECT * FROM served('{SELECT * FROM item WHERE owner = 7 AND code < 9}') \gx
SELECT * FROM served('{SELECT * FROM item WHERE owner = 7 ORDER BY at DESC LIMIT 3}') \gx
SELECT * FROM served('{SELECT code FROM item WHERE owner = 7}') \gx
SELECT * FROM served('{SELECT * FROM item WHERE owner = 7 AND deleted_at IS NULL}') \gx
SELECT * FROM served('{SELECT line.* FROM item JOIN line ON line.item = item.id WHERE item.id < 4}') \gx
SELECT * FROM served(ARRAY['SELECT * FROM item WHERE tags @> ''{t7}''']) \gx
SELECT * FROM served(ARRAY['SELECT * FROM item WHERE name = ''n7'' /* ' || repeat('long ', 1000) || '*/']) \gx
DROP FUNCTION served;

-- what each statement gets, or why it gets nothing
CREATE TABLE elsewhere (a int);
CREATE FUNCTION told(queries text[], weights float8[] DEFAULT NULL, tables regclass[] DEFAULT '{item,line}', actions text[] DEFAULT '{create}', max_indexes int DEFAULT 10)
    RETURNS TABLE (statement text, ranks jsonb, cheaper bool, reason text) LANGUAGE sql AS $$
    SELECT s ->> 'statement', s -> 'ranks', (s ->> 'cost_after')::float8 < (s ->> 'cost_before')::float8, regexp_replace(s ->> 'reason', '[0-9.]+ %', 'n %')
    FROM jsonb_array_elements(schemakit.advise_indexes_report(queries, weights, tables => tables, actions => actions, max_indexes => max_indexes) -> 'statements') AS s
    ORDER BY 1 $$;
SELECT * FROM told(ARRAY['SELECT * FROM item WHERE owner = 7', 'SELECT * FROM item WHERE id = 7', 'SELECT sum(length(filler)) FROM item', 'SELECT * FROM nosuch',
    'INSERT INTO item (id) VALUES ($1)', 'SELECT * FROM elsewhere WHERE a = 7', 'SELECT * FROM item WHERE owner <> 7', 'VACUUM item']) \gx
SELECT * FROM told('{SELECT * FROM item WHERE owner = 7,SELECT * FROM item WHERE code = 7}', '{3,2}', max_indexes => 1) \gx
SELECT * FROM told('{SELECT * FROM item WHERE owner = 7}', actions => '{drop}') \gx
SELECT schemakit.advise_indexes_report('{SELECT * FROM nosuch}') -> 'skipped';

-- no rows, but a NOTICE
SET client_min_messages = notice;
\set VERBOSITY default
SELECT rank FROM schemakit.advise_indexes('{}', tables => '{item}');
SELECT rank FROM schemakit.advise_indexes('SELECT * FROM item WHERE id = 7', tables => '{item}');
SELECT rank FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', tables => '{}');
SELECT rank FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', tables => '{item}', actions => '{drop,reindex}');
SELECT rank FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', tables => '{item}', actions => '{foreign_key}');
SELECT rank FROM schemakit.advise_indexes('SELECT * FROM item WHERE owner = 7', tables => '{item}', actions => '{replace}');
SELECT rank FROM schemakit.advise_indexes('VACUUM item', tables => '{item}');
SELECT rank FROM schemakit.advise_indexes('INSERT INTO item (id) VALUES ($1)', tables => '{item}');
SELECT rank FROM schemakit.advise_indexes('SELECT 1', tables => '{item}', max_queries => 1);
SELECT rank FROM schemakit.advise_indexes('{SELECT count(*) FROM item,SELECT count(*) FROM line}', tables => '{item}', max_queries => 1);
SET client_min_messages = warning;
\set VERBOSITY terse

-- who misses an index that goes
CREATE INDEX line_item ON line (item);
CREATE INDEX line_item_n ON line (item, n);
SELECT ddl, est_bytes < 0 AS frees, q ->> 'statement' AS statement, (q ->> 'cost_after')::float8 > (q ->> 'cost_before')::float8 AS dearer
    FROM schemakit.advise_indexes('{SELECT count(*) FROM line WHERE item < 9000,SELECT * FROM item WHERE id = 3}', tables => '{line}', max_regression => 2) AS a
    LEFT JOIN jsonb_array_elements(a.queries_helped) AS q ON true;

CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 100);
CREATE TABLE child (parent int REFERENCES parent, a int, b int);
INSERT INTO child SELECT 1 + i % 100, i, i FROM generate_series(1, 20000) AS i;
CREATE INDEX child_parent ON child (parent);
CREATE UNIQUE INDEX child_a ON child (a);
CREATE INDEX child_b ON child (b);
ALTER TABLE child ALTER a SET NOT NULL;
ALTER TABLE child REPLICA IDENTITY USING INDEX child_a;
CLUSTER child USING child_b;
VACUUM ANALYZE child;
CREATE TABLE split (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (10000);
INSERT INTO split SELECT i, i FROM generate_series(1, 9999) AS i;
CREATE INDEX split_b ON split (b);
VACUUM ANALYZE split;
SELECT d.ddl, d.undo_ddl, d.bytes > 8192 AS large, d.scans >= 0 AS counted, d.needed_by, d.more_ms_per_day, d.workload_loss_pct > 100 AS much, q ->> 'statement' AS dearer, q ->> 'serves' AS serves
    FROM unnest('{line_item_n,child_parent,child_a,child_b,parent_pkey,split_b,split_1_b_idx}'::regclass[]) WITH ORDINALITY AS i (index, n),
    schemakit.advise_drop(index, '{SELECT n FROM line WHERE item = 7,SELECT * FROM child WHERE a = 7,SELECT * FROM child WHERE parent = 7 AND b = 9,SELECT * FROM split WHERE b = 7}') AS d
    LEFT JOIN jsonb_array_elements(d.statements) AS q ON true ORDER BY n \gx
SELECT schemakit.advise_drop('line');  -- fails
SELECT schemakit.advise_drop('pg_class_oid_index');  -- fails
SELECT schemakit.advise_drop('line_item', weights => '{1}');  -- fails
SELECT schemakit.advise_drop('line_item', max_queries => 0);  -- fails
SELECT schemakit.advise_drop(NULL);  -- fails

-- the plans before and after; those of a foreign key's check have no values, as the caller may not read them
CREATE FUNCTION plans(rank int, queries text[], actions text[] DEFAULT '{create,drop}') RETURNS TABLE (ddl text, n bigint, statement text, before text, after text) LANGUAGE sql AS $$
    SELECT ddl, queryid, statement, substring(plan_before, '(?:Seq|Index Only) Scan') || ' ' || regexp_replace(substring(plan_before, '(?:Filter|Cond): [^\n]*'), '= \d+', '= n'),
        substring(plan_after, '(?:item|line|child)_\w+') || ' ' || regexp_replace(substring(plan_after, '(?:Filter|Cond): [^\n]*'), '= \d+', '= n')
    FROM schemakit.advise_indexes_explain(rank, queries, tables => '{item,line,child}', actions => actions, max_regression => 2) $$;
SELECT * FROM plans(1, '{SELECT * FROM item WHERE owner = 7,SELECT * FROM item WHERE id = 7}') \gx
SELECT * FROM plans(1, '{SELECT * FROM item WHERE code = $1}') \gx
SELECT * FROM plans(1, '{SELECT count(*) FROM line WHERE item < 9000}', '{drop}') \gx
SELECT * FROM plans(2, '{SELECT * FROM item WHERE owner = 7}', '{create}') \gx
DROP INDEX child_parent;
SELECT * FROM plans(1, '{DELETE FROM parent WHERE id = $1}', '{create}') \gx
SELECT count(*) FROM schemakit.advise_indexes_explain(1, 'SELECT * FROM item WHERE owner = 7', tables => '{item}');
SELECT schemakit.advise_indexes_explain(0, 'SELECT 1');  -- fails
SELECT schemakit.advise_indexes_explain(NULL, 'SELECT 1');  -- fails

-- an index much larger than it has to be
CREATE TABLE swollen (a int PRIMARY KEY, b int, c int);
CREATE INDEX swollen_b ON swollen (b);
INSERT INTO swollen SELECT i, i, i FROM generate_series(1, 150000) AS i;
CREATE INDEX swollen_c ON swollen (c);
DELETE FROM swollen WHERE a % 10 > 0;
DO $$ BEGIN PERFORM pg_stat_force_next_flush(); END $$;  -- what has changed is counted before ANALYZE
VACUUM ANALYZE swollen;
CREATE FUNCTION rebuilt() RETURNS TABLE (action text, ddl text, won bool, reason text) LANGUAGE sql AS $$
    SELECT action, ddl, -est_bytes > 1500000, regexp_replace(reason, '[0-9]+ MB', 'n MB', 'g') FROM schemakit.advise_indexes('{}', tables => '{swollen}') ORDER BY 2 $$;
SELECT * FROM rebuilt();
SELECT ddl FROM rebuilt() \gexec
SELECT * FROM rebuilt();
-- nor is it told where statistics are missing, or old
CREATE TABLE unknown (a int PRIMARY KEY);
INSERT INTO unknown SELECT generate_series(1, 150000);
DELETE FROM unknown WHERE a % 10 > 0;
VACUUM unknown;
SELECT ddl FROM schemakit.advise_indexes('{}', tables => '{unknown}');

DROP SCHEMA advice_seen CASCADE;
