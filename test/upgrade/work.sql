-- Work with all features, in a transaction each.
INSERT INTO shop.parents (id, name) SELECT (SELECT coalesce(max(id), 0) FROM shop.parents) + i, :'version' FROM generate_series(1, 200) AS i;
INSERT INTO shop.children (parent, doc, tags, amount)
    SELECT id, jsonb_build_object('v', :'version', 'i', i), ARRAY[1, NULL, id], id / 7.0 FROM shop.parents_live, generate_series(1, 2) AS i;
INSERT INTO shop.parts SELECT (SELECT coalesce(max(id), 0) FROM shop.parts) + i, '2026-05-01'::date + i, 0 FROM generate_series(1, 200) AS i;
UPDATE shop.parents SET n = n + 1 WHERE id % 3 = 0;
UPDATE shop.parts SET n = n + 1, at = at + 30 WHERE id % 5 = 0;
UPDATE shop.children SET doc = doc || '{"w": 1}', tags = tags || 0 WHERE id % 4 = 0;
DELETE FROM shop.parents_live WHERE id % 7 = 0;
UPDATE shop.parents SET deleted_at = NULL WHERE id % 14 = 0;
DELETE FROM shop.parts WHERE id % 11 = 0;
BEGIN;
UPDATE shop.parents SET n = -1;
ROLLBACK;
SELECT count(*) FROM schemakit.audit_maintain();
