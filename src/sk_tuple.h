/*-------------------------------------------------------------------------
 *
 * sk_tuple.h
 *	  Columns and values of rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TUPLE_H
#define SK_TUPLE_H

#include "access/attnum.h"
#include "access/tupdesc.h"

extern AttrNumber sk_tuple_column(TupleDesc tupdesc, const char *name);
extern bool sk_tuple_same_value(Form_pg_attribute attr,
								Datum a, bool a_null,
								Datum b, bool b_null);

#endif							/* SK_TUPLE_H */
