/*-------------------------------------------------------------------------
 *
 * base/tuple.c
 *	  Columns and values of rows, without any policy.
 *
 * Values are compared by their images, never by an operator: json, xml and
 * point have none, and an operator is a user's code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/tuple.h"
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/datum.h"

/*
 * The number of the live column of that name, or InvalidAttrNumber.
 */
AttrNumber
sk_tuple_column(TupleDesc tupdesc, const char *name)
{
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (!attr->attisdropped && namestrcmp(&attr->attname, name) == 0)
			return attr->attnum;
	}
	return InvalidAttrNumber;
}

/*
 * The part of sk_tuple_same_value() that has to look into the values: they
 * may be stored differently and still be the same.
 */
bool
sk_tuple_same_image(Form_pg_attribute attr, Datum a, Datum b)
{
	return datum_image_eq(a, b, attr->attbyval, attr->attlen);
}
