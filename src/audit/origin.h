/*-------------------------------------------------------------------------
 *
 * audit/origin.h
 *	  Which database this is, and whose events it has besides its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_ORIGIN_H
#define SK_AUDIT_ORIGIN_H

extern int64 sk_audit_origin_cluster(void);
extern void sk_audit_origin_loaded(int64 cluster);
extern bool sk_audit_origin_has_events(int64 cluster);

#endif							/* SK_AUDIT_ORIGIN_H */
