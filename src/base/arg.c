/*-------------------------------------------------------------------------
 *
 * base/arg.c
 *	  Arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arg.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"

static bool
has_default(Oid function, int arg)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);

		result = arg >= proc->pronargs - proc->pronargdefaults;
		ReleaseSysCache(tuple);
	}
	return result;
}

/*
 * Our functions are not strict: a null argument is a mistake that is reported,
 * and not a reason to do nothing.
 */
void
sk_arg_reject_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name),
				 has_default(fcinfo->flinfo->fn_oid, arg)
				 ? errhint("Leave the argument out to use its default.") : 0));
}

/*
 * A callback of the error context: the position of an error is one in a text that was
 * given, and not in the statement that is run.
 */
void
sk_arg_point_into_text(void *text)
{
	int			position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery(text);
}

/* The OIDs in an array of regclass or the like, without nulls. */
List *
sk_arg_oids(ArrayType *array)
{
	List	   *result = NIL;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, ARR_ELEMTYPE(array), sizeof(Oid), true,
					  TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			result = lappend_oid(result, DatumGetObjectId(elems[i]));
	}
	return result;
}

static bool
is_shorter(const Interval *a, const Interval *b)
{
	return DatumGetBool(DirectFunctionCall2(interval_lt, IntervalPGetDatum(a),
											IntervalPGetDatum(b)));
}

/* An interval that is not negative. */
Interval *
sk_arg_interval(FunctionCallInfo fcinfo, int arg, const char *name)
{
	static const Interval zero = {0};
	Interval   *interval = PG_GETARG_INTERVAL_P(arg);

	if (is_shorter(interval, &zero))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", name),
				 errhint("Write an interval like '3 months'.")));
	return interval;
}

static TimestampTz
before_now(const Interval *interval)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
												   TimestampTzGetDatum(now),
												   IntervalPGetDatum(interval)));
}

/*
 * How long something is kept before it is deleted permanently.  A number without a
 * unit is taken as seconds by the type's input function, so less than a day is
 * a mistake unless the caller says that it is not.  What counts is the time that
 * comes out: '1 month -30 days' is no retention at all.
 */
Interval *
sk_arg_retention(FunctionCallInfo fcinfo, int arg, const char *name, bool force)
{
	static const Interval day = {.day = 1};
	Interval   *interval = sk_arg_interval(fcinfo, arg, name);

	if (before_now(interval) > GetCurrentTransactionStartTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", name),
				 errhint("Write an interval like '3 months'.")));
	if (!force && before_now(interval) > before_now(&day))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be shorter than one day", name),
				 errdetail("It is %s.  A number without a unit is a number of seconds.",
						   DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)))),
				 errhint("Write an interval with a unit, like '30 days', or add force => true.")));
	return interval;
}

/*
 * A text as an array of one.  An untyped literal or parameter comes here, too, so
 * what is written as an array is read as one; no SQL begins with a brace or a
 * bracket.
 */
static Datum
array_of_text(Datum value)
{
	char	   *source = TextDatumGetCString(value);
	char	   *begin = source;

	while (scanner_isspace(*begin))
		begin++;
	if (*begin == '{' || *begin == '[')
		return OidInputFunctionCall(F_ARRAY_IN, source, TEXTOID, -1);
	return PointerGetDatum(construct_array(&value, 1, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/*
 * Call a function that takes an array of texts with one text in its place.  The
 * arguments are copied, since the executor fills in constants only once for all
 * calls.
 */
Datum
sk_arg_call_with_text(FunctionCallInfo fcinfo, int arg, PGFunction function)
{
	Size		size = SizeForFunctionCallInfo(fcinfo->nargs);
	FunctionCallInfo call = memcpy(palloc(size), fcinfo, size);
	Datum		result;

	if (!PG_ARGISNULL(arg))
		call->args[arg].value = array_of_text(PG_GETARG_DATUM(arg));
	result = function(call);
	fcinfo->isnull = call->isnull;
	return result;
}

/*
 * An argument that is the maximum number of rows to delete
 */
int64
sk_arg_max_rows(FunctionCallInfo fcinfo, int arg)
{
	int64		max_rows;

	sk_arg_reject_null(fcinfo, arg, "max_rows");
	max_rows = PG_GETARG_INT64(arg);
	if (max_rows <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive", "max_rows"),
				 errhint("It is the maximum number of rows to delete.")));
	return max_rows;
}
