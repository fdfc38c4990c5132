/*-------------------------------------------------------------------------
 *
 * soft_delete/fk_execute.h
 *	  Executing the statements across a foreign key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_FK_EXECUTE_H
#define SK_SOFT_DELETE_FK_EXECUTE_H

#include "soft_delete/relation.h"

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/snapshot.h"

extern bool sk_soft_fk_execute_values(const SkSoftLink *link, TupleTableSlot *row,
									  Datum *values);
extern bool sk_soft_fk_execute_has_others(const SkSoftLink *link);
extern void sk_soft_fk_execute_plan(SPIPlanPtr plan, Datum *values,
									const char *nulls, long limit);
extern void sk_soft_fk_execute(SkSoftLink *link, SkSoftAction action,
							   Datum *values, long limit);
extern bool sk_soft_fk_execute_finds(SkSoftLink *link, SkSoftAction action,
									 Datum *values);
extern void sk_soft_fk_execute_seen(SkSoftLink *link, SkSoftAction action,
									Datum *values, Snapshot snapshot);
extern bool sk_soft_fk_execute_stamp(Oid relid, AttrNumber column, Oid partition,
									 ItemPointer tid, const Timestamp *stamp);

#endif							/* SK_SOFT_DELETE_FK_EXECUTE_H */
