/*
 * Soft delete: rows that are marked as deleted, and views of those that are not.
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
'internal: the condition of views of live rows: the planner makes "deleted_at IS NULL" of it, and does not plan a DELETE that would delete such rows for good.';

CREATE FUNCTION schemakit.soft_delete() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete() IS
'internal: AFTER UPDATE trigger FOR EACH ROW: carries out foreign keys when the column that its argument names changes between null and a time.';

CREATE FUNCTION schemakit.soft_delete_reference() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_reference'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_reference() IS
'internal: AFTER INSERT OR UPDATE trigger FOR EACH ROW: refuses a live row that refers to a soft-deleted one.';

CREATE FUNCTION schemakit.soft_delete_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_row'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_row() IS
'internal: INSTEAD OF DELETE trigger on a view of live rows: marks the row as deleted.';

/*
 * Nothing is ever stored here: a trigger for statements on it is what the server
 * fires when all other triggers of a statement are done.
 */
CREATE FUNCTION schemakit.internal_soft_delete_recheck() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_soft_delete_recheck'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_soft_delete_recheck() IS 'internal: trigger that checks what rows refer to when all that a statement restores is restored';
CREATE TABLE schemakit.soft_delete_queue ();
COMMENT ON TABLE schemakit.soft_delete_queue IS 'always empty; its trigger fires when those of a statement are done';
CREATE TRIGGER soft_delete_recheck AFTER DELETE ON schemakit.soft_delete_queue
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_soft_delete_recheck();
COMMENT ON TRIGGER soft_delete_recheck ON schemakit.soft_delete_queue IS 'checks what rows refer to when all that a statement restores is restored';

CREATE FUNCTION schemakit.soft_delete_protect() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_protect'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_protect() IS
'internal: BEFORE DELETE trigger FOR EACH ROW: refuses to delete rows for good, but for soft_delete_purge().';

CREATE FUNCTION schemakit.soft_delete_protect_truncate() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_protect_truncate'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_protect_truncate() IS
'internal: BEFORE TRUNCATE trigger: refuses it.';

CREATE FUNCTION schemakit.soft_delete_enable(
    rel regclass, col name DEFAULT 'deleted_at', view_name text DEFAULT NULL, protect boolean DEFAULT false)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_enable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_enable(regclass, name, text, boolean) IS
'makes rows of a table deletable without losing them: they get a time in the column "col", which is added if need be, and are not in the view any more, by default <table>_live.
DELETE from the view marks a row; so does UPDATE of the column, and setting it to null brings the row back, with the rows that ON DELETE CASCADE has taken along.
protect => true refuses DELETE and TRUNCATE of the table.  A second call changes what the first one set.  The caller must own the table.
Errors: 42501 not the owner; 42809 not a table, a partition, or a temporary or system table; 55000 no primary key, or another column is in use; 42804 a column of another type than timestamptz or timestamp, or that cannot be null; 42P07 the view''s name is taken; 42P16 a view in a temporary schema.';

CREATE FUNCTION schemakit.soft_delete_disable(rel regclass)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_disable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_disable(regclass) IS
'drops the view of live rows and the triggers; the column stays, and so do the rows that are marked as deleted.
The caller must own the table.
Errors: 42501 not the owner; 2BP01 something depends on the view.';

CREATE FUNCTION schemakit.soft_delete_purge(rel regclass, older_than interval, max_rows bigint DEFAULT 10000, force boolean DEFAULT false)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_soft_delete_purge'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.soft_delete_purge(regclass, interval, bigint, boolean) IS
'deletes for good rows that were soft-deleted longer ago than "older_than", the oldest first, at most "max_rows" of them, and returns how many.
Rows that somebody else has locked are left out, and so are rows to which others refer that are not to be deleted with them.
The caller needs SELECT, UPDATE and DELETE on the table.
force => true allows an "older_than" that is shorter than one day.
Errors: 55000 soft delete is not enabled, or no primary key; 22023 an interval that is negative, or shorter than one day without "force", or a number that is not positive.';
