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

#include "fmgr.h"

extern void sk_audit_as_of_refuse_type(const char *function, const char *table);
extern Oid	sk_audit_as_of_table(FunctionCallInfo fcinfo, const char *function);
extern void sk_audit_as_of_open(SkAuditPast *past, Oid relid, TimestampTz at,
								ReturnSetInfo *rsinfo);
extern void sk_audit_as_of_rows(SkAuditPast *past, Oid relid, TimestampTz at,
								const Jsonb *key, ReturnSetInfo *rsinfo);

#endif							/* SK_AUDIT_AS_OF_H */
