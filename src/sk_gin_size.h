/*-------------------------------------------------------------------------
 *
 * sk_gin_size.h
 *	  How large a GIN index is going to be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_GIN_SIZE_H
#define SK_GIN_SIZE_H

#include "sk_index.h"

extern void sk_gin_size(const SkIndex *index, double rows, double *pages,
						double *entries);

#endif							/* SK_GIN_SIZE_H */
