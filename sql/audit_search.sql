-- audit_search(): who, what and when; test/t/062 compares it with a query
CREATE SCHEMA audit_search;
SET search_path = audit_search;
CREATE TABLE orders (id int PRIMARY KEY, status text, total numeric);
CREATE TABLE notes (note text);
SET client_min_messages = warning;
SELECT schemakit.audit_enable('orders'), schemakit.audit_enable('notes');
RESET client_min_messages;
SELECT clock_timestamp() AS start \gset
SET schemakit.audit_actor = 'ann';
INSERT INTO orders VALUES (1, 'new', 10), (2, 'new', 20);
SET schemakit.audit_actor = 'bob';
UPDATE orders SET status = 'paid' WHERE id = 1;
UPDATE orders SET total = 21 WHERE id = 2;
BEGIN;
UPDATE orders SET id = 3 WHERE id = 2;
DELETE FROM orders WHERE id = 1;
INSERT INTO notes VALUES ('done');
COMMIT;
TRUNCATE notes;
RESET schemakit.audit_actor;
INSERT INTO notes VALUES ('nobody''s');

SELECT op, table_name, actor, key, old, new FROM schemakit.audit_search(from_at => :'start');
SELECT op, key FROM schemakit.audit_search('ann', from_at => :'start');
SELECT op, key, table_name FROM schemakit.audit_search('bob', from_at => :'start', op => 'D');
SELECT op, key, changed FROM schemakit.audit_search(tables => '{orders}', columns => '{total,id}');
SELECT op, key, old, new FROM schemakit.audit_search(tables => '{orders}', value => '{"status": "new"}');
SELECT op, new FROM schemakit.audit_search(tables => '{notes}', value => '{"note": "done"}');
SELECT op, key FROM schemakit.audit_search(tables => '{orders,notes}', op => 'U');
SELECT count(*) FROM schemakit.audit_search(tables => '{}');
SELECT count(*) FROM schemakit.audit_search(tables => '{orders}', to_at => :'start');
SELECT count(*) FROM schemakit.audit_search(tables => '{orders}', from_at => 'infinity');
SELECT count(*) FROM schemakit.audit_search(tables => '{orders}', from_at => '-infinity', to_at => 'infinity');
-- pages
SELECT op, key FROM schemakit.audit_search(tables => '{orders}', max_rows => 2);
SELECT place FROM schemakit.audit_search(tables => '{orders}', max_rows => 2) OFFSET 1 \gset
SELECT op, key FROM schemakit.audit_search(tables => '{orders}', max_rows => 3, before => :'place');
SELECT place FROM schemakit.audit_search(tables => '{orders}', max_rows => 3, before => :'place') OFFSET 2 \gset
SELECT op, key FROM schemakit.audit_search(tables => '{orders}', max_rows => 3, before => :'place');
-- a table that was renamed, and one that inherits
ALTER TABLE orders RENAME TO purchases;
UPDATE purchases SET total = 22;
SELECT op, table_name FROM schemakit.audit_search(tables => '{purchases}', max_rows => 3);
-- a column that is stored whether it changed or not
SELECT schemakit.audit_enable('purchases', capture => 'full');
UPDATE purchases SET status = 'lost';
SELECT op, changed FROM schemakit.audit_search(tables => '{purchases}', columns => '{status}', max_rows => 1);
SELECT op, changed FROM schemakit.audit_search(tables => '{purchases}', columns => '{total}', max_rows => 1);
-- what is refused
SELECT * FROM schemakit.audit_search(op => 'X');  -- fails
SELECT * FROM schemakit.audit_search(value => '[1]');  -- fails
SELECT * FROM schemakit.audit_search(before => '1.2');  -- fails
SELECT * FROM schemakit.audit_search(max_rows => 0);  -- fails
SELECT * FROM schemakit.audit_search(max_rows => NULL);  -- fails
CREATE TABLE unknown (id int);
SELECT * FROM schemakit.audit_search(tables => '{unknown}');  -- fails
-- whose history
CREATE ROLE regress_search_owner;
CREATE ROLE regress_search_other;
GRANT USAGE ON SCHEMA audit_search TO regress_search_owner, regress_search_other;
ALTER TABLE purchases OWNER TO regress_search_owner;
SET ROLE regress_search_owner;
SELECT op, client, query FROM schemakit.audit_search(tables => '{purchases}', max_rows => 1);
SELECT * FROM schemakit.audit_search();  -- fails
SELECT * FROM schemakit.audit_search(tables => '{purchases,notes}');  -- fails
SET ROLE regress_search_other;
SELECT * FROM schemakit.audit_search(tables => '{purchases}');  -- fails
RESET ROLE;

-- commands that stopped recording
CREATE TABLE stopped (id int PRIMARY KEY);
SELECT schemakit.audit_enable('stopped');
INSERT INTO stopped VALUES (1);
SELECT schemakit.audit_disable('stopped');
SELECT op, new -> 'command' AS command FROM schemakit.audit_search(tables => '{stopped}', op => 'S');
SELECT op, new -> 'command' AS command FROM schemakit.audit_search(op => 'S', max_rows => 1);

-- batches of changes
SELECT schemakit.audit_position() AS position \gset
INSERT INTO purchases VALUES (30, 'new', 1), (31, 'new', 2);
UPDATE purchases SET status = 'paid' WHERE id = 30;
SELECT op, key FROM schemakit.audit_changes(:'position', max_rows => 1);
SELECT position FROM schemakit.audit_changes(:'position', max_rows => 1) LIMIT 1 \gset
SELECT op, key FROM schemakit.audit_changes(:'position', max_rows => 1);
SELECT position FROM schemakit.audit_changes(:'position', max_rows => 1) LIMIT 1 \gset
SELECT count(*) FROM schemakit.audit_changes(:'position', max_rows => 1);
SELECT count(*) FROM schemakit.audit_changes(max_rows => 0);  -- fails

-- a time reaches the partitions: of the view, and of who acts
CREATE FUNCTION partitions_read(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT * FROM schemakit.audit_log WHERE ' || condition INTO plan;
    RETURN (SELECT count(DISTINCT x) FROM jsonb_path_query(plan, '$.**."Alias" ? (@ starts with "e")') AS x);
END$$;
SELECT partitions_read('at >= ''2020-01-01'' AND at < ''2020-01-02''') AS default_only;
-- what is rare among many events of the present, of which there is no index: compared with
-- a query
SELECT clock_timestamp() AS start \gset
SET client_min_messages = warning;
CREATE TABLE many (id int PRIMARY KEY, v numeric, s text, doc jsonb, flag boolean);
SELECT schemakit.audit_enable('many');
RESET client_min_messages;
INSERT INTO many SELECT i, i, 's' || i % 10, '{"a": [1]}', true FROM generate_series(1, 500) AS i;
SET schemakit.audit_actor = 'search rare';
UPDATE many SET v = -5, s = 'rare' WHERE id = 5;
UPDATE many SET s = repeat('long ', 2000) || 'end' WHERE id IN (6, 7);
UPDATE many SET s = string_agg FROM (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) AS i) AS x WHERE id = 8;
BEGIN;
UPDATE many SET doc = '{"a": [1], "b": "rare"}' WHERE id IN (9, 10);
SET LOCAL schemakit.audit_actor = 'search other';
UPDATE many SET flag = NULL WHERE id IN (11, 12);
SET LOCAL schemakit.audit_actor = 'search rare';
DELETE FROM many WHERE id IN (13, 14);
UPDATE many SET id = 1015 WHERE id = 15;
COMMIT;
SET schemakit.audit_actor = 'search other';
UPDATE many SET doc = NULL WHERE id = 16;
RESET schemakit.audit_actor;
CREATE TABLE others (id int PRIMARY KEY, v numeric);
SET client_min_messages = warning;
SELECT schemakit.audit_enable('others');
RESET client_min_messages;
INSERT INTO others SELECT generate_series(1, 12000);
UPDATE others SET v = 1;
CREATE FUNCTION differs(args text, condition text, since timestamptz, OUT rows bigint, OUT differ bigint) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('WITH found AS MATERIALIZED (SELECT txn_id, n FROM schemakit.audit_search(%s, max_rows => 1000)),'
        ' there AS MATERIALIZED (SELECT txn_id, n FROM schemakit.audit_log WHERE at >= %L AND %s)'
        ' SELECT (SELECT count(*) FROM there), (SELECT count(*) FROM ((TABLE found EXCEPT ALL TABLE there) UNION ALL (TABLE there EXCEPT ALL TABLE found)) AS d)',
        args, since, format('table_name IN (''audit_search.many'', ''audit_search.others'') AND (%s)', condition)) INTO rows, differ;
END$$;
SELECT args, d.* FROM (VALUES
    ($$'search rare'$$, $$actor = 'search rare'$$), ($$'search other'$$, $$actor = 'search other'$$), ($$'nobody'$$, $$actor = 'nobody'$$),
    ($$'search rare', op => 'U'$$, $$actor = 'search rare' AND op = 'U'$$), ($$'search rare', '{others}'$$, 'false'),
    ($$op => 'D', tables => '{many,others}'$$, $$op = 'D'$$), ($$op => 'T', tables => '{many,others}'$$, $$op = 'T'$$), ($$op => 'D', tables => '{many}'$$, $$op = 'D'$$),
    ($$columns => '{doc}', tables => '{many,others}'$$, $$'doc' = ANY (changed)$$), ($$columns => '{flag,id}', tables => '{many,others}'$$, $$changed && '{flag,id}'$$),
    ($$columns => '{none}', tables => '{many,others}'$$, 'false'), ($$'search rare', columns => '{doc}'$$, $$actor = 'search rare' AND 'doc' = ANY (changed)$$),
    ($$value => '{"v": -5.0}', tables => '{many,others}'$$, $$new @> '{"v": -5}'$$), ($$value => '{"v": 5}', tables => '{many,others}'$$, $$old @> '{"v": 5}' OR new @> '{"v": 5}'$$),
    ($$value => '{"s": "rare", "v": -5}', tables => '{many,others}'$$, $$new @> '{"s": "rare"}'$$), ($$value => '{"v": "-5"}', tables => '{many,others}'$$, 'false'),
    ($$value => '{"doc": {"b": "rare"}}', tables => '{many,others}'$$, $$new @> '{"doc": {"b": "rare"}}'$$), ($$value => '{"doc": {"b": "x"}}', tables => '{many,others}'$$, 'false'),
    ($$value => '{"doc": null}', tables => '{many,others}'$$, $$new @> '{"doc": null}'$$), ($$value => '{"flag": null}', tables => '{many,others}'$$, $$new @> '{"flag": null}'$$),
    ($$value => '{"flag": false}', tables => '{many,others}'$$, 'false'), ($$'search rare', value => '{"flag": true}'$$, $$actor = 'search rare' AND (old @> '{"flag": true}' OR new @> '{"flag": true}')$$),
    ($$value => jsonb_build_object('s', repeat('long ', 2000) || 'end'), tables => '{many,others}'$$, $$new->>'s' LIKE 'long %end'$$),
    ($$value => (SELECT jsonb_build_object('s', string_agg(md5(i::text), '')) FROM generate_series(1, 500) AS i), tables => '{many,others}'$$, $$length(new->>'s') = 16000$$),
    ($$tables => '{many}', op => 'I', value => '{}'$$, $$table_name = 'audit_search.many' AND op = 'I'$$),
    ($$tables => '{many}'$$, $$table_name = 'audit_search.many'$$)) AS v(args, condition),
    LATERAL differs(args, condition, :'start') AS d;
SET client_min_messages = warning;
DROP SCHEMA audit_search CASCADE;
DROP ROLE regress_search_owner, regress_search_other;
