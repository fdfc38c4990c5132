/*
 * Audit: searching the log.
 */
CREATE FUNCTION schemakit.audit_search(
    actor text DEFAULT NULL, tables regclass[] DEFAULT NULL, from_at timestamptz DEFAULT NULL, to_at timestamptz DEFAULT NULL,
    columns name[] DEFAULT NULL, op text DEFAULT NULL, value jsonb DEFAULT NULL, max_rows integer DEFAULT 100, before text DEFAULT NULL,
    OUT place text, OUT changed_at timestamptz, OUT actor text, OUT role text, OUT table_name text, OUT op text,
    OUT key jsonb, OUT changed text[], OUT old jsonb, OUT new jsonb, OUT soft_delete text, OUT context jsonb,
    OUT application text, OUT session_role text, OUT client inet, OUT query text, OUT origin text, OUT at timestamptz, OUT pid integer,
    OUT xid xid8, OUT txn_id bigint, OUT command integer, OUT n integer, OUT rel_id bigint, OUT shape_id integer, OUT key_hash bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_audit_search'
    LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION schemakit.audit_search(text, regclass[], timestamptz, timestamptz, name[], text, jsonb, integer, text) IS
'returns changes that satisfy all of the conditions that are given, as rows of schemakit.audit_log, newest first: in the order of "at", the start of their transaction, and in a transaction of "command, n".
actor: who made them.  tables: of which tables.  from_at, to_at: of transactions that began at that time or later, and before the other one.
columns: updates that changed one of these columns.  op: I, U, D, T, B or S.  value: changes of rows that had or got these values, such as ''{"status": "paid"}'', in "old" or in "new".
max_rows: how many, at most 10000.  before: the "place" of the last row of a page, to get the next page.
Without "tables" for those with SELECT on schemakit.audit_log; with them for those who may call audit_history() for each.
Errors: 42501 no right to read the history; 55000 a table is not audited; 22023 an unknown operation, a "value" that is no object, a "before" that is no place, or "max_rows" out of range.';
