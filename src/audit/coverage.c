/*-------------------------------------------------------------------------
 *
 * audit/coverage.c
 *	  Is every change of a table's rows recorded?
 *
 * It is if the triggers of the table and of all of its partitions are as
 * audit_enable() makes them (attach/coverage.c).  A shape says whether that was so
 * from its time on: audit_shape.covered.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/coverage.h"
#include "audit/shape.h"
#include "base/table.h"

#include "catalog/pg_trigger.h"

const SkTriggerSpec sk_audit_coverage_triggers[] = {
	{
		.function = SK_AUDIT_FUNCTION,
		.timing = TRIGGER_TYPE_AFTER,
		.events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE,
	},
	{
		.function = SK_AUDIT_TRUNCATE_FUNCTION,
		.timing = TRIGGER_TYPE_BEFORE,
		.events = TRIGGER_TYPE_TRUNCATE,
		.for_statement = true,
		.state = "truncate not covered",
	},
	{0}
};

/* Why changes are not recorded, as a sentence; NULL if they are */
static const char *
sentence(Oid relid, const SkCoverage *coverage)
{
	if (coverage->state == NULL)
		return NULL;
	if (strcmp(coverage->state, "disabled trigger") == 0)
		return SK_AUDIT_DISABLED;
	return psprintf("Not all changes of table %s.%s were recorded: %s.",
					sk_table_present_schema(relid), sk_table_present_name(relid),
					coverage->detail);
}

/*
 * Why are not all changes of the table and its partitions recorded?  NULL if they
 * are.
 */
const char *
sk_audit_coverage_gap(Oid root)
{
	SkCoverage	gap;
	Oid			relid = sk_coverage_gap(root, sk_audit_coverage_triggers, &gap);

	return sentence(relid, &gap);
}

/*
 * The same for an event, which cannot look at a thousand partitions: where all were
 * covered before, the event's own and the table are looked at.  What changes another
 * one's triggers is a command, which records that.
 */
const char *
sk_audit_coverage_gap_at_event(Oid root, Oid leaf)
{
	SkAuditShape *last = sk_audit_shape_last_of(root);
	SkCoverage	coverage;

	if (last != NULL && !last->covered)
		return sk_audit_coverage_gap(root);
	coverage = sk_coverage_of(leaf, sk_audit_coverage_triggers);
	if (coverage.state != NULL || leaf == root)
		return sentence(leaf, &coverage);
	coverage = sk_coverage_of(root, sk_audit_coverage_triggers);
	return sentence(root, &coverage);
}
