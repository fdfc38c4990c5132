/*-------------------------------------------------------------------------
 *
 * audit/merge.h
 *	  Events and the rows that there are now, brought together by the server's sort.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_MERGE_H
#define SK_AUDIT_MERGE_H

#include "audit/undo.h"

#include "executor/tuptable.h"

/* An event as it is in the log; documents are stored values, or 0 */
typedef struct SkAuditMergeEvent
{
	int64		key_hash;
	TimestampTz changed_at;
	int64		txn_id;
	int32		command;
	int32		n;
	int32		shape_id;
	char		op;
	Datum		key;
	Datum		old;
	Datum		new;
} SkAuditMergeEvent;

extern void sk_audit_merge_begin(SkAuditPast *past);
extern void sk_audit_merge_event(SkAuditPast *past, const SkAuditMergeEvent *event);
extern void sk_audit_merge_live(SkAuditPast *past, Datum *values, bool *nulls);
extern void sk_audit_merge_end(SkAuditPast *past);

#endif							/* SK_AUDIT_MERGE_H */
