-- What really fires: triggers that are replaced, crippled, dropped or late, and who mends them.
CREATE SCHEMA coverage;
SET search_path = coverage;
CREATE VIEW states AS SELECT relid::text AS rel, feature, state, nullif(regexp_replace(detail, '(; )?(not )?complete since [^;]*', ''), '') AS detail FROM schemakit.status()
WHERE relid IN (SELECT oid FROM pg_class WHERE relnamespace = 'coverage'::regnamespace) ORDER BY relid::text COLLATE "C", feature;
CREATE VIEW gaps AS SELECT table_name, covered FROM schemakit.audit_shape WHERE schema_name = 'coverage' ORDER BY shape_id;
-- replaces the trigger by one with another definition, as its owner or anybody with TRIGGER may
CREATE PROCEDURE replace_trigger(rel regclass, name text, pattern text, replacement text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (SELECT regexp_replace(regexp_replace(pg_get_triggerdef(oid), '^CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'), pattern, replacement)
             FROM pg_trigger WHERE tgrelid = rel AND tgname = name);
END$$;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;

CREATE TABLE t (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('t', exclude => '{v}');
-- each is a gap, status() names it, and audit_enable() ends it
CREATE FUNCTION mended(OUT shown text, OUT recorded bool, OUT after text, OUT recorded_after bool) LANGUAGE plpgsql AS $$
BEGIN
    shown := (SELECT state || ': ' || detail FROM states WHERE rel = 't' AND feature = 'audit');
    recorded := (SELECT covered FROM schemakit.audit_shape WHERE table_name = 't' AND schema_name = 'coverage' ORDER BY shape_id DESC LIMIT 1);
    PERFORM schemakit.audit_enable('t', exclude => '{v}');
    after := (SELECT state FROM states WHERE rel = 't' AND feature = 'audit');
    recorded_after := (SELECT covered FROM schemakit.audit_shape WHERE table_name = 't' AND schema_name = 'coverage' ORDER BY shape_id DESC LIMIT 1);
END$$;
CALL replace_trigger('t', 'zz_schemakit_audit', ' EXECUTE', ' WHEN (false) EXECUTE');
INSERT INTO t VALUES (1, 1);
SELECT * FROM mended();
CALL replace_trigger('t', 'zz_schemakit_audit', 'INSERT OR DELETE OR UPDATE', 'DELETE OR UPDATE');
SELECT * FROM mended();
CALL replace_trigger('t', 'zz_schemakit_audit', ' INSERT OR DELETE OR UPDATE ', ' INSERT OR UPDATE ');
SELECT * FROM mended();
CALL replace_trigger('t', 'zz_schemakit_audit', ' UPDATE ON', ' UPDATE OF v ON');
SELECT * FROM mended();
CALL replace_trigger('t', 'zz_schemakit_audit', ' ROW ', ' STATEMENT ');
SELECT * FROM mended();
CALL replace_trigger('t', 'zz_schemakit_audit', ' AFTER ', ' BEFORE ');
SELECT * FROM mended();
CALL replace_trigger('t', 'zz_schemakit_audit_truncate', ' BEFORE ', ' AFTER ');
SELECT * FROM mended();
DROP TRIGGER zz_schemakit_audit_truncate ON t;
SELECT * FROM mended();
ALTER TABLE t DISABLE TRIGGER zz_schemakit_audit_truncate;
SELECT * FROM mended();
ALTER TABLE t DISABLE TRIGGER zz_schemakit_audit;
SELECT * FROM mended();
ALTER TABLE t ENABLE REPLICA TRIGGER zz_schemakit_audit;
SELECT * FROM mended();
DROP TRIGGER zz_schemakit_audit ON t;
SELECT * FROM mended();
DO $$
DECLARE
    def text := (SELECT replace(pg_get_triggerdef(oid), 'CREATE', 'CREATE CONSTRAINT') FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgname = 'zz_schemakit_audit');
BEGIN
    DROP TRIGGER zz_schemakit_audit ON t;
    EXECUTE def;
END$$;
SELECT * FROM mended();
-- another function under its name; the trigger for TRUNCATE is still there
CALL replace_trigger('t', 'zz_schemakit_audit', 'schemakit.audit\(.*\)', 'nothing()');
SELECT state, detail FROM states WHERE rel = 't' AND feature = 'audit';
SELECT covered FROM gaps WHERE table_name = 't' OFFSET (SELECT count(*) - 1 FROM gaps WHERE table_name = 't');
SELECT schemakit.audit_enable('t');  -- fails
DROP TRIGGER zz_schemakit_audit ON t;
SELECT * FROM mended();
CALL replace_trigger('t', 'zz_schemakit_audit_truncate', 'schemakit.audit_truncate\(\)', 'nothing()');
SELECT state, detail FROM states WHERE rel = 't' AND feature = 'audit';
DROP TRIGGER zz_schemakit_audit_truncate ON t;
SELECT * FROM mended();
-- anybody with the privilege TRIGGER
CREATE ROLE regress_coverage;
GRANT USAGE ON SCHEMA coverage, schemakit TO regress_coverage;
GRANT TRIGGER, SELECT ON t TO regress_coverage;
GRANT EXECUTE ON PROCEDURE replace_trigger TO regress_coverage;
SET ROLE regress_coverage;
CALL replace_trigger('t', 'zz_schemakit_audit', ' EXECUTE', ' WHEN (false) EXECUTE');
RESET ROLE;
REVOKE USAGE ON SCHEMA schemakit FROM regress_coverage;
SELECT * FROM mended();
-- a second trigger does not hide what is wrong with the first
CALL replace_trigger('t', 'zz_schemakit_audit', ' EXECUTE', ' WHEN (false) EXECUTE');
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{"exclude": ["v"]}');
SELECT count(*) FILTER (WHERE state = 'altered trigger') FROM schemakit.status() WHERE relid = 't'::regclass;
DROP TRIGGER a ON t;
SELECT * FROM mended();
-- the past is not known for the time of the gap
INSERT INTO t VALUES (2, 2);
SELECT clock_timestamp() AS noon \gset
SELECT count(*) FROM schemakit.audit_as_of(NULL::t, :'noon');
CALL replace_trigger('t', 'zz_schemakit_audit', ' EXECUTE', ' WHEN (false) EXECUTE');
SELECT * FROM mended();
\set VERBOSITY sqlstate
SELECT count(*) FROM schemakit.audit_as_of(NULL::t, :'noon');  -- fails
-- nor if event triggers do not fire, and nothing was recorded of it
SELECT clock_timestamp() AS noon \gset
SET session_replication_role = replica;
CALL replace_trigger('t', 'zz_schemakit_audit', ' EXECUTE', ' WHEN (false) EXECUTE');
RESET session_replication_role;
SELECT count(*) FROM schemakit.audit_as_of(NULL::t, :'noon');  -- fails
SELECT * FROM mended();
SELECT count(*) FROM schemakit.audit_as_of(NULL::t, :'noon');  -- fails
SELECT count(*) FROM schemakit.audit_as_of(NULL::t, clock_timestamp());
\set VERBOSITY default

-- a key that is gone
CREATE TABLE keyed (id int PRIMARY KEY);
CREATE TABLE keyless (id int);
SELECT schemakit.audit_enable('keyed');
SELECT schemakit.audit_enable('keyless');
ALTER TABLE keyed DROP CONSTRAINT keyed_pkey;
SELECT rel, state, detail FROM states WHERE rel ~ 'key';
ALTER TABLE keyed ADD PRIMARY KEY (id);
SELECT rel, state, detail FROM states WHERE rel ~ 'key';

-- a trigger that was dropped, and that no rule asks for
CREATE TABLE lost (id int PRIMARY KEY);
SELECT schemakit.audit_enable('lost');
DROP TRIGGER zz_schemakit_audit ON lost;
SELECT rel, state, detail FROM states WHERE rel = 'lost';
SELECT schemakit.audit_enable('lost');
SELECT rel, state, detail FROM states WHERE rel = 'lost';

-- partitions
CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10);
SELECT schemakit.audit_enable('p');
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (10) TO (15);
CREATE TABLE p3 (v int, id int NOT NULL);
ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM (20) TO (30);
SELECT * FROM states WHERE rel ~ '^p';
SELECT * FROM gaps WHERE table_name ~ '^p';
ALTER TABLE p21 DISABLE TRIGGER zz_schemakit_audit;
DROP TRIGGER zz_schemakit_audit_truncate ON p1;
SELECT * FROM states WHERE rel ~ '^p';
SELECT covered FROM gaps WHERE table_name = 'p';
-- an event of another partition does not end the gap
\c -
SET search_path = coverage;
INSERT INTO p VALUES (1, 1), (20, 20);
SELECT covered FROM gaps WHERE table_name = 'p';
ALTER TABLE p21 ENABLE TRIGGER zz_schemakit_audit;
SELECT covered FROM gaps WHERE table_name = 'p';
SELECT schemakit.audit_enable('p');
SELECT covered FROM gaps WHERE table_name = 'p';
SELECT * FROM states WHERE rel ~ '^p';
-- a clone that is disabled is enabled by audit_enable() of the table
ALTER TABLE p21 DISABLE TRIGGER zz_schemakit_audit;
SELECT schemakit.audit_enable('p');
SELECT * FROM states WHERE rel ~ '^p';

-- timestamps
CREATE TABLE s (id int, updated_at timestamptz);
CALL replace_trigger('s', 'zz_schemakit_touch', ' EXECUTE', ' WHEN (false) EXECUTE');
SELECT * FROM states WHERE rel = 's';
SELECT * FROM schemakit.auto_apply();
SELECT * FROM states WHERE rel = 's';
CALL replace_trigger('s', 'zz_schemakit_touch', ' UPDATE ON', ' UPDATE OF id ON');
SELECT schemakit.timestamps_enable('s');
SELECT * FROM states WHERE rel = 's';
CALL replace_trigger('s', 'zz_schemakit_touch', 'schemakit.touch\(.*\)', 'nothing()');
SELECT * FROM states WHERE rel = 's';
DROP TRIGGER zz_schemakit_touch ON s;
SELECT schemakit.timestamps_enable('s');
-- who comes later
CREATE FUNCTION changes() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.id := NEW.id + 1; RETURN NEW; END$$;
CREATE TRIGGER zzz BEFORE UPDATE ON s FOR EACH ROW EXECUTE FUNCTION changes();
SELECT * FROM states WHERE rel = 's';
SELECT * FROM schemakit.auto_apply();
ALTER TABLE s DISABLE TRIGGER zzz;
SELECT * FROM states WHERE rel = 's';
DROP TRIGGER zzz ON s;
-- made by hand, under a name of its own: told of, and left alone
DROP TRIGGER zz_schemakit_touch ON s;
CREATE TRIGGER mine BEFORE UPDATE ON s FOR EACH ROW WHEN (new.id > 0) EXECUTE FUNCTION schemakit.touch('updated_at');
SELECT * FROM states WHERE rel = 's';
SELECT * FROM schemakit.auto_apply();
SELECT schemakit.timestamps_enable('s');
SELECT * FROM states WHERE rel = 's';
-- a table that the rule leaves alone
CREATE TABLE versions (id int, updated_at timestamptz, UNIQUE (id, updated_at));
SELECT * FROM states WHERE rel = 'versions';

-- soft delete
CREATE TABLE d (id int PRIMARY KEY, deleted_at timestamptz);
SELECT schemakit.soft_delete_enable('d', protect => true);
SELECT rel, state FROM states WHERE rel = 'd';
CALL replace_trigger('d', 'zz_schemakit_soft_delete', 'WHEN \(.*\) EXECUTE', 'WHEN (false) EXECUTE');
SELECT rel, state, detail FROM states WHERE rel = 'd';
SELECT schemakit.soft_delete_enable('d', protect => true);
CALL replace_trigger('d', 'zz_schemakit_soft_delete_reference', 'INSERT OR ', '');
SELECT rel, state, detail FROM states WHERE rel = 'd';
SELECT schemakit.soft_delete_enable('d', protect => true);
CALL replace_trigger('d', 'zz_schemakit_soft_delete_protect', ' EXECUTE', ' WHEN (false) EXECUTE');
SELECT rel, state, detail FROM states WHERE rel = 'd';
SELECT schemakit.soft_delete_enable('d', protect => true);
DROP TRIGGER zz_schemakit_soft_delete_protect_truncate ON d;
SELECT rel, state, detail FROM states WHERE rel = 'd';
SELECT schemakit.soft_delete_enable('d', protect => true);
DROP TRIGGER zz_schemakit_soft_delete ON d;
SELECT rel, state, detail FROM states WHERE rel = 'd';
SELECT schemakit.soft_delete_enable('d', protect => true);
SELECT rel, state FROM states WHERE rel = 'd';
-- columns of the condition are another one's in a partition
CREATE TABLE dp (id int PRIMARY KEY, deleted_at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE dp1 (deleted_at timestamptz, gone int, id int NOT NULL);
ALTER TABLE dp1 DROP COLUMN gone;
SELECT schemakit.soft_delete_enable('dp');
ALTER TABLE dp ATTACH PARTITION dp1 FOR VALUES FROM (1) TO (10);
ALTER TABLE dp RENAME COLUMN deleted_at TO removed;
SELECT rel, state FROM states WHERE rel ~ '^dp';

-- one feature that cannot be attached leaves the others
SELECT schemakit.auto_enable('audit', 'coverage', 'taken%') AS rule \gset
SELECT schemakit.auto_enable('soft_delete', 'coverage', 'taken%') AS soft \gset
CREATE TABLE taken_live (id int);
CREATE TABLE taken (id int PRIMARY KEY, updated_at timestamptz, deleted_at timestamptz);
SELECT rel, feature, state FROM states WHERE rel ~ '^taken$';
SELECT action FROM schemakit.auto_apply() WHERE relid = 'taken'::regclass;
-- a rule that can attach nothing
SELECT schemakit.auto_enable('soft_delete', 'coverage', 'nothing%', '{"view_schema": "nowhere"}') AS idle \gset
SELECT state, regexp_replace(detail, '[0-9]+', 'N') AS detail FROM schemakit.status() WHERE relid IS NULL AND detail ~ 'nowhere';
DELETE FROM schemakit.auto_rule WHERE id IN (:rule, :soft, :idle);

SET client_min_messages = warning;
DROP SCHEMA coverage CASCADE;
DROP ROLE regress_coverage;
