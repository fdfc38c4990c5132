/*-------------------------------------------------------------------------
 *
 * workload/column_values.c
 *	  Values of a column, from its statistics.
 *
 * A plan depends on constants, and a normalized statement has lost them.  What
 * ANALYZE has seen in the column stands in for them.  The values are data: they
 * must not be shown to anybody who may not read the column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "workload/column_values.h"

#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include <math.h>

static void
read_list(VariableStatData *var, int kind, SkValueList *list)
{
	AttStatsSlot slot;
	int16		len;
	bool		byval;

	if (!get_attstatsslot(&slot, var->statsTuple, kind, InvalidOid,
						  kind == STATISTIC_KIND_HISTOGRAM ? ATTSTATSSLOT_VALUES :
						  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return;
	get_typlenbyval(slot.valuetype, &len, &byval);
	list->type = slot.valuetype;
	list->n = slot.nvalues;
	list->values = palloc(slot.nvalues * sizeof(Datum));
	for (int i = 0; i < slot.nvalues; i++)
		list->values[i] = datumCopy(slot.values[i], byval, len);
	if (slot.nnumbers >= slot.nvalues)
	{
		list->frequencies = palloc(slot.nvalues * sizeof(float4));
		memcpy(list->frequencies, slot.numbers, slot.nvalues * sizeof(float4));
	}
	free_attstatsslot(&slot);
}

static int
compare_values(const void *a, const void *b, void *arg)
{
	TypeCacheEntry *type = arg;

	return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo,
										   type->typcollation,
										   *(const Datum *) a,
										   *(const Datum *) b));
}

/*
 * Where the most common values are most of the column, they stand for its
 * distribution: one in the order of values for each per cent of rows.
 */
static void
sort_common(SkColumnValues *values)
{
	const SkValueList *common = &values->common;
	SkValueList *sorted = &values->sorted;
	TypeCacheEntry *type = lookup_type_cache(common->type, TYPECACHE_CMP_PROC_FINFO);

	if (!OidIsValid(type->cmp_proc_finfo.fn_oid) || common->frequencies == NULL)
		return;
	memset(sorted, 0, sizeof(SkValueList));
	sorted->type = common->type;
	sorted->values = palloc((100 + common->n) * sizeof(Datum));
	for (int i = 0; i < common->n; i++)
	{
		int			times = Max(1, (int) rint(common->frequencies[i] * 100));

		for (int k = 0; k < times && sorted->n < 100 + common->n; k++)
			sorted->values[sorted->n++] = common->values[i];
	}
	qsort_arg(sorted->values, sorted->n, sizeof(Datum), compare_values, type);
}

/* What there is, copied to the current memory context; NULL if nothing. */
SkColumnValues *
sk_column_values_read(VariableStatData *var)
{
	SkColumnValues *values;

	if (!HeapTupleIsValid(var->statsTuple))
		return NULL;
	values = palloc0(sizeof(SkColumnValues));
	values->rows = var->rel ? Max(var->rel->tuples, 1) : 1;
	values->null_share = ((Form_pg_statistic) GETSTRUCT(var->statsTuple))->stanullfrac;
	read_list(var, STATISTIC_KIND_MCV, &values->common);
	read_list(var, STATISTIC_KIND_HISTOGRAM, &values->sorted);
	read_list(var, STATISTIC_KIND_MCELEM, &values->elements);
	for (int i = 0; i < values->common.n && values->common.frequencies; i++)
		values->common_share += values->common.frequencies[i];
	if (values->common.n > 0 &&
		(values->sorted.n == 0 || values->common_share > 0.5))
		sort_common(values);
	return values;
}

/* The value that this fraction of rows is not above. */
bool
sk_column_values_quantile(const SkColumnValues *values, double quantile, Oid *type,
						  Datum *value)
{
	const SkValueList *sorted = &values->sorted;
	int			i;

	if (sorted->n == 0)
		return false;
	i = (int) rint(Min(Max(quantile, 0), 1) * (sorted->n - 1));
	*type = sorted->type;
	*value = sorted->values[i];
	return true;
}

/*
 * A value that a statement may look for, the i-th of several different ones.
 * "rank" is how frequent it shall be, between 0 and 1; less than 0: a value
 * that a row taken at random may well have.
 */
bool
sk_column_values_typical(const SkColumnValues *values, int i, double rank, Oid *type,
						 Datum *value)
{
	const SkValueList *common = &values->common;
	double		rare = 1 - values->common_share - values->null_share;
	bool		has_rare = values->sorted.n > 0 && rare > 0.001;
	int			at;

	if (has_rare && (common->n == 0 ||
					 (rank < 0 ? rare >= values->common_share :
					  rank * (common->n + 1) < 1)))
	{
		const SkValueList *sorted = &values->sorted;

		*type = sorted->type;
		*value = sorted->values[(sorted->n / 2 + i) % sorted->n];
		return true;
	}
	if (common->n == 0)
		return false;
	if (rank < 0)
	{
		double		sum = 0;

		for (at = 0; at < common->n - 1 && common->frequencies; at++)
		{
			sum += common->frequencies[at];
			if (sum >= values->common_share / 2)
				break;
		}
	}
	else
		at = (int) rint((1 - rank) * (common->n - 1));
	*type = common->type;
	*value = common->values[(at + i) % common->n];
	return true;
}

bool
sk_column_values_is_number(Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_NUMERIC;
}

/*
 * The value in another type.  False if it cannot be had; raises an error if the
 * types' functions do.
 */
bool
sk_column_values_convert(Datum value, Oid from, Oid to, Datum *result)
{
	Oid			output;
	Oid			input;
	Oid			ioparam;
	bool		is_varlena;

	if (!OidIsValid(from))
		return false;
	if (from == to || IsBinaryCoercible(from, to))
	{
		*result = value;
		return true;
	}
	getTypeOutputInfo(from, &output, &is_varlena);
	getTypeInputInfo(to, &input, &ioparam);
	*result = OidInputFunctionCall(input, OidOutputFunctionCall(output, value),
								   ioparam, -1);
	return true;
}
