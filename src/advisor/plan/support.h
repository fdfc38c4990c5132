/*-------------------------------------------------------------------------
 *
 * advisor/plan/support.h
 *	  Which indexes serve a function, by its own word.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_SUPPORT_H
#define SK_ADVISOR_PLAN_SUPPORT_H

#include "nodes/pathnodes.h"

extern List *sk_support_opclasses(PlannerInfo *root, RelOptInfo *rel, FuncExpr *func,
								  int arg, Node *key);

#endif							/* SK_ADVISOR_PLAN_SUPPORT_H */
