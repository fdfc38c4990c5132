/*-------------------------------------------------------------------------
 *
 * audit/coverage.h
 *	  Is every change of a table's rows recorded?
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_COVERAGE_H
#define SK_AUDIT_COVERAGE_H

#include "attach/coverage.h"

#define SK_AUDIT_FUNCTION	"audit"
#define SK_AUDIT_TRUNCATE_FUNCTION	"audit_truncate"

/* Why changes are not recorded */
#define SK_AUDIT_DISABLED	"The trigger was disabled."
#define SK_AUDIT_NO_TRIGGER	"The trigger was dropped."
#define SK_AUDIT_WITHOUT_LOG	"The table was restored without the audit log."

/* The triggers of an audited table. */
extern const SkTriggerSpec sk_audit_coverage_triggers[];

extern const char *sk_audit_coverage_gap(Oid root);
extern const char *sk_audit_coverage_gap_at_event(Oid root, Oid leaf);

#endif							/* SK_AUDIT_COVERAGE_H */
