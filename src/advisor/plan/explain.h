/*-------------------------------------------------------------------------
 *
 * advisor/plan/explain.h
 *	  EXPLAIN as if other indexes existed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_EXPLAIN_H
#define SK_ADVISOR_PLAN_EXPLAIN_H

#include "advisor/plan/whatif.h"
#include "workload/statement.h"

extern void sk_explain_init(void);
extern char *sk_explain_text(SkStatement *statement, List *queries,
							 const SkWhatIf *whatif, bool with_values);

#endif							/* SK_ADVISOR_PLAN_EXPLAIN_H */
