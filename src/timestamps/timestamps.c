/*-------------------------------------------------------------------------
 *
 * timestamps/timestamps.c
 *	  The feature "timestamps": which column of a table holds the time of a
 *	  row's last change, and the trigger that maintains it.
 *
 * What the trigger does is in timestamps/touch.c.  It has no WHEN clause and no list
 * of columns: with either, the server would refuse to drop or alter them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/timestamps.h"
#include "attach/attach.h"
#include "attach/inherit.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/option.h"
#include "base/spi.h"
#include "base/table.h"
#include "base/tuple.h"
#include "schemakit.h"
#include "timestamps/columns.h"
#include "timestamps/obstacle.h"
#include "timestamps/touch.h"
#include "timestamps/trial.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define TOUCH_FUNCTION	"touch"
#define TOUCH_TRIGGER	SK_TRIGGER_PREFIX TOUCH_FUNCTION

/* States of status(), besides those of timestamps/columns.h */
#define OTHER_COLUMN		"other column"

static const char *const option_names[] = {"col", "mode", "add_columns", NULL};


/*-------------------------------------------------------------------------
 * Columns
 *-------------------------------------------------------------------------
 */

/*
 * Why is the column, which can hold a time, left alone?  The rest of a sentence
 * about it, or NULL.
 */
static char *
obstacle(Relation rel, const char *col)
{
	return sk_obstacle_find(rel, sk_tuple_column(RelationGetDescr(rel), col));
}

/* Raise the error that tells why a column a user asked for cannot be used. */
static void
refuse_column(Relation rel, const char *col, const char *fault)
{
	const char *table = RelationGetRelationName(rel);

	if (strcmp(fault, SK_COLUMN_GONE) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						col, table),
				 errhint("Name a column of type timestamptz, timestamp or date, or use add_columns => true to add it.")));
	if (strcmp(fault, SK_COLUMN_GENERATED) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("column \"%s\" of relation \"%s\" is a generated column",
						col, table),
				 errhint("Name a column that is not generated.")));
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of relation \"%s\" cannot hold a time",
					col, table),
			 errdetail("Its type is %s.",
					   format_type_be(get_atttype(RelationGetRelid(rel),
												  sk_tuple_column(RelationGetDescr(rel), col)))),
			 errhint("Name a column of type timestamptz, timestamp or date.")));
}

/* sk_columns_choose() for a user who expects one, or an error */
static const char *
require_column(Relation rel, const char *given)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	const char *col = sk_columns_choose(tupdesc, given);
	ListCell   *lc;

	if (col != NULL)
		return col;
	if (given != NULL)
		refuse_column(rel, given, sk_columns_fault(tupdesc, given));
	foreach(lc, sk_guc_timestamps_columns())
	{
		const char *fault = sk_columns_fault(tupdesc, lfirst(lc));

		if (strcmp(fault, SK_COLUMN_GONE) != 0)
			refuse_column(rel, lfirst(lc), fault);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("relation \"%s\" has no column for the time of a row's last change",
					RelationGetRelationName(rel)),
			 errdetail("The setting schemakit.timestamps_columns is: %s.",
					   GetConfigOption("schemakit.timestamps_columns",
									   false, false)),
			 errhint("Name the column, or use add_columns => true to add created_at and updated_at.")));
}


/*-------------------------------------------------------------------------
 * The trigger
 *-------------------------------------------------------------------------
 */

static bool
is_always(const char *mode)
{
	if (strcmp(mode, "always") == 0)
		return true;
	if (strcmp(mode, "auto") == 0)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized mode \"%s\"", mode),
			 errhint("Use \"auto\", which keeps a time that a statement sets, or \"always\", which overwrites it.")));
}

static List *
touch_args(const SkTouchArgs *args)
{
	List	   *list = list_make1(pstrdup(args->col));

	if (args->always)
		list = lappend(list, pstrdup("always"));
	if (args->key)
		list = lappend(list, pstrdup("key"));
	return list;
}

static void
create_trigger(Relation rel, const char *name, const SkTouchArgs *args, char fires_when)
{
	SkTriggerDef def = {
		.name = name,
		.function = sk_attach_function(TOUCH_FUNCTION),
		.timing = TRIGGER_TYPE_BEFORE,
		.events = TRIGGER_TYPE_UPDATE,
		.args = touch_args(args),
		.fires_when = fires_when,
	};

	sk_attach_create(rel, &def);
}

static const Trigger *
find_trigger(Relation rel)
{
	return sk_attach_find(rel, sk_attach_function(TOUCH_FUNCTION));
}

static const SkTriggerSpec touch_triggers[] = {
	{
		.function = TOUCH_FUNCTION,
		.timing = TRIGGER_TYPE_BEFORE,
		.events = TRIGGER_TYPE_UPDATE,
		.last = true,
	},
	{0}
};


/*-------------------------------------------------------------------------
 * The feature, as rules and DDL see it
 *-------------------------------------------------------------------------
 */

static void
timestamps_check_options(const Jsonb *options)
{
	char	   *mode;

	sk_option_check_keys(options, "timestamps", option_names);
	(void) sk_option_name(options, "col");
	mode = sk_option_text(options, "mode");
	if (mode != NULL)
		(void) is_always(mode);
	(void) sk_option_bool(options, "add_columns", false);
}

static bool
adds_columns(const Jsonb *options)
{
	return sk_option_bool(options, "add_columns", false);
}

static bool
timestamps_wants(Relation rel, const Jsonb *options, const SkGain *gain)
{
	const char *col = sk_columns_choose(RelationGetDescr(rel),
										sk_option_text(options, "col"));

	return col != NULL && sk_feature_gained(gain, col) &&
		obstacle(rel, col) == NULL;
}

static bool
timestamps_can_equip(Relation rel, const Jsonb *options)
{
	return adds_columns(options) &&
		sk_columns_can_add(rel, sk_option_text(options, "col"));
}

/* Add the columns that the rule asks for, so that timestamps_attach() finds them. */
static void
timestamps_equip(Oid relid, const Jsonb *options)
{
	if (adds_columns(options))
		sk_columns_add(relid, sk_option_text(options, "col"));
}

static char *
timestamps_objection(Relation rel, const Jsonb *options)
{
	const char *col = sk_columns_choose(RelationGetDescr(rel),
										sk_option_text(options, "col"));
	char	   *reason = col == NULL ? NULL : obstacle(rel, col);

	return reason == NULL ? NULL
		: psprintf("column %s %s", quote_identifier(col), reason);
}

static void
timestamps_attach(Relation rel, const Jsonb *options, char fires_when)
{
	const char *mode = sk_option_text(options, "mode");
	SkTouchArgs args = {
		.col = sk_columns_choose(RelationGetDescr(rel), sk_option_text(options, "col")),
		.always = mode != NULL && is_always(mode),
	};

	create_trigger(rel, TOUCH_TRIGGER, &args, fires_when);
}

/* One that has a name of its own was made by hand, and as it was meant to be. */
static bool
timestamps_repair(Relation rel, const Trigger *trigger)
{
	SkTouchArgs args;

	if (strcmp(trigger->tgname, TOUCH_TRIGGER) != 0 ||
		sk_touch_read_args(trigger, &args) != NULL)
		return false;
	create_trigger(rel, TOUCH_TRIGGER, &args, trigger->tgenabled);
	return true;
}

/* The trigger follows its column to a new name, and goes away with it. */
static bool
timestamps_column_changed(Relation rel, const Trigger *trigger,
						  const char *from, const char *to)
{
	if (trigger->tgnargs < 1 || strcmp(trigger->tgargs[0], from) != 0)
		return true;
	if (to == NULL)
	{
		sk_attach_drop(trigger);
		return false;
	}
	sk_attach_set_argument(rel, trigger, to);
	return true;
}

/* A column that is part of a key is left alone, so what is in it says something. */
static const char *
timestamps_maintains(Relation rel, const Trigger *trigger)
{
	SkTouchArgs args;

	(void) sk_touch_read_args(trigger, &args);
	if (sk_columns_fault(RelationGetDescr(rel), args.col) != NULL ||
		(!args.key && obstacle(rel, args.col) != NULL))
		return NULL;
	return pstrdup(args.col);
}

static bool
is_configured(const char *col)
{
	ListCell   *lc;

	foreach(lc, sk_guc_timestamps_columns())
	{
		if (strcmp(lfirst(lc), col) == 0)
			return true;
	}
	return false;
}

/* What status() tells of a trigger that works. */
static char *
describe(Relation rel, const SkTouchArgs *args)
{
	AttrNumber	attnum = sk_tuple_column(RelationGetDescr(rel), args->col);
	char	   *constraints = sk_trial_constraints(rel, attnum);

	return psprintf("column %s%s%s%s%s", quote_identifier(args->col),
					args->always ? ", mode always" : "",
					args->key ? ", also in keys" : "",
					constraints ? "; not set where it breaks constraint " : "",
					constraints ? constraints : "");
}

static char *
timestamps_idle(Relation rel, const Trigger *trigger)
{
	SkTouchArgs args;
	char	   *reason;

	if (sk_touch_read_args(trigger, &args) != NULL || args.key ||
		sk_columns_fault(RelationGetDescr(rel), args.col) != NULL)
		return NULL;
	reason = obstacle(rel, args.col);
	return reason == NULL ? NULL
		: psprintf("column %s %s", quote_identifier(args.col), reason);
}

static const char *
timestamps_fault(Relation rel, const Trigger *trigger, char **detail)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	const char *other = sk_columns_choose(tupdesc, NULL);
	SkTouchArgs args;
	const char *fault;
	char	   *reason;

	if (sk_touch_read_args(trigger, &args) != NULL)
		return "wrong argument";
	fault = sk_columns_fault(tupdesc, args.col);
	*detail = psprintf("column %s", quote_identifier(args.col));
	if (fault != NULL)
		return fault;
	reason = timestamps_idle(rel, trigger);
	if (reason != NULL)
	{
		*detail = reason;
		return SK_LEFT_ALONE;
	}
	*detail = describe(rel, &args);
	if (other == NULL || is_configured(args.col))
		return NULL;
	*detail = psprintf("%s; %s is not maintained", *detail,
					   quote_identifier(other));
	return OTHER_COLUMN;
}

const SkFeature sk_feature_timestamps = {
	.name = "timestamps",
	.function = TOUCH_FUNCTION,
	.triggers = touch_triggers,
	.automatic = &sk_guc_timestamps_auto,
	.inherited = true,
	.check_options = timestamps_check_options,
	.wants = timestamps_wants,
	.equips = adds_columns,
	.can_equip = timestamps_can_equip,
	.equip = timestamps_equip,
	.attach = timestamps_attach,
	.repair = timestamps_repair,
	.objection = timestamps_objection,
	.column_changed = timestamps_column_changed,
	.maintains = timestamps_maintains,
	.idle = timestamps_idle,
	.fault = timestamps_fault,
};


/*-------------------------------------------------------------------------
 * By hand
 *-------------------------------------------------------------------------
 */

/*
 * Add created_at and the column to maintain, as far as the table does not have them.
 */
static void
add_columns(Oid relid, const char *given)
{
	Relation	rel = sk_table_open(relid, AccessExclusiveLock);
	char	   *sql = sk_columns_statement(rel, given);

	table_close(rel, NoLock);	/* ALTER TABLE wants it for itself */
	if (sql != NULL)
		sk_spi_execute(sql, 0, NULL, NULL, SPI_OK_UTILITY, NULL);
}

static bool
is_as_wanted(Relation rel, const Trigger *trigger, const SkTouchArgs *wanted)
{
	SkTouchArgs args;

	return sk_coverage_fires(trigger) &&
		sk_touch_read_args(trigger, &args) == NULL &&
		strcmp(args.col, wanted->col) == 0 &&
		args.always == wanted->always && args.key == wanted->key &&
		sk_coverage_is_complete(RelationGetRelid(rel), touch_triggers);
}

/* Who names a table whose column is part of a key wants that to be maintained. */
static void
enable(Relation rel, const char *given, bool always)
{
	const char *col = require_column(rel, given);
	const Trigger *trigger = find_trigger(rel);
	SkTouchArgs args = {
		.col = col,
		.always = always,
		.key = obstacle(rel, col) != NULL,
	};

	if (trigger != NULL && is_as_wanted(rel, trigger, &args))
		return;
	if (trigger != NULL && trigger->tgisclone)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("trigger \"%s\" of partition \"%s\" belongs to its parent",
						trigger->tgname, RelationGetRelationName(rel)),
				 errhint("Name the partitioned table instead.")));
	create_trigger(rel, trigger ? trigger->tgname : TOUCH_TRIGGER, &args,
				   TRIGGER_FIRES_ON_ORIGIN);
}

/*
 * schemakit.timestamps_enable(rel regclass, col name, mode text,
 *							   add_columns boolean)
 */
PG_FUNCTION_INFO_V1(schemakit_timestamps_enable);
Datum
schemakit_timestamps_enable(PG_FUNCTION_ARGS)
{
	Oid			relid;
	const char *col;
	bool		always;
	Relation	rel;

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 2, "mode");
	sk_arg_reject_null(fcinfo, 3, "add_columns");
	relid = PG_GETARG_OID(0);
	col = PG_ARGISNULL(1) ? NULL : NameStr(*PG_GETARG_NAME(1));
	always = is_always(text_to_cstring(PG_GETARG_TEXT_PP(2)));

	PreventCommandIfReadOnly("timestamps_enable()");
	if (PG_GETARG_BOOL(3))
		add_columns(relid, col);
	rel = sk_table_open(relid, ShareRowExclusiveLock);
	enable(rel, col, always);
	sk_inherit_to_children(rel, &sk_feature_timestamps);
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}

/* A trigger that is disabled from the start, on the column that there is or may be */
static void
opt_out(Relation rel)
{
	SkTouchArgs args = {.col = sk_columns_to_use(RelationGetDescr(rel), NULL)};

	create_trigger(rel, TOUCH_TRIGGER, &args, TRIGGER_DISABLED);
	ereport(NOTICE,
			(errmsg("timestamps were not enabled on table \"%s\"",
					RelationGetRelationName(rel)),
			 errdetail("A disabled trigger now keeps rules from enabling them.")));
}

/*
 * schemakit.timestamps_disable(rel regclass)
 *
 * The trigger stays, disabled: that is how a table says that it is not to be
 * maintained, to rules, dumps and people alike.
 */
PG_FUNCTION_INFO_V1(schemakit_timestamps_disable);
Datum
schemakit_timestamps_disable(PG_FUNCTION_ARGS)
{
	Relation	rel;
	List	   *triggers;
	char	   *table;
	ListCell   *lc;

	sk_arg_reject_null(fcinfo, 0, "rel");
	rel = sk_table_open_attached(PG_GETARG_OID(0), ShareRowExclusiveLock);
	triggers = sk_attach_list(rel, sk_attach_function(TOUCH_FUNCTION));
	table = sk_table_name(rel);
	if (triggers == NIL)
		opt_out(rel);
	table_close(rel, NoLock);	/* ALTER TABLE wants it for itself */

	foreach(lc, triggers)
	{
		const Trigger *trigger = lfirst(lc);
		char	   *sql = psprintf("ALTER TABLE %s DISABLE TRIGGER %s", table,
								   quote_identifier(trigger->tgname));

		if (trigger->tgenabled != TRIGGER_DISABLED)
			sk_spi_execute(sql, 0, NULL, NULL, SPI_OK_UTILITY, NULL);
	}
	PG_RETURN_VOID();
}
