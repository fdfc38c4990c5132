-- who acts, from settings that platforms make
CREATE SCHEMA audit_actor;
SET search_path = audit_actor;
CREATE TABLE t (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('t');
CREATE SEQUENCE ids;
CREATE VIEW last AS SELECT key ->> 'id' AS id, actor FROM schemakit.audit_log WHERE table_name = 'audit_actor.t' ORDER BY changed_at DESC LIMIT 1;
-- a row is written with the setting as given; whom does the log tell of?
CREATE FUNCTION says(name text, value text) RETURNS text AS $$
DECLARE result text;
BEGIN
    PERFORM set_config(name, value, true);
    INSERT INTO t VALUES (nextval('ids'));
    SELECT COALESCE(actor, '-') INTO result FROM last;
    PERFORM set_config(name, '', true);
    RETURN result;
END
$$ LANGUAGE plpgsql;

-- the list
SET schemakit.audit_actor_settings = 'request.jwt.claims ->> sub';
SET schemakit.audit_actor_settings = '  request.jwt.claims->>sub ,hasura.user -> "x-hasura-user-id",app.user';
SET schemakit.audit_actor_settings = 'a.b ->> ''it''''s, -> this''';
SET schemakit.audit_actor_settings = '';
SET schemakit.audit_actor_settings = 'a.b,';  -- fails
SET schemakit.audit_actor_settings = ',a.b';  -- fails
SET schemakit.audit_actor_settings = 'a.b ->> ';  -- fails
SET schemakit.audit_actor_settings = 'a.b ->> "x';  -- fails
SET schemakit.audit_actor_settings = 'a.b ->> "x" y';  -- fails
SET schemakit.audit_actor_settings = 'primary_conninfo';  -- fails
SET schemakit.audit_actor_settings = 'role ->> sub';  -- fails

-- as PostgREST sets it: in one SELECT with parameters, at the beginning of each transaction
SET schemakit.audit_actor_settings = 'request.jwt.claims ->> sub, hasura.user ->> x-hasura-user-id, jwt.claims.user_id';
CREATE ROLE regress_audit_web;
GRANT USAGE ON SCHEMA audit_actor TO regress_audit_web;
GRANT ALL ON t TO regress_audit_web;
PREPARE request(text, text, text) AS
    SELECT set_config('search_path', $1, true), set_config('role', $2, true), set_config('request.jwt.claims', $3, true), set_config('request.method', 'POST', true);
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
EXECUTE request('audit_actor', 'regress_audit_web', '{"role":"regress_audit_web","sub":"0b2e7c94-6f0c-4a0a-9d6b-5a1f0ad0c9f1","exp":1893456000}');
WITH pgrst_source AS (INSERT INTO t VALUES (-1, 'a') RETURNING t.id) SELECT count(*) FROM pgrst_source;
COMMIT;
SELECT id, actor, (SELECT role FROM schemakit.audit_log ORDER BY changed_at DESC LIMIT 1) FROM last;
-- an anonymous request afterwards: the setting is empty now
BEGIN;
INSERT INTO t VALUES (-2);
COMMIT;
SELECT current_setting('request.jwt.claims', true) AS claims, * FROM last;
-- Hasura, and PostGraphile
BEGIN;
SET LOCAL "hasura.user" = '{"x-hasura-role":"editor","x-hasura-user-id":"17"}';
INSERT INTO t VALUES (-3);
COMMIT;
SELECT * FROM last;
BEGIN;
SELECT set_config('role', 'regress_audit_web', true), set_config('jwt.claims.user_id', '18', true);
INSERT INTO t VALUES (-4);
COMMIT;
SELECT * FROM last;
-- the first that says something
BEGIN;
SET LOCAL jwt.claims.user_id = 'third';
INSERT INTO t VALUES (-5);
SET LOCAL "hasura.user" = '{"x-hasura-user-id":"second"}';
INSERT INTO t VALUES (-6);
SET LOCAL request.jwt.claims = '{"sub":"first"}';
INSERT INTO t VALUES (-7);
-- what is said in our way goes before
INSERT INTO t VALUES (-8) /*actor='comment'*/;
SELECT schemakit.audit_set_actor('set');
INSERT INTO t VALUES (-9) /*actor='comment'*/;
SELECT schemakit.audit_set_actor(NULL);
INSERT INTO t VALUES (-10);
SAVEPOINT s;
SET LOCAL request.jwt.claims = '{"sub":"inner"}';
INSERT INTO t VALUES (-11);
ROLLBACK TO s;
INSERT INTO t VALUES (-12);
COMMIT;
SELECT key ->> 'id' AS id, actor FROM schemakit.audit_log WHERE CASE table_name WHEN 'audit_actor.t' THEN (key ->> 'id')::int END <= -5 ORDER BY changed_at;
-- changed by a function within a statement, and by a trigger before the row's event
DO $$BEGIN
    PERFORM set_config('jwt.claims.user_id', 'one', true);
    INSERT INTO t VALUES (-13);
    PERFORM set_config('jwt.claims.user_id', 'two', true);
    INSERT INTO t VALUES (-14);
    BEGIN
        PERFORM set_config('jwt.claims.user_id', 'three', true);
        INSERT INTO t VALUES (-15);
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
        INSERT INTO t VALUES (-16);
    END;
END$$;
SELECT key ->> 'id' AS id, actor FROM schemakit.audit_log WHERE CASE table_name WHEN 'audit_actor.t' THEN (key ->> 'id')::int END <= -13 ORDER BY changed_at;
-- triggers at commit
CREATE TABLE late (id int PRIMARY KEY);
CREATE FUNCTION later() RETURNS trigger AS 'BEGIN INSERT INTO t VALUES (-100 - NEW.id); RETURN NULL; END' LANGUAGE plpgsql SET search_path = audit_actor;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();
BEGIN;
SET LOCAL request.jwt.claims = '{"sub":"deferred"}';
INSERT INTO late VALUES (1);
COMMIT;
SELECT * FROM last;

-- values: none is an error
SELECT says('request.jwt.claims', value) AS actor, left(value, 40) AS value FROM unnest(ARRAY[
    '{"sub":"ann"}', ' { "a" : [1, {"sub": "no"}] , "sub" : "ann" } ', '{"sub":42}', '{"sub":-1.5e+3}', '{"sub":true}',
    '{"sub":null}', '{"sub":""}', '{"sub":{"sub":"no"}}', '{"sub":["no"]}', '{"su\u0062":"ann"}', '{"sub":"a","sub":"b"}', '{"sub":"a","sub":null}',
    '{"Sub":"no"}', '{"x":{"sub":"no"}}', '["sub"]', '"sub"', '{}', '[]', 'ann', '{"sub":"ann"', '{"sub":"ann"} x', '{"sub":"ann",}', '{"sub":ann}', '{sub:"no"}',
    '{"sub":"no', '{"sub":01}', '{"sub":1.}', '{"sub":1e}', '{"sub":-}', '{"sub" "no"}', '{"sub":"a" "b"}', '{"sub":tru}', '{', '{"', '{"a":', '[', '[1', '[1,', '-', '\', '{"sub":"\',
    E'{"sub":"tab\there"}', '{"sub":"tab\there \" \\ \/ \b\f"}', '{"sub":"\u00e4 \ud83d\ude00 \u20AC"}', '{"sub":"\ud83d"}', '{"sub":"\ude00"}', '{"sub":"\ud83dx"}', '{"sub":"\u0000"}', '{"sub":"\u12"}', '{"sub":"\x"}',
    repeat('[', 100000), repeat('{"a":', 100000), '{"a":' || repeat('[', 60) || repeat(']', 60) || ',"sub":"deep"}', '{"a":' || repeat('[', 70) || repeat(']', 70) || ',"sub":"too deep"}']) AS value;
SELECT length(actor) AS length FROM (SELECT says('request.jwt.claims', jsonb_build_object('sub', repeat('x', 1000000))::text) AS actor) AS s;
SELECT length(actor) AS length FROM (SELECT says('jwt.claims.user_id', repeat('y', 1000000)) AS actor) AS s;
-- paths, and keys with blanks and arrows in them
SET schemakit.audit_actor_settings = 'request.jwt.claims -> app_metadata -> user ->> id, app.x ->> "a, -> b"';
SELECT says('request.jwt.claims', '{"app_metadata":{"user":{"id":"deep"}},"id":"no"}');
SELECT says('request.jwt.claims', '{"app_metadata":{"id":"no"},"user":{"id":"no"}}');
SELECT says('app.x', '{"a, -> b":"odd"}');
-- a setting of ours; one that is not there; one of ours that is a number; our own
SET schemakit.audit_actor_settings = 'not.there, schemakit.advice_unused_days, plpgsql.variable_conflict';
SELECT says('not.here', 'x');
-- an actor is required
SELECT schemakit.audit_enable('t', require_actor => true);
SET schemakit.audit_actor_settings = 'request.jwt.claims ->> sub';
INSERT INTO t VALUES (-50);  -- fails
BEGIN;
SET LOCAL request.jwt.claims = '{"sub":"ann"}';
INSERT INTO t VALUES (-50);
COMMIT;
RESET schemakit.audit_actor_settings;
BEGIN;
SET LOCAL request.jwt.claims = '{"sub":"ann"}';
INSERT INTO t VALUES (-51);  -- fails
ROLLBACK;
DROP SCHEMA audit_actor CASCADE;
DROP ROLE regress_audit_web;
