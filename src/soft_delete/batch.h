/*-------------------------------------------------------------------------
 *
 * soft_delete/batch.h
 *	  Rows that happen to have a batch's stamp.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_BATCH_H
#define SK_SOFT_DELETE_BATCH_H

#include "soft_delete/relation.h"

#include "executor/tuptable.h"

extern void sk_soft_batch_init(void);
extern void sk_soft_batch_note_actor(void);
extern void sk_soft_batch_set_apart(SkSoftLink *link, TupleTableSlot *row,
									TupleTableSlot *old_row, Datum stamp,
									const Datum *old_stamp);

#endif							/* SK_SOFT_DELETE_BATCH_H */
