/*-------------------------------------------------------------------------
 *
 * advisor/plan/unlucky.h
 *	  The cost of a plan if the planner's guesses are wrong.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_UNLUCKY_H
#define SK_ADVISOR_PLAN_UNLUCKY_H

#include "nodes/pathnodes.h"

/* Kinds of nodes that a plan has */
#define SK_NODE_SEQ_SCAN		(1 << 0)
#define SK_NODE_INDEX_SCAN		(1 << 1)
#define SK_NODE_INDEX_ONLY_SCAN (1 << 2)
#define SK_NODE_BITMAP_SCAN		(1 << 3)
#define SK_NODE_NEST_LOOP		(1 << 4)
#define SK_NODE_MERGE_JOIN		(1 << 5)
#define SK_NODE_HASH_JOIN		(1 << 6)
#define SK_NODE_SORT			(1 << 7)

/* The plan that was made, and what is assumed now. */
typedef struct SkUnlucky
{
	List	   *indexes;		/* OIDs of those that it uses */
	int			nodes;			/* kinds of nodes that it has */
	bool		scattered;		/* equal values are not next to each other */
	bool		skewed;			/* joins meet the most common values */
} SkUnlucky;

/* What cannot be planned in the same way costs more than this. */
#define SK_UNLUCKY_IMPOSSIBLE 5e9

/* Settings that are changed meanwhile */
#define SK_UNLUCKY_SWITCHES 8

typedef struct SkUnluckySaved
{
	const SkUnlucky *assumed;
	List	   *raised;
	bool		settings[SK_UNLUCKY_SWITCHES];
} SkUnluckySaved;

extern void sk_unlucky_begin(const SkUnlucky *unlucky, SkUnluckySaved *saved);
extern void sk_unlucky_end(const SkUnluckySaved *saved);
extern void sk_unlucky_relation(RelOptInfo *rel);
extern void sk_unlucky_join(PlannerInfo *root, RelOptInfo *join, RelOptInfo *outer,
							RelOptInfo *inner, JoinType type, List *clauses);
extern double sk_unlucky_correlation(double correlation, double alike);

#endif							/* SK_ADVISOR_PLAN_UNLUCKY_H */
