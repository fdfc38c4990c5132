/*-------------------------------------------------------------------------
 *
 * advisor/bloat.h
 *	  Indexes that are larger than they would be if they were built now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_BLOAT_H
#define SK_ADVISOR_BLOAT_H

#include "index/index.h"

extern double sk_advice_bloat_won(const SkIndex *index, double bytes);

#endif							/* SK_ADVISOR_BLOAT_H */
