/*-------------------------------------------------------------------------
 *
 * audit/position.h
 *	  Positions of audit_changes().
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_POSITION_H
#define SK_AUDIT_POSITION_H

/* What has been returned, of this database, or in the middle of the whole log */
typedef struct SkAuditPosition
{
	Datum		snapshot;
	int			database;		/* whose transactions the snapshot is about */
	bool		is_inside;		/* no other transactions of it are included */
} SkAuditPosition;

/* Transaction IDs */
typedef struct SkAuditXids
{
	uint64	   *xids;
	int			count;
	int			size;
} SkAuditXids;

extern SkAuditPosition *sk_audit_position_read(const char *text);
extern uint64 sk_audit_position_oldest(const SkAuditPosition *position);
extern uint64 sk_audit_position_end(const SkAuditPosition *position);
extern bool sk_audit_position_includes(const SkAuditPosition *position, uint64 xid);
extern char *sk_audit_position_now(void);
extern char *sk_audit_position_prefix(void);
extern void sk_audit_position_add(SkAuditXids *xids, uint64 xid);
extern void sk_audit_position_add_running(SkAuditXids *xids, const char *snapshot,
										  uint64 below, const SkAuditXids *but);
extern uint64 sk_audit_position_sort(SkAuditXids *xids);
extern char *sk_audit_position_write(SkAuditXids *xids, uint64 xmax);

#endif							/* SK_AUDIT_POSITION_H */
