/*-------------------------------------------------------------------------
 *
 * advisor/search/select.h
 *	  Which indexes to make.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SEARCH_SELECT_H
#define SK_ADVISOR_SEARCH_SELECT_H

#include "advisor/search/configuration.h"

extern Bitmapset *sk_select(SkProblem *problem, const Bitmapset *start);
extern Bitmapset *sk_select_besides(const SkProblem *problem, const Bitmapset *chosen,
									bool any_size);

#endif							/* SK_ADVISOR_SEARCH_SELECT_H */
