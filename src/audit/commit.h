/*-------------------------------------------------------------------------
 *
 * audit/commit.h
 *	  The last event of a transaction, which says when it was committed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_COMMIT_H
#define SK_AUDIT_COMMIT_H

#define SK_AUDIT_COMMIT		'C'

extern void sk_audit_commit_init(void);
extern bool sk_audit_commit_count(void);

#endif							/* SK_AUDIT_COMMIT_H */
