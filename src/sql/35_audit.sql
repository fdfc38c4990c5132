/*
 * Audit: what a user calls.
 */
CREATE FUNCTION schemakit.audit() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_audit'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit() IS
'internal: AFTER trigger FOR EACH ROW: records the change of the row in the audit log.  schemakit.audit_enable() creates it; its argument is a JSON object of options.';

CREATE FUNCTION schemakit.audit_truncate() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_audit_truncate'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_truncate() IS
'internal: BEFORE TRUNCATE trigger: records the TRUNCATE, and the rows that it removes.';

CREATE FUNCTION schemakit.audit_enable(
    rel regclass, capture text DEFAULT 'diff', exclude name[] DEFAULT '{}', ignore name[] DEFAULT NULL,
    mask jsonb DEFAULT '{}', key name[] DEFAULT NULL, truncate_rows boolean DEFAULT true,
    require_actor boolean DEFAULT false, baseline boolean DEFAULT false, replica boolean DEFAULT false)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_enable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_enable(regclass, text, name[], name[], jsonb, name[], boolean, boolean, boolean, boolean) IS
'starts to record every change of a row of the table in schemakit.audit_log.  A second call replaces the options.
capture: diff stores the columns that an update changed; full stores whole rows; keys stores no values.
exclude: columns that are never stored.  ignore: columns whose change alone is not an event; by default the one that timestamps maintain.
mask: {"column": "null"} or {"column": "hash"}: changes are recorded with null or a hash in place of the value; equal values of a table have equal hashes.  {"column": "hash:group"}: so have equal values in all tables of the owner that name the group.
key: columns that identify a row; by default the primary key, the replica identity, or a unique index on columns that are NOT NULL.
truncate_rows: TRUNCATE records the rows that it removes.  require_actor: refuses changes without an actor; see audit_set_actor().
Tables that inherit from it are included, and later ones get the trigger, too.
baseline: records the rows that the table contains now.  replica: also records changes in replica mode, as by logical replication.
The caller must own the table.
Errors: 42501 not the owner; 42809 not a table, or a temporary or system table, or a partition whose parent is audited; 42703 no such column; 22023 an unknown capture or mask, or an option that the table''s key forbids.';

CREATE FUNCTION schemakit.audit_disable(rel regclass)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_disable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_disable(regclass) IS
'stops recording the changes of a table, by disabling its triggers.  Rules do not enable a disabled trigger, and a dump keeps it disabled.  The events in the log are kept.
The caller must own the table.';

CREATE FUNCTION schemakit.audit_set_actor(actor text, context jsonb DEFAULT NULL, local boolean DEFAULT true)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_set_actor'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_set_actor(text, jsonb, boolean) IS
'sets the actor and the context of changes: for the current transaction, which must be a transaction block, or for the session with local => false.  Null clears the setting.
It is equivalent to SET LOCAL of schemakit.audit_actor and schemakit.audit_context.  The values are not checked.';

CREATE FUNCTION schemakit.audit_maintain(
    premake interval DEFAULT '3 months', retain interval DEFAULT NULL, force boolean DEFAULT false,
    archive text DEFAULT NULL, max_rows bigint DEFAULT 1000000,
    OUT partition text, OUT action text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_audit_maintain'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_maintain(interval, interval, boolean, text, bigint) IS
'creates partitions of the audit log for the time "premake" ahead, moves rows from the default partition to them, drops partitions that ended longer ago than "retain", and makes the indexes that audit_search() uses on those that are over, and others that they have lost.  Without "retain" nothing is dropped.
Events of tables with audit_retain() are removed when their own time is over.  A partition that has events to be kept longer, or that are held by audit_hold(), is not dropped; other events in it are removed.
archive: a schema of a superuser or of the owner of the log, to which partitions are moved that would be dropped.  They are then tables of their own, which audit_maintain() leaves alone.
max_rows: how many events are deleted singly at most, those of the oldest transactions.  If there are more, call it again.
A partition to which a running transaction may still write is kept.
action: created; created, rows moved: n, from the default partition; indexed; dropped; archived; rows deleted: n; more rows to delete, than "max_rows"; commit times kept: n, if the server has track_commit_timestamp; busy: a lock could not be obtained within a second, so nothing was done to that partition, or nothing at all if it is audit_event.  The next call tries again.
force => true allows a "retain" that is shorter than one day.
Errors: 22023 a negative interval, a "retain" shorter than one day without "force", a "premake" longer than one year, or a "max_rows" that is not positive.';

CREATE FUNCTION schemakit.audit_history(rel regclass, key jsonb)
    RETURNS SETOF schemakit.audit_log
    AS 'MODULE_PATHNAME', 'schemakit_audit_history'
    LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION schemakit.audit_history(regclass, jsonb) IS
'returns the events of the row with that key, as rows of schemakit.audit_log, oldest first.  It follows the row through changes of its key.
key: an object of the columns of the key, such as ''{"id": 42}''.
For the owner of the table, who needs SELECT on all of it and must not be subject to its row security policies, those to whom audit_grant() allows it, under the same conditions, and roles with SELECT on schemakit.audit_log.  Only the latter see client and query.
Errors: 42501 the role may not read the history; 55000 the table is not audited, or has no key; 22023 "key" does not have the columns of the key; 42809 a partition of an audited table.';

CREATE FUNCTION schemakit.audit_as_of(rel anyelement, at timestamptz, key jsonb DEFAULT NULL)
    RETURNS SETOF anyelement
    AS 'MODULE_PATHNAME', 'schemakit_audit_as_of'
    LANGUAGE C STABLE PARALLEL UNSAFE;
CREATE FUNCTION schemakit.audit_as_of(rel text, at timestamptz, key jsonb DEFAULT NULL)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_as_of_name'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_as_of(text, timestamptz, jsonb) IS
'internal: raises an error with a hint to call audit_as_of() with the row type of the table.';

COMMENT ON FUNCTION schemakit.audit_as_of(anyelement, timestamptz, jsonb) IS
'returns the rows of a table as they were: SELECT * FROM schemakit.audit_as_of(NULL::users, ''2026-11-20 14:00'').  With "key", such as ''{"id": 42}'', it returns only that row, which is fast; with other columns, such as ''{"order_id": 7}'', the rows that had these values then.
A transaction is included if it was committed at that time or before: by the time of its commit event, or with track_commit_timestamp by the server''s.  Columns that the table did not have then are null, and so are those that are excluded or masked, which a NOTICE names.
For the same roles as audit_history(), if they have SELECT on the table.
Errors: 55000 the log does not have all changes since that time, because the table was not audited or only without values, or its key has changed, or not the values of a column of "key"; 42703 "key" names a column that does not exist; any error of a type, such as 22P02, if a value is not valid for the present type of its column: audit_as_of_jsonb() returns it.';

CREATE FUNCTION schemakit.audit_as_of_jsonb(rel regclass, at timestamptz, key jsonb DEFAULT NULL)
    RETURNS SETOF jsonb
    AS 'MODULE_PATHNAME', 'schemakit_audit_as_of_jsonb'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_as_of_jsonb(regclass, timestamptz, jsonb) IS
'returns the rows of a table as they were, like audit_as_of(), but each as an object of the columns that the log has, with values as they were recorded.  It needs no row type, and does not fail if a value is not valid for the present type of its column.
For the same roles as audit_history(), if they have SELECT on the table.
Errors: 55000 the log does not have all changes since that time.';

CREATE FUNCTION schemakit.audit_changes(
    since text DEFAULT NULL, rel regclass DEFAULT NULL, max_rows integer DEFAULT NULL,
    OUT "position" text, OUT changed_at timestamptz, OUT actor text, OUT role text, OUT table_name text, OUT op text,
    OUT key jsonb, OUT changed text[], OUT old jsonb, OUT new jsonb, OUT soft_delete text, OUT context jsonb,
    OUT application text, OUT session_role text, OUT client inet, OUT query text, OUT origin text, OUT at timestamptz, OUT pid integer,
    OUT xid xid8, OUT txn_id bigint, OUT command integer, OUT n integer, OUT rel_id bigint, OUT key_hash bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_audit_changes'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_changes(text, regclass, integer) IS
'returns the changes that were committed since a position, for a program that must not miss any: store the "position" of the returned rows, and pass it in the next call; if there are no rows, keep the old position.  Without a position, it returns the whole log.  audit_position() returns the current one.
Each transaction is returned once and as a whole, however long it took to commit, after those on which it depends: in the order in which they ended.
max_rows: the result ends with the transaction with which it has so many rows.  Their position is the one after it.
With "rel" for the same roles as audit_history(), otherwise for those with SELECT on schemakit.audit_log.
Errors: 22023 "since" is a position in another database, or ahead of this one, or "max_rows" is not positive; 25001 in a transaction that has changed audited tables itself; 55000 on a standby.';

CREATE FUNCTION schemakit.audit_position()
    RETURNS text
    AS 'MODULE_PATHNAME', 'schemakit_audit_position'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_position() IS
'returns the current position for audit_changes(), which then returns what is committed later.
Errors: 55000 on a standby.';
