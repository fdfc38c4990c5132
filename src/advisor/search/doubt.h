/*-------------------------------------------------------------------------
 *
 * advisor/search/doubt.h
 *	  What a statement costs with the choice, if the planner's guesses are wrong.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SEARCH_DOUBT_H
#define SK_ADVISOR_SEARCH_DOUBT_H

#include "advisor/plan/query.h"

extern bool sk_doubt(SkRun *run, SkQuery *query, const SkWhatIf *whatif, List *used,
					 double *cost, List **more);

#endif							/* SK_ADVISOR_SEARCH_DOUBT_H */
