/*-------------------------------------------------------------------------
 *
 * advisor/verify.h
 *	  What statements cost with exactly the indexes that are chosen.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_VERIFY_H
#define SK_ADVISOR_VERIFY_H

#include "advisor/advice.h"
#include "advisor/search/configuration.h"

/* One for each statement of the advice, in their order. */
typedef struct SkVerified
{
	Bitmapset  *relevant;		/* of the choice, to this statement's tables */
	double		cost;
	Bitmapset  *used;
} SkVerified;

extern SkVerified *sk_advice_verify(SkAdvice *advice, Bitmapset *chosen,
									const SkVerified *last);
extern int	sk_advice_verify_blame(SkAdvice *advice, const SkProblem *problem,
								   const Bitmapset *chosen, const SkVerified *verified);
extern double sk_advice_verify_benefit(SkAdvice *advice, const SkVerified *verified,
									   const Bitmapset *chosen, int id, List **helped);

#endif							/* SK_ADVISOR_VERIFY_H */
