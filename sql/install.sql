-- What CREATE EXTENSION makes, and who may use it.
CREATE EXTENSION schemakit;
SELECT extname, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'schemakit';

-- all of it is in the schema schemakit, but for the event triggers
SELECT pg_describe_object(classid, objid, 0) COLLATE "C" AS object
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemakit')
  AND classid <> 'pg_type'::regclass  -- of tables, which 17 lists and 15 does not
ORDER BY object;

-- a publication of all tables does not keep us from changing ours; a table without columns is one that tools do not expect
SELECT c.oid::regclass AS without_identity_or_columns FROM pg_class c
WHERE relnamespace = 'schemakit'::regnamespace AND relkind = 'r' AND (relnatts = 0 OR relreplident <> 'f'
    AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary));

-- every object says what it is for
SELECT pg_describe_object(classid, objid, 0) AS uncommented
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemakit')
  AND classid <> 'pg_type'::regclass
  AND obj_description(objid, classid::regclass::name) IS NULL;

SELECT attname AS uncommented FROM pg_attribute
WHERE attrelid = 'schemakit.audit_log'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;

-- what only schemakit calls says so
SELECT p.oid::regprocedure AS internal FROM pg_proc p
WHERE pronamespace = 'schemakit'::regnamespace AND obj_description(oid, 'pg_proc') LIKE 'internal:%'
ORDER BY p.proname COLLATE "C";

-- what everybody may call
SELECT p.oid::regprocedure AS function, p.provolatile AS volatile, p.proparallel AS parallel,
       has_function_privilege('public', p.oid, 'EXECUTE') AS public
FROM pg_proc p WHERE pronamespace = 'schemakit'::regnamespace
ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text COLLATE "C";
SELECT relname, has_table_privilege('public', oid, 'SELECT') AS reads,
       has_table_privilege('public', oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes
FROM pg_class WHERE relnamespace = 'schemakit'::regnamespace AND relkind IN ('r', 'p', 'v', 'S') ORDER BY relname COLLATE "C";

-- no function of it runs with its owner's rights
SELECT proname FROM pg_proc WHERE pronamespace = 'schemakit'::regnamespace AND prosecdef;

-- the rule that is built in
SELECT * FROM schemakit.auto_rule;

-- settings
SELECT name, left(setting, 40) AS setting, context FROM pg_settings WHERE name LIKE 'schemakit.%' ORDER BY name;
SELECT count(*) FROM schemakit.status();
SELECT name, left(setting, 40) AS setting, context FROM pg_settings WHERE name LIKE 'schemakit.%' ORDER BY name;
SET schemakit.timestamps_colums = 'x';  -- fails: the prefix is reserved
SET schemakit.timestamps_columns = 'a,,b';  -- fails
SET schemakit.timestamps_columns = '"unclosed';  -- fails

-- a schema that is there already is not taken over
DROP EXTENSION schemakit;
CREATE SCHEMA schemakit;
\set SHOW_CONTEXT never
CREATE EXTENSION schemakit;  -- fails
DROP SCHEMA schemakit;
CREATE EXTENSION schemakit;
