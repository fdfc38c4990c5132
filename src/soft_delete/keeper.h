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

/* A table from which rows are deleted, and what refers to it */
typedef struct SkSoftDoomed
{
	Oid			relid;
	AttrNumber	column;			/* its stamp */
	List	   *attnums;		/* columns that foreign keys refer to */
	List	   *keepers;
} SkSoftDoomed;

extern SkSoftDoomed *sk_soft_keeper_find(Relation rel, AttrNumber column);
extern List *sk_soft_keeper_relids(const SkSoftDoomed *doomed);
extern char *sk_soft_keeper_columns(const SkSoftDoomed *doomed, Relation rel,
									const char *alias);
extern bool sk_soft_keeper_is_kept(SkSoftDoomed *doomed, HeapTuple row,
								   TupleDesc tupdesc, int first,
								   TimestampTz before);
extern void sk_soft_keeper_forget(SkSoftDoomed *doomed);
extern char *sk_soft_keeper_list(const SkSoftDoomed *doomed, uint64 *total);
extern void sk_soft_keeper_free(SkSoftDoomed *doomed);

#endif							/* SK_SOFT_DELETE_KEEPER_H */
