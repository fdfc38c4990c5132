/*
 * The audit log: its tables.
 *
 * Events are partitioned by the start of the transaction, so that all that one
 * transaction writes goes to one partition.  There is a default partition,
 * because an event must find room whether anybody has made partitions ahead or
 * not.  Each partition has its indexes for itself: were they parts of a
 * partitioned index, a dump would make them twice.
 *
 * The first event of a transaction carries who acts, and so does one where that
 * changes; others end before those columns.  The last one has the time of COMMIT.
 */
CREATE SEQUENCE schemakit.audit_shape_id AS integer;
COMMENT ON SEQUENCE schemakit.audit_shape_id IS 'numbers of rows of schemakit.audit_shape';

CREATE TABLE schemakit.audit_event
(
    txn_id          bigint      NOT NULL,
    at              timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    key_hash        bigint,
    n               integer     NOT NULL,
    command         integer     NOT NULL,
    shape_id        integer     NOT NULL,
    carrier         integer,
    op              "char"      NOT NULL,
    key             jsonb,
    old             jsonb,
    new             jsonb,
    role            text,
    session_role    text,
    actor           text,
    context         jsonb,
    application     text,
    client          inet,
    pid             integer,
    query           text,
    events          integer,
    origin          text,
    origin_at       timestamptz
) PARTITION BY RANGE (at);
COMMENT ON TABLE schemakit.audit_event IS 'events of the audit log: one row for each change of a row; use the view schemakit.audit_log to read them';
COMMENT ON COLUMN schemakit.audit_event.txn_id IS 'number of the transaction: the lower 48 bits are the transaction ID in the server, the others are of the number of the database in schemakit.audit_origin';
COMMENT ON COLUMN schemakit.audit_event.at IS 'start of the transaction';
COMMENT ON COLUMN schemakit.audit_event.changed_at IS 'time of the change; the order of the changes of a row';
COMMENT ON COLUMN schemakit.audit_event.key_hash IS 'hash of the table''s identity and of the values in "key"; for T and S, of the identity alone; null if the table has no key, and for C';
COMMENT ON COLUMN schemakit.audit_event.n IS 'number of the event in its transaction; numbers are missing after ROLLBACK TO SAVEPOINT';
COMMENT ON COLUMN schemakit.audit_event.command IS 'number of the command in its transaction, or of the last one that the event follows: the order of events in a transaction is command, n';
COMMENT ON COLUMN schemakit.audit_event.shape_id IS 'row of schemakit.audit_shape that describes the table';
COMMENT ON COLUMN schemakit.audit_event.carrier IS 'number of the event of the transaction that carries who made the change, in the columns from role on; in other events these are null.  Null if the event carries that for itself alone';
COMMENT ON COLUMN schemakit.audit_event.op IS 'I insert, U update, D delete, T truncate, B baseline, S the state of recording has changed, or a baseline found no rows; an update that changes the key has two rows: O with the old key, and the new key in "new", and N with the new key; C commit: changed_at is the time of COMMIT or PREPARE TRANSACTION, if that is not known to be that of the only event; a second one has the time of the commit in the server, which audit_maintain() keeps';
COMMENT ON COLUMN schemakit.audit_event.key IS 'key of the row; null if the table has no key';
COMMENT ON COLUMN schemakit.audit_event.old IS 'values before the change; for an update only those that it changed';
COMMENT ON COLUMN schemakit.audit_event.new IS 'values after the change; for an update only those that it changed';
COMMENT ON COLUMN schemakit.audit_event.role IS 'set by the server: the current role, after SET ROLE or in a SECURITY DEFINER function';
COMMENT ON COLUMN schemakit.audit_event.session_role IS 'set by the server: the role that logged in; null if it is the current role';
COMMENT ON COLUMN schemakit.audit_event.actor IS 'set by the client: the actor';
COMMENT ON COLUMN schemakit.audit_event.context IS 'set by the client: other information';
COMMENT ON COLUMN schemakit.audit_event.application IS 'set by the client: application_name; null if it is empty';
COMMENT ON COLUMN schemakit.audit_event.client IS 'address of the client; null for a local connection';
COMMENT ON COLUMN schemakit.audit_event.pid IS 'process of the server';
COMMENT ON COLUMN schemakit.audit_event.query IS 'text of the client''s statement, if schemakit.audit_query is on';
COMMENT ON COLUMN schemakit.audit_event.events IS 'for op C: how many events of the transaction precede it';
COMMENT ON COLUMN schemakit.audit_event.origin IS 'set by the server: the subscription, or the replication origin of the session, from which the change came; null if it was made here';
COMMENT ON COLUMN schemakit.audit_event.origin_at IS 'for op C: the time of the commit at the replication origin, if the session has one and it is known';

CREATE TABLE schemakit.audit_event_default PARTITION OF schemakit.audit_event DEFAULT;
COMMENT ON TABLE schemakit.audit_event_default IS 'events of months without a partition';
COMMENT ON COLUMN schemakit.audit_event_default.txn_id IS 'see schemakit.audit_event';
CREATE INDEX audit_event_default_key_hash_idx ON schemakit.audit_event_default (key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX audit_event_default_carrier_idx ON schemakit.audit_event_default (txn_id) WHERE role IS NOT NULL AND carrier IS NOT NULL;
CREATE INDEX audit_event_default_commit_idx ON schemakit.audit_event_default
    USING brin (at, changed_at) WITH (autosummarize = on) WHERE events IS NOT NULL;
CREATE INDEX audit_event_default_time_idx ON schemakit.audit_event_default
    USING brin (txn_id, at) WITH (autosummarize = on);
SELECT pg_catalog.brin_desummarize_range('schemakit.audit_event_default_commit_idx'::pg_catalog.regclass, 0),
    pg_catalog.brin_desummarize_range('schemakit.audit_event_default_time_idx'::pg_catalog.regclass, 0);

CREATE TABLE schemakit.audit_shape
(
    shape_id    integer     NOT NULL CONSTRAINT audit_shape_pkey PRIMARY KEY,
    rel_id      bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    cluster     bigint      NOT NULL,
    relid       oid         NOT NULL,
    schema_name text        NOT NULL,
    table_name  text        NOT NULL,
    owner       oid         NOT NULL,
    owner_name  text        NOT NULL,
    key         text[],
    columns     jsonb       NOT NULL,
    options     jsonb       NOT NULL,
    covered     boolean     NOT NULL,
    dropped     boolean     NOT NULL,
    reason      text,
    role        text        NOT NULL,
    soft_delete text,
    parents     bigint[]
);
COMMENT ON TABLE schemakit.audit_shape IS 'descriptions of audited tables over time: name, columns and options; events reference them';
COMMENT ON COLUMN schemakit.audit_shape.shape_id IS 'number of the description';
COMMENT ON COLUMN schemakit.audit_shape.rel_id IS 'identity of the table, which does not change when it is renamed, dumped or restored';
COMMENT ON COLUMN schemakit.audit_shape.recorded_at IS 'time from which on the description is valid: when the transaction that recorded it was committed';
COMMENT ON COLUMN schemakit.audit_shape.cluster IS 'database that has recorded it: see schemakit.audit_origin';
COMMENT ON COLUMN schemakit.audit_shape.relid IS 'OID of the table in that database';
COMMENT ON COLUMN schemakit.audit_shape.schema_name IS 'schema of the table';
COMMENT ON COLUMN schemakit.audit_shape.table_name IS 'name of the table';
COMMENT ON COLUMN schemakit.audit_shape.owner IS 'OID of the owner of the table in that database';
COMMENT ON COLUMN schemakit.audit_shape.owner_name IS 'owner of the table';
COMMENT ON COLUMN schemakit.audit_shape.key IS 'columns of the key; null if there is no key';
COMMENT ON COLUMN schemakit.audit_shape.columns IS 'columns of the table; the id of a column does not change when it is renamed';
COMMENT ON COLUMN schemakit.audit_shape.options IS 'options of audit_enable()';
COMMENT ON COLUMN schemakit.audit_shape.covered IS 'false: changes are not recorded from this time on';
COMMENT ON COLUMN schemakit.audit_shape.dropped IS 'true: the table was dropped';
COMMENT ON COLUMN schemakit.audit_shape.reason IS 'why changes are not recorded from this time on, or why rows changed without events at this time';
COMMENT ON COLUMN schemakit.audit_shape.role IS 'role whose command made the description necessary';
COMMENT ON COLUMN schemakit.audit_shape.soft_delete IS 'column of soft delete; null if there is none';
COMMENT ON COLUMN schemakit.audit_shape.parents IS 'rel_id of the audited tables from which it inherits (INHERITS); null if there are none';
CREATE INDEX audit_shape_cluster_idx ON schemakit.audit_shape (cluster, rel_id);
CREATE INDEX audit_shape_name_idx ON schemakit.audit_shape (schema_name COLLATE pg_catalog."C", table_name COLLATE pg_catalog."C");
CREATE INDEX audit_shape_parents_idx ON schemakit.audit_shape (parents);
CREATE INDEX audit_shape_rel_id_idx ON schemakit.audit_shape (rel_id);
CREATE INDEX audit_shape_relid_idx ON schemakit.audit_shape (relid);

/*
 * Which database this is.  No dump has it: pg_upgrade and copies of the files
 * keep it, and with it OIDs and numbers of transactions keep their meaning.
 */
CREATE TABLE schemakit.audit_origin
(
    cluster     bigint      NOT NULL,
    loaded_at   timestamptz
);
COMMENT ON TABLE schemakit.audit_origin IS 'identifies this database, and those whose events were loaded from a dump; not contained in dumps';
COMMENT ON COLUMN schemakit.audit_origin.cluster IS 'a random number';
COMMENT ON COLUMN schemakit.audit_origin.loaded_at IS 'time when the events of that database were loaded; null for this database';
INSERT INTO schemakit.audit_origin
SELECT pg_catalog.hashtextextended(pg_catalog.gen_random_uuid()::pg_catalog.text, 0) OPERATOR(pg_catalog.&) 9223372036854775807;

CREATE TABLE schemakit.audit_secret
(
    key         bytea       NOT NULL,
    CONSTRAINT audit_secret_key_check CHECK (pg_catalog.octet_length(key) OPERATOR(pg_catalog.=) 32)
);
COMMENT ON TABLE schemakit.audit_secret IS 'key of the hashes of audit_enable(mask => ''{"column": "hash"}''); created when it is first used';
COMMENT ON COLUMN schemakit.audit_secret.key IS '32 random bytes';

CREATE TABLE schemakit.audit_retention
(
    complete_since  timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    role            text        NOT NULL,
    rel_id          bigint,
    kept            bigint[]
);
ALTER TABLE schemakit.audit_retention REPLICA IDENTITY FULL;
COMMENT ON TABLE schemakit.audit_retention IS 'events that were removed from the audit log: one row for each call of audit_maintain() that removed any';
COMMENT ON COLUMN schemakit.audit_retention.complete_since IS 'time from which on the log was complete after that';
COMMENT ON COLUMN schemakit.audit_retention.recorded_at IS 'time of the call';
COMMENT ON COLUMN schemakit.audit_retention.role IS 'role that called it';
COMMENT ON COLUMN schemakit.audit_retention.rel_id IS 'identity of the table whose events were removed because it has a time of its own; null: those of all tables without';
COMMENT ON COLUMN schemakit.audit_retention.kept IS 'identities of tables that had a time of their own, or were held, and whose events were not removed';

/*
 * The log is append-only: events get there without statements, and what a statement
 * would add or change is refused, in replica mode, too.
 */
CREATE FUNCTION schemakit.internal_audit_protect() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_audit_protect'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_audit_protect() IS 'internal: trigger that refuses to change the audit log unless schemakit.audit_writable is on';

CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_event
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_event IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_event ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_shape
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_shape IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_shape ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_origin
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_origin IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_origin ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_secret
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_secret IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_secret ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_retention
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_retention IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_retention ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_retention
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_retention IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_retention ENABLE ALWAYS TRIGGER audit_protect_statement;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_event IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_event ENABLE ALWAYS TRIGGER audit_protect_statement;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_event_default
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_event_default IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_event_default ENABLE ALWAYS TRIGGER audit_protect_statement;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_shape
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_shape IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_shape ENABLE ALWAYS TRIGGER audit_protect_statement;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_origin
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_origin IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_origin ENABLE ALWAYS TRIGGER audit_protect_statement;
CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.audit_secret
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_statement ON schemakit.audit_secret IS 'refuses changes of the audit log';
ALTER TABLE schemakit.audit_secret ENABLE ALWAYS TRIGGER audit_protect_statement;

CREATE FUNCTION schemakit.audit_changed(old jsonb, new jsonb, only_changed boolean) RETURNS text[]
    AS 'MODULE_PATHNAME', 'schemakit_audit_changed'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION schemakit.audit_changed(jsonb, jsonb, boolean) IS 'names of the columns in "new", sorted; without only_changed, those whose value differs from that in "old".
The view schemakit.audit_log calls it.';

/*
 * The view for users.  An event that does not carry who acts gets it from the one that
 * does.  OFFSET makes that a look-up by index in one partition: conditions on "at" do
 * not restrict what is read of the other side of an outer join.
 */
CREATE VIEW schemakit.audit_log AS
SELECT e.changed_at, COALESCE(e.actor, c.actor) AS actor, COALESCE(e.role, c.role) AS role,
       pg_catalog.format('%I.%I', s.schema_name, s.table_name) AS table_name,
       CASE WHEN e.op OPERATOR(pg_catalog.=) 'N' THEN 'U' ELSE e.op::pg_catalog.text END AS op,
       e.key,
       CASE WHEN e.op OPERATOR(pg_catalog.=) ANY ('{U,N}'::pg_catalog."char"[]) THEN schemakit.audit_changed(e.old, e.new,
           s.options OPERATOR(pg_catalog.->>) 'capture' IS NULL AND e.key IS NOT NULL) END AS changed,
       e.old, e.new,
       CASE WHEN s.soft_delete IS NULL OR e.op OPERATOR(pg_catalog.<>) ALL ('{U,N}'::pg_catalog."char"[]) THEN NULL
           WHEN e.old OPERATOR(pg_catalog.->>) s.soft_delete IS NULL AND e.new OPERATOR(pg_catalog.->>) s.soft_delete IS NOT NULL THEN 'deleted'
           WHEN e.old OPERATOR(pg_catalog.->>) s.soft_delete IS NOT NULL AND e.new OPERATOR(pg_catalog.->>) s.soft_delete IS NULL THEN 'restored'
       END AS soft_delete,
       COALESCE(e.context, c.context) AS context, COALESCE(e.application, c.application, '') AS application,
       COALESCE(e.session_role, c.session_role, e.role, c.role) AS session_role,
       COALESCE(e.client, c.client) AS client, COALESCE(e.query, c.query) AS query,
       COALESCE(e.origin, c.origin) AS origin,
       e.at, COALESCE(e.pid, c.pid) AS pid,
       (e.txn_id OPERATOR(pg_catalog.&) 281474976710655)::pg_catalog.text::pg_catalog.xid8 AS xid, e.txn_id, e.command, e.n,
       s.rel_id, e.shape_id, e.key_hash
FROM schemakit.audit_event AS e
JOIN schemakit.audit_shape AS s ON s.shape_id OPERATOR(pg_catalog.=) e.shape_id
LEFT JOIN LATERAL (
    SELECT i.role, i.session_role, i.actor, i.context, i.application, i.client, i.pid, i.query, i.origin
    FROM schemakit.audit_event AS i
    WHERE e.role IS NULL AND i.role IS NOT NULL AND i.carrier IS NOT NULL
      AND i.txn_id OPERATOR(pg_catalog.=) e.txn_id AND i.at OPERATOR(pg_catalog.=) e.at
      AND i.n OPERATOR(pg_catalog.=) e.carrier
    OFFSET 0) AS c ON true
WHERE e.op OPERATOR(pg_catalog.<>) ALL ('{O,C}'::pg_catalog."char"[]);
COMMENT ON VIEW schemakit.audit_log IS
'the audit log: one row for each change of a row of an audited table.
The client sets actor, application and context.  The server sets role, session_role, client, origin, pid and xid.';
COMMENT ON COLUMN schemakit.audit_log.changed_at IS 'time of the change; the order of the changes of a row';
COMMENT ON COLUMN schemakit.audit_log.actor IS 'the actor, as set by the application; null if none is set';
COMMENT ON COLUMN schemakit.audit_log.role IS 'current role, which made the change';
COMMENT ON COLUMN schemakit.audit_log.table_name IS 'schema and name of the table at the time of the change';
COMMENT ON COLUMN schemakit.audit_log.op IS 'I insert, U update, D delete, T truncate, B baseline: a row that existed when audit was enabled, S a command that stopped or resumed recording, changed rows without events, or found no rows for a baseline';
COMMENT ON COLUMN schemakit.audit_log.key IS 'key of the row; null if the table has no key, and for T and S';
COMMENT ON COLUMN schemakit.audit_log.changed IS 'columns that an update changed; null for other operations';
COMMENT ON COLUMN schemakit.audit_log.old IS 'values before the change, for an update those of the columns that it changed; null for an insert';
COMMENT ON COLUMN schemakit.audit_log.new IS 'values after the change, for an update those of the columns that it changed; null for a delete; for S an object of command, recorded, reason and columns';
COMMENT ON COLUMN schemakit.audit_log.soft_delete IS 'deleted or restored, if an update soft-deleted or restored the row';
COMMENT ON COLUMN schemakit.audit_log.context IS 'other information, as set by the application with audit_set_actor()';
COMMENT ON COLUMN schemakit.audit_log.application IS 'application_name of the session';
COMMENT ON COLUMN schemakit.audit_log.session_role IS 'role of the session, normally the one that logged in';
COMMENT ON COLUMN schemakit.audit_log.client IS 'address of the client; null for a local connection';
COMMENT ON COLUMN schemakit.audit_log.query IS 'text of the statement, if schemakit.audit_query was on';
COMMENT ON COLUMN schemakit.audit_log.origin IS 'subscription, or replication origin of the session, from which the change came; null if it was made in this database';
COMMENT ON COLUMN schemakit.audit_log.at IS 'start of the transaction';
COMMENT ON COLUMN schemakit.audit_log.pid IS 'process ID of the session';
COMMENT ON COLUMN schemakit.audit_log.xid IS 'transaction ID in the server; not unique across clusters';
COMMENT ON COLUMN schemakit.audit_log.txn_id IS 'number of the transaction in the audit log, unique also if the log was restored from another database';
COMMENT ON COLUMN schemakit.audit_log.command IS 'number of the command in its transaction: the order of changes in a transaction is command, n';
COMMENT ON COLUMN schemakit.audit_log.n IS 'number of the event in its transaction';
COMMENT ON COLUMN schemakit.audit_log.rel_id IS 'identity of the table, which does not change when it is renamed';
COMMENT ON COLUMN schemakit.audit_log.shape_id IS 'row of schemakit.audit_shape that describes the table at the time of the change';
COMMENT ON COLUMN schemakit.audit_log.key_hash IS 'hash of the identity of the table and the values of the key, which is indexed';
