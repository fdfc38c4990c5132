/*
 * Timestamps: the time of a row's last change, maintained.
 */
CREATE FUNCTION schemakit.touch() RETURNS trigger
    AS 'MODULE_PATHNAME', 'schemakit_touch'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.touch() IS
'BEFORE UPDATE trigger FOR EACH ROW: sets the column that the first argument names to the time of the change.
If no other column changes, the time is kept.  A time that the statement sets is kept, or overwritten if an argument is ''always''.
A column that is part of a key is left alone unless the last argument is ''key'', and a time that a constraint forbids is not set.';

CREATE FUNCTION schemakit.timestamps_enable(
    rel regclass, col name DEFAULT NULL, mode text DEFAULT 'auto', add_columns boolean DEFAULT false)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_timestamps_enable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.timestamps_enable(regclass, name, text, boolean) IS
'maintains the column "col" of a table, by default the first one in the setting schemakit.timestamps_columns that the table has.
mode: auto keeps a time that a statement sets; always overwrites it.  add_columns: adds created_at, or the name that goes with "col", and the column if they are missing.
A second call changes the column and the mode.  A column that is part of a key, which rules leave alone, is maintained, too.  The caller must own the table.
Errors: 42501 not the owner; 42809 not a table, a temporary or system table, a partition whose parent has the trigger, or a generated column; 42703 no such column; 42804 the column is not of type date, timestamp or timestamptz; 22023 unknown mode.';

CREATE FUNCTION schemakit.timestamps_disable(rel regclass)
    RETURNS void
    AS 'MODULE_PATHNAME', 'schemakit_timestamps_disable'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.timestamps_disable(regclass) IS
'disables the trigger that maintains the column of a table, or creates a disabled one.  Rules do not enable a disabled trigger, and a dump keeps it disabled.
The caller must own the table.';
