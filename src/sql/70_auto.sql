/*
 * Rules made, applied and checked.
 */
CREATE FUNCTION schemakit.auto_enable(
    feature text, schemas text DEFAULT 'public', tables text DEFAULT '%', options jsonb DEFAULT '{}')
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_auto_enable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.auto_enable(text, text, text, jsonb) IS
'adds a rule, and returns its number: from now on the feature is attached to every new table whose schema and name match the LIKE patterns.
Options of timestamps: "col" and "mode", as in timestamps_enable(); of audit: "capture", "exclude", "ignore", "mask", "key", "truncate_rows", "require_actor" and "replica", as in audit_enable(); columns that a table has not got are allowed there.
Options of soft_delete: "col" and "protect", as in soft_delete_enable(), and "view_schema", the schema in which views have the names of their tables.
A second call for the same patterns changes the options, and enables the rule again.
Needs INSERT, UPDATE and SELECT on schemakit.auto_rule.
Errors: 22023 an unknown feature, option or value.';

CREATE FUNCTION schemakit.auto_disable(id bigint)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_auto_disable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.auto_disable(bigint) IS
'disables a rule; what it has attached stays.
Errors: 42704 no such rule.';

CREATE FUNCTION schemakit.auto_apply(
    OUT relid regclass, OUT feature text, OUT action text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_auto_apply'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.auto_apply() IS
'attaches what the rules ask for to the tables that exist already.
action: attached; not owner: the caller may not alter the table; left alone: see status(); failed: a warning tells why.';

CREATE FUNCTION schemakit.status(
    OUT relid regclass, OUT feature text, OUT state text, OUT detail text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_status'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.status() IS
'every table that is managed or that a rule covers, and whether it really is.
state: ok; missing trigger; disabled trigger; replica trigger: it fires only in replica mode; partition not covered; column gone; column type; column generated: the column cannot be maintained; truncate not covered: TRUNCATE is not recorded; wrong argument, wrong identity: the trigger was made by hand, and does not work; other column: another one that looks like it is not maintained; left alone: something in the database forbids triggers; no schema: the pattern of a rule matches none, and relid is null.';
