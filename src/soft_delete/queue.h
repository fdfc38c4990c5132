/*-------------------------------------------------------------------------
 *
 * soft_delete/queue.h
 *	  References that are checked when all else of a statement is done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_QUEUE_H
#define SK_SOFT_DELETE_QUEUE_H

#include "soft_delete/relation.h"

/* A restored row that refers to one that is not, or not yet */
typedef struct SkSoftDoubt
{
	Oid			relid;
	SubTransactionId subid;
	char	   *constraint;
	Datum	   *values;			/* of the key */
} SkSoftDoubt;

extern void sk_soft_queue_init(void);
extern void sk_soft_queue_add(Relation rel, const SkSoftLink *link,
							  const Datum *values);
extern void sk_soft_queue_again(void);
extern SkSoftDoubt *sk_soft_queue_next(void);

#endif							/* SK_SOFT_DELETE_QUEUE_H */
