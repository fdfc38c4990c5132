/*-------------------------------------------------------------------------
 *
 * soft_delete/recheck.h
 *	  DELETE from a view of live rows: does it still want a row that has changed?
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_RECHECK_H
#define SK_SOFT_DELETE_RECHECK_H

#include "fmgr.h"
#include "nodes/execnodes.h"

extern void sk_soft_recheck_init(void);
extern ModifyTableState *sk_soft_recheck_statement(const FmgrInfo *flinfo);
extern bool sk_soft_recheck_still(ModifyTableState *statement, Oid relid,
								  TupleTableSlot *newest);
extern bool sk_soft_recheck_lock(ModifyTableState *statement, Relation table,
								 TupleTableSlot **newest);
extern void sk_soft_recheck_key(Relation table, Relation index,
								TupleTableSlot *newest, Datum *values);

#endif							/* SK_SOFT_DELETE_RECHECK_H */
