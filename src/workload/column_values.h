/*-------------------------------------------------------------------------
 *
 * workload/column_values.h
 *	  Values of a column, from its statistics.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_WORKLOAD_COLUMN_VALUES_H
#define SK_WORKLOAD_COLUMN_VALUES_H

#include "utils/selfuncs.h"

/* A list of values of one type, with their frequencies where they are known. */
typedef struct SkValueList
{
	Oid			type;
	int			n;
	Datum	   *values;
	float4	   *frequencies;	/* NULL: equally frequent */
} SkValueList;

typedef struct SkColumnValues
{
	double		rows;			/* of the table */
	double		common_share;	/* of rows with one of the most common values */
	double		null_share;
	SkValueList common;			/* most common first */
	SkValueList sorted;			/* one for each part of the table, in order */
	SkValueList elements;		/* of arrays and documents */
} SkColumnValues;

extern SkColumnValues *sk_column_values_read(VariableStatData *var);
extern bool sk_column_values_quantile(const SkColumnValues *values, double quantile,
									  Oid *type, Datum *value);
extern bool sk_column_values_typical(const SkColumnValues *values, int i, double rank,
									 Oid *type, Datum *value);
extern bool sk_column_values_is_number(Oid type);
extern bool sk_column_values_convert(Datum value, Oid from, Oid to, Datum *result);

#endif							/* SK_WORKLOAD_COLUMN_VALUES_H */
