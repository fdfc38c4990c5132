/*-------------------------------------------------------------------------
 *
 * audit/expire.h
 *	  Events that are no longer kept, removed one by one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_EXPIRE_H
#define SK_AUDIT_EXPIRE_H

#include "audit/keep.h"

/* How many rows a partition has lost. */
typedef struct SkAuditExpired
{
	Oid			partition;
	int64		rows;
} SkAuditExpired;

extern bool sk_audit_expire_has_kept(const SkAuditKeep *keep, Oid partition);
extern List *sk_audit_expire_events(const SkAuditKeep *keep, TimestampTz before,
									List *partitions,
									int64 max_rows, bool *more);

#endif							/* SK_AUDIT_EXPIRE_H */
