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
