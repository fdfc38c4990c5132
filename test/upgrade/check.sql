-- What must hold at any time: a line for each thing that does not.
SELECT replay() > 0 AS replayed \gset
\if :replayed
\else
\echo 'the log is empty'
\endif
SELECT rel, d FROM audited, differences(rel) AS d;
SELECT * FROM schemakit.status() WHERE state <> 'ok';
SELECT 'a live child of a deleted parent', c.id FROM shop.children AS c JOIN shop.parents AS p ON p.id = c.parent WHERE c.deleted_at IS NULL AND p.deleted_at IS NOT NULL;
SELECT 'not maintained', id FROM shop.parents WHERE n > 0 AND updated_at IS NULL;
SELECT 'as of now', count(*) FROM schemakit.audit_as_of(NULL::shop.parents, now()) HAVING count(*) <> (SELECT count(*) FROM shop.parents);
-- what rules have made of the table of this version
\set made shop.later_ :version
SELECT :'made', f, 'not attached' FROM unnest('{audit,soft_delete,timestamps}'::text[]) AS f
WHERE NOT EXISTS (SELECT FROM schemakit.status() AS s WHERE s.relid = to_regclass(:'made') AND s.feature = f AND s.state = 'ok'
    AND s.detail ~ CASE s.feature WHEN 'audit' THEN '"mask": {"ssn": "null", "email": "hash"}, "exclude": \["note"\]' WHEN 'timestamps' THEN '^column at, mode always$' ELSE 'protected' END);
SELECT :'made', 'not maintained, or not deleted softly', t.* FROM :made AS t WHERE (coalesce(n, 0) > 0 OR id IN (9, 10)) <> (at > '2001-01-01') OR (deleted_at IS NULL) = (id IN (9, 10));
SELECT array_position('{15,17,18}', :version) AS nth \gset
SELECT name, 'events', i, u FROM (VALUES ('shop.later_15', 10 + :nth, 6 + :nth), (:'made', 10, 6)) AS v(name, i, u)
WHERE (name <> 'shop.later_15' OR i > 10) AND (i, u) <>
    (SELECT count(*) FILTER (WHERE op = 'I'), count(*) FILTER (WHERE op = 'U') FROM schemakit.audit_log WHERE table_name = name);
SELECT 'told what may not be told', l.* FROM schemakit.audit_log AS l WHERE l::text ~ 'hidden|078-05|219-09|ann@';
SELECT 'hashed in more than one way', table_name, count(DISTINCT new ->> 'email') FROM schemakit.audit_log WHERE table_name ~ 'later' AND op = 'I' GROUP BY table_name
HAVING count(DISTINCT new ->> 'email') <> 1 OR NOT bool_and(new ->> 'email' ~ '^[0-9a-f]{32}$');
SELECT 'advice', count(*), min(status), min(runs) FROM schemakit.index_advice WHERE steps = '{DROP INDEX CONCURRENTLY shop.twice}'
HAVING (count(*), min(status), min(runs)) IS DISTINCT FROM (1, 'open', :nth);
