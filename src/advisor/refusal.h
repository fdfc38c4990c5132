/*-------------------------------------------------------------------------
 *
 * advisor/refusal.h
 *	  Indexes that are not advised, and why.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_REFUSAL_H
#define SK_ADVISOR_REFUSAL_H

#include "advisor/advice.h"
#include "advisor/search/configuration.h"

extern double sk_advice_refusal_least_gain(const SkAdvice *advice);
extern void sk_advice_refusal_add(SkAdvice *advice, const SkCandidate *candidate,
								  double write, const char *reason);
extern SkRefusal *sk_advice_refusal_add_index(SkAdvice *advice, const SkIndex *index,
											  double bytes, const char *reason);
extern void sk_advice_refusal_collect(SkAdvice *advice, const SkProblem *problem,
									  Bitmapset *chosen);
extern void sk_advice_refusal_finish(SkAdvice *advice);
extern double sk_advice_refusal_gain(const SkRefusal *refusal);
extern double sk_advice_refusal_most_saved(const SkAdvice *advice, int id);
extern int	sk_advice_refusal_too_large(const SkAdvice *advice, double *least);

#endif							/* SK_ADVISOR_REFUSAL_H */
