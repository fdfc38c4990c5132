/*-------------------------------------------------------------------------
 *
 * advisor/run.h
 *	  Advice on indexes, made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_RUN_H
#define SK_ADVISOR_RUN_H

#include "advisor/advice.h"

extern SkAdvice *sk_advice_run_learn(const SkAdviceOptions *options);
extern SkAdvice *sk_advice_run(const SkAdviceOptions *options);

#endif							/* SK_ADVISOR_RUN_H */
