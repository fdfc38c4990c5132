/*-------------------------------------------------------------------------
 *
 * sk_cost_table.h
 *	  What each statement costs with which candidates.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_COST_TABLE_H
#define SK_COST_TABLE_H

#include "sk_query.h"

#include "datatype/timestamp.h"

extern void sk_cost_explore(List *queries, SkPool *pool, TimestampTz deadline);
extern double sk_cost_derive(const SkQuery *query, const Bitmapset *chosen);
extern double sk_cost_least(const SkQuery *query);
extern bool sk_cost_plan(SkQuery *query, SkPool *pool, Bitmapset *chosen,
						 List *hidden, double *cost, Bitmapset **used);

#endif							/* SK_COST_TABLE_H */
