/*
 * Audit: what a user calls.
 */
CREATE FUNCTION schemakit.audit() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_audit'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit() IS
'internal: AFTER trigger FOR EACH ROW: records the change of the row in the audit log.  schemakit.audit_enable() makes it; its argument is an object of options.';

CREATE FUNCTION schemakit.audit_truncate() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_audit_truncate'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_truncate() IS
'internal: BEFORE TRUNCATE trigger: records the rows that are removed, and that the table was truncated.';

CREATE FUNCTION schemakit.audit_enable(
    rel regclass, capture text DEFAULT 'diff', exclude name[] DEFAULT '{}', ignore name[] DEFAULT NULL,
    mask jsonb DEFAULT '{}', key name[] DEFAULT NULL, truncate_rows boolean DEFAULT true,
    require_actor boolean DEFAULT false, baseline boolean DEFAULT false, replica boolean DEFAULT false)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_enable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_enable(regclass, text, name[], name[], jsonb, name[], boolean, boolean, boolean, boolean) IS
'records every change of the table''s rows in schemakit.audit_log, from now on.  A second call changes the options.
capture: diff, of an update the columns that it changed; full, the whole row before and after; keys, no values.
exclude: columns that are never stored.  ignore: columns whose change alone is not worth an event; by default the one that timestamps maintain.
mask: {"column": "null"} or {"column": "hash"}: that the value changed is recorded, the value is not; equal values have equal hashes.
key: columns that tell rows apart; by default the primary key, the replica identity, or a unique index without nulls.
truncate_rows: TRUNCATE records the rows that it removes.  require_actor: nobody may write without schemakit.audit_set_actor().
baseline: records the rows that are there.  replica: also records what is written in replica mode, as by logical replication.
The caller must own the table.
Errors: 42501 not the owner; 42809 not a table, or a temporary or system table, or a partition whose parent is audited; 42703 no such column; 22023 an unknown capture or mask, or an option that the table''s key forbids.';

CREATE FUNCTION schemakit.audit_disable(rel regclass)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_disable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_disable(regclass) IS
'stops recording the changes of a table, by disabling its triggers: a disabled trigger tells rules to leave the table alone, and is dumped and restored.  What is in the log stays.
The caller must own the table.';

CREATE FUNCTION schemakit.audit_set_actor(actor text, context jsonb DEFAULT NULL, local boolean DEFAULT true)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_set_actor'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_set_actor(text, jsonb, boolean) IS
'says who acts, and anything else that is worth recording: for the current transaction, which has to be a transaction block, or with local => false for the session.  Null takes it back.
The same as SET LOCAL schemakit.audit_actor and schemakit.audit_context.  Nothing checks it: session_role and role in the log are what the server knows.';

CREATE FUNCTION schemakit.audit_maintain(
    premake interval DEFAULT '3 months', retain interval DEFAULT NULL, force boolean DEFAULT false,
    OUT partition text, OUT action text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_audit_maintain'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_maintain(interval, interval, boolean) IS
'makes the audit log''s partitions for the time ahead, moves what is in the default partition to where it belongs, and drops partitions that ended longer ago than "retain"; without it none.
A partition to which a running transaction may still write is kept.
action: created; created, rows moved: n: they were in the default partition; dropped; rows deleted: n: from the default partition; busy: others held a lock for longer than a second; nothing was done to that partition, or, if it is audit_event or audit_txn itself, at all; the next run will do it.
force => true allows a "retain" that is shorter than one day.
Errors: 22023 a negative interval, a "retain" shorter than one day without "force", or a "premake" longer than one year.';

CREATE FUNCTION schemakit.audit_history(rel regclass, key jsonb)
    RETURNS SETOF schemakit.audit_log
    AS 'MODULE_PATHNAME', 'schemakit_audit_history'
    LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION schemakit.audit_history(regclass, jsonb) IS
'the story of the row with that key, as rows of schemakit.audit_log, oldest first.  It follows the row through changes of its key.
key: an object of the key''s columns, as in ''{"id": 42}''.  Needs SELECT on schemakit.audit_log.
Errors: 55000 the table is not audited, or has no key; 22023 the key is not one of the table; 42809 a partition of an audited table.';

CREATE FUNCTION schemakit.audit_as_of(rel anyelement, at timestamptz, key jsonb DEFAULT NULL)
    RETURNS SETOF anyelement
    AS 'MODULE_PATHNAME', 'schemakit_audit_as_of'
    LANGUAGE C STABLE PARALLEL UNSAFE;
CREATE FUNCTION schemakit.audit_as_of(rel text, at timestamptz, key jsonb DEFAULT NULL)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_as_of_name'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_as_of(text, timestamptz, jsonb) IS
'internal: raises an error that tells how to call audit_as_of() with the row type of the table.';

COMMENT ON FUNCTION schemakit.audit_as_of(anyelement, timestamptz, jsonb) IS
'the rows of a table as they were: SELECT * FROM schemakit.audit_as_of(NULL::users, ''2026-11-20 14:00''); with "key", as in ''{"id": 42}'', only that one, which is quick.
A transaction counts as done if its last change of the table was.  Columns that the table did not have then, or that are excluded or masked, are null.
Needs SELECT on schemakit.audit_log and on the table.
Errors: 55000 the log cannot tell, because the table was not audited then or for some time since, or without values, or its key has changed.';

CREATE FUNCTION schemakit.audit_changes(
    since pg_snapshot DEFAULT NULL, rel regclass DEFAULT NULL,
    OUT "position" pg_snapshot, OUT changed_at timestamptz, OUT actor text, OUT role text, OUT table_name text, OUT op text,
    OUT key jsonb, OUT changed text[], OUT old jsonb, OUT new jsonb, OUT soft_delete text, OUT context jsonb,
    OUT application text, OUT session_role text, OUT client inet, OUT query text, OUT at timestamptz, OUT pid integer,
    OUT xid xid8, OUT txn_id bigint, OUT command integer, OUT n integer, OUT rel_id bigint, OUT key_hash bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_audit_changes'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_changes(pg_snapshot, regclass) IS
'what has been committed since a position, for a consumer that must miss nothing: keep "position" of the rows that it returns, and pass it next time; if there are none, keep the old one.
Each transaction comes once, whole, however long it took to commit; those that depend on each other come in their order.  Needs SELECT on schemakit.audit_log.
Errors: 25001 in a transaction that has changed audited tables itself; 55000 on a standby.';
