/*-------------------------------------------------------------------------
 *
 * audit/origin.h
 *	  Which database this is, and whose events it has besides its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_ORIGIN_H
#define SK_AUDIT_ORIGIN_H

#include "access/transam.h"

/* The transaction ID in the number of a transaction, as an expression in SQL */
#define SK_AUDIT_ORIGIN_XID(number) \
	"(" number " OPERATOR(pg_catalog.&) 281474976710655)::pg_catalog.text::pg_catalog.xid8"

extern int64 sk_audit_origin_cluster(void);
extern int	sk_audit_origin_number(int64 cluster);
extern int	sk_audit_origin_database(void);
extern int64 sk_audit_origin_txn(FullTransactionId xid);
extern int64 sk_audit_origin_first(int database);
extern uint64 sk_audit_origin_xid_of(int64 txn_id);
extern void sk_audit_origin_loaded(int64 cluster);
extern bool sk_audit_origin_is_loaded(int number);
extern int	sk_audit_origin_of(int64 txn_id);
extern bool sk_audit_origin_has_events(int64 cluster);

#endif							/* SK_AUDIT_ORIGIN_H */
