-- After all of this, the extension still goes as it came, and takes its log along.
SELECT * FROM schemakit.status();
CREATE TABLE uninstall (id int PRIMARY KEY);
SELECT schemakit.audit_enable('uninstall');
INSERT INTO uninstall VALUES (1);
-- not by mistake
DROP EXTENSION schemakit;  -- fails
DROP EXTENSION IF EXISTS plpgsql_not_there, schemakit CASCADE;  -- fails
CREATE ROLE regress_nobody;
SET ROLE regress_nobody;
DROP EXTENSION schemakit;  -- fails: who may not is told so
RESET ROLE;
DROP ROLE regress_nobody;
CREATE ROLE regress_dba SUPERUSER;
UPDATE pg_extension SET extowner = 'regress_dba'::regrole WHERE extname = 'schemakit';
DROP OWNED BY regress_dba;  -- fails
UPDATE pg_extension SET extowner = current_user::regrole WHERE extname = 'schemakit';
DROP OWNED BY regress_dba;
DROP ROLE regress_dba;
SELECT count(*) > 0 AS kept FROM schemakit.audit_log;
SET schemakit.audit_writable = on;
DROP EXTENSION schemakit;
INSERT INTO uninstall VALUES (2);
SELECT count(*) FROM pg_event_trigger;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'uninstall'::regclass;
-- also in one transaction, with what the session knew of the old log
CREATE EXTENSION schemakit;
SELECT schemakit.audit_enable('uninstall');
INSERT INTO uninstall VALUES (3);
BEGIN;
INSERT INTO uninstall VALUES (4);
DROP EXTENSION schemakit;
INSERT INTO uninstall VALUES (5);
CREATE EXTENSION schemakit;
SELECT schemakit.audit_enable('uninstall');
INSERT INTO uninstall VALUES (6);
COMMIT;
SELECT op, key FROM schemakit.audit_log;
DROP TABLE uninstall;
DROP EXTENSION schemakit;
SELECT nspname FROM pg_namespace WHERE nspname = 'schemakit';
