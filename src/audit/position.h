/*-------------------------------------------------------------------------
 *
 * audit/position.h
 *	  Positions of audit_changes().
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_POSITION_H
#define SK_AUDIT_POSITION_H

extern Datum sk_audit_position_snapshot(const char *text);
extern int64 sk_audit_position_oldest(Datum snapshot);
extern char *sk_audit_position_prefix(void);

#endif							/* SK_AUDIT_POSITION_H */
