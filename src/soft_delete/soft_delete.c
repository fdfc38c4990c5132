/*-------------------------------------------------------------------------
 *
 * soft_delete/soft_delete.c
 *	  The feature "soft_delete": a column that tells when a row was deleted, a
 *	  view of the rows that were not, and what sees to foreign keys.
 *
 * The trigger for rows whose stamp changes names the column; it has a WHEN
 * clause, so other updates do not call it, and the server refuses to drop the
 * column under it: rows that are deleted would come back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/soft_delete.h"
#include "attach/attach.h"
#include "attach/truncate_trigger.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/option.h"
#include "base/restore.h"
#include "base/spi.h"
#include "base/table.h"
#include "base/tuple.h"
#include "schemakit.h"
#include "soft_delete/column.h"
#include "soft_delete/coverage.h"
#include "soft_delete/foreign_key.h"
#include "soft_delete/fk_query.h"
#include "soft_delete/protect.h"
#include "soft_delete/relation.h"
#include "soft_delete/table.h"
#include "soft_delete/view.h"
#include "soft_delete/view_follow.h"
#include "soft_delete/view_make.h"
#include "soft_delete/view_state.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

static const char *const option_names[] = {
	"col", "protect", "view_schema", NULL
};


/*-------------------------------------------------------------------------
 * The feature, as rules and DDL see it
 *-------------------------------------------------------------------------
 */

static void
soft_delete_check_options(const Jsonb *options)
{
	char	   *schema;

	sk_option_check_keys(options, "soft_delete", option_names);
	(void) sk_option_name(options, "col");
	(void) sk_option_bool(options, "protect", false);
	schema = sk_option_name(options, "view_schema");
	if (schema != NULL && !OidIsValid(get_namespace_oid(schema, true)))
		ereport(NOTICE,
				(errmsg("schema \"%s\" does not exist", schema),
				 errdetail("New tables get no soft delete until it is created.")));
}

/* A rule may name a schema that is still to be made, or is gone. */
static char *
soft_delete_lacks(const Jsonb *options)
{
	char	   *schema = sk_option_text(options, "view_schema");

	return schema == NULL || OidIsValid(get_namespace_oid(schema, true)) ? NULL
		: psprintf("schema %s of its option view_schema does not exist", quote_identifier(schema));
}

static const char *
column_for(Relation rel, const Jsonb *options)
{
	return sk_soft_column_choose(rel, sk_option_text(options, "col"));
}

/* The column is how a table says that its rows are to be soft-deleted. */
static bool
soft_delete_wants(Relation rel, const Jsonb *options, const SkGain *gain)
{
	const char *col = column_for(rel, options);

	return !sk_soft_table_by_hand && col != NULL &&
		(sk_feature_gained(gain, col) || gain->primary_key) &&
		OidIsValid(sk_table_primary_key(rel));
}

static char *
soft_delete_objection(Relation rel, const Jsonb *options)
{
	return column_for(rel, options) != NULL && !OidIsValid(sk_table_primary_key(rel))
		? pstrdup("the table has no primary key") : NULL;
}

static void
soft_delete_attach(Relation rel, const Jsonb *options, char fires_when)
{
	const char *col = column_for(rel, options);
	char	   *schema = sk_option_text(options, "view_schema");
	char	   *table = RelationGetRelationName(rel);
	SkLiveView	live;

	sk_soft_table_make_triggers(rel, col, fires_when);
	sk_soft_table_protect(rel, sk_option_bool(options, "protect", false));
	if (OidIsValid(sk_soft_view_find(RelationGetRelid(rel), &live)))
		return;
	(void) sk_soft_view_make(rel, col,
							 schema ? schema : get_namespace_name(RelationGetNamespace(rel)),
							 schema ? table : sk_soft_view_make_default_name(table));
	sk_soft_table_note_view(rel);
}

static bool
soft_delete_repair(Relation rel, const Trigger *trigger)
{
	if (trigger->tgnargs < 1 || sk_soft_column_find(rel, trigger->tgargs[0]) == NULL)
		return false;
	sk_soft_table_make_triggers(rel, trigger->tgargs[0], trigger->tgenabled);
	sk_soft_table_note_view(rel);
	if (sk_soft_table_is_protected(rel))
		sk_soft_table_protect(rel, true);
	return true;
}

/* The trigger follows its column; if that is dropped, it is gone already. */
static bool
soft_delete_column_changed(Relation rel, const Trigger *trigger,
						   const char *from, const char *to)
{
	if (to != NULL && trigger->tgnargs > 0 && strcmp(trigger->tgargs[0], from) == 0)
		sk_attach_set_argument(rel, trigger, to);
	return true;
}

static const char *
soft_delete_marks(Relation rel, const Trigger *trigger)
{
	AttrNumber	column = sk_soft_relation_column(rel);

	return column == InvalidAttrNumber ? NULL
		: pstrdup(NameStr(TupleDescAttr(RelationGetDescr(rel), column - 1)->attname));
}

/* Put the trigger back that was in the way of a command. */
static void
put_trigger_back(Relation rel)
{
	char		fires_when;
	List	   *args = sk_soft_view_follow_trigger(RelationGetRelid(rel), &fires_when);

	if (args != NIL)
		sk_soft_table_make_trigger(rel, args, fires_when);
}

static Oid
live_view_of(Oid relid)
{
	SkLiveView	live;

	return sk_soft_view_followed(relid, &live);
}

/*
 * Without its trigger and without a view the table has no soft delete any more: the
 * column has been dropped with CASCADE, perhaps.  Then nothing may keep rows from being
 * deleted.
 */
static void
drop_remains(Relation rel)
{
	SkLiveView	live;

	sk_soft_view_follow_forget(RelationGetRelid(rel));
	if (rel->rd_rel->relispartition ||
		(sk_attach_find(rel, sk_attach_function(SK_SOFT_REFERENCE_FUNCTION)) == NULL &&
		 sk_attach_find(rel, sk_attach_function(SK_SOFT_PROTECT_FUNCTION)) == NULL) ||
		OidIsValid(sk_soft_view_find(RelationGetRelid(rel), &live)))
		return;
	sk_soft_table_drop_triggers(rel, SK_SOFT_REFERENCE_FUNCTION);
	sk_soft_table_protect(rel, false);
}

/*
 * The table was a partition of another one, whose view its trigger remembers: it gets
 * a name of its own, in the same schema, for when it gets a view.
 */
static void
forget_view_of_parent(Relation rel, const Trigger *trigger)
{
	List	   *args;

	if (trigger->tgnargs != 3)
		return;
	args = list_make1(trigger->tgargs[0]);
	if (strcmp(trigger->tgargs[1], get_namespace_name(RelationGetNamespace(rel))) != 0)
		args = lappend(lappend(args, trigger->tgargs[1]), RelationGetRelationName(rel));
	sk_attach_set_arguments(rel, trigger, args);
	CommandCounterIncrement();
}

/* The view stays what it is where only the trigger was dropped. */
static bool
has_view(Relation rel)
{
	return OidIsValid(live_view_of(RelationGetRelid(rel)));
}

static void
soft_delete_altered(Relation rel, bool detached)
{
	const Trigger *trigger;

	if (sk_restore_is_running() && !sk_soft_view_follow_owes(RelationGetRelid(rel)))
		return;
	put_trigger_back(rel);
	trigger = sk_soft_table_trigger(rel);
	if (trigger != NULL && detached)
	{
		forget_view_of_parent(rel, trigger);
		trigger = sk_soft_table_trigger(rel);
	}
	if (trigger != NULL || has_view(rel))
		sk_soft_view_follow_after(rel);
	else
		drop_remains(rel);
	if (trigger != NULL)
		sk_soft_table_note_view(rel);
	if (trigger != NULL && trigger->tgisclone && sk_soft_table_is_protected(rel) && sk_truncate_trigger_can_truncate(rel))
		sk_truncate_trigger_one(rel, SK_SOFT_PROTECT_TRUNCATE, TRIGGER_FIRES_ON_ORIGIN);
}

/* Does the column get another type that suits it? */
static bool
stamp_is_retyped(const Trigger *trigger, List *retyped)
{
	ListCell   *lc;

	foreach(lc, retyped)
	{
		const AlterTableCmd *cmd = lfirst(lc);
		const ColumnDef *def = (const ColumnDef *) cmd->def;

		if (trigger->tgnargs > 0 && strcmp(cmd->name, trigger->tgargs[0]) == 0)
			return sk_soft_column_is_type(LookupTypeNameOid(NULL, def->typeName, true));
	}
	return false;
}

/*
 * The server does not change the type of a column that a trigger's WHEN names, so
 * that is taken away meanwhile by who can make it again.
 */
static void
soft_delete_before(Relation rel, const SkTableChange *change)
{
	const Trigger *trigger = sk_soft_table_trigger(rel);

	if (sk_restore_is_running() && !change->dropped &&
		change->lost == NIL && change->retyped == NIL)
		return;
	if (trigger == NULL || trigger->tgisclone || !stamp_is_retyped(trigger, change->retyped) ||
		pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_TRIGGER) != ACLCHECK_OK)
		trigger = NULL;
	sk_soft_view_follow_before(rel, change, trigger);
}

/* Tables whose rows a real delete would delete, and a soft delete does not */
static char *
list_gaps(Relation rel)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, sk_soft_foreign_key_to_any(rel))
	{
		const SkForeignKey *key = lfirst(lc);
		Relation	child = table_open(key->referencing, AccessShareLock);

		if (key->on_delete == FKCONSTR_ACTION_CASCADE &&
			sk_soft_relation_column(child) == InvalidAttrNumber)
			appendStringInfo(&buf, "%s%s", buf.len ? ", " : "", sk_table_name(child));
		table_close(child, AccessShareLock);
	}
	return buf.len > 0 ? buf.data : NULL;
}

/* Is the view missing?  One that is there is its owner's, even without our trigger. */
static bool
soft_delete_is_damaged(Relation rel)
{
	SkLiveView	live;

	return sk_soft_relation_column(rel) != InvalidAttrNumber &&
		!rel->rd_rel->relispartition &&
		!OidIsValid(sk_soft_view_find(RelationGetRelid(rel), &live));
}

/* Make the view again where it was, with the table's grants. */
static void
soft_delete_mend(Relation rel)
{
	const Trigger *trigger = sk_soft_table_trigger(rel);
	char	   *schema;
	char	   *name;

	sk_soft_view_make_find_name(rel, trigger, &schema, &name);
	(void) sk_soft_view_make(rel, trigger->tgargs[0], schema, name);
}

static char *
missing_view(Relation rel)
{
	char	   *schema;
	char	   *name;

	sk_soft_view_make_find_name(rel, sk_soft_table_trigger(rel), &schema, &name);
	return psprintf("no view; schemakit.auto_apply() creates %s",
					quote_qualified_identifier(schema, name));
}

static const char *
soft_delete_fault(Relation rel, const Trigger *trigger, char **detail)
{
	SkLiveView	live;
	Oid			viewid = sk_soft_view_find(RelationGetRelid(rel), &live);
	char	   *gaps = list_gaps(rel);
	char	   *child;

	*detail = OidIsValid(viewid)
		? psprintf("view %s", quote_qualified_identifier(get_namespace_name(get_rel_namespace(viewid)),
														 get_rel_name(viewid)))
		: missing_view(rel);
	if (sk_soft_table_is_protected(rel))
		*detail = psprintf("%s; protected", *detail);
	if (gaps != NULL)
		*detail = psprintf("%s; rows that are not soft-deleted along: %s", *detail, gaps);
	if (trigger->tgenabled != TRIGGER_DISABLED &&
		sk_soft_relation_column(rel) == InvalidAttrNumber)
		return "wrong argument";
	if (!OidIsValid(viewid))
		return "missing view";
	if (!live.covered)
		return "view not covered";
	if (!sk_soft_view_make_is_complete(rel, &live))
		return "view lacks columns";
	if (sk_soft_table_is_protected(rel) &&
		sk_attach_find(rel, sk_attach_function(SK_SOFT_PROTECT_TRUNCATE)) == NULL)
		return SK_SOFT_NOT_PROTECTED;
	child = sk_soft_table_is_protected(rel) ? sk_soft_coverage_open_child(rel) : NULL;
	if (child != NULL)
	{
		*detail = psprintf("%s; rows of %s can be deleted", *detail, child);
		return SK_SOFT_NOT_PROTECTED;
	}
	return NULL;
}

const SkFeature sk_feature_soft_delete = {
	.name = "soft_delete",
	.function = SK_SOFT_FUNCTION,
	.triggers = sk_soft_coverage_triggers,
	.automatic = &sk_guc_soft_delete_auto,
	.check_options = soft_delete_check_options,
	.wants = soft_delete_wants,
	.objection = soft_delete_objection,
	.attach = soft_delete_attach,
	.repair = soft_delete_repair,
	.lost = sk_soft_coverage_lost,
	.is_damaged = soft_delete_is_damaged,
	.mend = soft_delete_mend,
	.lacks = soft_delete_lacks,
	.column_changed = soft_delete_column_changed,
	.marks = soft_delete_marks,
	.companion = live_view_of,
	.before = soft_delete_before,
	.altered = soft_delete_altered,
	.owes = sk_soft_view_follow_owes,
	.owed = sk_soft_view_follow_owed,
	.granted = sk_soft_view_follow_grant,
	.fault = soft_delete_fault,
	.uninstall = sk_soft_view_give_up,
};
