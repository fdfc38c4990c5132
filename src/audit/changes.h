/*-------------------------------------------------------------------------
 *
 * audit/changes.h
 *	  Transactions that a client has not seen, in the order in which they ended.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_CHANGES_H
#define SK_AUDIT_CHANGES_H

#include "audit/position.h"

#include "datatype/timestamp.h"
#include "lib/pairingheap.h"
#include "nodes/pg_list.h"

typedef struct SkAuditChangesTxn
{
	pairingheap_node node;
	int64		txn_id;
	TimestampTz at;
	TimestampTz ended_at;
	int64		events;			/* about as many */
} SkAuditChangesTxn;

/* Those of one database, from the oldest on */
typedef struct SkAuditChanges
{
	const SkAuditPosition *since;
	const char *prefix;			/* of positions */
	const char *now;			/* what this statement sees, as a pg_snapshot */
	int			database;
	bool		in_whole_log;	/* no position to begin with */
	int64		first_id;		/* numbers of its transactions, from here */
	int64		end_id;			/* on and below that */
	List	   *leaves;			/* partitions that have not been read */
	TimestampTz from;			/* what began earlier has been read */
	int64		width;			/* of what is read next, in microseconds; 0:
								 * all of a partition */
	bool		is_first;
	bool		done;
	pairingheap *pending;		/* read, but others may have ended before */
	SkAuditXids returned;
} SkAuditChanges;

extern List *sk_audit_changes_databases(const SkAuditPosition *since);
extern void sk_audit_changes_begin(SkAuditChanges *changes);
extern List *sk_audit_changes_next(SkAuditChanges *changes, int64 events);
extern bool sk_audit_changes_at_end(const SkAuditChanges *changes);
extern char *sk_audit_changes_position(SkAuditChanges *changes);

#endif							/* SK_AUDIT_CHANGES_H */
