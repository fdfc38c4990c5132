/*-------------------------------------------------------------------------
 *
 * audit/shape.h
 *	  What audited tables look like, and looked like.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SHAPE_H
#define SK_AUDIT_SHAPE_H

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef struct SkAuditShapeColumn
{
	int32		id;				/* the same after a rename */
	AttrNumber	attnum;
	char	   *name;
	char	   *type;
} SkAuditShapeColumn;

typedef struct SkAuditShape
{
	int32		shape_id;
	int64		rel_id;			/* the table's identity in the log */
	TimestampTz recorded_at;
	int64		cluster;
	Oid			relid;
	char	   *schema_name;
	char	   *table_name;
	List	   *key;			/* of C strings; NIL if there is none */
	List	   *columns;		/* of SkAuditShapeColumn */
	Jsonb	   *options;
	bool		covered;		/* are changes recorded? */
	char	   *soft_delete;	/* the column that marks rows as deleted, or
								 * NULL */
} SkAuditShape;

/* Counts the transactions whose shapes are gone because they aborted. */
extern uint64 sk_audit_shape_aborts;

extern void sk_audit_shape_init(void);
extern int64 sk_audit_shape_cluster(void);
extern List *sk_audit_shape_list(int64 rel_id);
extern int64 sk_audit_shape_find(const char *schema, const char *table);
extern bool sk_audit_shape_is_of(int64 rel_id, Oid relid);
extern bool sk_audit_shape_is_known(int64 rel_id);
extern void sk_audit_shape_number(SkAuditShape *shape, List *older);
extern int32 sk_audit_shape_record(SkAuditShape *shape);
extern void sk_audit_shape_record_gap(Oid relid);

#endif							/* SK_AUDIT_SHAPE_H */
