/*-------------------------------------------------------------------------
 *
 * audit/replication.h
 *	  Where changes come from that replication brings.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_REPLICATION_H
#define SK_AUDIT_REPLICATION_H

#include "base/compat.h"

extern void sk_audit_replication_init(void);
extern char *sk_audit_replication_name(ReplOriginId origin);
extern bool sk_audit_replication_time(Datum *time);

#endif							/* SK_AUDIT_REPLICATION_H */
