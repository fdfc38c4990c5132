/*-------------------------------------------------------------------------
 *
 * audit/live.h
 *	  The rows that there are now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_LIVE_H
#define SK_AUDIT_LIVE_H

#include "audit/undo.h"

/* A row that there is now */
typedef void (*SkAuditLive) (SkAuditPast *past, Datum *values, bool *nulls);
typedef void (*SkAuditLiveReceive) (void *arg, Datum *values, bool *nulls);

extern Oid	sk_audit_live_equality(Oid type);
extern char *sk_audit_live_condition(const SkAuditReader *reader,
									 JsonbValue *key, Oid *types,
									 Datum *values, char *nulls);
extern void sk_audit_live_each(SkAuditPast *past, SkAuditLive each,
							   void (*finish) (SkAuditPast *past));
extern void sk_audit_live_matching(SkAuditPast *past, int limit,
								   SkAuditLiveReceive receive, void *arg);
extern void sk_audit_live_read(SkAuditPast *past);

#endif							/* SK_AUDIT_LIVE_H */
