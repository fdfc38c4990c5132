/*-------------------------------------------------------------------------
 *
 * audit/columns.h
 *	  The columns of a shape, as the log stores them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_COLUMNS_H
#define SK_AUDIT_COLUMNS_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

typedef struct SkAuditShapeColumn
{
	int32		id;				/* the same after a rename */
	AttrNumber	attnum;
	char	   *name;
	char	   *type;
	Oid			type_oid;		/* what it means depends on the database */
	bool		maintained;		/* a change of only this column is no event,
								 * since a feature maintains it */
} SkAuditShapeColumn;

extern List *sk_audit_columns_read(Datum value);
extern Datum sk_audit_columns_write(List *columns);

#endif							/* SK_AUDIT_COLUMNS_H */
