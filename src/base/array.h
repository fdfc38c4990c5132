/*-------------------------------------------------------------------------
 *
 * base/array.h
 *	  Arrays of any type.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ARRAY_H
#define SK_ARRAY_H

extern Datum sk_array_of(const Datum *values, int count, Oid type);

#endif							/* SK_ARRAY_H */
