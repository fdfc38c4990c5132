/*-------------------------------------------------------------------------
 *
 * index/gin_size.h
 *	  How large a GIN index is going to be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_GIN_SIZE_H
#define SK_INDEX_GIN_SIZE_H

#include "index/index.h"

extern void sk_index_gin_size(const SkIndex *index, double rows, double *pages,
							  double *entries);

#endif							/* SK_INDEX_GIN_SIZE_H */
