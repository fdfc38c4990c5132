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

extern Oid	sk_audit_live_equality(Oid type);
extern char *sk_audit_live_condition(const SkAuditReader *reader,
									 JsonbValue *key, Oid *types,
									 Datum *values, char *nulls);
extern void sk_audit_live_read(SkAuditPast *past);

#endif							/* SK_AUDIT_LIVE_H */
