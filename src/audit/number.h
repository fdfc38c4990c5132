/*-------------------------------------------------------------------------
 *
 * audit/number.h
 *	  Numbers of shapes in the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_NUMBER_H
#define SK_AUDIT_NUMBER_H

extern int32 sk_audit_number_shape(void);

#endif							/* SK_AUDIT_NUMBER_H */
