/*-------------------------------------------------------------------------
 *
 * audit/as_of.h
 *	  A table as it was.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_AS_OF_H
#define SK_AUDIT_AS_OF_H

#include "audit/undo.h"

extern char *sk_audit_as_of_condition(const SkAuditReader *reader,
									  JsonbValue *key, Oid *types,
									  Datum *values, char *nulls);
extern Oid	sk_audit_as_of_equality(Oid type);
extern void sk_audit_as_of_rows(SkAuditPast *past, Oid relid, TimestampTz at,
								const Jsonb *key, ReturnSetInfo *rsinfo);

#endif							/* SK_AUDIT_AS_OF_H */
