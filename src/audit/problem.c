/*-------------------------------------------------------------------------
 *
 * audit/problem.c
 *	  What is wrong with a table, or with what the log has of it: rows of
 *	  audit_verify().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/problem.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

static void
set_jsonb(Datum *value, bool *isnull, Jsonb *jsonb)
{
	*isnull = jsonb == NULL;
	*value = jsonb ? JsonbPGetDatum(jsonb) : (Datum) 0;
}

static void
set_string(Datum *value, bool *isnull, const char *string)
{
	*isnull = string == NULL;
	*value = string ? CStringGetTextDatum(string) : (Datum) 0;
}

static void
set_time(Datum *value, bool *isnull, TimestampTz time)
{
	*isnull = time == 0;
	*value = TimestampTzGetDatum(time);
}

/*
 * Return a row.
 */
void
sk_audit_problem_put(ReturnSetInfo *rsinfo, const SkAuditProblem *problem)
{
	Datum		values[9];
	bool		nulls[9];

	set_string(&values[0], &nulls[0], problem->problem);
	set_jsonb(&values[1], &nulls[1], problem->key);
	set_string(&values[2], &nulls[2], problem->column);
	set_jsonb(&values[3], &nulls[3], problem->logged);
	set_jsonb(&values[4], &nulls[4], problem->found);
	set_time(&values[5], &nulls[5], problem->since);
	set_time(&values[6], &nulls[6], problem->until);
	set_string(&values[7], &nulls[7], problem->role);
	set_string(&values[8], &nulls[8], problem->detail);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}
