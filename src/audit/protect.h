/*-------------------------------------------------------------------------
 *
 * audit/protect.h
 *	  The audit log is append-only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_PROTECT_H
#define SK_AUDIT_PROTECT_H

#include "nodes/nodes.h"

/* Our own maintenance, in this very call, may change it. */
extern bool sk_audit_protect_off;

extern bool sk_audit_protect_may_load(void);
extern void sk_audit_protect_refuse(const char *table);
extern void sk_audit_protect_uninstall(void);

#endif							/* SK_AUDIT_PROTECT_H */
