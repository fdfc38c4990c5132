/*-------------------------------------------------------------------------
 *
 * advisor/plan/explain.h
 *	  EXPLAIN as if other indexes existed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_EXPLAIN_H
#define SK_ADVISOR_PLAN_EXPLAIN_H

extern void sk_explain_init(void);

#endif							/* SK_ADVISOR_PLAN_EXPLAIN_H */
