/*-------------------------------------------------------------------------
 *
 * sk_select.h
 *	  Which indexes to make.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SELECT_H
#define SK_SELECT_H

#include "sk_choice.h"

extern Bitmapset *sk_select(SkProblem *problem);

#endif							/* SK_SELECT_H */
