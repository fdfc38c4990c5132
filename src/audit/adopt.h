/*-------------------------------------------------------------------------
 *
 * audit/adopt.h
 *	  Tables that a dump has brought.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_ADOPT_H
#define SK_AUDIT_ADOPT_H

extern void sk_audit_adopt_init(void);
extern void sk_audit_adopt_restored(void);
extern void sk_audit_adopt_later(void);

#endif							/* SK_AUDIT_ADOPT_H */
