/*-------------------------------------------------------------------------
 *
 * advisor/plan/plan_cost.h
 *	  What a plan uses, and what it costs if its luck is bad.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_PLAN_COST_H
#define SK_ADVISOR_PLAN_PLAN_COST_H

#include "nodes/plannodes.h"

extern List *sk_plan_cost_indexes(const PlannedStmt *plan, int *nodes);
extern double sk_plan_cost(const PlannedStmt *plan, bool pessimistic);

#endif							/* SK_ADVISOR_PLAN_PLAN_COST_H */
