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

extern void sk_audit_as_of_rows(SkAuditPast *past, Oid relid, TimestampTz at,
								const Jsonb *key, ReturnSetInfo *rsinfo);

#endif							/* SK_AUDIT_AS_OF_H */
