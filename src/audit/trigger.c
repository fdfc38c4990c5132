/*-------------------------------------------------------------------------
 *
 * audit/trigger.c
 *	  The triggers of audited tables: what options suit a table, and how the
 *	  triggers are made and recorded.
 *
 * The row trigger is AFTER INSERT, UPDATE or DELETE, and partitions have clones
 * of it.  TRUNCATE triggers are for statements, which are not cloned: each
 * partition gets its own.  The row trigger's argument has the options; see
 * audit/options.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/trigger.h"
#include "attach/attach.h"
#include "attach/inherit.h"
#include "attach/truncate_trigger.h"
#include "audit/gap.h"
#include "audit/identity.h"
#include "audit/key.h"
#include "audit/log.h"
#include "audit/shape.h"
#include "audit/table.h"
#include "base/tuple.h"

#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "utils/rel.h"



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

/*
 * An error that tells which of the columns that options name is missing.
 */
void
sk_audit_trigger_check_columns(Relation rel, const SkAuditOptions *options)
{
	check_names(rel, options->exclude, "exclude");
	check_names(rel, options->ignore, "ignore");
	check_names(rel, options->mask_null, "mask");
	check_names(rel, options->mask_hash, "mask");
	check_names(rel, options->key, "key");
}

/*
 * Errors that tell what of the options does not suit the table.
 */
void
sk_audit_trigger_check_options(Relation rel, const SkAuditOptions *options)
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

/*
 * The one that records, or NULL.
 */
const Trigger *
sk_audit_trigger_find(Relation rel)
{
	return sk_attach_find(rel, sk_attach_function(SK_AUDIT_FUNCTION));
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

/*
 * Record what the table looks like, and what its triggers do.
 */
void
sk_audit_trigger_record(Relation rel, const SkAuditOptions *options)
{
	(void) sk_audit_table_record(rel, sk_audit_identity_make(rel), options,
								 sk_audit_coverage_gap(RelationGetRelid(rel)));
}

/*
 * A table that there was already, and that nobody recorded, belongs to its parents:
 * what they were is not known, but of those whose history begins now.
 */
static void
record_gap_of_parents(Relation rel, List *beginning)
{
	ListCell   *lc;

	if (sk_audit_identity_is_bound(rel) ||
		rel->rd_createSubid != InvalidSubTransactionId)
		return;
	foreach(lc, sk_inherit_parents(RelationGetRelid(rel)))
	{
		if (list_member_oid(beginning, lfirst_oid(lc)))
			continue;
		sk_audit_gap_begin(lfirst_oid(lc),
						   psprintf("Table %s, which inherits from it, was not audited.",
									RelationGetRelationName(rel)));
		if (sk_audit_coverage_gap(lfirst_oid(lc)) == NULL)
			sk_audit_gap_end(lfirst_oid(lc));
	}
}

/*
 * Changes were not recorded until now.  If a dump has brought the table without its
 * triggers, that is so since then.
 */
static void
record_gap(Relation rel, const SkAuditOptions *options, const char *reason)
{
	if (sk_audit_identity_is_restored(rel))
		(void) sk_audit_table_record(rel, sk_audit_identity_find(rel), options, reason);
	else
		sk_audit_gap_begin(RelationGetRelid(rel), reason);
}

/*
 * Attach with these options, which suit the table.  "beginning" are tables whose history
 * begins in the same command, which has locked this one since before.
 */
void
sk_audit_trigger_attach(Relation rel, const SkAuditOptions *options, const char *name,
						char fires_when, List *beginning)
{
	const char *gap = sk_audit_coverage_gap(RelationGetRelid(rel));

	if (sk_audit_trigger_find(rel) == NULL)
		gap = SK_AUDIT_NO_TRIGGER;
	record_gap_of_parents(rel, beginning);
	if (gap != NULL)
		record_gap(rel, options, gap);
	create_row_trigger(rel, name, options, fires_when);
	sk_truncate_trigger_all(rel, SK_AUDIT_TRUNCATE_FUNCTION, fires_when);
	CommandCounterIncrement();
	sk_audit_trigger_record(rel, options);
	CommandCounterIncrement();	/* a baseline looks for it */
}
