/*-------------------------------------------------------------------------
 *
 * audit/log_index.h
 *	  The indexes of the table or partition that events are written to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_LOG_INDEX_H
#define SK_AUDIT_LOG_INDEX_H

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"

/* What is kept of an index from row to row; it refers to no open relation. */
typedef struct SkAuditLogIndex
{
	Oid			relid;
	IndexInfo  *info;
	bool		locked;			/* by this transaction */
	Bitmapset  *unless_null;	/* rows in which one of these columns is null
								 * are not in it */
	bool		by_page;		/* it says of pages which transactions they
								 * have */
	BlockNumber page;			/* of the last row that was entered there, */
	int64		txn_id;			/* and of which transaction it was */
} SkAuditLogIndex;

/* A row that has been put into the table: its first columns, and where it is */
typedef struct SkAuditLogRow
{
	const Datum *values;
	const bool *nulls;
	int			natts;			/* the columns that follow are null */
	ItemPointerData tid;
} SkAuditLogRow;

extern bool sk_audit_log_index_describe(Relation leaf, bool has_events,
										SkAuditLogIndex **indexes, int *count);
extern int	sk_audit_log_index_natts(const SkAuditLogIndex *indexes, int count, int natts);
extern void sk_audit_log_index_insert(SkAuditLogIndex *entry, Relation leaf,
									  const SkAuditLogRow *rows, int count);

#endif							/* SK_AUDIT_LOG_INDEX_H */
