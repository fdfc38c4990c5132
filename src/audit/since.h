/*-------------------------------------------------------------------------
 *
 * audit/since.h
 *	  The events since some time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SINCE_H
#define SK_AUDIT_SINCE_H

#include "audit/undo.h"

extern void sk_audit_since_read(SkAuditPast *past);

#endif							/* SK_AUDIT_SINCE_H */
