/*-------------------------------------------------------------------------
 *
 * base/spi.c
 *	  SQL from C, checked.
 *
 * Statements run as the current user, with that user's search_path: callers
 * write every name with its schema, operators too, or pin the search_path, quote
 * identifiers and pass values as parameters.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/spi.h"

#include "catalog/pg_type.h"

/*
 * Run one statement, which must end with the result code "expected", and
 * return the number of rows it processed.  No parameter is NULL.  Where
 * "result" is given, the statement returns a bigint, and that of the first
 * row is left there.  It is planned each time: not for a hot path.
 */
uint64
sk_spi_execute(const char *sql, int nargs, const Oid *types,
			   const Datum *values, int expected, int64 *result)
{
	uint64		processed;
	int			code;

	SPI_connect();
	code = SPI_execute_with_args(sql, nargs, (Oid *) types, (Datum *) values,
								 NULL, false, 0);
	if (code != expected)
		elog(ERROR, "statement returned %s: %s",
			 SPI_result_code_string(code), sql);

	processed = SPI_processed;
	if (result != NULL && processed > 0)
	{
		bool		isnull;
		Datum		value;

		if (SPI_gettypeid(SPI_tuptable->tupdesc, 1) != INT8OID)
			elog(ERROR, "statement does not return a bigint: %s", sql);
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
							  1, &isnull);
		if (isnull)
			elog(ERROR, "statement returned null: %s", sql);
		*result = DatumGetInt64(value);
	}
	SPI_finish();
	return processed;
}
