/*-------------------------------------------------------------------------
 *
 * soft_delete/keeper.h
 *	  Which rows keep another one from being deleted permanently.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_KEEPER_H
#define SK_SOFT_DELETE_KEEPER_H

#include "soft_delete/fk_query.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"

/* A foreign key whose rows keep others */
typedef struct SkSoftKeeper SkSoftKeeper;

/* A table from which rows are deleted, and what refers to it */
typedef struct SkSoftDoomed
{
	Oid			relid;
	AttrNumber	column;			/* its stamp */
	List	   *attnums;		/* columns that foreign keys refer to */
	List	   *keepers;
} SkSoftDoomed;

/*
 * A row of a table, as statements with sk_soft_keeper_columns() return it: it refers to
 * another one, and can go with that one.
 */
typedef void (*SkSoftReferrer) (void *arg, SkSoftDoomed *doomed, HeapTuple row,
								TupleDesc tupdesc);

extern List *sk_soft_keeper_find(Relation rel, AttrNumber column);
extern List *sk_soft_keeper_relids(List *tables);
extern char *sk_soft_keeper_columns(const SkSoftDoomed *doomed, Relation rel,
									const char *alias);
extern void sk_soft_keeper_fail_altered(Oid relid);
extern void sk_soft_keeper_place(HeapTuple row, TupleDesc tupdesc, Oid *relid,
								 ItemPointer tid);
extern SkSoftKeeper *sk_soft_keeper_visit(SkSoftDoomed *doomed, HeapTuple row,
										  TupleDesc tupdesc, TimestampTz before,
										  bool lock, SkSoftReferrer referrer, void *arg);
extern void sk_soft_keeper_forget(List *tables);
extern void sk_soft_keeper_count(SkSoftKeeper *keeper);
extern char *sk_soft_keeper_list(List *tables, uint64 *total);
extern void sk_soft_keeper_free(List *tables);

#endif							/* SK_SOFT_DELETE_KEEPER_H */
