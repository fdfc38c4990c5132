/*-------------------------------------------------------------------------
 *
 * index/size.h
 *	  How large an index is going to be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_SIZE_H
#define SK_INDEX_SIZE_H

#include "index/index.h"

#include "access/htup.h"

typedef struct SkIndexSize
{
	double		pages;
	double		fraction;		/* of the table's rows that it has */
	int			height;			/* levels above the leaves, -1 if unknown */
	double		entries;		/* per row that it has; 1, but for GIN */
	HeapTuple  *statistics;		/* on each key that is an expression */
} SkIndexSize;

extern void sk_index_size(const SkIndex *index, SkIndexSize *size);

#endif							/* SK_INDEX_SIZE_H */
