/*-------------------------------------------------------------------------
 *
 * advisor/coverage.h
 *	  How much of the workload the advice is for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_COVERAGE_H
#define SK_ADVISOR_COVERAGE_H

#include "advisor/advice.h"

typedef struct SkCoverage
{
	double		statements;
	double		planned;
	double		total_ms;
	double		planned_ms;
	double		utility;		/* not counted above */
} SkCoverage;

extern double sk_advice_coverage_value(const SkAdvice *advice);
extern int	sk_advice_coverage_fast(const SkAdvice *advice);
extern SkCoverage sk_advice_coverage(const SkAdvice *advice);

#endif							/* SK_ADVISOR_COVERAGE_H */
