/*-------------------------------------------------------------------------
 *
 * audit/gap.h
 *	  Rows that commands change, and of which there are no events.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_GAP_H
#define SK_AUDIT_GAP_H

#include "audit/undo.h"

#include "nodes/pg_list.h"
#include "utils/relcache.h"

extern void sk_audit_gap_begin(Oid relid, const char *reason);
extern void sk_audit_gap_end(Oid relid);
extern void sk_audit_gap_moved(Relation parent, Relation child, bool attached);
extern void sk_audit_gap_dropped(Oid relid, const char *schema, const char *name);
extern void sk_audit_gap_retyped(Relation rel, List *columns, bool computed);
extern char *sk_audit_gap_describe(Relation rel);
extern void sk_audit_gap_notice(const SkAuditReader *reader);
extern void sk_audit_gap_check_retention(const SkAuditPast *past);
extern void sk_audit_gap_follow(SkAuditPast *past, const SkAuditShape *then);

#endif							/* SK_AUDIT_GAP_H */
