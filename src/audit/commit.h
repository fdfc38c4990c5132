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

/*
 * A transaction without commit event has an event at most so long after its start, in
 * microseconds: who looks for those of a time needs to look no further back.
 */
#define SK_AUDIT_COMMIT_SOON	INT64CONST(1000000)

extern void sk_audit_commit_init(void);
extern bool sk_audit_commit_count(void);

#endif							/* SK_AUDIT_COMMIT_H */
