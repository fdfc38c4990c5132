/*-------------------------------------------------------------------------
 *
 * index/width.h
 *	  Values that are too long for a b-tree.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_WIDTH_H
#define SK_INDEX_WIDTH_H

#include "index/index.h"

extern bool sk_index_width_is_open(const SkIndex *index);
extern void sk_index_width_check(const SkIndex *index);

#endif							/* SK_INDEX_WIDTH_H */
