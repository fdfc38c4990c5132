/*
 * Event triggers: created last, so that no other command of this script fires them.
 *
 * Their functions have no SET search_path: they resolve the names in a user's
 * statement as that statement does, and look nothing else up by name.
 */
CREATE FUNCTION schemakit.internal_on_ddl_command_start() RETURNS event_trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_on_ddl_command_start'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_on_ddl_command_start() IS 'internal: event trigger that prepares ATTACH PARTITION, triggers of a restore, changes of columns, and tables that become views; refuses commands that change the audit log, or drop it while it has events';

CREATE FUNCTION schemakit.internal_on_ddl_command_end() RETURNS event_trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_on_ddl_command_end'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_on_ddl_command_end() IS 'internal: event trigger that applies the rules to new tables and columns, and updates triggers when columns are renamed';

CREATE FUNCTION schemakit.internal_on_sql_drop() RETURNS event_trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_on_sql_drop'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_on_sql_drop() IS 'internal: event trigger that drops triggers whose column is dropped, and records that an audited table or its trigger was dropped';

/*
 * The last one at the start: it waits for the tables' locks, and what users' event
 * triggers forbid, or set, as lock_timeout, comes before.
 */
CREATE EVENT TRIGGER zz_schemakit_ddl_command_start ON ddl_command_start
    WHEN TAG IN ('ALTER EXTENSION', 'ALTER INDEX', 'ALTER SCHEMA', 'ALTER SEQUENCE', 'ALTER TABLE', 'ALTER TRIGGER', 'ALTER TYPE',
        'CREATE RULE', 'CREATE TRIGGER', 'CREATE VIEW',
        'DROP COLLATION', 'DROP DOMAIN', 'DROP EXTENSION', 'DROP FOREIGN TABLE', 'DROP FUNCTION', 'DROP INDEX', 'DROP MATERIALIZED VIEW',
        'DROP OPERATOR', 'DROP OWNED', 'DROP PROCEDURE', 'DROP ROUTINE', 'DROP SCHEMA', 'DROP TABLE', 'DROP TEXT SEARCH CONFIGURATION',
        'DROP TRIGGER', 'DROP TYPE', 'DROP VIEW')
    EXECUTE FUNCTION schemakit.internal_on_ddl_command_start();
/* a session in replica mode can fail for our triggers, too */
ALTER EVENT TRIGGER zz_schemakit_ddl_command_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER zz_schemakit_ddl_command_start IS 'connects restored tables with their history; prepares ATTACH PARTITION, triggers of a restore, changes of columns, and tables that become views; refuses commands that change the audit log, or drop it while it has events';

/* ALTER VIEW and its like rename columns of tables, too */
CREATE EVENT TRIGGER schemakit_ddl_command_end ON ddl_command_end
    WHEN TAG IN ('ALTER FOREIGN TABLE', 'ALTER MATERIALIZED VIEW', 'ALTER TABLE', 'ALTER TYPE', 'ALTER VIEW',
        'CREATE SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'CREATE TRIGGER', 'GRANT', 'REVOKE', 'SELECT INTO')
    EXECUTE FUNCTION schemakit.internal_on_ddl_command_end();
/* what the one at the start has taken away for a command is put back in replica mode, too */
ALTER EVENT TRIGGER schemakit_ddl_command_end ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER schemakit_ddl_command_end IS 'applies the rules to new tables and columns, and updates triggers when columns are renamed';

/* a column goes with ALTER TABLE or ALTER TYPE, or with CASCADE, like its type; tables with what they are made of */
CREATE EVENT TRIGGER schemakit_sql_drop ON sql_drop
    WHEN TAG IN ('ALTER EXTENSION', 'ALTER FOREIGN TABLE', 'ALTER TABLE', 'ALTER TYPE', 'DROP ACCESS METHOD',
        'DROP COLLATION', 'DROP DOMAIN', 'DROP EXTENSION', 'DROP FOREIGN DATA WRAPPER', 'DROP FOREIGN TABLE', 'DROP FUNCTION',
        'DROP MATERIALIZED VIEW', 'DROP OPERATOR', 'DROP OWNED', 'DROP PROCEDURE', 'DROP ROUTINE', 'DROP SCHEMA', 'DROP SERVER',
        'DROP TABLE', 'DROP TEXT SEARCH CONFIGURATION', 'DROP TRIGGER', 'DROP TYPE', 'DROP VIEW')
    EXECUTE FUNCTION schemakit.internal_on_sql_drop();
/* a table that goes unnoticed could be taken for another one that gets its OID */
ALTER EVENT TRIGGER schemakit_sql_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER schemakit_sql_drop IS 'drops triggers whose column is dropped, and records that an audited table or its trigger was dropped';
