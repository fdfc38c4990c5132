/*-------------------------------------------------------------------------
 *
 * advisor/search/cost_explore.h
 *	  Which candidates to plan a statement with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SEARCH_COST_EXPLORE_H
#define SK_ADVISOR_SEARCH_COST_EXPLORE_H

#include "advisor/plan/query.h"

#include "datatype/timestamp.h"

extern bool sk_cost_explore(List *queries, SkPool *pool, TimestampTz deadline);
extern bool sk_cost_explore_around(List *queries, SkPool *pool, const Bitmapset *chosen,
								   TimestampTz deadline);

#endif							/* SK_ADVISOR_SEARCH_COST_EXPLORE_H */
