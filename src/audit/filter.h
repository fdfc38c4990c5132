/*-------------------------------------------------------------------------
 *
 * audit/filter.h
 *	  Rows whose columns had given values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_FILTER_H
#define SK_AUDIT_FILTER_H

#include "audit/undo.h"

/* A column, and the value that it must have had */
typedef struct SkAuditFilterColumn
{
	AttrNumber	attnum;
	Datum		value;
	bool		isnull;
	JsonbValue	encoded;		/* as the log has it */
} SkAuditFilterColumn;

typedef struct SkAuditFilter
{
	int			ncolumns;
	SkAuditFilterColumn *columns;
} SkAuditFilter;

extern bool sk_audit_filter_is_key(const SkAuditReader *reader,
								   const Jsonb *given);
extern SkAuditFilter *sk_audit_filter_read(const SkAuditPast *past,
										   const Jsonb *given);
extern bool sk_audit_filter_has(const SkAuditPast *past, int i);
extern bool sk_audit_filter_allows(const SkAuditPast *past, int i, Datum value,
								   bool isnull);

#endif							/* SK_AUDIT_FILTER_H */
