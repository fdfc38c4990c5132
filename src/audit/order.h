/*-------------------------------------------------------------------------
 *
 * audit/order.h
 *	  The order of the events of one row within a transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_ORDER_H
#define SK_AUDIT_ORDER_H

#include "datatype/timestamp.h"

typedef struct SkAuditPlace
{
	bool		adds;			/* does the event make a row with the key? */
	CommandId	command;		/* that changed the row */
	CommandId	again;			/* that changed it after this, if it is known */
	TimestampTz changed_at;
} SkAuditPlace;

extern void sk_audit_order_place(SkAuditPlace *place, int64 rel_id,
								 const uint64 *key_hash, int64 txn_id,
								 TimestampTz at);

#endif							/* SK_AUDIT_ORDER_H */
