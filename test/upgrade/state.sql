-- What an upgrade must not change.
SET timezone = 'UTC';
-- the rows of all tables, what is seen through the views, and the extension's own tables
SELECT format('SELECT %L, %L, count(*), sum(hashtextextended(t::text, 0)) FROM %s AS t', 'rows', c.oid::regclass, c.oid::regclass) FROM pg_class AS c
WHERE relkind IN ('r', 'p', 'v') AND relnamespace IN ('shop'::regnamespace, 'schemakit'::regnamespace) ORDER BY c.oid::regclass::text \gexec
SELECT format('SELECT %L, %L, last_value, is_called FROM %s', 'sequence', c.oid::regclass, c.oid::regclass) FROM pg_class AS c
WHERE relkind = 'S' AND relnamespace IN ('shop'::regnamespace, 'schemakit'::regnamespace) ORDER BY c.oid::regclass::text \gexec
SELECT 'rule', r.* FROM schemakit.auto_rule AS r ORDER BY id;
SELECT 'advice', a.* FROM schemakit.index_advice AS a ORDER BY id;
SELECT 'secret', md5(key) FROM schemakit.audit_secret;
SELECT 'origin', cluster FROM schemakit.audit_origin;
SELECT 'trigger', tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text, tgname;
-- a view's definition may be told in another way, but not what it has and who may use it
SELECT 'view', c.oid::regclass, relowner::regrole, relacl, reloptions, pg_relation_is_updatable(c.oid, true) FROM pg_class AS c
WHERE relkind = 'v' AND relnamespace = 'shop'::regnamespace ORDER BY c.oid::regclass::text;
SELECT 'column', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attcollation::regcollation FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = attrelid
WHERE attnum > 0 AND relkind IN ('r', 'p', 'v') AND relnamespace = 'shop'::regnamespace ORDER BY attrelid::regclass::text, attnum;
SELECT 'status', relid, feature, state, detail FROM schemakit.status() ORDER BY relid::text, feature;
