/*-------------------------------------------------------------------------
 *
 * workload/workload.h
 *	  The statements that the advice is for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_WORKLOAD_WORKLOAD_H
#define SK_WORKLOAD_WORKLOAD_H

#include "workload/statement.h"

#include "datatype/timestamp.h"
#include "utils/array.h"

/* A statement, and how much it was run. */
typedef struct SkWorkloadEntry
{
	int64		id;				/* queryid, or the number of an argument */
	SkStatement *statement;
	Oid			role;			/* as which it is planned */
	double		calls;			/* a day, or the weight */
	double		total_ms;		/* as it was measured */
	double		rows;			/* each time; less than 0 if unknown */
	double		value;			/* of all of its cost: ms per day, or units */
	int			sqlerrcode;		/* why it cannot be planned, or 0 */
	char	   *reason;
} SkWorkloadEntry;

typedef struct SkWorkload
{
	List	   *entries;		/* SkWorkloadEntry, the costliest first */
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
