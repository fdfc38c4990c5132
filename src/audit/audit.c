/*-------------------------------------------------------------------------
 *
 * audit/audit.c
 *	  The feature "audit": the triggers that record every change of a table's
 *	  rows, and the functions that put them there.
 *
 * The row trigger is AFTER INSERT, UPDATE or DELETE, and partitions have clones
 * of it.  TRUNCATE triggers are for statements, which are not cloned: each
 * partition gets its own.  The row trigger's argument has the options; see
 * audit/options.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/audit.h"
#include "attach/attach.h"
#include "attach/truncate_trigger.h"
#include "audit/capture.h"
#include "audit/coverage.h"
#include "audit/identity.h"
#include "audit/key.h"
#include "audit/log.h"
#include "audit/maintain.h"
#include "audit/options.h"
#include "audit/protect.h"
#include "audit/shape.h"
#include "audit/table.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/restore.h"
#include "base/spi.h"
#include "base/table.h"
#include "base/tuple.h"
#include "schemakit.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define AUDIT_TRIGGER		SK_TRIGGER_PREFIX SK_AUDIT_FUNCTION

/* Why changes are not recorded */
#define NO_TRIGGER		"The trigger was dropped."
#define WRONG_ARGUMENT	"The argument of the trigger is not valid."


/*-------------------------------------------------------------------------
 * Options and the table
 *-------------------------------------------------------------------------
 */

static void
check_names(Relation rel, List *names, const char *option)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (sk_tuple_column(RelationGetDescr(rel), lfirst(lc)) == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							(char *) lfirst(lc), RelationGetRelationName(rel)),
					 errhint("Option \"%s\" names columns of the table.", option)));
	}
}

static void
check_not_in_key(List *names, List *key, const char *option)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (sk_audit_options_has(key, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"%s\" cannot name column \"%s\", which is part of the key",
							option, (char *) lfirst(lc)),
					 errhint("The audit log finds events by the key.  Choose other columns with option \"key\".")));
	}
}

/* An error that tells which of the columns that options name is missing */
static void
check_columns(Relation rel, const SkAuditOptions *options)
{
	check_names(rel, options->exclude, "exclude");
	check_names(rel, options->ignore, "ignore");
	check_names(rel, options->mask_null, "mask");
	check_names(rel, options->mask_hash, "mask");
	check_names(rel, options->key, "key");
}

/* Errors that tell what of the options does not suit the table. */
static void
check_options(Relation rel, const SkAuditOptions *options)
{
	SkAuditOptions plain = {.key = options->key};
	List	   *key = sk_audit_key_of(rel, &plain);

	check_not_in_key(options->exclude, key, "exclude");
	check_not_in_key(options->mask_null, key, "mask");
	check_not_in_key(options->mask_hash, key, "mask");
	if (options->capture == SK_AUDIT_KEYS && key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no key to capture",
						RelationGetRelationName(rel)),
				 errhint("Add a primary key, or name columns with option \"key\".")));
}

static const Trigger *
find_trigger(Relation rel)
{
	return sk_attach_find(rel, sk_attach_function(SK_AUDIT_FUNCTION));
}

/* Make the key of mask "hash", unless there is one. */
static void
make_secret(void)
{
	(void) sk_audit_log_as_owner("INSERT INTO schemakit.audit_secret (key)"
								 " SELECT pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())"
								 " OPERATOR(pg_catalog.||) pg_catalog.uuid_send(pg_catalog.gen_random_uuid()))"
								 " WHERE NOT EXISTS (SELECT FROM schemakit.audit_secret)");
}


/*-------------------------------------------------------------------------
 * Triggers
 *-------------------------------------------------------------------------
 */

static void
create_row_trigger(Relation rel, const char *name,
				   const SkAuditOptions *options, char fires_when)
{
	SkTriggerDef def = {
		.name = name,
		.function = sk_attach_function(SK_AUDIT_FUNCTION),
		.timing = TRIGGER_TYPE_AFTER,
		.events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE,
		.args = list_make1(sk_audit_options_text(options)),
		.fires_when = fires_when,
	};

	sk_attach_create(rel, &def);
}

/* Record what the table looks like, and what its triggers do. */
static void
record(Relation rel, const SkAuditOptions *options)
{
	(void) sk_audit_table_record(rel, sk_audit_identity_make(rel), options,
								 sk_audit_coverage_gap(RelationGetRelid(rel)));
}

/* Attach with these options, which suit the table. */
static void
attach(Relation rel, const SkAuditOptions *options, const char *name,
	   char fires_when)
{
	const char *gap = sk_audit_coverage_gap(RelationGetRelid(rel));

	if (gap != NULL)
		sk_audit_shape_record_gap(RelationGetRelid(rel),
								  find_trigger(rel) == NULL ? NO_TRIGGER : gap);
	create_row_trigger(rel, name, options, fires_when);
	sk_truncate_trigger_all(rel, SK_AUDIT_TRUNCATE_FUNCTION, fires_when);
	CommandCounterIncrement();
	record(rel, options);
	CommandCounterIncrement();	/* a baseline looks for it */
}


/*-------------------------------------------------------------------------
 * The feature, as rules and DDL see it
 *-------------------------------------------------------------------------
 */

/* New tables only: one that gets a column was known before. */
static bool
audit_wants(Relation rel, const Jsonb *options, List *added)
{
	return added == NIL;
}

/*
 * A rule is for many tables, so it may name columns that this one lacks:
 * if it gets them, they are masked or excluded from the start.
 */
static void
audit_attach(Relation rel, const Jsonb *options, char fires_when)
{
	SkAuditOptions *parsed = sk_audit_options_parse(options);

	check_options(rel, parsed);
	if (parsed->mask_hash != NIL)
		make_secret();
	if (parsed->replica && fires_when == TRIGGER_FIRES_ON_ORIGIN)
		fires_when = TRIGGER_FIRES_ALWAYS;
	attach(rel, parsed, AUDIT_TRIGGER, fires_when);
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
		sk_audit_shape_record_gap(root, gap);
	else if (sk_audit_coverage_gap(root) == NULL)
		sk_audit_shape_record_end_of_gap(root);
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
		sk_audit_shape_record_gap(RelationGetRelid(rel), WRONG_ARGUMENT);
	else if (!sk_restore_is_running() || sk_audit_identity_is_bound(rel))
		record(rel, options);
}

static void
audit_altered(Relation rel, bool detached)
{
	const Trigger *trigger = find_trigger(rel);

	if (trigger == NULL)
		sk_audit_shape_record_gap(RelationGetRelid(rel), NO_TRIGGER);
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
	return NULL;
}

/* The triggers as they should be, with the options that the table has */
static bool
audit_repair(Relation rel, const Trigger *trigger)
{
	SkAuditOptions *options = sk_audit_options_try(trigger);

	if (options == NULL)
		return false;
	attach(rel, options, trigger->tgname, trigger->tgenabled);
	return true;
}

/* The log knows the table, which has no trigger any more. */
static char *
audit_lost(Relation rel)
{
	if (!sk_audit_identity_is_bound(rel))
		return NULL;
	return pstrdup("the table was audited; audit_enable() starts again");
}

const SkFeature sk_feature_audit = {
	.name = "audit",
	.function = SK_AUDIT_FUNCTION,
	.triggers = sk_audit_coverage_triggers,
	.automatic = &sk_guc_audit_auto,
	.check_options = sk_audit_options_check,
	.wants = audit_wants,
	.attach = audit_attach,
	.repair = audit_repair,
	.lost = audit_lost,
	.column_changed = audit_column_changed,
	.altered = audit_altered,
	.dropped = sk_audit_shape_record_drop,
	.fault = audit_fault,
	.uninstall = sk_audit_protect_uninstall,
};


/*-------------------------------------------------------------------------
 * By hand
 *-------------------------------------------------------------------------
 */

static void
refuse_clone(Relation rel, const Trigger *trigger)
{
	if (trigger != NULL && trigger->tgisclone)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("trigger \"%s\" of partition \"%s\" belongs to its parent",
						trigger->tgname, RelationGetRelationName(rel)),
				 errhint("Name the partitioned table instead.")));
}

static bool
is_as_wanted(Relation rel, const Trigger *trigger, SkAuditOptions *options,
			 char fires_when)
{
	const Trigger *truncate = sk_attach_find(rel, sk_attach_function(SK_AUDIT_TRUNCATE_FUNCTION));

	return trigger->tgenabled == fires_when &&
		truncate != NULL && truncate->tgenabled == fires_when &&
		sk_audit_coverage_gap(RelationGetRelid(rel)) == NULL &&
		sk_audit_identity_is_bound(rel) &&
		strcmp(trigger->tgargs[0], sk_audit_options_text(options)) == 0;
}

/* Tell of options that the table had and that this call does not name. */
static void
tell_of_reset(Relation rel, const SkAuditOptions *before,
			  const SkAuditOptions *after)
{
	List	   *names = sk_audit_options_missing(before, after);
	StringInfoData buf;
	ListCell   *lc;

	if (names == NIL)
		return;
	initStringInfo(&buf);
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s", buf.len ? ", " : "", (char *) lfirst(lc));
	ereport(NOTICE,
			(errmsg("options of table \"%s\" are reset to their defaults: %s",
					RelationGetRelationName(rel), buf.data),
			 errhint("Each call of audit_enable() sets all options: name those that the table is to keep.")));
}

/*
 * schemakit.audit_enable(rel regclass, capture text, exclude name[],
 *						  ignore name[], mask jsonb, key name[],
 *						  truncate_rows boolean, require_actor boolean,
 *						  baseline boolean, replica boolean)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_enable);
Datum
schemakit_audit_enable(PG_FUNCTION_ARGS)
{
	SkAuditOptions *options = sk_audit_options_from_args(fcinfo);
	char		fires_when;
	Relation	rel;
	const Trigger *trigger;

	PreventCommandIfReadOnly("audit_enable()");
	rel = sk_table_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	trigger = find_trigger(rel);
	refuse_clone(rel, trigger);
	check_columns(rel, options);
	check_options(rel, options);
	fires_when = PG_GETARG_BOOL(9) ? TRIGGER_FIRES_ALWAYS
		: TRIGGER_FIRES_ON_ORIGIN;
	if (trigger != NULL)
		tell_of_reset(rel, sk_audit_options_of(trigger), options);
	sk_audit_maintain_ensure();
	if (options->mask_hash != NIL)
		make_secret();
	if (trigger == NULL || !is_as_wanted(rel, trigger, options, fires_when))
		attach(rel, options, trigger ? trigger->tgname : AUDIT_TRIGGER,
			   fires_when);
	if (sk_audit_key_of(rel, options) == NIL)
		ereport(NOTICE,
				(errmsg("table \"%s\" has no key that identifies its rows",
						RelationGetRelationName(rel)),
				 errdetail("Its changes are recorded, but audit_history() and audit_as_of() with a key cannot be used."),
				 errhint("Add a primary key, or name the columns with key => '{...}'.")));
	if (PG_GETARG_BOOL(8))
		sk_audit_capture_baseline(rel);
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}

/* ALTER TABLE ... DISABLE TRIGGER for all triggers on our functions */
static void
disable_triggers(const char *table, List *triggers)
{
	ListCell   *lc;

	foreach(lc, triggers)
	{
		const Trigger *trigger = lfirst(lc);

		if (trigger->tgenabled != TRIGGER_DISABLED)
			sk_spi_execute(psprintf("ALTER TABLE %s DISABLE TRIGGER %s", table,
									quote_identifier(trigger->tgname)),
						   0, NULL, NULL, SPI_OK_UTILITY, NULL);
	}
}

static void
disable_truncate_triggers(List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		char	   *table = sk_table_name(rel);
		List	   *triggers = sk_attach_list(rel, sk_attach_function(SK_AUDIT_TRUNCATE_FUNCTION));

		table_close(rel, NoLock);	/* ALTER TABLE wants it for itself */
		disable_triggers(table, triggers);
	}
}

/*
 * schemakit.audit_disable(rel regclass)
 *
 * The triggers stay, disabled: that is how a table says that it is not to be
 * audited, to rules, dumps and people alike.
 */
PG_FUNCTION_INFO_V1(schemakit_audit_disable);
Datum
schemakit_audit_disable(PG_FUNCTION_ARGS)
{
	Relation	rel;
	List	   *triggers;
	List	   *relids;
	char	   *table;

	sk_arg_reject_null(fcinfo, 0, "rel");
	rel = sk_table_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	triggers = sk_attach_list(rel, sk_attach_function(SK_AUDIT_FUNCTION));
	table = sk_table_name(rel);
	relids = sk_truncate_trigger_tables(rel);
	if (triggers == NIL)
		ereport(NOTICE,
				(errmsg("audit is not enabled on table \"%s\"",
						RelationGetRelationName(rel))));
	else
	{
		refuse_clone(rel, linitial(triggers));
		sk_audit_shape_record_gap(RelationGetRelid(rel), SK_AUDIT_DISABLED);
	}
	table_close(rel, NoLock);	/* ALTER TABLE wants it for itself */
	disable_triggers(table, triggers);
	disable_truncate_triggers(relids);
	PG_RETURN_VOID();
}
