/*-------------------------------------------------------------------------
 *
 * advisor/problem.h
 *	  Which indexes there are to choose from, and within which limits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PROBLEM_H
#define SK_ADVISOR_PROBLEM_H

#include "advisor/advice.h"
#include "advisor/search/configuration.h"

extern void sk_advice_problem_pose(SkAdvice *advice, SkProblem *problem);

#endif							/* SK_ADVISOR_PROBLEM_H */
