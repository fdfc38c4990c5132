/*-------------------------------------------------------------------------
 *
 * audit/mark.c
 *	  schemakit.audit_mark() and audit_at(): moments that have a name.
 *
 * A mark is the time of the call.  Whatever has been committed by then has the time
 * of an event before it, and what will be, of one after it: so audit_as_of() gives the
 * same answer for all tables.  The calling transaction is committed later, too, so the
 * moment is one before its changes, whatever it has done until then.
 *
 * Names are there for all roles: whoever may read the history of a table wants to ask
 * for a mark.  Who may see all of them is a privilege on the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/log.h"
#include "audit/log_statement.h"
#include "base/arg.h"
#include "base/rights.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define LONGEST_NAME	1000

static char *
name_argument(FunctionCallInfo fcinfo, const char *argument)
{
	char	   *name;

	sk_arg_reject_null(fcinfo, 0, argument);
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (*name == '\0' || strlen(name) > LONGEST_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of a mark must have between 1 and %d bytes", LONGEST_NAME)));
	return name;
}

/* How many rows did the statement process?  The first column of the first is left. */
static uint64
execute(const char *sql, int nargs, Datum *values, int expected, Datum *result)
{
	static Oid	types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID};
	uint64		processed;
	bool		isnull;
	SkRights	saved;

	sk_rights_assume(sk_audit_log_owner(), &saved);
	SPI_connect();
	if (SPI_execute_with_args(sql, nargs, types, values, NULL,
							  expected == SPI_OK_SELECT, 0) != expected)
		elog(ERROR, "could not execute: %s", sql);
	processed = SPI_processed;
	if (result != NULL && processed > 0)
		*result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	SPI_finish();
	sk_rights_restore(&saved);
	return processed;
}

/* Two who use a name at once wait for each other. */
static bool
insert_mark(Datum *values)
{
	bool		writing = sk_audit_log_statement_running;
	bool		inserted = false;

	sk_audit_log_statement_running = true;
	PG_TRY();
	{
		inserted = execute("INSERT INTO schemakit.audit_marks (name, at, role) VALUES ($1, $2, $3)"
						   " ON CONFLICT DO NOTHING", 3, values, SPI_OK_INSERT, NULL) > 0;
	}
	PG_FINALLY();
	{
		sk_audit_log_statement_running = writing;
	}
	PG_END_TRY();
	return inserted;
}

/*
 * schemakit.audit_mark(name text) RETURNS timestamptz
 */
PG_FUNCTION_INFO_V1(schemakit_audit_mark);
Datum
schemakit_audit_mark(PG_FUNCTION_ARGS)
{
	char	   *name = name_argument(fcinfo, "name");
	Datum		values[3];

	PreventCommandIfReadOnly("audit_mark()");
	values[0] = CStringGetTextDatum(name);
	values[1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[2] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	if (!insert_mark(values))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("mark \"%s\" already exists", name),
				 errhint("Choose another name.  Marks are rows of schemakit.audit_marks.")));
	PG_RETURN_DATUM(values[1]);
}

/*
 * schemakit.audit_at(mark text) RETURNS timestamptz
 */
PG_FUNCTION_INFO_V1(schemakit_audit_at);
Datum
schemakit_audit_at(PG_FUNCTION_ARGS)
{
	char	   *name = name_argument(fcinfo, "mark");
	Datum		value = CStringGetTextDatum(name);
	Datum		at;

	if (execute("SELECT at FROM schemakit.audit_marks WHERE name OPERATOR(pg_catalog.=) $1",
				1, &value, SPI_OK_SELECT, &at) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("mark \"%s\" does not exist", name),
				 errhint("Call schemakit.audit_mark() to name a moment.  Marks are rows of schemakit.audit_marks.")));
	PG_RETURN_DATUM(at);
}
