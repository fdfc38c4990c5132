/*-------------------------------------------------------------------------
 *
 * advisor/finding.h
 *	  Indexes to drop, or to rebuild.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_FINDING_H
#define SK_ADVISOR_FINDING_H

#include "advisor/advice.h"

extern void sk_advice_finding_collect(SkAdvice *advice);
extern bool sk_advice_finding_may_drop(Oid indexid);

#endif							/* SK_ADVISOR_FINDING_H */
