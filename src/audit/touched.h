/*-------------------------------------------------------------------------
 *
 * audit/touched.h
 *	  Times of the last change, which change without events.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_TOUCHED_H
#define SK_AUDIT_TOUCHED_H

#include "audit/undo.h"

extern void sk_audit_touched_examine(SkAuditPast *past, List *shapes);
extern bool sk_audit_touched_withholds(SkAuditPast *past, int i, Datum value);
extern void sk_audit_touched_tell(const SkAuditPast *past);

#endif							/* SK_AUDIT_TOUCHED_H */
