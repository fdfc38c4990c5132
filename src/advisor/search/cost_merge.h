/*-------------------------------------------------------------------------
 *
 * advisor/search/cost_merge.h
 *	  Candidates that could replace two others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SEARCH_COST_MERGE_H
#define SK_ADVISOR_SEARCH_COST_MERGE_H

#include "advisor/plan/candidate.h"

extern void sk_cost_merge(SkPool *pool);

#endif							/* SK_ADVISOR_SEARCH_COST_MERGE_H */
