/*
 * Advice on indexes.
 */
CREATE FUNCTION schemakit.explain_with_indexes(
    query text,
    indexes text[],
    hide regclass[] DEFAULT '{}'
) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'schemakit_explain_with_indexes'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.explain_with_indexes(text, text[], regclass[]) IS
'EXPLAIN of a statement as if the indexes that these CREATE INDEX commands make existed, and those to hide did not. Nothing is made or executed.';

CREATE FUNCTION schemakit.estimate_index_size(index text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'schemakit_estimate_index_size'
    LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION schemakit.estimate_index_size(text) IS
'the bytes that the index would have which this CREATE INDEX command makes, by the statistics of its table. Nothing is made.';
