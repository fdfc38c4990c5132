/*-------------------------------------------------------------------------
 *
 * workload/workload.h
 *	  The statements that the advice is for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_WORKLOAD_WORKLOAD_H
#define SK_WORKLOAD_WORKLOAD_H

#include "advisor/plan/query.h"

#include "datatype/timestamp.h"
#include "utils/array.h"

typedef struct SkWorkload
{
	List	   *queries;		/* SkQuery, the costliest first */
	bool		measured;		/* values are ms per day; else units of cost */
	char	   *missing;		/* why there are no statistics, or NULL */
	double		days;			/* that the statistics are of */
	double		statements;		/* that were run in this database, */
	double		total_ms;		/* and their time */
	double		hidden;			/* of those, not shown to the current user */
	double		hidden_ms;
	double		lost;			/* times that statements were forgotten */
} SkWorkload;

extern SkWorkload *sk_workload_given(ArrayType *queries, ArrayType *weights);
extern SkWorkload *sk_workload_measured(int max_queries);

#endif							/* SK_WORKLOAD_WORKLOAD_H */
