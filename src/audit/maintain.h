/*-------------------------------------------------------------------------
 *
 * audit/maintain.h
 *	  Maintenance of the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_MAINTAIN_H
#define SK_AUDIT_MAINTAIN_H

extern void sk_audit_maintain_ensure(void);

#endif							/* SK_AUDIT_MAINTAIN_H */
