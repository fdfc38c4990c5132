/*-------------------------------------------------------------------------
 *
 * advisor/search/cost_table.h
 *	  What each statement costs with which candidates.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SEARCH_COST_TABLE_H
#define SK_ADVISOR_SEARCH_COST_TABLE_H

#include "advisor/plan/query.h"

/* Gains below this fraction of a statement's cost are none. */
#define SK_COST_TOLERANCE 0.01

extern bool sk_cost_table_is_gain(const SkQuery *query, double cost);
extern const SkCostEntry *sk_cost_table_find(const SkQuery *query, const Bitmapset *chosen);
extern double sk_cost_table_derive(const SkQuery *query, const Bitmapset *chosen);
extern const SkCostEntry *sk_cost_table_least(const SkQuery *query);
extern double sk_cost_table_bound(const SkQuery *query, const Bitmapset *chosen);
extern void sk_cost_table_hurry(const SkQuery *query);
extern double sk_cost_table_plan(SkRun *run, SkQuery *query, SkPool *pool,
								 const Bitmapset *set, List *hidden, Bitmapset **used);
extern double sk_cost_table_try(SkRun *run, SkQuery *query, SkPool *pool,
								const Bitmapset *set, Bitmapset **used);
extern bool sk_cost_table_verify(SkQuery *query, SkPool *pool, const Bitmapset *chosen,
								 List *hidden, double *cost, Bitmapset **used);

#endif							/* SK_ADVISOR_SEARCH_COST_TABLE_H */
