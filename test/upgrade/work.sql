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

-- A table that is made by this version, to which rules attach,
\set made shop.later_ :version
\set live :made _live
CREATE TABLE :made (id int PRIMARY KEY, n int, email text, ssn text, note text, at timestamptz DEFAULT '2000-01-01', deleted_at timestamptz);
INSERT INTO :made SELECT i, 0, 'ann@example.com', '078-05', 'hidden' FROM generate_series(1, 10) AS i;
UPDATE :made SET n = 1, ssn = '219-09', note = 'hidden, too', at = '2000-01-01' WHERE id < 5;
DELETE FROM :live WHERE id > 8;
-- and one that was there
UPDATE shop.later_15 SET n = n + 1 WHERE id = 1;
INSERT INTO shop.later_15_live (id, email) SELECT max(id) + 1, 'ann@example.com' FROM shop.later_15;

SET client_min_messages = warning;
SELECT schemakit.index_advice_record();
SELECT count(*) FROM schemakit.audit_maintain();
