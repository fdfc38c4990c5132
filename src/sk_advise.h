/*-------------------------------------------------------------------------
 *
 * sk_advise.h
 *	  Advice on indexes, made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISE_H
#define SK_ADVISE_H

#include "sk_advice.h"

extern SkAdvice *sk_advise(const SkAdviceOptions *options);

#endif							/* SK_ADVISE_H */
