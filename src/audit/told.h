/*-------------------------------------------------------------------------
 *
 * audit/told.h
 *	  Of which times, and which columns, the log tells what a table was.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_TOLD_H
#define SK_AUDIT_TOLD_H

#include "audit/undo.h"

extern void sk_audit_told_examine(SkAuditPast *past);
extern TimestampTz sk_audit_told_since(const SkAuditReader *reader);

#endif							/* SK_AUDIT_TOLD_H */
