-- What an upgrade must not change.
SELECT 'rows', 'parents', count(*), sum(hashtextextended(t::text, 0)) FROM shop.parents AS t
UNION ALL SELECT 'rows', 'children', count(*), sum(hashtextextended(t::text, 0)) FROM shop.children AS t
UNION ALL SELECT 'rows', 'parts', count(*), sum(hashtextextended(t::text, 0)) FROM shop.parts AS t
UNION ALL SELECT 'rows', 'log', count(*), sum(hashtextextended(t::text, 0)) FROM schemakit.audit_log AS t;
SELECT 'trigger', tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text, tgname;
SELECT 'view', c.oid::regclass, md5(pg_get_viewdef(c.oid)) <> '' FROM pg_class AS c WHERE relkind = 'v' AND relnamespace = 'shop'::regnamespace ORDER BY c.oid::regclass::text;
SELECT 'status', relid, feature, state FROM schemakit.status() ORDER BY relid::text, feature;
