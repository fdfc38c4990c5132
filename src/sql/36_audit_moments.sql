/*
 * Audit: moments that have a name.
 */
CREATE TABLE schemakit.audit_marks
(
    name        text        NOT NULL CONSTRAINT audit_marks_pkey PRIMARY KEY,
    at          timestamptz NOT NULL,
    role        text        NOT NULL
);
COMMENT ON TABLE schemakit.audit_marks IS 'moments that audit_mark() has named';
COMMENT ON COLUMN schemakit.audit_marks.name IS 'name of the moment';
COMMENT ON COLUMN schemakit.audit_marks.at IS 'the moment, for audit_as_of()';
COMMENT ON COLUMN schemakit.audit_marks.role IS 'role that called audit_mark()';

CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_marks
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_marks IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_marks ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_marks
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_marks IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_marks ENABLE ALWAYS TRIGGER audit_protect_statement;

CREATE FUNCTION schemakit.audit_mark(name text)
    RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'schemakit_audit_mark'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_mark(text) IS
'gives the present moment a name, such as ''deployment 1.7'', and returns it.  audit_at() returns it later: SELECT * FROM schemakit.audit_as_of(NULL::users, schemakit.audit_at(''deployment 1.7'')).
Transactions that are committed before the call belong to the past at that moment.  The calling transaction, and all that are committed after the call, do not.
The mark is there when the transaction is committed.  Marks are rows of schemakit.audit_marks.
Errors: 42710 a mark with that name exists; 22023 an empty name, or one of more than 1000 bytes.';

CREATE FUNCTION schemakit.audit_at(mark text)
    RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'schemakit_audit_at'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_at(text) IS
'returns the moment to which audit_mark() gave that name, for audit_as_of().  Every role may call it.
Errors: 42704 there is no such mark.';

CREATE FUNCTION schemakit.audit_restore(rel regclass, at timestamptz, key jsonb DEFAULT NULL, remove boolean DEFAULT false)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_audit_restore'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_restore(regclass, timestamptz, jsonb, boolean) IS
'puts the rows of a table back as they were, and returns how many it has inserted, updated and deleted: SELECT schemakit.audit_restore(''users'', now() - interval ''1 hour'', ''{"id": 42}'').  Without "key", it puts back all rows.
Rows that are there now and were not then stay, unless remove => true.  Columns of which the log does not tell what they were keep their values, and so do those that timestamps maintain; in rows that are inserted they get their defaults.
It executes one statement of the caller, with triggers, policies and constraints.  Needs SELECT, INSERT and UPDATE on the table, with "remove" DELETE, and the right to read the history.
Errors: as for audit_as_of(), and of the statement; 55000 the table has no key.';
