/*-------------------------------------------------------------------------
 *
 * audit/secret.h
 *	  The key of hashes of masked values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SECRET_H
#define SK_AUDIT_SECRET_H

extern bool sk_audit_secret_exists(void);
extern void sk_audit_secret_make(void);

#endif							/* SK_AUDIT_SECRET_H */
