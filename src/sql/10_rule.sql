/*
 * Rules: which new tables get which feature.
 *
 * Rules are a DBA's data, so pg_dump saves them; but for the built-in one as
 * it was made, which CREATE EXTENSION makes again.
 */
CREATE TABLE schemakit.auto_rule
(
    id          bigint      NOT NULL CONSTRAINT auto_rule_pkey PRIMARY KEY,
    feature     text        NOT NULL,
    schemas     text        NOT NULL,
    tables      text        NOT NULL,
    exceptions  text[]      NOT NULL DEFAULT '{}',
    options     jsonb       NOT NULL DEFAULT '{}',
    enabled     boolean     NOT NULL DEFAULT true,
    CONSTRAINT auto_rule_schemas_check CHECK (schemas OPERATOR(pg_catalog.!~) '(^|[^\\])(\\\\)*\\$'),
    CONSTRAINT auto_rule_tables_check CHECK (tables OPERATOR(pg_catalog.!~) '(^|[^\\])(\\\\)*\\$'),
    CONSTRAINT auto_rule_exceptions_check CHECK (pg_catalog.array_to_string(exceptions, E'\n', E'\\') OPERATOR(pg_catalog.!~) '(^|[^\\])(\\\\)*\\(\n|$)'),
    CONSTRAINT auto_rule_options_check CHECK (pg_catalog.jsonb_typeof(options) OPERATOR(pg_catalog.=) 'object')
);
CREATE UNIQUE INDEX auto_rule_target_key ON schemakit.auto_rule
    (feature, schemas, tables, (COALESCE(options OPERATOR(pg_catalog.->>) 'col'::pg_catalog.text, ''::pg_catalog.text)));
COMMENT ON TABLE schemakit.auto_rule IS 'rules that attach features to new tables; change them with schemakit.auto_enable() and auto_disable()';
COMMENT ON COLUMN schemakit.auto_rule.id IS 'number of the rule; if several rules apply to a table, the highest number is used';
COMMENT ON COLUMN schemakit.auto_rule.feature IS 'feature to attach: timestamps, audit or soft_delete';
COMMENT ON COLUMN schemakit.auto_rule.schemas IS 'LIKE pattern for the names of schemas';
COMMENT ON COLUMN schemakit.auto_rule.tables IS 'LIKE pattern for the names of tables';
COMMENT ON COLUMN schemakit.auto_rule.exceptions IS 'LIKE patterns for tables that the rule leaves alone: for their names, or for schema.table';
COMMENT ON COLUMN schemakit.auto_rule.options IS 'options of the feature, a JSON object';
COMMENT ON COLUMN schemakit.auto_rule.enabled IS 'false: the rule is not used';

INSERT INTO schemakit.auto_rule (id, feature, schemas, tables) VALUES (1, 'timestamps', '%', '%');

SELECT pg_catalog.pg_extension_config_dump('schemakit.auto_rule',
    $$WHERE NOT (id OPERATOR(pg_catalog.=) 1 AND feature OPERATOR(pg_catalog.=) 'timestamps'
      AND schemas OPERATOR(pg_catalog.=) '%' AND tables OPERATOR(pg_catalog.=) '%'
      AND exceptions OPERATOR(pg_catalog.=) '{}' AND options OPERATOR(pg_catalog.=) '{}' AND enabled)$$);

CREATE FUNCTION schemakit.internal_auto_rule_merge() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_internal_auto_rule_merge'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.internal_auto_rule_merge() IS 'internal: trigger that numbers new rules, and merges restored rules with existing ones';

CREATE TRIGGER auto_rule_merge BEFORE INSERT ON schemakit.auto_rule
    FOR EACH ROW EXECUTE FUNCTION schemakit.internal_auto_rule_merge();
COMMENT ON TRIGGER auto_rule_merge ON schemakit.auto_rule IS 'numbers new rules, and merges restored rules with existing ones';
