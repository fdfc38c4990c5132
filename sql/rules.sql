-- Rules: which new tables get which feature, and with which options.
CREATE SCHEMA rules;
CREATE SCHEMA rules_other;
SET search_path = rules;
CREATE VIEW touched AS
SELECT t.tgrelid::regclass AS rel, replace(encode(t.tgargs, 'escape'), '\000', ' ') AS args
FROM pg_trigger t WHERE t.tgfoid = 'schemakit.touch'::regproc ORDER BY t.tgrelid::regclass::text COLLATE "C";

-- the built-in rule covers every schema; disabled, it covers none
SELECT schemakit.auto_disable(1);
CREATE TABLE none (id int, updated_at timestamptz);
SELECT * FROM touched;
SELECT * FROM schemakit.status();
-- asked for again, it is the same rule
SELECT schemakit.auto_enable('timestamps', '%');
SELECT * FROM schemakit.auto_rule ORDER BY id;
SELECT * FROM schemakit.status();
SELECT * FROM touched;
SELECT * FROM schemakit.auto_apply();
SELECT * FROM schemakit.auto_apply();
SELECT * FROM schemakit.status();
SELECT schemakit.auto_disable(1);
DROP TABLE none;

-- a pattern that no schema matches, perhaps misspelled
SELECT schemakit.auto_enable('audit', 'publc') AS misspelled \gset
SELECT state, detail ~ :'misspelled' AS named, relid, feature FROM schemakit.status() WHERE relid IS NULL;
CREATE SCHEMA publc;
SELECT * FROM schemakit.status() WHERE relid IS NULL;
DROP SCHEMA publc;
SELECT schemakit.auto_disable(:misspelled);
SELECT schemakit.auto_enable('audit', 'public.users') AS misspelled \gset
SELECT schemakit.auto_disable(:misspelled);
SELECT schemakit.auto_enable('audit', 'pg_catalog') AS misspelled \gset
SELECT schemakit.auto_disable(:misspelled);
SELECT schemakit.auto_enable('soft_delete', options => '{"view_schema": "publc"}') AS misspelled \gset
SELECT schemakit.auto_disable(:misspelled);
SELECT * FROM schemakit.status() WHERE relid IS NULL;

-- patterns for schemas and tables, which are those of LIKE
SELECT schemakit.auto_enable('timestamps', 'rules', 'a\_%') AS id \gset
CREATE TABLE a_1 (id int, updated_at timestamptz);
CREATE TABLE ab1 (id int, updated_at timestamptz);
CREATE TABLE "A_1" (id int, updated_at timestamptz);
CREATE TABLE rules_other.a_1 (id int, updated_at timestamptz);
SELECT * FROM touched;
SELECT schemakit.auto_enable('timestamps', 'rules\_%') AS id2 \gset
CREATE TABLE rules_other.x (id int, updated_at timestamptz);
SELECT * FROM touched;
-- the default is the schema public
SELECT schemakit.auto_enable('timestamps') AS id3 \gset
CREATE TABLE public.rules_public (id int, updated_at timestamptz);
SELECT * FROM touched;
DROP TABLE public.rules_public, a_1, ab1, "A_1", rules_other.a_1, rules_other.x;

-- options; the newest rule that suits the table decides
SELECT schemakit.auto_enable('timestamps', 'rules', '%', '{"col": "changed", "mode": "always"}') > :id3 AS newer;
CREATE TABLE o_both (id int, changed timestamptz, updated_at timestamptz);
CREATE TABLE o_changed (id int, changed timestamptz);
CREATE TABLE o_neither (id int);
CREATE TABLE a_updated (id int, updated_at timestamptz);
ALTER TABLE o_neither ADD COLUMN changed date;
SELECT * FROM touched;
-- a call for the same tables and another column makes another rule
SELECT schemakit.auto_enable('timestamps', 'rules', '%', '{"mode": "auto", "col": null}') > :id3 AS newer;
CREATE TABLE p_updated (id int, changed timestamptz, updated_at timestamptz);
SELECT rel, args FROM touched WHERE rel = 'p_updated'::regclass;
SELECT feature, schemas, tables, options, enabled FROM schemakit.auto_rule ORDER BY id;
DROP TABLE o_both, o_changed, o_neither, a_updated, p_updated;

-- what cannot be is refused, and changes nothing
SELECT md5(string_agg(r::text, ',' ORDER BY id)) AS rules FROM schemakit.auto_rule r \gset
SELECT schemakit.auto_enable('timestamp');  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT schemakit.auto_enable(NULL);  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT schemakit.auto_enable('timestamps', NULL);  -- fails
SELECT schemakit.auto_enable('timestamps', options => NULL);  -- fails
SELECT schemakit.auto_enable('timestamps', options => '{"column": "x"}');  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT schemakit.auto_enable('timestamps', options => '{"mode": "sometimes"}');  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT schemakit.auto_enable('timestamps', options => '{"col": 1}');  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT schemakit.auto_enable('timestamps', options => '["col"]');  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT schemakit.auto_enable('timestamps', options => '"col"');  -- fails
SELECT schemakit.auto_enable('timestamps', schemas => 'bad\');  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT schemakit.auto_enable('timestamps', tables => 'bad\\\');  -- fails
SELECT schemakit.auto_disable(0);  -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT schemakit.auto_disable(NULL);  -- fails
INSERT INTO schemakit.auto_rule (feature, schemas, tables, options) VALUES ('timestamps', 'x', 'y', '[]');  -- fails
INSERT INTO schemakit.auto_rule (feature, schemas) VALUES ('timestamps', 'x');  -- fails
SELECT md5(string_agg(r::text, ',' ORDER BY id)) = :'rules' AS unchanged FROM schemakit.auto_rule r;

-- a rule that was put into the table by hand and makes no sense is a warning
INSERT INTO schemakit.auto_rule (feature, schemas, tables, options) VALUES ('timestamps', 'rules', 'w%', '{"mode": 1}');
CREATE TABLE w (id int, updated_at timestamptz);
DELETE FROM schemakit.auto_rule WHERE tables = 'w%';
INSERT INTO schemakit.auto_rule (feature, schemas, tables) VALUES ('later', '%', '%');
CREATE TABLE l (id int, updated_at timestamptz);
SELECT * FROM touched;
DROP TABLE w, l;
DELETE FROM schemakit.auto_rule WHERE feature = 'later';

-- rules of a dump merge with those that are there: the same tables and column, the
-- same rule; another rule with a number that is taken gets a new one
DELETE FROM schemakit.auto_rule WHERE id <> 1;
SELECT schemakit.auto_enable('timestamps', 'mine');
COPY schemakit.auto_rule (id, feature, schemas, tables, options, enabled) FROM stdin;
2	timestamps	theirs	%	{}	t
1	timestamps	%	%	{"mode": "always"}	f
7	timestamps	mine	%	{"mode": "always"}	t
8	timestamps	mine	%	{"col": "x"}	t
\.
SELECT * FROM schemakit.auto_rule ORDER BY id;
DELETE FROM schemakit.auto_rule;
SELECT schemakit.auto_enable('timestamps', '%');
SELECT * FROM schemakit.auto_rule;

-- a library that is older than the table
BEGIN;
ALTER TABLE schemakit.auto_rule ADD COLUMN a text, ADD COLUMN b text, ADD COLUMN c text, ADD COLUMN d text,
    ADD COLUMN e text, ADD COLUMN f text, ADD COLUMN g text, ADD COLUMN h text;
CREATE TABLE l (id int, updated_at timestamptz);
INSERT INTO schemakit.auto_rule (feature, schemas, tables) VALUES ('timestamps', 'x', 'y');
SELECT relid, state FROM schemakit.status();
ROLLBACK;
-- patterns that could not be used are not accepted by hand either
INSERT INTO schemakit.auto_rule (feature, schemas, tables) VALUES ('timestamps', 'x\', 'y');  -- fails
INSERT INTO schemakit.auto_rule (feature, schemas, tables) VALUES ('timestamps', 'x', '\\\');  -- fails
-- the rule trigger refuses what it is not made for
SELECT schemakit.internal_auto_rule_merge();  -- fails
SELECT schemakit.internal_on_ddl_command_start();  -- fails
SELECT schemakit.internal_on_ddl_command_end();  -- fails
SELECT schemakit.internal_on_sql_drop();  -- fails

-- rules are read as they are: in the transaction that changes them, too
BEGIN;
SELECT schemakit.auto_disable(1);
CREATE TABLE b1 (id int, updated_at timestamptz);
SAVEPOINT s;
SELECT schemakit.auto_enable('timestamps', '%');
CREATE TABLE b2 (id int, updated_at timestamptz);
ROLLBACK TO s;
CREATE TABLE b3 (id int, updated_at timestamptz);
COMMIT;
SELECT * FROM touched;
SELECT schemakit.auto_enable('timestamps', '%');
SELECT * FROM schemakit.auto_apply() ORDER BY relid::text;

-- status() of every kind
CREATE TABLE b2 (id int, updated_at timestamptz);
ALTER TABLE b1 DISABLE TRIGGER zz_schemakit_touch;
ALTER TABLE b2 ENABLE REPLICA TRIGGER zz_schemakit_touch;
ALTER TABLE b3 ENABLE ALWAYS TRIGGER zz_schemakit_touch;
CREATE TRIGGER second BEFORE UPDATE ON b3 FOR EACH ROW EXECUTE FUNCTION schemakit.touch('id');
CREATE TABLE bp (id int, updated_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE bp1 PARTITION OF bp FOR VALUES IN (1);
ALTER TABLE bp1 ENABLE REPLICA TRIGGER zz_schemakit_touch;
CREATE TABLE b4 (id int, updated_at timestamptz);
DROP TRIGGER zz_schemakit_touch ON b4;
CREATE TABLE b5 (id int, updated_at timestamptz);
ALTER TABLE b5 ALTER updated_at TYPE text;
CREATE TABLE b6 (id int, base timestamptz, updated_at timestamptz GENERATED ALWAYS AS (base) STORED);
CREATE TRIGGER t BEFORE UPDATE ON b6 FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
CREATE TABLE b7 (id int);
CREATE TRIGGER t BEFORE UPDATE ON b7 FOR EACH ROW EXECUTE FUNCTION schemakit.touch('nowhere');
CREATE TABLE b8 (id int, "odd Name" timestamptz);
SELECT schemakit.timestamps_enable('b8', 'odd Name', 'always');
CREATE TABLE b9 (id int);
SELECT * FROM schemakit.status() ORDER BY relid::text COLLATE "C", state;
SELECT * FROM schemakit.auto_apply();
SELECT state FROM schemakit.status() WHERE relid = 'b4'::regclass;

SET client_min_messages = warning;
DROP SCHEMA rules CASCADE;
DROP SCHEMA rules_other CASCADE;
