/*-------------------------------------------------------------------------
 *
 * advisor/foreign_index.h
 *	  Indexes for foreign keys that none serves, when all others are chosen.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_FOREIGN_INDEX_H
#define SK_ADVISOR_FOREIGN_INDEX_H

#include "advisor/foreign_key.h"

extern void sk_advice_foreign_index_add(SkAdvice *advice, const SkForeignKey *key);

#endif							/* SK_ADVISOR_FOREIGN_INDEX_H */
