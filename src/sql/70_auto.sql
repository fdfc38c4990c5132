/*
 * Rules: functions to add, apply and check them.
 */
CREATE FUNCTION schemakit.auto_enable(
    feature text, schemas text DEFAULT 'public', tables text DEFAULT '%', options jsonb DEFAULT '{}',
    exceptions text[] DEFAULT '{}')
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_auto_enable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.auto_enable(text, text, text, jsonb, text[]) IS
'adds a rule, which enables a feature for every new table whose schema and name match the LIKE patterns, and returns its number.
Options of timestamps: "col", "mode" and "add_columns", as in timestamps_enable(); of audit: "capture", "exclude", "ignore", "mask", "key", "truncate_rows", "require_actor" and "replica", as in audit_enable(); columns that a table does not have are allowed.
Options of soft_delete: "col" and "protect", as in soft_delete_enable(), and "view_schema", a schema in which the views have the names of their tables.
exceptions: LIKE patterns for tables that the rule leaves alone, for their names or for schema.table.  All rules leave the tables alone that the setting schemakit.auto_exceptions names.
A second call with the same feature, patterns and "col" changes the options and exceptions, and enables the rule again.
Needs INSERT, UPDATE and SELECT on schemakit.auto_rule.
Errors: 22023 an unknown feature, option or value.';

CREATE FUNCTION schemakit.auto_disable(id bigint)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_auto_disable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.auto_disable(bigint) IS
'disables a rule.  Tables keep what it has attached.
Errors: 42704 no such rule.';

CREATE FUNCTION schemakit.auto_apply(
    OUT relid regclass, OUT feature text, OUT action text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_auto_apply'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.auto_apply() IS
'applies the rules to existing tables, and repairs triggers that somebody has altered, and creates missing views of soft delete again.  Triggers that are disabled stay disabled.
action: attached; repaired; not owner: the caller does not own the table; left alone: triggers cannot be used, see status(); locked: another session has locked the table; failed: a WARNING has the error.';

CREATE FUNCTION schemakit.status(
    OUT relid regclass, OUT feature text, OUT state text, OUT detail text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_status'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.status() IS
'lists the tables that features manage or rules cover, and their states.
state: ok; missing trigger; replaced trigger: one with its name executes another function; altered trigger: it does not fire for all changes, or has a condition; disabled trigger; replica trigger: it fires only in replica mode; later trigger: another trigger may change the row after it; partition not covered; child not covered: its parent has the trigger; locked: another session has locked the table, so its state is not known; left alone: the table or its column is not maintained, and detail says why; no schema: the pattern of a rule matches no schema, or its view_schema does not exist, and relid is null; other column: a column that the setting names is not maintained; column gone, column type, column generated: the column cannot be maintained; truncate not covered: TRUNCATE is not recorded; key gone: the table has lost its key; wrong argument: the argument of the trigger is not valid; missing view: auto_apply() creates it; view not covered, view lacks columns, references not checked, not protected: soft_delete_enable() repairs it; log not protected: changes of the audit log are not refused, or a trigger or rule of others may change its events, and relid is a table of the log or null; log not indexed: audit_maintain() makes the indexes of a partition that is over; one of a later partition is lost.';
