/*-------------------------------------------------------------------------
 *
 * sk_arg.c
 *	  Arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_arg.h"

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
