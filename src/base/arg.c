/*-------------------------------------------------------------------------
 *
 * base/arg.c
 *	  Arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arg.h"

#include "catalog/pg_type.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

/*
 * Our functions are not strict: a null argument is a mistake to be told of,
 * and not a reason to do nothing.
 */
void
sk_arg_reject_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name),
				 errhint("Leave the argument out to use its default, if it has one.")));
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

/*
 * How long something is kept before it is deleted for good.  A number without a
 * unit is taken as seconds by the type's input function, so less than a day is
 * a mistake unless the caller says that it is not.
 */
Interval *
sk_arg_retention(FunctionCallInfo fcinfo, int arg, const char *name, bool force)
{
	static const Interval day = {.day = 1};
	Interval   *interval = sk_arg_interval(fcinfo, arg, name);

	if (!force && is_shorter(interval, &day))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be shorter than one day", name),
				 errdetail("It is %s.  A number without a unit is a number of seconds.",
						   DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)))),
				 errhint("Write an interval with a unit, like '30 days', or add force => true.")));
	return interval;
}

/*
 * Where an array of text is wanted, one text will do: it is an array of itself.
 * A call with an untyped literal or parameter comes here, too, so what is written as
 * an array is read as one; no SQL begins with a brace or a bracket.
 */
void
sk_arg_text_to_array(FunctionCallInfo fcinfo, int arg)
{
	char	   *source;
	char	   *begin;
	Datum		array;

	if (PG_ARGISNULL(arg))
		return;
	source = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	begin = source;
	while (scanner_isspace(*begin))
		begin++;
	if (*begin == '{' || *begin == '[')
		array = OidInputFunctionCall(F_ARRAY_IN, source, TEXTOID, -1);
	else
	{
		Datum		elem = PG_GETARG_DATUM(arg);

		array = PointerGetDatum(construct_array(&elem, 1, TEXTOID, -1, false,
												TYPALIGN_INT));
	}
	fcinfo->args[arg].value = array;
}
