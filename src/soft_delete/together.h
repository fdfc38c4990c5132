/*-------------------------------------------------------------------------
 *
 * soft_delete/together.h
 *	  Which rows can be deleted permanently, alone or with others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_TOGETHER_H
#define SK_SOFT_DELETE_TOGETHER_H

#include "soft_delete/keeper.h"

typedef struct SkSoftTogether SkSoftTogether;

/* Rows of the table, or of its partitions */
typedef struct SkSoftRows
{
	int			count;
	int			size;
	Datum	   *relids;
	Datum	   *tids;
	int		   *components;		/* rows with one number go together */
} SkSoftRows;

extern SkSoftTogether *sk_soft_together_begin(List *tables, TimestampTz before);
extern void sk_soft_together_end(SkSoftTogether *together);
extern bool sk_soft_together_is_full(const SkSoftTogether *together);
extern void sk_soft_together_add(SkSoftTogether *together, HeapTuple row,
								 TupleDesc tupdesc);
extern void sk_soft_together_no_others(SkSoftTogether *together);
extern SkSoftRows *sk_soft_together_choose(SkSoftTogether *together,
										   int64 wanted);
extern int64 sk_soft_together_most(const SkSoftTogether *together);

#endif							/* SK_SOFT_DELETE_TOGETHER_H */
