/*
 * Audit: who reads the history of a table beside its owner.
 *
 * Like privileges, these rows are about a table and a role of this database.  A dump has
 * their names, as of then, in the other columns; they are looked up when it is loaded.
 */
CREATE TABLE schemakit.audit_reader
(
    relid       oid         NOT NULL,
    role        oid         NOT NULL,
    schema_name text        NOT NULL,
    table_name  text        NOT NULL,
    role_name   text        NOT NULL,
    restored    boolean     NOT NULL,
    granted_by  text        NOT NULL,
    granted_at  timestamptz NOT NULL,
    CONSTRAINT audit_reader_pkey PRIMARY KEY (relid, role)
);
COMMENT ON TABLE schemakit.audit_reader IS 'roles that may read the history of a table; schemakit.audit_grant() adds them';
COMMENT ON COLUMN schemakit.audit_reader.relid IS 'OID of the table';
COMMENT ON COLUMN schemakit.audit_reader.role IS 'OID of the role';
COMMENT ON COLUMN schemakit.audit_reader.schema_name IS 'schema of the table when that was granted, or in a dump';
COMMENT ON COLUMN schemakit.audit_reader.table_name IS 'name of the table then';
COMMENT ON COLUMN schemakit.audit_reader.role_name IS 'name of the role then';
COMMENT ON COLUMN schemakit.audit_reader.restored IS 'true: includes what happened in another database, where the table belonged to another role';
COMMENT ON COLUMN schemakit.audit_reader.granted_by IS 'role that granted it';
COMMENT ON COLUMN schemakit.audit_reader.granted_at IS 'time when it was granted';

CREATE FUNCTION schemakit.internal_audit_reader_load() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_audit_reader_load'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_audit_reader_load() IS 'internal: trigger that finds the table and the role that a row of a dump names';

CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_reader
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_reader IS 'refuses changes but by audit_grant() and audit_revoke()';
ALTER TABLE schemakit.audit_reader ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_reader
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_reader IS 'refuses changes but by audit_grant() and audit_revoke()';
ALTER TABLE schemakit.audit_reader ENABLE ALWAYS TRIGGER audit_protect_statement;
CREATE TRIGGER dump_load BEFORE INSERT ON schemakit.audit_reader
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_reader_load();
COMMENT ON TRIGGER dump_load ON schemakit.audit_reader IS 'finds the table and the role that a row of a dump names';
ALTER TABLE schemakit.audit_reader ENABLE ALWAYS TRIGGER dump_load;

SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_reader', $$
    WHERE false UNION ALL (
    SELECT r.relid, r.role, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, a.rolname::pg_catalog.text, r.restored, r.granted_by, r.granted_at
    FROM schemakit.audit_reader AS r
    JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) r.relid
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    JOIN pg_catalog.pg_roles AS a ON a.oid OPERATOR(pg_catalog.=) r.role
    ORDER BY 3, 4, 5)$$);

CREATE FUNCTION schemakit.audit_grant(rel regclass, role regrole)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_grant'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_grant(regclass, regrole) IS
'lets a role, and its members, read the history of a table, as its owner can.  The role also needs SELECT on the whole table, and must not be subject to its row security policies.
The right goes with the table or the role, and does not come back with a new one of that name.  DROP OWNED revokes it.
What happened in another database from which the log was restored, and where the table belonged to another role, is included only if the caller has SELECT on schemakit.audit_log.
The caller must own the table.
Errors: 42501 not the owner; 55000 the table is not audited; 42704 no such role.';

CREATE FUNCTION schemakit.audit_revoke(rel regclass, role regrole)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_revoke'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_revoke(regclass, regrole) IS
'takes back what audit_grant() has granted; if there is nothing, it does nothing.
The caller must own the table.';

CREATE FUNCTION schemakit.audit_rows(table_name text, at timestamptz, OUT key jsonb, OUT "row" jsonb)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_audit_rows'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_rows(text, timestamptz) IS
'returns the rows that a table had, by its name then, such as ''public.users'', also if it was dropped since: the key, which is null if it had none, and the row, each as an object.
Of a table that is still there, it returns what audit_as_of_jsonb() does.  Of one that is gone it replays the events: a NOTICE tells if rows may be missing, incomplete or out of date.
For roles that may read the history of the table: see audit_history(); of one that is gone, for its last owner and roles with SELECT on schemakit.audit_log.
Errors: 42P01 no table had that name at that time; 22023 the name has no schema; 42501 the role may not read the history; 55000 the log cannot tell.';

CREATE FUNCTION schemakit.audit_readers(
    rel regclass DEFAULT NULL,
    OUT relid regclass, OUT role regrole, OUT state text, OUT granted_by text, OUT granted_at timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_audit_readers'
    LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION schemakit.audit_readers(regclass) IS
'lists to whom the history of tables was granted with audit_grant(): of one table, or of all.  It shows the caller''s own tables and what he has got; a role with SELECT on schemakit.audit_log sees all.
state: ok; no SELECT on the table, or row security applies, if that keeps the role from reading the history.';

/*
 * For how long events are kept, by the identity of the table.
 */
CREATE TABLE schemakit.audit_retained
(
    rel_id      bigint      NOT NULL CONSTRAINT audit_retained_pkey PRIMARY KEY,
    table_name  text        NOT NULL,
    retain      interval    NOT NULL,
    set_by      text        NOT NULL,
    set_at      timestamptz NOT NULL
);
COMMENT ON TABLE schemakit.audit_retained IS 'tables whose events audit_maintain() keeps for a time of their own; schemakit.audit_retain() sets it';
COMMENT ON COLUMN schemakit.audit_retained.rel_id IS 'identity of the table';
COMMENT ON COLUMN schemakit.audit_retained.table_name IS 'name of the table when it was set';
COMMENT ON COLUMN schemakit.audit_retained.retain IS 'for how long events are kept';
COMMENT ON COLUMN schemakit.audit_retained.set_by IS 'role that set it';
COMMENT ON COLUMN schemakit.audit_retained.set_at IS 'time when it was set';

CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_retained
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_retained IS 'refuses changes but by audit_retain()';
ALTER TABLE schemakit.audit_retained ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_retained
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_retained IS 'refuses changes but by audit_retain()';
ALTER TABLE schemakit.audit_retained ENABLE ALWAYS TRIGGER audit_protect_statement;
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_retained', '');

CREATE TABLE schemakit.audit_holds
(
    rel_id      bigint      NOT NULL,
    table_name  text        NOT NULL,
    key         jsonb,
    key_hashes  bigint[]    NOT NULL,
    reason      text        NOT NULL,
    held_by     text        NOT NULL,
    held_at     timestamptz NOT NULL
);
ALTER TABLE schemakit.audit_holds REPLICA IDENTITY FULL;
COMMENT ON TABLE schemakit.audit_holds IS 'events that are not removed, however old they are; schemakit.audit_hold() adds rows';
COMMENT ON COLUMN schemakit.audit_holds.rel_id IS 'identity of the table';
COMMENT ON COLUMN schemakit.audit_holds.table_name IS 'name of the table when they were held';
COMMENT ON COLUMN schemakit.audit_holds.key IS 'key of the row; null: all rows';
COMMENT ON COLUMN schemakit.audit_holds.key_hashes IS 'hashes of the key, as events have them';
COMMENT ON COLUMN schemakit.audit_holds.reason IS 'why they are held';
COMMENT ON COLUMN schemakit.audit_holds.held_by IS 'role that holds them';
COMMENT ON COLUMN schemakit.audit_holds.held_at IS 'since when they are held';

CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_holds
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_holds IS 'refuses changes but by audit_hold() and audit_release()';
ALTER TABLE schemakit.audit_holds ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_holds
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_holds IS 'refuses changes but by audit_hold() and audit_release()';
ALTER TABLE schemakit.audit_holds ENABLE ALWAYS TRIGGER audit_protect_statement;
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_holds', '');

CREATE FUNCTION schemakit.audit_retain(rel regclass, retain interval, force boolean DEFAULT false)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_retain'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_retain(regclass, interval, boolean) IS
'sets for how long audit_maintain() keeps the events of a table, shorter or longer than those of others.  With null, they are kept as long as all others.
force => true allows a time that is shorter than one day.
Errors: 22023 a negative interval, or one shorter than a day without "force"; 55000 the table is not audited; 42501 the role may not read its history.';

CREATE FUNCTION schemakit.audit_hold(rel regclass, key jsonb, reason text)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_hold'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_hold(regclass, jsonb, text) IS
'keeps the events of a row, or with key => null those of a table, from being removed by audit_maintain(), however old they are, until audit_release() is called.  Includes events under keys that the row had before or gets later; the row need not be there yet.  If the key has had other columns or types at some time, all rows of the table are held.  schemakit.audit_holds lists what is held.
Errors: 22023 "key" does not have the columns of the key; 55000 the table is not audited, or has no key; 42501 the role may not read its history.';

CREATE FUNCTION schemakit.audit_release(rel regclass, key jsonb, reason text DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_audit_release'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_release(regclass, jsonb, text) IS
'ends what audit_hold() has done for this key, or with key => null for the table: for that reason, or if it is null for all.  Returns the number of rows of schemakit.audit_holds that were removed.';
