/*-------------------------------------------------------------------------
 *
 * advisor/plan/join_order.h
 *	  Joins that plans were made of, to plan with those alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_JOIN_ORDER_H
#define SK_ADVISOR_PLAN_JOIN_ORDER_H

#include "nodes/pathnodes.h"
#include "optimizer/paths.h"

/* What the plans of one statement joined */
typedef struct SkJoinOrder
{
	List	   *problems;		/* for each search of the planner, in their
								 * order: what its plans joined */
	int			next;			/* search of the plan that is being made, */
	bool		known_only;		/* and whether it looks at these alone */
	MemoryContext context;
} SkJoinOrder;

extern void sk_join_order_init(SkJoinOrder *order);
extern void sk_join_order_begin(SkJoinOrder *order);
extern RelOptInfo *sk_join_order_search_all(PlannerInfo *root, int levels, List *rels,
											join_search_hook_type search);
extern RelOptInfo *sk_join_order_search(SkJoinOrder *order, bool known_only,
										bool same_rows, PlannerInfo *root, int levels,
										List *rels, join_search_hook_type search);

#endif							/* SK_ADVISOR_PLAN_JOIN_ORDER_H */
