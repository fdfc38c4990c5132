/*-------------------------------------------------------------------------
 *
 * audit/number.h
 *	  Numbers of transactions and shapes in the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_NUMBER_H
#define SK_AUDIT_NUMBER_H

extern void sk_audit_number_init(void);
extern int64 sk_audit_number_txn(void);
extern int32 sk_audit_number_shape(void);

#endif							/* SK_AUDIT_NUMBER_H */
