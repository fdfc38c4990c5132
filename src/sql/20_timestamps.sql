/*
 * Timestamps: the time of a row's last change, maintained.
 */
CREATE FUNCTION schemakit.touch() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_touch'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.touch() IS
'BEFORE UPDATE trigger FOR EACH ROW: puts the time of the change into the column that the first argument names.
A row in which nothing else changes keeps its time.  A time that the statement sets is kept, or overwritten if the second argument is ''always''.';

CREATE FUNCTION schemakit.timestamps_enable(
    rel regclass, col name DEFAULT NULL, mode text DEFAULT 'auto', add_columns boolean DEFAULT false)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_timestamps_enable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.timestamps_enable(regclass, name, text, boolean) IS
'maintains the column "col" of a table, by default the first of those in the setting schemakit.timestamps_columns.
mode ''auto'' keeps a time that a statement sets, ''always'' overwrites it.  add_columns => true adds created_at and the column where they are missing.
A second call changes what the first one set.  The caller must own the table.
Errors: 42501 not the owner; 42809 not a table, or a temporary or system table, or a generated column; 42703 no such column; 42804 a column of another type than date, timestamp or timestamptz; 22023 an unknown mode.';

CREATE FUNCTION schemakit.timestamps_disable(rel regclass)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_timestamps_disable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.timestamps_disable(regclass) IS
'stops maintaining a table''s column, by disabling the trigger: a disabled trigger tells rules to leave the table alone, and is dumped and restored.
The caller must own the table.';
