/*-------------------------------------------------------------------------
 *
 * sk_tuple.c
 *	  Columns and values of rows, without any policy.
 *
 * Values are compared by their images, never by an operator: json, xml and
 * point have none, and an operator is a user's code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_compat.h"
#include "sk_tuple.h"

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
 * Are two varlena values the same byte for byte?  Most that an UPDATE leaves
 * alone are, and one that is stored out of line need not be fetched to see
 * it: its pointer was copied.
 */
static bool
same_bytes(Datum a, Datum b)
{
	struct varlena *pa = (struct varlena *) DatumGetPointer(a);
	struct varlena *pb = (struct varlena *) DatumGetPointer(b);
	Size		size = VARSIZE_ANY(pa);

	return size == VARSIZE_ANY(pb) && memcmp(pa, pb, size) == 0;
}

/*
 * Do two values of a column have the same image?  Numeric 1.0 and 1.00 are
 * different; a value is the same however it is stored.
 */
bool
sk_tuple_same_value(Form_pg_attribute attr,
					Datum a, bool a_null, Datum b, bool b_null)
{
	if (a_null || b_null)
		return a_null && b_null;
	if (attr->attbyval)
		return a == b;
	if (attr->attlen == -1 && same_bytes(a, b))
		return true;
	return datum_image_eq(a, b, attr->attbyval, attr->attlen);
}
