/*-------------------------------------------------------------------------
 *
 * audit/parents.h
 *	  The audited tables from which a table inherits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_PARENTS_H
#define SK_AUDIT_PARENTS_H

/* Their identities in the log, in the order in which they are inherited from */
typedef struct SkAuditParents
{
	int			count;
	int64	   *ids;
} SkAuditParents;

extern SkAuditParents sk_audit_parents_empty(int capacity);
extern SkAuditParents sk_audit_parents_read(Datum array);
extern Datum sk_audit_parents_as_array(const SkAuditParents *parents);
extern bool sk_audit_parents_are_same(const SkAuditParents *a,
									  const SkAuditParents *b);
extern bool sk_audit_parents_have(const SkAuditParents *parents, int64 rel_id);

#endif							/* SK_AUDIT_PARENTS_H */
