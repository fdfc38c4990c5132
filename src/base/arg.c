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
