/*-------------------------------------------------------------------------
 *
 * sk_plan.h
 *	  What a plan uses, and what it costs if its luck is bad.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_PLAN_H
#define SK_PLAN_H

#include "nodes/plannodes.h"

extern List *sk_plan_indexes(const PlannedStmt *plan);
extern double sk_plan_cost(const PlannedStmt *plan);

#endif							/* SK_PLAN_H */
