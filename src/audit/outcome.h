/*-------------------------------------------------------------------------
 *
 * audit/outcome.h
 *	  What rows were, when their events have been taken back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_OUTCOME_H
#define SK_AUDIT_OUTCOME_H

#include "audit/undo.h"

extern JsonbValue *sk_audit_outcome_key(const SkAuditPast *past,
										const Datum *values, const bool *nulls);
extern void sk_audit_outcome_of_live(SkAuditPast *past, const char *identity,
									 Datum *values, bool *nulls);
extern void sk_audit_outcome_finish(SkAuditPast *past);

#endif							/* SK_AUDIT_OUTCOME_H */
