/* schemakit: a database that keeps its own rules */

\echo Use "CREATE EXTENSION schemakit" to load this file. \quit

CREATE SCHEMA schemakit;
COMMENT ON SCHEMA schemakit IS 'schemakit: a database that keeps its own rules';
