/*-------------------------------------------------------------------------
 *
 * audit/trigger.h
 *	  The triggers of audited tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_TRIGGER_H
#define SK_AUDIT_TRIGGER_H

#include "audit/coverage.h"
#include "audit/options.h"
#include "schemakit.h"

#include "utils/relcache.h"

#define SK_AUDIT_TRIGGER	SK_TRIGGER_PREFIX SK_AUDIT_FUNCTION

extern const Trigger *sk_audit_trigger_find(Relation rel);
extern void sk_audit_trigger_check_columns(Relation rel,
										   const SkAuditOptions *options);
extern void sk_audit_trigger_check_options(Relation rel,
										   const SkAuditOptions *options);
extern void sk_audit_trigger_record(Relation rel, const SkAuditOptions *options);
extern void sk_audit_trigger_attach(Relation rel, const SkAuditOptions *options,
									const char *name, char fires_when,
									List *beginning);

#endif							/* SK_AUDIT_TRIGGER_H */
