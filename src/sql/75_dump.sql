/*
 * What a dump contains of our tables.
 *
 * pg_dump saves rows of the tables that are registered here, and privileges on
 * tables that CREATE EXTENSION makes.  Everything else is saved as rows of two
 * tables that are empty otherwise, and that a trigger carries out when the rows are
 * loaded: months of the log and the numbers that it has reached (they are loaded
 * first, by their name), and what a DBA has added to our tables (last).
 *
 * Events of all months are saved as rows of the default partition: so there is
 * one statement for the log, and it needs no table that CREATE EXTENSION does not
 * make.  When they are loaded, a trigger puts them into their month.  After them come
 * rows that say whose events these are: a log without them lacks the events.
 */
CREATE TABLE schemakit.audit_definition
(
    name        text        NOT NULL,
    definition  text        NOT NULL
);
COMMENT ON TABLE schemakit.audit_definition IS 'partitions and sequence of the audit log in a dump; always empty';
COMMENT ON COLUMN schemakit.audit_definition.name IS 'name of the partition or sequence';
COMMENT ON COLUMN schemakit.audit_definition.definition IS 'bounds of the partition, or last value of the sequence';

CREATE TABLE schemakit.table_addition
(
    n           integer     NOT NULL,
    name        text        NOT NULL,
    definition  text        NOT NULL
);
COMMENT ON TABLE schemakit.table_addition IS 'what was added to tables of schemakit, such as indexes and triggers, in a dump; otherwise what CREATE EXTENSION has made';
COMMENT ON COLUMN schemakit.table_addition.n IS 'order in which it is restored';
COMMENT ON COLUMN schemakit.table_addition.name IS 'name of the table, or of the object on it';
COMMENT ON COLUMN schemakit.table_addition.definition IS 'command that makes it';

CREATE FUNCTION schemakit.internal_dump_load() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_dump_load'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_dump_load() IS 'internal: trigger that carries out what a row of a dump says';

CREATE FUNCTION schemakit.internal_dump_route() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_dump_route'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_dump_route() IS 'internal: trigger that puts an event of a dump into the partition of its month';

SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_definition', $$
    WHERE false UNION ALL (
    SELECT c.relname::pg_catalog.text, pg_catalog.pg_get_expr(c.relpartbound, c.oid)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) c.oid
        AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype OPERATOR(pg_catalog.=) 'e'
    WHERE c.relnamespace OPERATOR(pg_catalog.=) 'schemakit'::pg_catalog.regnamespace AND c.relispartition
      AND c.relname OPERATOR(pg_catalog.~) '^audit_event_p\d+_\d\d$'
    UNION ALL
    SELECT 'audit_shape_id', last_value::pg_catalog.text FROM schemakit.audit_shape_id WHERE is_called
    ORDER BY 1)$$);

SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_event_default', $$
    WHERE false UNION ALL
    SELECT txn_id, at, changed_at, key_hash, n, command, shape_id, carrier, op, key, old, new,
        role, session_role, actor, context, application, client, pid, query, events, origin, origin_at
    FROM schemakit.audit_event WHERE tableoid OPERATOR(pg_catalog.=) ANY (
        SELECT objid FROM pg_catalog.pg_depend WHERE classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        AND refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass AND deptype OPERATOR(pg_catalog.=) 'e')
    UNION ALL
    SELECT cluster, '-infinity', '-infinity', NULL, 0, 0, 0, 0, '#', NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM schemakit.audit_origin AS o
    WHERE EXISTS (SELECT FROM schemakit.audit_shape AS s WHERE s.cluster OPERATOR(pg_catalog.=) o.cluster)$$);
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_shape', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_secret', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_retention', '');
SELECT pg_catalog.pg_extension_config_dump('schemakit.audit_marks', '');

CREATE TRIGGER dump_load BEFORE INSERT ON schemakit.audit_definition
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_dump_load();
COMMENT ON TRIGGER dump_load ON schemakit.audit_definition IS 'carries out what the row says';
ALTER TABLE schemakit.audit_definition ENABLE ALWAYS TRIGGER dump_load;
CREATE TRIGGER dump_route BEFORE INSERT ON schemakit.audit_event_default
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_dump_route();
COMMENT ON TRIGGER dump_route ON schemakit.audit_event_default IS 'puts an event of a dump into its month';
ALTER TABLE schemakit.audit_event_default ENABLE ALWAYS TRIGGER dump_route;

CREATE FUNCTION schemakit.internal_dump_known() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_dump_known'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_dump_known() IS 'internal: trigger that leaves out rows of a dump that are there already';
CREATE TRIGGER dump_known BEFORE INSERT ON schemakit.audit_holds
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_dump_known();
COMMENT ON TRIGGER dump_known ON schemakit.audit_holds IS 'leaves out rows of a dump that are there already';
ALTER TABLE schemakit.audit_holds ENABLE ALWAYS TRIGGER dump_known;
CREATE TRIGGER dump_known BEFORE INSERT ON schemakit.audit_retention
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_dump_known();
COMMENT ON TRIGGER dump_known ON schemakit.audit_retention IS 'leaves out rows of a dump that are there already';
ALTER TABLE schemakit.audit_retention ENABLE ALWAYS TRIGGER dump_known;
CREATE TRIGGER dump_known BEFORE INSERT ON schemakit.audit_secret
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_dump_known();
COMMENT ON TRIGGER dump_known ON schemakit.audit_secret IS 'leaves out rows of a dump that are there already';
ALTER TABLE schemakit.audit_secret ENABLE ALWAYS TRIGGER dump_known;

/*
 * What was added is what there is, without what there is now, when nobody has added
 * anything yet.
 */
DO $do$
DECLARE
    here CONSTANT pg_catalog.text DEFAULT $sql$
    WITH t AS (
        SELECT c.*, c.relispartition AND c.relname OPERATOR(pg_catalog.~) '_p\d+_\d\d$' AS monthly
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) c.oid
            AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype OPERATOR(pg_catalog.=) 'e'
        JOIN pg_catalog.pg_extension AS x ON x.oid OPERATOR(pg_catalog.=) d.refobjid AND x.extname OPERATOR(pg_catalog.=) 'schemakit'
        WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::pg_catalog."char"[])),
    i AS (
        SELECT c.oid, c.relname, c.relkind FROM t JOIN pg_catalog.pg_index AS x ON x.indrelid OPERATOR(pg_catalog.=) t.oid
        JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) x.indexrelid
        WHERE NOT c.relispartition
          AND NOT (t.monthly AND c.relname OPERATOR(pg_catalog.~) '_p\d+_\d\d_(key_hash|carrier|commit|time|table|actor|txn|value)_idx$')),
    k AS (
        SELECT c.oid, c.conname, c.conindid, t.relname FROM t JOIN pg_catalog.pg_constraint AS c ON c.conrelid OPERATOR(pg_catalog.=) t.oid
        WHERE c.conislocal AND c.conparentid OPERATOR(pg_catalog.=) 0 AND c.contype OPERATOR(pg_catalog.=) ANY (ARRAY['c', 'u', 'p', 'x', 'f']::pg_catalog."char"[])),
    g AS (
        SELECT tg.oid, tg.tgname, tg.tgenabled, t.relname FROM t JOIN pg_catalog.pg_trigger AS tg ON tg.tgrelid OPERATOR(pg_catalog.=) t.oid
        JOIN pg_catalog.pg_proc AS f ON f.oid OPERATOR(pg_catalog.=) tg.tgfoid
        WHERE NOT tg.tgisinternal AND tg.tgparentid OPERATOR(pg_catalog.=) 0 AND f.pronamespace OPERATOR(pg_catalog.<>) 'schemakit'::pg_catalog.regnamespace)
    SELECT 1, relname::pg_catalog.text AS name, pg_catalog.format('ALTER TABLE schemakit.%I SET (%s)', relname,
        (SELECT pg_catalog.string_agg(pg_catalog.format('%I = %L', option_name, option_value), ', ')
         FROM pg_catalog.pg_options_to_table(reloptions)))
    FROM t WHERE reloptions IS NOT NULL
    UNION ALL
    SELECT 1, 'index_advice_id_seq', pg_catalog.format('SELECT pg_catalog.setval(''schemakit.index_advice_id_seq'', %s)', last_value)
    FROM schemakit.index_advice_id_seq WHERE is_called
    UNION ALL
    SELECT 2, relname, pg_catalog.format('GRANT %s ON schemakit.%I TO %s%s', a.privilege_type, relname,
        CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM t, pg_catalog.aclexplode(relacl) AS a WHERE monthly AND a.grantee OPERATOR(pg_catalog.<>) relowner
    UNION ALL
    SELECT 2, relname, pg_catalog.format('GRANT %s (%I) ON schemakit.%I TO %s%s', a.privilege_type, c.attname, relname,
        CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM t JOIN pg_catalog.pg_attribute AS c ON c.attrelid OPERATOR(pg_catalog.=) t.oid, pg_catalog.aclexplode(c.attacl) AS a
    WHERE monthly AND a.grantee OPERATOR(pg_catalog.<>) relowner
    UNION ALL
    SELECT 3, conname, pg_catalog.format('ALTER TABLE schemakit.%I ADD CONSTRAINT %I %s', relname, conname, pg_catalog.pg_get_constraintdef(oid))
    FROM k
    UNION ALL
    SELECT 4, relname, pg_catalog.replace(pg_catalog.pg_get_indexdef(oid), pg_catalog.format(' INDEX %I ON ONLY ', relname),
        pg_catalog.format(' INDEX %I ON ', relname))
    FROM i WHERE oid OPERATOR(pg_catalog.<>) ALL (SELECT conindid FROM k)
    UNION ALL
    SELECT 5, tgname, pg_catalog.pg_get_triggerdef(oid) FROM g
    UNION ALL
    SELECT 6, tgname, pg_catalog.format('ALTER TABLE schemakit.%I %s TRIGGER %I', relname,
        CASE WHEN tgenabled OPERATOR(pg_catalog.=) 'A' THEN 'ENABLE ALWAYS' WHEN tgenabled OPERATOR(pg_catalog.=) 'R' THEN 'ENABLE REPLICA' ELSE 'DISABLE' END, tgname)
    FROM g WHERE tgenabled OPERATOR(pg_catalog.<>) 'O'
    UNION ALL
    SELECT 7, r.rulename, pg_catalog.pg_get_ruledef(r.oid) FROM t JOIN pg_catalog.pg_rewrite AS r ON r.ev_class OPERATOR(pg_catalog.=) t.oid
    UNION ALL
    SELECT 8, p.policyname, pg_catalog.format('CREATE POLICY %I ON schemakit.%I AS %s FOR %s TO %s', p.policyname, p.tablename,
            p.permissive, p.cmd, (SELECT pg_catalog.string_agg(CASE WHEN r OPERATOR(pg_catalog.=) 'public' THEN 'PUBLIC' ELSE pg_catalog.quote_ident(r) END, ', ')
                                  FROM pg_catalog.unnest(p.roles) AS r))
        OPERATOR(pg_catalog.||) COALESCE(' USING (' OPERATOR(pg_catalog.||) p.qual OPERATOR(pg_catalog.||) ')', '')
        OPERATOR(pg_catalog.||) COALESCE(' WITH CHECK (' OPERATOR(pg_catalog.||) p.with_check OPERATOR(pg_catalog.||) ')', '')
    FROM t JOIN pg_catalog.pg_policies AS p ON p.schemaname OPERATOR(pg_catalog.=) 'schemakit' AND p.tablename OPERATOR(pg_catalog.=) t.relname
    UNION ALL
    SELECT 9, relname, pg_catalog.format('ALTER TABLE schemakit.%I ENABLE ROW LEVEL SECURITY', relname) FROM t WHERE relrowsecurity
    UNION ALL
    SELECT 9, relname, pg_catalog.format('ALTER TABLE schemakit.%I FORCE ROW LEVEL SECURITY', relname) FROM t WHERE relforcerowsecurity
    UNION ALL
    SELECT 10, relname, pg_catalog.format('COMMENT ON TABLE schemakit.%I IS %L', relname, d.description)
    FROM t JOIN pg_catalog.pg_description AS d ON d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid OPERATOR(pg_catalog.=) t.oid AND d.objsubid OPERATOR(pg_catalog.=) 0
    UNION ALL
    SELECT 10, relname, pg_catalog.format('COMMENT ON COLUMN schemakit.%I.%I IS %L', relname, a.attname, d.description)
    FROM t JOIN pg_catalog.pg_description AS d ON d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid OPERATOR(pg_catalog.=) t.oid
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) t.oid AND a.attnum OPERATOR(pg_catalog.=) d.objsubid AND a.attnum OPERATOR(pg_catalog.>) 0
    UNION ALL
    SELECT 10, relname, pg_catalog.format('COMMENT ON INDEX schemakit.%I IS %L', relname, d.description)
    FROM i JOIN pg_catalog.pg_description AS d ON d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid OPERATOR(pg_catalog.=) i.oid
    UNION ALL
    SELECT 10, conname, pg_catalog.format('COMMENT ON CONSTRAINT %I ON schemakit.%I IS %L', conname, relname, d.description)
    FROM k JOIN pg_catalog.pg_description AS d ON d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objoid OPERATOR(pg_catalog.=) k.oid
    UNION ALL
    SELECT 10, tgname, pg_catalog.format('COMMENT ON TRIGGER %I ON schemakit.%I IS %L', tgname, relname, d.description)
    FROM g JOIN pg_catalog.pg_description AS d ON d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_trigger'::pg_catalog.regclass AND d.objoid OPERATOR(pg_catalog.=) g.oid
    UNION ALL
    SELECT 10, p.polname, pg_catalog.format('COMMENT ON POLICY %I ON schemakit.%I IS %L', p.polname, t.relname, d.description)
    FROM t JOIN pg_catalog.pg_policy AS p ON p.polrelid OPERATOR(pg_catalog.=) t.oid
    JOIN pg_catalog.pg_description AS d ON d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objoid OPERATOR(pg_catalog.=) p.oid$sql$;
BEGIN
    PERFORM pg_catalog.pg_extension_config_dump('schemakit.table_addition', pg_catalog.format(
        'WHERE false UNION ALL (SELECT * FROM (%s) AS here EXCEPT SELECT n, name, definition FROM schemakit.table_addition ORDER BY 1, 2, 3)', here));
    EXECUTE 'INSERT INTO schemakit.table_addition ' OPERATOR(pg_catalog.||) here;
END$do$;

CREATE TRIGGER dump_load BEFORE INSERT ON schemakit.table_addition
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_dump_load();
COMMENT ON TRIGGER dump_load ON schemakit.table_addition IS 'carries out what the row says';
ALTER TABLE schemakit.table_addition ENABLE ALWAYS TRIGGER dump_load;
CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE OR TRUNCATE ON schemakit.audit_definition
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.audit_definition IS 'refuses changes';
ALTER TABLE schemakit.audit_definition ENABLE ALWAYS TRIGGER audit_protect;
CREATE TRIGGER audit_protect BEFORE UPDATE OR DELETE OR TRUNCATE ON schemakit.table_addition
    FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect();
COMMENT ON TRIGGER audit_protect ON schemakit.table_addition IS 'refuses changes';
ALTER TABLE schemakit.table_addition ENABLE ALWAYS TRIGGER audit_protect;

/*
 * A publication of all tables must not keep us from changing ours: what has no primary
 * key is identified by the whole row.
 */
ALTER TABLE schemakit.audit_definition REPLICA IDENTITY FULL;
ALTER TABLE schemakit.audit_event_default REPLICA IDENTITY FULL;
ALTER TABLE schemakit.audit_origin REPLICA IDENTITY FULL;
ALTER TABLE schemakit.audit_secret REPLICA IDENTITY FULL;
ALTER TABLE schemakit.soft_delete_queue REPLICA IDENTITY FULL;
ALTER TABLE schemakit.table_addition REPLICA IDENTITY FULL;

/*
 * What such a publication brings from another database is not ours, and would keep the
 * subscription from going on.
 */
CREATE FUNCTION schemakit.internal_replica_skip() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_replica_skip'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_replica_skip() IS 'internal: trigger that leaves out rows that logical replication brings to tables of schemakit';
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_definition
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_definition IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_definition ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_event
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_event IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_event ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_committed
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_committed IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_committed ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_marks
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_marks IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_marks ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_origin
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_origin IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_origin ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_reader
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_reader IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_reader ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_holds
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_holds IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_holds ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_retained
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_retained IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_retained ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_secret
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_secret IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_secret ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.audit_shape
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.audit_shape IS 'leaves out rows of another database';
ALTER TABLE schemakit.audit_shape ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.auto_rule
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.auto_rule IS 'leaves out rows of another database';
ALTER TABLE schemakit.auto_rule ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.index_advice
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.index_advice IS 'leaves out rows of another database';
ALTER TABLE schemakit.index_advice ENABLE REPLICA TRIGGER a_replica_skip;
CREATE TRIGGER a_replica_skip BEFORE INSERT OR UPDATE OR DELETE ON schemakit.table_addition
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_replica_skip();
COMMENT ON TRIGGER a_replica_skip ON schemakit.table_addition IS 'leaves out rows of another database';
ALTER TABLE schemakit.table_addition ENABLE REPLICA TRIGGER a_replica_skip;
