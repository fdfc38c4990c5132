/*-------------------------------------------------------------------------
 *
 * audit/shape.h
 *	  What audited tables look like, and looked like.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SHAPE_H
#define SK_AUDIT_SHAPE_H

#include "audit/columns.h"
#include "audit/parents.h"

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef struct SkAuditShape
{
	int32		shape_id;
	int64		rel_id;			/* the table's identity in the log */
	TimestampTz recorded_at;
	int64		cluster;
	Oid			relid;
	char	   *schema_name;
	char	   *table_name;
	Oid			owner;
	char	   *owner_name;
	List	   *key;			/* of C strings; NIL if there is none */
	List	   *columns;		/* of SkAuditShapeColumn */
	Jsonb	   *options;
	bool		covered;		/* are changes recorded? */
	bool		dropped;
	char	   *reason;			/* why not, or what changed rows at that time
								 * without events; NULL: nothing */
	char	   *role;			/* whose command it was */
	char	   *soft_delete;	/* the column that marks rows as deleted, or
								 * NULL */
	SkAuditParents parents;
} SkAuditShape;

extern List *sk_audit_shape_list(int64 rel_id);
extern List *sk_audit_shape_list_inheriting(void);
extern List *sk_audit_shape_list_named(const char *schema, const char *table);
extern SkAuditShape *sk_audit_shape_last_of(Oid relid);
extern SkAuditShapeColumn *sk_audit_shape_column(const SkAuditShape *shape, int32 id);
extern List *sk_audit_shape_key(const SkAuditShape *shape);
extern int32 sk_audit_shape_last_number(List *shapes);
extern void sk_audit_shape_number(SkAuditShape *shape, List *older);
extern int32 sk_audit_shape_record(SkAuditShape *shape);
extern void sk_audit_shape_record_again(SkAuditShape *shape);

#endif							/* SK_AUDIT_SHAPE_H */
