/*
 * Audit: when transactions were committed, and moments that have a name.
 */
CREATE TABLE schemakit.audit_committed
(
    before_txn  bigint      NOT NULL
);
ALTER TABLE schemakit.audit_committed REPLICA IDENTITY FULL;
COMMENT ON TABLE schemakit.audit_committed IS 'the transactions of this database whose times of commit audit_maintain() has written into the log; not contained in dumps';
COMMENT ON COLUMN schemakit.audit_committed.before_txn IS 'all with a smaller number';
INSERT INTO schemakit.audit_committed VALUES (0);

CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_committed
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_committed IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_committed ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_committed
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_committed IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_committed ENABLE ALWAYS TRIGGER audit_protect_statement;

CREATE FUNCTION schemakit.internal_audit_committed_at(txn_id bigint)
    RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'schemakit_internal_audit_committed_at'
    LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_audit_committed_at(bigint) IS 'internal: when the server has committed a transaction, if track_commit_timestamp is on';

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
It executes one statement of the caller, with triggers, policies and constraints.  Needs SELECT and UPDATE on the table, INSERT if rows are missing, DELETE with "remove", and the right to read the history.
Errors: as for audit_as_of(), and of the statement; 55000 the table has no key.';

CREATE FUNCTION schemakit.audit_versions(
    rel anyelement, key jsonb DEFAULT NULL, from_at timestamptz DEFAULT NULL, to_at timestamptz DEFAULT NULL)
    RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, op text, actor text, version anyelement)
    AS 'MODULE_PATHNAME', 'schemakit_audit_versions'
    LANGUAGE C STABLE PARALLEL UNSAFE;
CREATE FUNCTION schemakit.audit_versions(
    rel text, key jsonb DEFAULT NULL, from_at timestamptz DEFAULT NULL, to_at timestamptz DEFAULT NULL)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_audit_versions_name'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_versions(text, jsonb, timestamptz, timestamptz) IS
'internal: raises an error with a hint to call audit_versions() with the row type of the table.';
COMMENT ON FUNCTION schemakit.audit_versions(anyelement, jsonb, timestamptz, timestamptz) IS
'returns what the rows of a table were, and when: SELECT valid_from, valid_to, op, actor, (version).* FROM schemakit.audit_versions(NULL::users, ''{"id": 42}'').  Without "key", it returns the versions of all rows.  The versions of a row are together, oldest first.
A version is valid from the commit of the transaction that made it until that of the one that changed or deleted it; valid_to is null for a row that is there now.  Versions that were valid at a time are the rows that audit_as_of() returns for that time.  op and actor are those of the change that made the version; they are null if the log does not have it.
from_at, to_at: only versions that were valid at some time between these.
Needs the same privileges as audit_as_of().
Errors: 55000 the table has no key, or the log does not tell of the time from_at; 22023 from_at is later than to_at.';
