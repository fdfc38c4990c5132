/*
 * Audit: the log compared with the table.
 */
CREATE FUNCTION schemakit.audit_verify(
    rel regclass,
    OUT problem text, OUT key jsonb, OUT column_name text, OUT logged jsonb, OUT found jsonb,
    OUT since timestamptz, OUT until timestamptz, OUT role text, OUT detail text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'schemakit_audit_verify'
    LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION schemakit.audit_verify(regclass) IS
'compares the rows of a table with what the audit log says that they are, and returns a row for each difference, and for each time of which the log does not have all changes.  No rows: there is none.
problem: different, a column has another value than the log says; missing, the log has a row that the table does not have; extra, the table has a row that the log does not have; gap, changes were not recorded from "since" until "until", or rows changed without events at that time, by a command of "role", as "detail" says.
For rows, "since" is the time of the last event of the row; the change without an event was made later.
Columns that are excluded, masked, ignored or virtual are not compared, nor values that were recorded when the column had another type.  Rows of before audit_enable() of which there are no events can only be compared if they were recorded with baseline => true; a NOTICE tells how many are not.
Table and log are read with the snapshot of the statement.  The caller needs SELECT on the table and the right to read the history, and no policy of the table may apply.
Errors: 42501 no such privilege, or a policy applies; 55000 the table is not audited; 42809 a partition of an audited table.';
