/*-------------------------------------------------------------------------
 *
 * index/compare.h
 *	  Duplicate and redundant indexes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_COMPARE_H
#define SK_INDEX_COMPARE_H

#include "index/index.h"

/* A redundant index stays if the other one is so many times larger. */
#define SK_INDEX_TIMES_LARGER 3

extern bool sk_index_compare_covers(const SkIndex *wide, const SkIndex *narrow);
extern bool sk_index_compare_can_attach(const SkIndex *index, const SkIndex *part);
extern bool sk_index_compare_reads(const SkIndex *index, AttrNumber attnum);
extern bool sk_index_compare_has_column(const SkIndex *index, AttrNumber attnum);

#endif							/* SK_INDEX_COMPARE_H */
