/*-------------------------------------------------------------------------
 *
 * audit/txn.h
 *	  The current transaction, as the audit log knows it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_TXN_H
#define SK_AUDIT_TXN_H

#include "datatype/timestamp.h"

/* What one event says of its transaction. */
typedef struct SkAuditStamp
{
	int64		txn_id;
	TimestampTz at;
	TimestampTz changed_at;
	int32		n;
	int32		carrier;		/* n of the event that carries who acts; 0: it
								 * does so for itself alone */
} SkAuditStamp;

extern void sk_audit_txn_init(void);
extern bool sk_audit_txn_has_events(void);
extern int64 sk_audit_txn_duration(void);
extern void sk_audit_txn_forget_carrier(void);
extern SkAuditStamp sk_audit_txn_next(bool require_actor, bool alone);
extern void sk_audit_txn_put(const SkAuditStamp *stamp, Datum *values,
							 bool *nulls);

#endif							/* SK_AUDIT_TXN_H */
