/*-------------------------------------------------------------------------
 *
 * base/tuple.h
 *	  Columns and values of rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TUPLE_H
#define SK_TUPLE_H

#include "base/compat.h"

#include "access/attnum.h"
#include "access/tupdesc.h"

extern AttrNumber sk_tuple_column(TupleDesc tupdesc, const char *name);
extern bool sk_tuple_same_image(Form_pg_attribute attr, Datum a, Datum b);

/* Is it a generated column that is not stored?  There are none before 18. */
static inline bool
sk_tuple_is_virtual(Form_pg_attribute attr)
{
	return attr->attgenerated == 'v';
}

/*
 * Are two varlena values the same byte for byte?  Most that an UPDATE leaves
 * alone are, and one that is stored out of line need not be fetched to see
 * it: its pointer was copied.
 */
static inline bool
sk_tuple_same_bytes(Datum a, Datum b)
{
	struct varlena *pa = (struct varlena *) DatumGetPointer(a);
	struct varlena *pb = (struct varlena *) DatumGetPointer(b);
	Size		size = VARSIZE_ANY(pa);

	return size == VARSIZE_ANY(pb) && memcmp(pa, pb, size) == 0;
}

/*
 * Do two values of a column have the same image?  Numeric 1.0 and 1.00 are
 * different; a value is the same however it is stored.  Inline, since it is
 * called for every column of every changed row.
 */
static inline bool
sk_tuple_same_value(Form_pg_attribute attr,
					Datum a, bool a_null, Datum b, bool b_null)
{
	if (a_null || b_null)
		return a_null && b_null;
	if (attr->attbyval)
		return a == b;
	if (attr->attlen == -1 && sk_tuple_same_bytes(a, b))
		return true;
	return sk_tuple_same_image(attr, a, b);
}

#endif							/* SK_TUPLE_H */
