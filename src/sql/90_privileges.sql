/*
 * Privileges: revoke everything, whatever ALTER DEFAULT PRIVILEGES has given to
 * whom, then grant with a reason.
 */
CREATE FUNCTION schemakit.internal_reset_privileges() RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_internal_reset_privileges'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_reset_privileges() IS 'internal: leaves all objects of the extension to their owner; dropped after CREATE EXTENSION has called it';
SELECT schemakit.internal_reset_privileges();
DROP FUNCTION schemakit.internal_reset_privileges();

/* it contains the functions that DDL and DML of all roles call */
GRANT USAGE ON SCHEMA schemakit TO PUBLIC;

/*
 * No table, view or sequence: information_schema shows what one may use, and tools
 * that compare a database with a model drop what they see there.
 */

/*
 * The owner of a table creates the trigger, when a dump is restored, too, and needs
 * EXECUTE for that; likewise of the other trigger functions that triggers on users'
 * tables and views have.
 */
GRANT EXECUTE ON FUNCTION schemakit.touch() TO PUBLIC;

/* they check that the caller owns the table */
GRANT EXECUTE ON FUNCTION schemakit.timestamps_enable(regclass, name, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.timestamps_disable(regclass) TO PUBLIC;

/* likewise */
GRANT EXECUTE ON FUNCTION schemakit.audit() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_truncate() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_enable(regclass, text, name[], name[], jsonb, name[], boolean, boolean, boolean, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_disable(regclass) TO PUBLIC;

/* any role can SET the same settings */
GRANT EXECUTE ON FUNCTION schemakit.audit_set_actor(text, jsonb, boolean) TO PUBLIC;

/* the view calls it as whoever reads it; it tells what is in its arguments */
GRANT EXECUTE ON FUNCTION schemakit.audit_changed(jsonb, jsonb, boolean) TO PUBLIC;

/* they check who may read the history of the table, or all of the log */
GRANT EXECUTE ON FUNCTION schemakit.audit_history(regclass, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_as_of(anyelement, timestamptz, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_as_of(text, timestamptz, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_as_of_jsonb(regclass, timestamptz, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_changes(text, regclass, integer) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_position() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_rows(text, timestamptz) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_search(text, regclass[], timestamptz, timestamptz, name[], text, jsonb, integer, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_verify(regclass) TO PUBLIC;

/* who may read the history of a table knows the names of moments */
GRANT EXECUTE ON FUNCTION schemakit.audit_at(text) TO PUBLIC;

GRANT EXECUTE ON FUNCTION schemakit.audit_versions(anyelement, jsonb, timestamptz, timestamptz) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_versions(text, jsonb, timestamptz, timestamptz) TO PUBLIC;

/* it changes rows with the privileges of its caller */
GRANT EXECUTE ON FUNCTION schemakit.audit_restore(regclass, timestamptz, jsonb, boolean) TO PUBLIC;

/* they check that the caller owns the table, or show what is his business */
GRANT EXECUTE ON FUNCTION schemakit.audit_grant(regclass, regrole) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_revoke(regclass, regrole) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_readers(regclass) TO PUBLIC;

/* as for timestamps; is_live() is also called by any user of a view of live rows */
GRANT EXECUTE ON FUNCTION schemakit.is_live(anyelement) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_reference() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_row() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_protect() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_protect_truncate() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_enable(regclass, name, text, boolean, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_disable(regclass) TO PUBLIC;

/* it deletes with the privileges of its caller */
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_purge(regclass, interval, bigint, boolean) TO PUBLIC;

/* it plans with the privileges of its caller, as EXPLAIN does */
GRANT EXECUTE ON FUNCTION schemakit.explain_with_indexes(text, text[], regclass[]) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.explain_with_indexes(text, text, regclass[]) TO PUBLIC;

/* it checks SELECT on the table */
GRANT EXECUTE ON FUNCTION schemakit.estimate_index_size(text) TO PUBLIC;

/* any role can read the same in the catalogs */
GRANT EXECUTE ON FUNCTION schemakit.status() TO PUBLIC;
