/*-------------------------------------------------------------------------
 *
 * sk_cost_explore.h
 *	  Which candidates to plan a statement with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_COST_EXPLORE_H
#define SK_COST_EXPLORE_H

#include "sk_query.h"

#include "datatype/timestamp.h"

extern void sk_cost_explore(List *queries, SkPool *pool, TimestampTz deadline);

#endif							/* SK_COST_EXPLORE_H */
