/*-------------------------------------------------------------------------
 *
 * audit/enable.c
 *	  schemakit.audit_enable() and audit_disable().
 *
 * What they do to a table they do to those that inherit from it, too: all of
 * these get the trigger, and those that have the table's options follow it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "attach/inherit.h"
#include "attach/truncate_trigger.h"
#include "audit/adopt.h"
#include "audit/capture.h"
#include "audit/coverage.h"
#include "audit/gap.h"
#include "audit/identity.h"
#include "audit/key.h"
#include "audit/options.h"
#include "audit/secret.h"
#include "audit/shape.h"
#include "audit/table.h"
#include "audit/trigger.h"
#include "base/arg.h"
#include "base/doing.h"
#include "base/spi.h"
#include "base/table.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"


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
is_as_wanted(Relation rel, const Trigger *trigger, const SkAuditOptions *options,
			 char fires_when)
{
	const Trigger *truncate = sk_attach_find(rel, sk_attach_function(SK_AUDIT_TRUNCATE_FUNCTION));

	return trigger->tgenabled == fires_when && trigger->tgnargs == 1 &&
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

/* Are changes of the table not recorded yet, so that its history begins, or goes on, now? */
static bool
is_beginning(Oid relid)
{
	const SkAuditShape *last = sk_audit_shape_last_of(relid);

	return last == NULL || !last->covered;
}

/* Tables whose history begins with the call are added to a list. */
static void
enable(Relation rel, const SkAuditOptions *options, char fires_when, List **beginning)
{
	const Trigger *trigger = sk_audit_trigger_find(rel);

	if (is_beginning(RelationGetRelid(rel)))
		*beginning = lappend_oid(*beginning, RelationGetRelid(rel));
	if (trigger == NULL || !is_as_wanted(rel, trigger, options, fires_when))
		sk_audit_trigger_attach(rel, options, trigger ? trigger->tgname : SK_AUDIT_TRIGGER,
								fires_when, *beginning);
}

/* Has the table the options of that one, from which it has got its trigger? */
static bool
has_options(const Trigger *trigger, const SkAuditOptions *options)
{
	return options != NULL && trigger->tgnargs == 1 &&
		strcmp(trigger->tgargs[0], sk_audit_options_text(options)) == 0;
}

/*
 * A table that inherits from one that is audited: it has options of its own if it
 * was enabled by itself, and else those of its parent.
 */
static void
enable_child(Oid relid, const SkAuditOptions *before,
			 const SkAuditOptions *options, char fires_when, bool baseline,
			 List **beginning)
{
	Relation	rel = table_open(relid, NoLock);
	const Trigger *trigger = sk_audit_trigger_find(rel);
	const SkAuditOptions *own = trigger ? sk_audit_options_try(trigger) : NULL;

	if (sk_table_is_eligible(rel))
	{
		sk_table_check_owner(relid);
		if (own == NULL || has_options(trigger, before))
		{
			sk_audit_trigger_check_options(rel, options);
			enable(rel, options, fires_when, beginning);
		}
		else
			enable(rel, own, trigger->tgenabled, beginning);
		sk_audit_trigger_record(rel, sk_audit_options_of(sk_audit_trigger_find(rel)));
		CommandCounterIncrement();
		if (baseline)
			sk_audit_capture_baseline(rel);
	}
	table_close(rel, NoLock);
}

static void
tell_of_no_key(Relation rel, const SkAuditOptions *options)
{
	if (sk_audit_key_of(rel, options) != NIL)
		return;
	ereport(NOTICE,
			(errmsg("table \"%s\" has no key that identifies its rows",
					RelationGetRelationName(rel)),
			 errdetail("Its changes are recorded, but audit_history() and audit_as_of() with a key cannot be used."),
			 errhint("Add a primary key, or name the columns with key => '{...}'.")));
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
	SkAuditOptions *before = NULL;
	char		fires_when;
	Relation	rel;
	const Trigger *trigger;
	List	   *children;
	List	   *beginning = NIL;
	ListCell   *lc;

	PreventCommandIfReadOnly("audit_enable()");
	sk_doing_begin("schemakit.audit_enable()");
	sk_audit_adopt_restored();
	rel = sk_table_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	children = sk_inherit_children(rel, ShareRowExclusiveLock);
	trigger = sk_audit_trigger_find(rel);
	refuse_clone(rel, trigger);
	sk_audit_trigger_check_columns(rel, options);
	sk_audit_trigger_check_options(rel, options);
	fires_when = PG_GETARG_BOOL(9) ? TRIGGER_FIRES_ALWAYS
		: TRIGGER_FIRES_ON_ORIGIN;
	if (trigger != NULL)
		before = sk_audit_options_try(trigger);
	if (before != NULL)
		tell_of_reset(rel, before, options);
	if (options->mask_hash != NIL)
		sk_audit_secret_make();
	enable(rel, options, fires_when, &beginning);
	tell_of_no_key(rel, options);
	foreach(lc, children)
		enable_child(lfirst_oid(lc), before, options, fires_when, PG_GETARG_BOOL(8), &beginning);
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

/* Of a table that is locked, and of its partitions */
static void
disable(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *triggers = sk_attach_list(rel, sk_attach_function(SK_AUDIT_FUNCTION));
	char	   *table = sk_table_name(rel);
	List	   *relids = sk_truncate_trigger_tables(rel);

	if (triggers != NIL)
		sk_audit_gap_begin(relid, SK_AUDIT_DISABLED);
	table_close(rel, NoLock);	/* ALTER TABLE wants it for itself */
	disable_triggers(table, triggers);
	disable_truncate_triggers(relids);
}

/* Those that inherit from the table, and have its options */
static List *
children_like(Relation rel)
{
	const Trigger *trigger = sk_audit_trigger_find(rel);
	SkAuditOptions *options = trigger ? sk_audit_options_try(trigger) : NULL;
	List	   *like = NIL;
	ListCell   *lc;

	foreach(lc, sk_inherit_children(rel, ShareRowExclusiveLock))
	{
		trigger = sk_attach_choose(sk_coverage_triggers(lfirst_oid(lc)),
								   sk_attach_function(SK_AUDIT_FUNCTION));
		if (trigger != NULL && has_options(trigger, options))
			like = lappend_oid(like, lfirst_oid(lc));
	}
	return like;
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
	Oid			relid;
	List	   *children;
	ListCell   *lc;

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_doing_begin("schemakit.audit_disable()");
	relid = PG_GETARG_OID(0);
	rel = sk_table_open_attached(relid, ShareRowExclusiveLock);
	refuse_clone(rel, sk_audit_trigger_find(rel));
	if (sk_audit_trigger_find(rel) == NULL)
		ereport(NOTICE,
				(errmsg("audit is not enabled on table \"%s\"",
						RelationGetRelationName(rel))));
	children = children_like(rel);
	table_close(rel, NoLock);
	disable(relid);
	foreach(lc, children)
		disable(lfirst_oid(lc));
	PG_RETURN_VOID();
}
