/*-------------------------------------------------------------------------
 *
 * audit/committed.h
 *	  When transactions were committed, for who reads the log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_COMMITTED_H
#define SK_AUDIT_COMMITTED_H

#include "base/receive.h"

#include "datatype/timestamp.h"

/*
 * The time of the transaction of event "e" of the query, and what its FROM needs for
 * that: the time of the last commit event, or what the server knows, or else the time of
 * the event itself.  The planner remembers it for other events of the transaction.
 */
#define SK_AUDIT_COMMITTED_AT "GREATEST(k.committed_at, e.changed_at)"

#define SK_AUDIT_COMMITTED_JOIN \
	" LEFT JOIN LATERAL (SELECT GREATEST(schemakit.internal_audit_committed_at(e.txn_id)," \
	" pg_catalog.max(o.changed_at)) AS committed_at FROM schemakit.audit_event AS o" \
	" WHERE o.events IS NOT NULL AND o.role IS NOT NULL AND o.carrier IS NOT NULL" \
	" AND o.txn_id OPERATOR(pg_catalog.=) e.txn_id" \
	" AND o.at OPERATOR(pg_catalog.=) e.at OFFSET 0) AS k ON true"

extern TimestampTz sk_audit_committed_at(TransactionId xid);
extern void sk_audit_committed_late(Datum shape_ids, TimestampTz at,
									SkReceive receive, void *arg);
extern uint64 sk_audit_committed_keep(void);

#endif							/* SK_AUDIT_COMMITTED_H */
