/*-------------------------------------------------------------------------
 *
 * advisor/coverage.c
 *	  How much of the workload the advice is for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/coverage.h"

/* The value of all statements that can be planned. */
double
sk_advice_coverage_value(const SkAdvice *advice)
{
	double		value = 0;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		if (((SkQuery *) lfirst(lc))->entry.sqlerrcode == 0)
			value += ((SkQuery *) lfirst(lc))->entry.value;
	}
	return value;
}

/* How many statements there are, how many were planned, and their measured time. */
SkCoverage
sk_advice_coverage(const SkAdvice *advice)
{
	const SkWorkload *workload = advice->workload;
	SkCoverage	coverage = {0};
	double		seen = 0;
	double		utility_ms = 0;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->foreign_key != NULL)
			continue;
		seen++;
		if (query->entry.statement->utility)
		{
			coverage.utility++;
			utility_ms += query->entry.total_ms;
		}
		else if (query->entry.sqlerrcode == 0)
		{
			coverage.planned++;
			coverage.planned_ms += query->entry.total_ms;
		}
	}
	coverage.statements = (workload->measured ? workload->statements : seen) -
		coverage.utility;
	coverage.total_ms = Max(workload->total_ms - utility_ms, 0);
	return coverage;
}

/* Statements of which no index can save enough. */
int
sk_advice_coverage_fast(const SkAdvice *advice)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->foreign_key == NULL &&
			!query->entry.statement->utility && query->least_saving >= query->cost)
			n++;
	}
	return n;
}
