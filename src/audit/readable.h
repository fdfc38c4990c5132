/*-------------------------------------------------------------------------
 *
 * audit/readable.h
 *	  Who may read the history of a table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_READABLE_H
#define SK_AUDIT_READABLE_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

/*
 * The columns of schemakit.audit_log AS l, in their order, with what only those see
 * who read the whole log.  "all" is a parameter, such as "$4": the value of
 * sk_audit_readable_all().
 */
#define SK_AUDIT_READABLE_COLUMNS(all) \
	"l.changed_at, l.actor, l.role, l.table_name, l.op, l.key, l.changed, l.old, l.new," \
	" l.soft_delete, l.context, l.application, l.session_role," \
	" CASE WHEN " all " THEN l.client END AS client," \
	" CASE WHEN " all " THEN l.query END AS query," \
	" l.origin, l.at, l.pid, l.xid, l.txn_id, l.command, l.n, l.rel_id, l.shape_id, l.key_hash"

extern bool sk_audit_readable_all(void);
extern void sk_audit_readable_check_all(void);
extern void sk_audit_readable_check_policies(Oid relid);
extern bool sk_audit_readable_has_policies(Oid relid, Oid role);
extern void sk_audit_readable_check(Oid relid);
extern void sk_audit_readable_check_shapes(Relation rel, List *shapes);
extern void sk_audit_readable_check_gone(List *shapes);

#endif							/* SK_AUDIT_READABLE_H */
