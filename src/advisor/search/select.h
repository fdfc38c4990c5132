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

extern Bitmapset *sk_select(SkProblem *problem);

#endif							/* SK_ADVISOR_SEARCH_SELECT_H */
