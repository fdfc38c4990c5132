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
#include "base/receive.h"

extern bool sk_audit_since_keys(SkAuditPast *past, List *documents, int limit,
								SkReceive receive, void *arg);
extern void sk_audit_since_read(SkAuditPast *past);

#endif							/* SK_AUDIT_SINCE_H */
