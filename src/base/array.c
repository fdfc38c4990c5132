/*-------------------------------------------------------------------------
 *
 * base/array.c
 *	  Arrays of any type.
 *
 * How values of a type are stored is looked up: on a server of 32 bits, a bigint is
 * not stored as on one of 64.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/array.h"

#include "utils/array.h"
#include "utils/lsyscache.h"

/*
 * An array of one dimension, without nulls, in the current context.
 */
Datum
sk_array_of(const Datum *values, int count, Oid type)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array((Datum *) values, count, type,
										   length, by_value, align));
}
