/*-------------------------------------------------------------------------
 *
 * advisor/slow.h
 *	  Statements that take longer than their plans say.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SLOW_H
#define SK_ADVISOR_SLOW_H

#include "advisor/advice.h"

extern void sk_advice_slow_find(SkAdvice *advice);

#endif							/* SK_ADVISOR_SLOW_H */
