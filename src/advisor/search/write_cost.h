/*-------------------------------------------------------------------------
 *
 * advisor/search/write_cost.h
 *	  The overhead of an index when rows are written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SEARCH_WRITE_COST_H
#define SK_ADVISOR_SEARCH_WRITE_COST_H

#include "advisor/plan/whatif.h"

typedef struct SkWrites SkWrites;

extern SkWrites *sk_write_cost_collect(List *queries, bool measured);
extern double sk_write_cost(const SkWrites *writes, SkHypothetical *what,
							List *existing);
extern double sk_write_cost_deletes(const SkWrites *writes, Oid relid);
extern double sk_write_cost_changes(const SkWrites *writes, Oid relid,
									const AttrNumber *columns, int n);
extern double sk_write_cost_unit(const SkWrites *writes);

#endif							/* SK_ADVISOR_SEARCH_WRITE_COST_H */
