/*-------------------------------------------------------------------------
 *
 * index/stats.h
 *	  What statistics say about one table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_STATS_H
#define SK_INDEX_STATS_H

#include "access/htup.h"
#include "nodes/pathnodes.h"

/* The values of one column or expression; Vars have varno 1. */
typedef struct SkStatColumn
{
	double		distinct;		/* values other than NULL, at least 1 */
	double		null_fraction;
	double		common;			/* fraction of rows with a most common value */
	double		alike;			/* probability that two rows have the same one
								 * of these */
	int			ncommon;		/* number of most common values */
	double	   *frequencies;	/* and the fraction of rows that has each */
	double		correlation;	/* with the order of rows, 0 if unknown */
	int32		width;			/* bytes on average */
	int			nwidths;		/* bytes of some values, if they differ */
	int32	   *widths;
	bool		known;			/* there are statistics */
	bool		own;			/* and they are of the index, not the table */
} SkStatColumn;

extern PlannerInfo *sk_index_stats_root(Oid relid);
extern RelOptInfo *sk_index_stats_rel(PlannerInfo *root);
extern void sk_index_stats_column(PlannerInfo *root, Node *expr, HeapTuple statistics,
								  double rows, SkStatColumn *column);
extern double sk_index_stats_distinct(PlannerInfo *root, List *exprs,
									  const SkStatColumn *columns, double tuples);
extern double sk_index_stats_fraction(PlannerInfo *root, List *clauses);

#endif							/* SK_INDEX_STATS_H */
