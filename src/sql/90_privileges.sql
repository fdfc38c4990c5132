/*
 * Privileges: first nobody may do anything, then each grant with its reason.
 */
REVOKE ALL ON SCHEMA schemakit FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA schemakit FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA schemakit FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA schemakit FROM PUBLIC;

/* what everybody's DDL and DML calls is found here */
GRANT USAGE ON SCHEMA schemakit TO PUBLIC;

/* pg_dump reads the rules, and need not be run by a superuser */
GRANT SELECT ON schemakit.auto_rule TO PUBLIC;

/* a table's owner makes the trigger, and so must be allowed to use it */
GRANT EXECUTE ON FUNCTION schemakit.touch() TO PUBLIC;

/* they ask for the table's owner themselves */
GRANT EXECUTE ON FUNCTION schemakit.timestamps_enable(regclass, name, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.timestamps_disable(regclass) TO PUBLIC;

/* likewise */
GRANT EXECUTE ON FUNCTION schemakit.audit() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_truncate() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_enable(regclass, text, name[], name[], jsonb, name[], boolean, boolean, boolean, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_disable(regclass) TO PUBLIC;

/* a claim, which anybody may make: it is the same as SET */
GRANT EXECUTE ON FUNCTION schemakit.audit_set_actor(text, jsonb, boolean) TO PUBLIC;

/* they ask for SELECT on schemakit.audit_log themselves */
GRANT EXECUTE ON FUNCTION schemakit.audit_history(regclass, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_as_of(anyelement, timestamptz, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_as_of(text, timestamptz, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.audit_changes(pg_snapshot, regclass) TO PUBLIC;

/* as timestamps; and everybody who uses a view of live rows */
GRANT EXECUTE ON FUNCTION schemakit.is_live(anyelement) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_reference() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_row() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_protect() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_protect_truncate() TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_enable(regclass, name, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_disable(regclass) TO PUBLIC;

/* it deletes with the rights of its caller */
GRANT EXECUTE ON FUNCTION schemakit.soft_delete_purge(regclass, interval, bigint, boolean) TO PUBLIC;

/* it plans with the rights of its caller, as EXPLAIN does */
GRANT EXECUTE ON FUNCTION schemakit.explain_with_indexes(text, text[], regclass[]) TO PUBLIC;
GRANT EXECUTE ON FUNCTION schemakit.explain_with_indexes(text, text, regclass[]) TO PUBLIC;

/* it asks for SELECT on the table itself */
GRANT EXECUTE ON FUNCTION schemakit.estimate_index_size(text) TO PUBLIC;

/* it shows what the catalogs show to everybody */
GRANT EXECUTE ON FUNCTION schemakit.status() TO PUBLIC;
