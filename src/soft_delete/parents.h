/*-------------------------------------------------------------------------
 *
 * soft_delete/parents.h
 *	  Rows of a batch, and what else they refer to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_PARENTS_H
#define SK_SOFT_DELETE_PARENTS_H

#include "soft_delete/relation.h"

#include "access/htup.h"
#include "datatype/timestamp.h"
#include "utils/snapshot.h"

/* The first columns of what tells rows of a batch */
#define SK_SOFT_BATCH_RELID		1
#define SK_SOFT_BATCH_TID		2
#define SK_SOFT_BATCH_MAKER		3
#define SK_SOFT_BATCH_STAMP		4
#define SK_SOFT_BATCH_PARENTS	5

/* A parent of the row that is deleted: its stamp, and who made its version */
typedef void (*SkSoftParent) (void *arg, Timestamp stamp, TransactionId maker);

extern void sk_soft_parents_tell(SkSoftLink *link, List *blockers, HeapTuple row,
								 TupleDesc tupdesc, Snapshot snapshot,
								 SkSoftParent parent, void *arg);
extern void sk_soft_parents_restore(SkSoftLink *link, Datum *values);

#endif							/* SK_SOFT_DELETE_PARENTS_H */
