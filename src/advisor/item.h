/*-------------------------------------------------------------------------
 *
 * advisor/item.h
 *	  What there is to say about an advised index.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_ITEM_H
#define SK_ADVISOR_ITEM_H

#include "advisor/advice.h"

extern const char *sk_advice_item_confidence(const SkIndex *index, List *helped);
extern List *sk_advice_item_replaced(SkAdvice *advice, const SkIndex *index);
extern char *sk_advice_item_reason(const SkAdviceItem *item);

#endif							/* SK_ADVISOR_ITEM_H */
