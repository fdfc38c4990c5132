/*
 * The audit log: its tables.
 *
 * Events and transactions are partitioned by the start of the transaction, so
 * that all that one transaction writes goes to one partition.  There is a
 * default partition, because an event must find room whether anybody has made
 * partitions ahead or not.  Each partition has its indexes for itself: were
 * they parts of a partitioned index, a dump would make them twice.
 */
CREATE SEQUENCE schemakit.audit_txn_id;
COMMENT ON SEQUENCE schemakit.audit_txn_id IS 'numbers transactions in the audit log';

CREATE SEQUENCE schemakit.audit_shape_id AS integer;
COMMENT ON SEQUENCE schemakit.audit_shape_id IS 'numbers the shapes of audited tables';

CREATE TABLE schemakit.audit_event
(
    txn_id      bigint      NOT NULL,
    at          timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    key_hash    bigint,
    n           integer     NOT NULL,
    command     integer     NOT NULL,
    shape_id    integer     NOT NULL,
    context     integer     NOT NULL,
    op          "char"      NOT NULL,
    key         jsonb,
    old         jsonb,
    new         jsonb
) PARTITION BY RANGE (at);
COMMENT ON TABLE schemakit.audit_event IS 'the audit log: one row for each change of a row; read it through schemakit.audit_log';
COMMENT ON COLUMN schemakit.audit_event.txn_id IS 'the transaction';
COMMENT ON COLUMN schemakit.audit_event.at IS 'start of the transaction';
COMMENT ON COLUMN schemakit.audit_event.changed_at IS 'time of the change';
COMMENT ON COLUMN schemakit.audit_event.key_hash IS 'hash of the table''s identity and of the values in "key"';
COMMENT ON COLUMN schemakit.audit_event.n IS 'number of the event in its transaction; some are missing where a savepoint was rolled back to';
COMMENT ON COLUMN schemakit.audit_event.command IS 'number of the command in its transaction: events of one transaction happened in the order of command, n';
COMMENT ON COLUMN schemakit.audit_event.shape_id IS 'the table, as it was';
COMMENT ON COLUMN schemakit.audit_event.context IS 'audit_txn.n of the row that tells who did it';
COMMENT ON COLUMN schemakit.audit_event.op IS 'I insert, U update, D delete, T truncate, B baseline; O, N: an update that changed the key, filed under the old one, with the new one in "new", and under the new one';
COMMENT ON COLUMN schemakit.audit_event.key IS 'the row''s key; null if the table has none';
COMMENT ON COLUMN schemakit.audit_event.old IS 'values before: of an update those that it changed';
COMMENT ON COLUMN schemakit.audit_event.new IS 'values after: of an update those that it changed';

CREATE TABLE schemakit.audit_event_default PARTITION OF schemakit.audit_event DEFAULT;
COMMENT ON TABLE schemakit.audit_event_default IS 'events for which no partition has been made';
COMMENT ON COLUMN schemakit.audit_event_default.txn_id IS 'see schemakit.audit_event';
CREATE INDEX audit_event_default_key_hash_idx ON schemakit.audit_event_default (key_hash);
CREATE INDEX audit_event_default_time_idx ON schemakit.audit_event_default
    USING brin (txn_id, at, changed_at) WITH (autosummarize = on);

CREATE TABLE schemakit.audit_txn
(
    txn_id          bigint      NOT NULL,
    n               integer     NOT NULL,
    at              timestamptz NOT NULL,
    xid             xid8        NOT NULL,
    session_role    text        NOT NULL,
    role            text        NOT NULL,
    actor           text,
    context         jsonb,
    application     text        NOT NULL,
    client          inet,
    pid             integer     NOT NULL,
    query           text
) PARTITION BY RANGE (at);
COMMENT ON TABLE schemakit.audit_txn IS 'the audit log: who changed rows; a row for each transaction, and one more where something of it changes on the way';
COMMENT ON COLUMN schemakit.audit_txn.txn_id IS 'the transaction';
COMMENT ON COLUMN schemakit.audit_txn.n IS 'number of the first event that the row is about';
COMMENT ON COLUMN schemakit.audit_txn.at IS 'start of the transaction';
COMMENT ON COLUMN schemakit.audit_txn.xid IS 'the server''s number of the transaction, which another cluster may give to another one';
COMMENT ON COLUMN schemakit.audit_txn.session_role IS 'proved: the role that logged in';
COMMENT ON COLUMN schemakit.audit_txn.role IS 'proved: the current role, after SET ROLE or in a SECURITY DEFINER function';
COMMENT ON COLUMN schemakit.audit_txn.actor IS 'claimed: who acts, as the application says';
COMMENT ON COLUMN schemakit.audit_txn.context IS 'claimed: what else the application says';
COMMENT ON COLUMN schemakit.audit_txn.application IS 'claimed: application_name';
COMMENT ON COLUMN schemakit.audit_txn.client IS 'address of the client; null for a local connection';
COMMENT ON COLUMN schemakit.audit_txn.pid IS 'the server''s process';
COMMENT ON COLUMN schemakit.audit_txn.query IS 'text of the client''s statement, if schemakit.audit_query is on';

CREATE TABLE schemakit.audit_txn_default PARTITION OF schemakit.audit_txn DEFAULT;
COMMENT ON TABLE schemakit.audit_txn_default IS 'transactions for which no partition has been made';
COMMENT ON COLUMN schemakit.audit_txn_default.txn_id IS 'see schemakit.audit_txn';
CREATE INDEX audit_txn_default_txn_id_idx ON schemakit.audit_txn_default (txn_id);
CREATE INDEX audit_txn_default_xid_idx ON schemakit.audit_txn_default (xid);

CREATE TABLE schemakit.audit_shape
(
    shape_id    integer     NOT NULL CONSTRAINT audit_shape_pkey PRIMARY KEY,
    rel_id      bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    cluster     bigint      NOT NULL,
    relid       oid         NOT NULL,
    schema_name text        NOT NULL,
    table_name  text        NOT NULL,
    key         text[],
    columns     jsonb       NOT NULL,
    options     jsonb       NOT NULL,
    covered     boolean     NOT NULL,
    soft_delete text
);
COMMENT ON TABLE schemakit.audit_shape IS 'audited tables and what they looked like over time; events refer to it';
COMMENT ON COLUMN schemakit.audit_shape.shape_id IS 'number of the shape';
COMMENT ON COLUMN schemakit.audit_shape.rel_id IS 'identity of the table, whatever its name; the argument of its trigger carries it';
COMMENT ON COLUMN schemakit.audit_shape.recorded_at IS 'since when the table had this shape';
COMMENT ON COLUMN schemakit.audit_shape.cluster IS 'in which database, of which cluster: see schemakit.audit_origin';
COMMENT ON COLUMN schemakit.audit_shape.relid IS 'the table''s OID there';
COMMENT ON COLUMN schemakit.audit_shape.schema_name IS 'the table''s schema';
COMMENT ON COLUMN schemakit.audit_shape.table_name IS 'the table''s name';
COMMENT ON COLUMN schemakit.audit_shape.key IS 'columns of the key; null if there is none';
COMMENT ON COLUMN schemakit.audit_shape.columns IS 'the columns: id stays the same when a column is renamed';
COMMENT ON COLUMN schemakit.audit_shape.options IS 'options of audit_enable()';
COMMENT ON COLUMN schemakit.audit_shape.covered IS 'false: from here on changes were not recorded';
COMMENT ON COLUMN schemakit.audit_shape.soft_delete IS 'the column that marks rows as deleted; null if there is none';
CREATE INDEX audit_shape_rel_id_idx ON schemakit.audit_shape (rel_id);

/*
 * Which database this is.  No dump has it: pg_upgrade and copies of the files
 * keep it, and with it OIDs and numbers of transactions keep their meaning.
 */
CREATE TABLE schemakit.audit_origin
(
    cluster     bigint      NOT NULL
);
COMMENT ON TABLE schemakit.audit_origin IS 'which database this is, in which cluster; a dump does not take it along';
COMMENT ON COLUMN schemakit.audit_origin.cluster IS 'a random number';
INSERT INTO schemakit.audit_origin
SELECT pg_catalog.hashtextextended(pg_catalog.gen_random_uuid()::pg_catalog.text, 0) OPERATOR(pg_catalog.&) 9223372036854775807;

CREATE TABLE schemakit.audit_secret
(
    key         bytea       NOT NULL,
    CONSTRAINT audit_secret_key_check CHECK (pg_catalog.octet_length(key) OPERATOR(pg_catalog.=) 32)
);
COMMENT ON TABLE schemakit.audit_secret IS 'the key with which audit_enable(mask => ''{"column": "hash"}'') hashes values; made at the first use';
COMMENT ON COLUMN schemakit.audit_secret.key IS '32 random bytes';

SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_txn_id', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_shape_id', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_event_default', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_txn_default', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_shape', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_secret', '');

/*
 * The log is only added to.
 */
CREATE FUNCTION schemakit.internal_audit_protect() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_audit_protect'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_audit_protect() IS 'internal: trigger that refuses to change the audit log unless schemakit.audit_writable is on';

CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_event
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_event IS 'the log is only added to';
CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_txn
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_txn IS 'the log is only added to';
CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE ON schemakit.audit_shape
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_shape IS 'the log is only added to';
CREATE TRIGGER audit_protect_truncate BEFORE TRUNCATE ON schemakit.audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_truncate ON schemakit.audit_event IS 'the log is only added to';
CREATE TRIGGER audit_protect_truncate BEFORE TRUNCATE ON schemakit.audit_event_default
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_truncate ON schemakit.audit_event_default IS 'the log is only added to';
CREATE TRIGGER audit_protect_truncate BEFORE TRUNCATE ON schemakit.audit_txn
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_truncate ON schemakit.audit_txn IS 'the log is only added to';
CREATE TRIGGER audit_protect_truncate BEFORE TRUNCATE ON schemakit.audit_txn_default
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_truncate ON schemakit.audit_txn_default IS 'the log is only added to';
CREATE TRIGGER audit_protect_truncate BEFORE TRUNCATE ON schemakit.audit_shape
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect_truncate ON schemakit.audit_shape IS 'the log is only added to';

/*
 * What people read.
 */
CREATE VIEW schemakit.audit_log AS
SELECT e.changed_at, t.actor, t.role,
       pg_catalog.format('%I.%I', s.schema_name, s.table_name) AS table_name,
       CASE e.op WHEN 'N' THEN 'U' ELSE e.op::pg_catalog.text END AS op,
       e.key,
       CASE WHEN e.op IN ('U', 'N') THEN ARRAY(
           SELECT c.name FROM pg_catalog.jsonb_object_keys(e.new) AS c(name)
           WHERE (s.options OPERATOR(pg_catalog.->>) 'capture' IS NULL AND e.key IS NOT NULL)
              OR e.old OPERATOR(pg_catalog.->) c.name IS DISTINCT FROM e.new OPERATOR(pg_catalog.->) c.name
           ORDER BY c.name) END AS changed,
       e.old, e.new,
       CASE WHEN s.soft_delete IS NULL OR e.op NOT IN ('U', 'N') THEN NULL
           WHEN e.old OPERATOR(pg_catalog.->>) s.soft_delete IS NULL AND e.new OPERATOR(pg_catalog.->>) s.soft_delete IS NOT NULL THEN 'deleted'
           WHEN e.old OPERATOR(pg_catalog.->>) s.soft_delete IS NOT NULL AND e.new OPERATOR(pg_catalog.->>) s.soft_delete IS NULL THEN 'restored'
       END AS soft_delete,
       t.context, t.application, t.session_role, t.client, t.query,
       e.at, t.pid, t.xid, e.txn_id, e.command, e.n,
       s.rel_id, e.shape_id, e.key_hash
FROM schemakit.audit_event AS e
JOIN schemakit.audit_shape AS s ON s.shape_id OPERATOR(pg_catalog.=) e.shape_id
LEFT JOIN schemakit.audit_txn AS t ON t.txn_id OPERATOR(pg_catalog.=) e.txn_id AND t.n OPERATOR(pg_catalog.=) e.context
    AND t.at OPERATOR(pg_catalog.=) e.at
WHERE e.op OPERATOR(pg_catalog.<>) 'O';
COMMENT ON VIEW schemakit.audit_log IS
'every change of every row of the audited tables, one row each.
actor, application and context are what the client claims; role, session_role, client, pid and xid are what the server knows.';
COMMENT ON COLUMN schemakit.audit_log.changed_at IS 'time of the change';
COMMENT ON COLUMN schemakit.audit_log.actor IS 'who acted, as the application says; null if it does not say';
COMMENT ON COLUMN schemakit.audit_log.role IS 'the current role, which made the change';
COMMENT ON COLUMN schemakit.audit_log.table_name IS 'the table, with its schema, as it was named then';
COMMENT ON COLUMN schemakit.audit_log.op IS 'I insert, U update, D delete, T truncate, B baseline: a row that was there when audit was enabled';
COMMENT ON COLUMN schemakit.audit_log.key IS 'the row''s key; null if the table has none, and for T';
COMMENT ON COLUMN schemakit.audit_log.changed IS 'the columns that an update changed; null for other operations';
COMMENT ON COLUMN schemakit.audit_log.old IS 'values before the change: of an update the columns that it changed; null for an insert';
COMMENT ON COLUMN schemakit.audit_log.new IS 'values after the change: of an update the columns that it changed; null for a delete';
COMMENT ON COLUMN schemakit.audit_log.soft_delete IS 'deleted or restored, if that is what an update was';
COMMENT ON COLUMN schemakit.audit_log.context IS 'what else the application says, as in audit_set_actor()';
COMMENT ON COLUMN schemakit.audit_log.application IS 'application_name of the session';
COMMENT ON COLUMN schemakit.audit_log.session_role IS 'the role that logged in';
COMMENT ON COLUMN schemakit.audit_log.client IS 'address of the client; null for a local connection';
COMMENT ON COLUMN schemakit.audit_log.query IS 'text of the statement, if schemakit.audit_query was on';
COMMENT ON COLUMN schemakit.audit_log.at IS 'start of the transaction';
COMMENT ON COLUMN schemakit.audit_log.pid IS 'process ID of the session';
COMMENT ON COLUMN schemakit.audit_log.xid IS 'transaction ID; another cluster may use it for another transaction';
COMMENT ON COLUMN schemakit.audit_log.txn_id IS 'number of the transaction in the audit log';
COMMENT ON COLUMN schemakit.audit_log.command IS 'number of the command in its transaction: changes of one transaction happened in the order of command, n';
COMMENT ON COLUMN schemakit.audit_log.n IS 'number of the event in its transaction';
COMMENT ON COLUMN schemakit.audit_log.rel_id IS 'identity of the table, which renames do not change';
COMMENT ON COLUMN schemakit.audit_log.shape_id IS 'the row of schemakit.audit_shape that says what the table looked like';
COMMENT ON COLUMN schemakit.audit_log.key_hash IS 'hash of the table''s identity and the key''s values, by which events are indexed';
