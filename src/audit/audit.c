/*-------------------------------------------------------------------------
 *
 * audit/audit.c
 *	  The feature "audit", as rules and DDL see it: what commands on an audited
 *	  table mean for its triggers and its history.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/audit.h"
#include "attach/attach.h"
#include "attach/truncate_trigger.h"
#include "audit/adopt.h"
#include "audit/ddl.h"
#include "audit/gap.h"
#include "audit/granted.h"
#include "audit/identity.h"
#include "audit/key.h"
#include "audit/options.h"
#include "audit/partition.h"
#include "audit/protect.h"
#include "audit/secret.h"
#include "audit/shape.h"
#include "audit/table.h"
#include "audit/trigger.h"
#include "audit/watch.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/restore.h"
#include "base/tuple.h"

#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* Why changes are not recorded */
#define WRONG_ARGUMENT	"The argument of the trigger is not valid."

/* New tables only: one that gets a column was known before. */
static bool
audit_wants(Relation rel, const Jsonb *options, const SkGain *gain)
{
	return gain == NULL;
}

/*
 * A rule is for many tables, so it may name columns that this one lacks:
 * if it gets them, they are masked or excluded from the start.
 */
static void
audit_attach(Relation rel, const Jsonb *options, char fires_when)
{
	SkAuditOptions *parsed = sk_audit_options_parse(options);

	sk_audit_adopt_restored();
	sk_audit_trigger_check_options(rel, parsed);
	if (parsed->mask_hash != NIL)
		sk_audit_secret_make();
	if (parsed->replica && fires_when == TRIGGER_FIRES_ON_ORIGIN)
		fires_when = TRIGGER_FIRES_ALWAYS;
	sk_audit_trigger_attach(rel, parsed, SK_AUDIT_TRIGGER, fires_when, NIL);
}

/*
 * Options follow columns that are renamed.  They keep the name of one that is
 * dropped: if it is added again, it is masked from its first row on.
 */
static bool
audit_column_changed(Relation rel, const Trigger *trigger,
					 const char *from, const char *to)
{
	SkAuditOptions *options = to ? sk_audit_options_of(trigger) : NULL;

	if (to != NULL && sk_audit_options_rename(options, from, to))
		sk_attach_set_argument(rel, trigger, sk_audit_options_text(options));
	return true;
}

/*
 * What one partition does not record, the table does not.  Others may be in the
 * middle of a change of their own, which will be told of.
 */
static void
record_partition(Oid relid, Oid root)
{
	const char *gap = sk_audit_coverage_gap(relid);

	if (gap != NULL)
		sk_audit_gap_begin(root, gap);
	else if (sk_audit_coverage_gap(root) == NULL)
		sk_audit_gap_end(root);
}

/*
 * A partition gets a TRUNCATE trigger of its own; a dump brings the one that it
 * had.
 */
static void
partition_altered(Relation rel, const Trigger *trigger)
{
	if (sk_coverage_fires(trigger) && sk_truncate_trigger_can_truncate(rel) &&
		!sk_restore_is_running() &&
		sk_attach_find(rel, sk_attach_function(SK_AUDIT_TRUNCATE_FUNCTION)) == NULL)
		sk_truncate_trigger_one(rel, SK_AUDIT_TRUNCATE_FUNCTION, trigger->tgenabled);
	CommandCounterIncrement();
	record_partition(RelationGetRelid(rel), sk_attach_origin(trigger->tgoid));
}

/* Record the new shape, but for a table whose shapes a dump brings. */
static void
table_altered(Relation rel, const Trigger *trigger)
{
	SkAuditOptions *options = sk_audit_options_try(trigger);

	if (options == NULL)
		sk_audit_gap_begin(RelationGetRelid(rel), WRONG_ARGUMENT);
	else if (!sk_restore_is_running() || sk_audit_identity_is_bound(rel))
		sk_audit_trigger_record(rel, options);
	else
		sk_audit_adopt_later();
}

static void
audit_altered(Relation rel, bool detached)
{
	const Trigger *trigger = sk_audit_trigger_find(rel);

	if (trigger == NULL)
		sk_audit_gap_begin(RelationGetRelid(rel), SK_AUDIT_NO_TRIGGER);
	else if (trigger->tgisclone)
		partition_altered(rel, trigger);
	else
		table_altered(rel, trigger);
}

/* Names of columns that are hidden if the table gets them */
static void
append_missing(StringInfo buf, Relation rel, const SkAuditOptions *options)
{
	int			count = 0;
	ListCell   *lc;

	foreach(lc, sk_audit_options_hidden(options))
	{
		if (sk_tuple_column(RelationGetDescr(rel), lfirst(lc)) == InvalidAttrNumber)
			appendStringInfo(buf, "%s%s", count++ ? ", " : "; no such column now: ",
							 quote_identifier(lfirst(lc)));
	}
}

static void
append_gap(StringInfo buf, Relation rel)
{
	char	   *gap = sk_audit_gap_describe(rel);

	if (gap != NULL)
		appendStringInfo(buf, "%s%s", buf->len ? "; " : "", gap);
}

/* What status() tells of a trigger that works: what differs from defaults */
static char *
describe(Relation rel, const Trigger *trigger, const SkAuditOptions *options)
{
	StringInfoData buf;
	char	   *text = sk_audit_options_text(options);

	initStringInfo(&buf);
	if (strcmp(text, "{}") != 0)
		appendStringInfoString(&buf, text);
	append_missing(&buf, rel, options);
	if (sk_coverage_fires(trigger) || sk_audit_identity_find(rel) != 0)
		append_gap(&buf, rel);
	if (trigger->tgenabled == TRIGGER_FIRES_ALWAYS)
		appendStringInfo(&buf, "%salso in replica mode", buf.len ? "; " : "");
	return buf.len > 0 ? buf.data : NULL;
}

static bool
had_key(Relation rel)
{
	ListCell   *lc;

	foreach(lc, sk_audit_shape_list(sk_audit_identity_find(rel)))
	{
		if (((SkAuditShape *) lfirst(lc))->key != NIL)
			return true;
	}
	return false;
}

static char *
append_detail(const char *detail, const char *more)
{
	return detail ? psprintf("%s; %s", detail, more) : pstrdup(more);
}

static const char *
audit_fault(Relation rel, const Trigger *trigger, char **detail)
{
	SkAuditOptions *options = sk_audit_options_try(trigger);

	if (options == NULL)
		return "wrong argument";
	*detail = describe(rel, trigger, options);
	if (sk_audit_key_of(rel, options) == NIL && had_key(rel) &&
		sk_coverage_of(RelationGetRelid(rel), sk_audit_coverage_triggers).state == NULL)
	{
		*detail = append_detail(*detail, "audit_history() does not find its rows");
		return "key gone";
	}
	if (options->mask_hash != NIL && !sk_audit_secret_exists())
	{
		*detail = append_detail(*detail, "masked values are stored as null until audit_enable() is called with the mask");
		return "no key for hashes";
	}
	return NULL;
}

/* The triggers as they should be, with the options that the table has */
static bool
audit_repair(Relation rel, const Trigger *trigger)
{
	SkAuditOptions *options = sk_audit_options_try(trigger);

	if (options == NULL)
		return false;
	sk_audit_trigger_attach(rel, options, trigger->tgname, trigger->tgenabled, NIL);
	return true;
}

/* The log knows the table, which has no trigger any more, or was restored without. */
static char *
audit_lost(Relation rel)
{
	if (!sk_audit_identity_is_bound(rel) && !sk_audit_identity_is_restored(rel))
		return NULL;
	return pstrdup("the table was audited; audit_enable() starts again");
}

static void
forget_owned(void *arg)
{
	sk_audit_granted_forget_owned(arg);
}

/* It must not fail if the rights cannot be revoked. */
static void
before_drop_owned(const Node *stmt)
{
	ErrorData  *failure = sk_guard_try(forget_owned, unconstify(Node *, stmt),
									   sk_guard_is_failure);

	if (failure != NULL)
		ereport(WARNING,
				(errcode(failure->sqlerrcode),
				 errmsg("could not revoke rights to read the audit history of tables: %s",
						failure->message)));
}

/* What a dump says of our tables is carried out by commands while it is loaded. */
static void
before_command(const Node *stmt)
{
	if (!sk_audit_protect_off)
		sk_audit_adopt_restored();
	if (IsA(stmt, DropOwnedStmt))
		before_drop_owned(stmt);
}

static const SkOwnTables own_tables = {
	.granted = sk_audit_partition_granted,
	.check_command = sk_audit_ddl_check,
	.before_command = before_command,
	.troubles = sk_audit_watch_troubles,
};

const SkFeature sk_feature_audit = {
	.name = "audit",
	.function = SK_AUDIT_FUNCTION,
	.triggers = sk_audit_coverage_triggers,
	.automatic = &sk_guc_audit_auto,
	.inherited = true,
	.check_options = sk_audit_options_check,
	.wants = audit_wants,
	.attach = audit_attach,
	.repair = audit_repair,
	.lost = audit_lost,
	.column_changed = audit_column_changed,
	.altered = audit_altered,
	.moved = sk_audit_gap_moved,
	.retyped = sk_audit_gap_retyped,
	.dropped = sk_audit_gap_dropped,
	.fault = audit_fault,
	.own = &own_tables,
	.uninstall = sk_audit_protect_uninstall,
};
