-- Values and keys of odd types: what the audit log tells of them is true.
CREATE SCHEMA audit_values;
SET search_path = audit_values;
SET TimeZone = 'UTC';
SET IntervalStyle = 'postgres';
CREATE TABLE moments (name text PRIMARY KEY, at timestamptz);
CREATE FUNCTION remember(name text) RETURNS void LANGUAGE sql AS
    $$SELECT pg_sleep(0.001); INSERT INTO audit_values.moments VALUES (name, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET at = excluded.at; SELECT pg_sleep(0.001)$$;
CREATE FUNCTION at(name text) RETURNS timestamptz STABLE LANGUAGE sql AS
    $$SELECT at FROM audit_values.moments AS m WHERE m.name = $1$$;

-- keys of types whose values are documents: written as the log has them
CREATE TABLE lists (k int[] PRIMARY KEY, v int);
SELECT schemakit.audit_enable('lists');
INSERT INTO lists VALUES ('{1,2}', 1), ('{}', 2), ('{{1},{2}}', 3);
SELECT remember('lists');
UPDATE lists SET v = v + 10;
DELETE FROM lists WHERE k = '{}';
SELECT op, key, new FROM schemakit.audit_history('lists', '{"k": [1, 2]}') ORDER BY changed_at;
SELECT op FROM schemakit.audit_history('lists', '{"k": []}') ORDER BY changed_at;
SELECT * FROM schemakit.audit_as_of(NULL::lists, at('lists'), '{"k": [1, 2]}');
SELECT * FROM schemakit.audit_as_of(NULL::lists, at('lists'), '{"k": []}');
SELECT * FROM schemakit.audit_as_of(NULL::lists, at('lists'), '{"k": "{{1},{2}}"}');
CREATE TABLE documents (k jsonb PRIMARY KEY, v int);
SELECT schemakit.audit_enable('documents');
INSERT INTO documents VALUES ('null', 1), ('{"$jsonb": 1}', 2), ('{"a": 1.0}', 3), ('[]', 4);
SELECT remember('documents');
UPDATE documents SET k = '{"a": 1.00}' WHERE v = 3;
UPDATE documents SET v = v + 10;
SELECT * FROM schemakit.audit_as_of(NULL::documents, at('documents'), '{"k": {"$jsonb": null}}');
SELECT * FROM schemakit.audit_as_of(NULL::documents, at('documents'), '{"k": {"$jsonb": {"$jsonb": 1}}}');
SELECT * FROM schemakit.audit_as_of(NULL::documents, at('documents'), '{"k": {"a": 1}}');
SELECT * FROM schemakit.audit_as_of(NULL::documents, at('documents'), '{"k": {"a": 1.00}}');
SELECT op, key FROM schemakit.audit_history('documents', '{"k": {"a": 1}}') ORDER BY changed_at;

-- a value whose JSON would take more than there is room for
CREATE TABLE large (id int PRIMARY KEY, a int[], b bool[]);
SELECT schemakit.audit_enable('large');
INSERT INTO large VALUES (1, array_fill(NULL::int, ARRAY[40000000]), '{t}');
SELECT new - 'a' AS new, new #> '{a,$bytes}' AS bytes FROM schemakit.audit_history('large', '{"id": 1}');

SET client_min_messages = warning;
DROP SCHEMA audit_values CASCADE;
