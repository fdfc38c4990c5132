/*-------------------------------------------------------------------------
 *
 * audit/convert.h
 *	  Values of a column whose type was another one, in terms of the present one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_CONVERT_H
#define SK_AUDIT_CONVERT_H

#include "audit/undo.h"

extern void sk_audit_convert_examine(SkAuditPast *past, List *shapes);
extern bool sk_audit_convert_is_told(SkAuditPast *past,
									 const SkAuditPastRow *row, int i);
extern Datum sk_audit_convert_value(SkAuditPast *past,
									const SkAuditPastRow *row, int i,
									bool *isnull, ErrorData **error);

#endif							/* SK_AUDIT_CONVERT_H */
