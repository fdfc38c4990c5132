/*
 * Soft delete: rows that are marked as deleted, and views of live rows.
 */
CREATE FUNCTION schemakit.internal_is_live_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'schemakit_internal_is_live_support'
    LANGUAGE C IMMUTABLE PARALLEL SAFE STRICT;
COMMENT ON FUNCTION schemakit.internal_is_live_support(internal) IS 'internal: planner support of schemakit.is_live()';

CREATE FUNCTION schemakit.is_live(deleted_at anyelement) RETURNS boolean
    AS 'MODULE_PATHNAME', 'schemakit_is_live'
    LANGUAGE C IMMUTABLE PARALLEL SAFE LEAKPROOF
    SUPPORT schemakit.internal_is_live_support;
COMMENT ON FUNCTION schemakit.is_live(anyelement) IS
'internal: the condition of views of live rows.  The planner replaces it by "deleted_at IS NULL", and refuses to plan a DELETE that would permanently delete rows through the view.';

CREATE FUNCTION schemakit.soft_delete() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete() IS
'internal: AFTER UPDATE trigger FOR EACH ROW: performs the actions of foreign keys when the column that its argument names changes.';

CREATE FUNCTION schemakit.soft_delete_reference() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_reference'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_reference() IS
'internal: AFTER INSERT OR UPDATE trigger FOR EACH ROW: refuses a live row that references a soft-deleted one.';

CREATE FUNCTION schemakit.soft_delete_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_row'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_row() IS
'internal: INSTEAD OF DELETE trigger on a view of live rows: marks the row as deleted.';

/*
 * Nothing is ever stored in this table.  The server fires its statement-level
 * trigger after all other triggers of a statement.
 */
CREATE FUNCTION schemakit.internal_soft_delete_recheck() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_soft_delete_recheck'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_soft_delete_recheck() IS 'internal: trigger that restores rows that reference each other and checks the references of restored rows at the end of a statement';
CREATE TABLE schemakit.soft_delete_queue
(
    n           integer
);
COMMENT ON TABLE schemakit.soft_delete_queue IS 'always empty; its trigger fires after the other triggers of a statement';
COMMENT ON COLUMN schemakit.soft_delete_queue.n IS 'not used: tools do not expect a table without columns';
CREATE TRIGGER soft_delete_recheck AFTER DELETE ON schemakit.soft_delete_queue
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_soft_delete_recheck();
COMMENT ON TRIGGER soft_delete_recheck ON schemakit.soft_delete_queue IS 'restores rows that reference each other and checks the references of restored rows at the end of a statement';

CREATE FUNCTION schemakit.internal_soft_delete_deferred() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_soft_delete_deferred'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_soft_delete_deferred() IS 'internal: trigger that checks deferred foreign keys between live rows';
CREATE TRIGGER soft_delete_deferred AFTER INSERT ON schemakit.soft_delete_queue
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_soft_delete_deferred();
COMMENT ON TRIGGER soft_delete_deferred ON schemakit.soft_delete_queue IS 'checks deferred foreign keys between live rows when they are due';

CREATE FUNCTION schemakit.soft_delete_protect() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_protect'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_protect() IS
'internal: BEFORE DELETE trigger FOR EACH ROW: refuses DELETE, except by soft_delete_purge().';

CREATE FUNCTION schemakit.soft_delete_protect_truncate() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_protect_truncate'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_protect_truncate() IS
'internal: BEFORE TRUNCATE trigger: refuses TRUNCATE.';

CREATE FUNCTION schemakit.soft_delete_enable(
    rel regclass, col name DEFAULT NULL, view_name text DEFAULT NULL, protect boolean DEFAULT NULL, view_schema name DEFAULT NULL)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_enable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_enable(regclass, name, text, boolean, name) IS
'enables soft delete: adds the column "col" if the table does not have it, by default the first one in the setting schemakit.soft_delete_columns, and creates a view of the live rows, by default <table>_live in its schema.
DELETE from the view sets the column to the current time, and so can an UPDATE of the table.  Setting it to null restores the row, and the rows that ON DELETE CASCADE has deleted with it.
view_schema is a schema in which the view has the name of the table.
protect => true refuses DELETE and TRUNCATE of the table.
A second call changes what it names, keeps the rest, and makes again what is missing.  The caller must own the table.
Errors: 42501 not the owner; 42809 not a table, a partition, or a temporary or system table; 55000 no primary key, or another column is in use; 42804 the column is not of type timestamptz or timestamp, is generated, or is NOT NULL; 42P07 another relation has the name of the view; 42P16 a view in a temporary or system schema; 3F000 the schema does not exist; 42622 a name is too long.';

CREATE FUNCTION schemakit.soft_delete_disable(rel regclass)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_disable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_disable(regclass) IS
'drops the view of live rows and the triggers.  The column and the rows that are marked as deleted are kept.
The caller must own the table.
Errors: 42501 not the owner; 2BP01 something depends on the view.';

CREATE FUNCTION schemakit.soft_delete_purge(rel regclass, older_than interval, max_rows bigint DEFAULT 10000, force boolean DEFAULT false)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_purge'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_purge(regclass, interval, bigint, boolean) IS
'permanently deletes rows that were soft-deleted longer ago than "older_than", the oldest first and at most "max_rows", and returns their number.
Rows that another transaction has locked are skipped, and so are rows that are referenced by rows that cannot be deleted with them.
A NOTICE names the tables whose rows have kept others.
The caller needs SELECT, UPDATE and DELETE on the table.
force => true allows an "older_than" that is shorter than one day.
Errors: 55000 soft delete is not enabled, or the table has no primary key; 22023 "older_than" is negative, or shorter than one day without "force", or "max_rows" is not positive.';
