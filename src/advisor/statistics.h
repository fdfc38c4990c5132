/*-------------------------------------------------------------------------
 *
 * advisor/statistics.h
 *	  Statistics that the planner lacks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_STATISTICS_H
#define SK_ADVISOR_STATISTICS_H

#include "advisor/advice.h"

extern void sk_advice_statistics_find(SkAdvice *advice);
extern char *sk_advice_statistics_columns(const SkAdviceItem *item);
extern char *sk_advice_statistics_name(const SkAdviceItem *item);

#endif							/* SK_ADVISOR_STATISTICS_H */
