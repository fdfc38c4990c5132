/*-------------------------------------------------------------------------
 *
 * advisor/options.c
 *	  The arguments of advise_indexes() and of what has the same ones.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/options.h"

#include "base/arg.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include <math.h>

/* The arguments, in their order. */
enum
{
	ARG_QUERIES,
	ARG_WEIGHTS,
	ARG_SCHEMAS,
	ARG_TABLES,
	ARG_ACTIONS,
	ARG_MAX_INDEXES,
	ARG_MAX_WIDTH,
	ARG_STORAGE_BUDGET,
	ARG_TIME_BUDGET,
	ARG_MAX_QUERIES,
	ARG_MIN_BENEFIT,
	ARG_MAX_REGRESSION
};

#define HINT_ACTIONS "Actions are \"create\", \"drop\", \"replace\", \"reindex\", \"statistics\" and \"foreign_key\"."

/* What is longer than somebody's life is not added to a time. */
#define NO_LIMIT_MS (200 * 365 * 86400000.0)

static List *
read_schemas(ArrayType *array)
{
	List	   *result = NIL;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			result = lappend_oid(result,
								 get_namespace_oid(TextDatumGetCString(elems[i]), false));
	}
	return result;
}

static void
read_actions(ArrayType *array, SkAdviceOptions *options)
{
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		const char *name = nulls[i] ? "" : TextDatumGetCString(elems[i]);

		if (strcmp(name, "create") == 0)
			options->create = true;
		else if (strcmp(name, "drop") == 0)
			options->drop = true;
		else if (strcmp(name, "replace") == 0)
			options->replace = true;
		else if (strcmp(name, "reindex") == 0)
			options->reindex = true;
		else if (strcmp(name, "statistics") == 0)
			options->statistics = true;
		else if (strcmp(name, "foreign_key") == 0)
			options->foreign_keys = true;
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized action \"%s\"", name),
					 errhint(HINT_ACTIONS)));
	}
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"actions\" must not be empty"),
				 errhint(HINT_ACTIONS)));
}

static double
read_number(double value, double least, double most, const char *name)
{
	if (!(value >= least && value <= most))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between %g and %g",
						name, least, most)));
	return value;
}

static double
read_time(Datum value)
{
	Interval   *interval = DatumGetIntervalP(value);
	double		ms = interval->time / 1000.0 +
		(interval->day + interval->month * 30.0) * 86400000;

	if (ms <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"time_budget\" must be positive")));
	return ms < NO_LIMIT_MS ? ms : INFINITY;
}

static void
read_queries(FunctionCallInfo fcinfo, int first, SkAdviceOptions *options)
{
	if (!PG_ARGISNULL(first + ARG_QUERIES))
		options->queries = PG_GETARG_ARRAYTYPE_P(first + ARG_QUERIES);
	if (!PG_ARGISNULL(first + ARG_WEIGHTS))
		options->weights = PG_GETARG_ARRAYTYPE_P(first + ARG_WEIGHTS);
	if (options->weights != NULL && options->queries == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weights can only be used with queries")));
}

/*
 * Read only which statements there are: queries, weights, time_budget and max_queries.  No
 * table is asked for yet.
 */
void
sk_advice_options_read_workload(FunctionCallInfo fcinfo, int first,
								SkAdviceOptions *options)
{
	int			time = first + ARG_WEIGHTS + 1;

	memset(options, 0, sizeof(SkAdviceOptions));
	read_queries(fcinfo, first, options);
	sk_arg_reject_null(fcinfo, time, "time_budget");
	sk_arg_reject_null(fcinfo, time + 1, "max_queries");
	options->time_budget = read_time(PG_GETARG_DATUM(time));
	options->max_queries = (int) read_number(PG_GETARG_INT32(time + 1), 1, 100000, "max_queries");
	options->all_schemas = true;
	options->max_width = 1;
	options->storage_budget = INFINITY;
}

/*
 * Read the arguments of advise_indexes(), which another function may have after others of
 * its own: "first" is the number of the first one.
 */
void
sk_advice_options_read(FunctionCallInfo fcinfo, int first, SkAdviceOptions *options)
{
	memset(options, 0, sizeof(SkAdviceOptions));
	read_queries(fcinfo, first, options);
	options->all_schemas = PG_ARGISNULL(first + ARG_SCHEMAS);
	if (!options->all_schemas)
		options->schemas = read_schemas(PG_GETARG_ARRAYTYPE_P(first + ARG_SCHEMAS));
	options->all_tables = PG_ARGISNULL(first + ARG_TABLES);
	if (!options->all_tables)
		options->tables = sk_arg_oids(PG_GETARG_ARRAYTYPE_P(first + ARG_TABLES));
	sk_arg_reject_null(fcinfo, first + ARG_ACTIONS, "actions");
	sk_arg_reject_null(fcinfo, first + ARG_MAX_INDEXES, "max_indexes");
	sk_arg_reject_null(fcinfo, first + ARG_MAX_WIDTH, "max_width");
	sk_arg_reject_null(fcinfo, first + ARG_TIME_BUDGET, "time_budget");
	sk_arg_reject_null(fcinfo, first + ARG_MAX_QUERIES, "max_queries");
	sk_arg_reject_null(fcinfo, first + ARG_MIN_BENEFIT, "min_benefit");
	sk_arg_reject_null(fcinfo, first + ARG_MAX_REGRESSION, "max_regression");
	read_actions(PG_GETARG_ARRAYTYPE_P(first + ARG_ACTIONS), options);
	options->max_indexes = (int) read_number(PG_GETARG_INT32(first + ARG_MAX_INDEXES), 0, 1000, "max_indexes");
	options->max_width = (int) read_number(PG_GETARG_INT32(first + ARG_MAX_WIDTH), 1, INDEX_MAX_KEYS, "max_width");
	options->storage_budget = PG_ARGISNULL(first + ARG_STORAGE_BUDGET) ? INFINITY :
		read_number(PG_GETARG_INT64(first + ARG_STORAGE_BUDGET), 0, 1e18, "storage_budget");
	options->time_budget = read_time(PG_GETARG_DATUM(first + ARG_TIME_BUDGET));
	options->max_queries = (int) read_number(PG_GETARG_INT32(first + ARG_MAX_QUERIES), 1, 100000, "max_queries");
	options->min_benefit = read_number(PG_GETARG_FLOAT8(first + ARG_MIN_BENEFIT), 0, 1, "min_benefit");
	options->max_regression = read_number(PG_GETARG_FLOAT8(first + ARG_MAX_REGRESSION), 0, 1e6, "max_regression");
}
