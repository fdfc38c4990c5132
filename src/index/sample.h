/*-------------------------------------------------------------------------
 *
 * index/sample.h
 *	  What is in an index's keys, from some of the rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_SAMPLE_H
#define SK_INDEX_SAMPLE_H

#include "index/index.h"

#include "access/htup.h"

/* Told of each row: the values of the keys. */
typedef void (*SkSampleRow) (const Datum *values, const bool *nulls, void *arg);

extern int	sk_index_sample_read(const SkIndex *index, int rows, SkSampleRow told,
								 void *arg);
extern HeapTuple *sk_index_sample_statistics(const SkIndex *index, double rows);

#endif							/* SK_INDEX_SAMPLE_H */
