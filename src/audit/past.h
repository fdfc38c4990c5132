/*-------------------------------------------------------------------------
 *
 * audit/past.h
 *	  A row as it was, put into the result.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_PAST_H
#define SK_AUDIT_PAST_H

#include "audit/undo.h"

extern void sk_audit_past_encode(const SkAuditPast *past, int i, Datum value,
								 bool isnull, JsonbValue *out);
extern char *sk_audit_past_key_now(const SkAuditPast *past, const Datum *values,
								   const bool *nulls);
extern void sk_audit_past_map(SkAuditPast *past, const SkAuditPast *parent);
extern void sk_audit_past_tell(const SkAuditPast *past);
extern void sk_audit_past_put(SkAuditPast *past, const SkAuditPastRow *row,
							  Datum *values, bool *nulls);

#endif							/* SK_AUDIT_PAST_H */
