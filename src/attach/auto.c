/*-------------------------------------------------------------------------
 *
 * attach/auto.c
 *	  Rules applied to tables: which rule covers a table, and the functions
 *	  that make rules and apply them to the tables that exist.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/auto.h"
#include "attach/attach.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/doing.h"
#include "base/guc.h"
#include "base/guard.h"
#include "base/spi.h"
#include "base/table.h"
#include "schemakit.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/*
 * Why rules must leave all tables of this database alone, or NULL.
 *
 * Citus refuses to distribute a table that has triggers, unless a setting of
 * its own allows it: an attached trigger would break what worked before.
 */
const char *
sk_auto_obstacle(void)
{
	const char *allowed;

	if (!OidIsValid(get_extension_oid("citus", true)))
		return NULL;
	allowed = GetConfigOption("citus.enable_unsafe_triggers", true, false);
	if (allowed != NULL && strcmp(allowed, "on") == 0)
		return NULL;
	return "citus.enable_unsafe_triggers is off";
}

/*
 * The newest of the rules that would attach the feature to the table, or
 * NULL.  "gain" is that of SkFeature.wants().  The tables that are exempt are left
 * alone by all of them.
 */
const SkRule *
sk_auto_rule(List *rules, const SkFeature *feature, Relation rel, const SkGain *gain)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		const SkRule *rule = lfirst(lc);

		if (sk_rule_matches(rule, feature->name, rel) &&
			feature->wants(rel, rule->options, gain))
			return sk_rule_exemption(rel) == NULL ? rule : NULL;
	}
	return NULL;
}

/* Does the rule want the whole table, perhaps after it has equipped it? */
static bool
can_want(const SkFeature *feature, Relation rel, const SkRule *rule)
{
	return feature->wants(rel, rule->options, NULL) ||
		(feature->can_equip != NULL && feature->can_equip(rel, rule->options));
}

/*
 * The same for a table that is considered as a whole, which the rule may give what
 * it lacks.
 */
const SkRule *
sk_auto_rule_for_all(List *rules, const SkFeature *feature, Relation rel)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		const SkRule *rule = lfirst(lc);

		if (sk_rule_matches(rule, feature->name, rel) &&
			can_want(feature, rel, rule))
			return sk_rule_exemption(rel) == NULL ? rule : NULL;
	}
	return NULL;
}

/* Why does a rule that names the table leave it alone? */
static char *
objection(const SkRule *rule, const SkFeature *feature, Relation rel)
{
	if (can_want(feature, rel, rule))
		return sk_rule_exemption(rel);
	return feature->objection == NULL ? NULL : feature->objection(rel, rule->options);
}

/*
 * Why do the rules that name the table leave it alone, although people would not
 * expect that?  The newest one's reason; NULL if there is none.
 */
char *
sk_auto_objection(List *rules, const SkFeature *feature, Relation rel)
{
	char	   *reason = NULL;
	ListCell   *lc;

	foreach(lc, rules)
	{
		if (reason == NULL && sk_rule_matches(lfirst(lc), feature->name, rel))
			reason = objection(lfirst(lc), feature, rel);
	}
	return reason;
}

/*
 * Is there a rule for tables of that name?  The table is not locked.
 */
bool
sk_auto_names(List *rules, const SkFeature *feature, Oid relid)
{
	Relation	rel = RelationIdGetRelation(relid);
	bool		found = false;
	ListCell   *lc;

	if (rel == NULL)
		return false;
	if (sk_table_is_eligible(rel))
	{
		foreach(lc, rules)
			found |= sk_rule_matches(lfirst(lc), feature->name, rel);
	}
	RelationClose(rel);
	return found;
}

/* Does any rule for the feature give tables something?  Most give nothing. */
static bool
is_any_equipping(List *rules, const SkFeature *feature)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		const SkRule *rule = lfirst(lc);

		if (strcmp(rule->feature, feature->name) == 0 &&
			feature->equips(rule->options))
			return true;
	}
	return false;
}

/* The options of the rule that would attach the feature to the table, or NULL. */
static const Jsonb *
options_for(const SkFeature *feature, Relation rel)
{
	List	   *rules = *feature->automatic ? sk_rule_list() : NIL;
	const SkRule *rule;

	if (!is_any_equipping(rules, feature) || !sk_table_is_eligible(rel) ||
		sk_attach_find(rel, sk_attach_function(feature->function)) != NULL)
		return NULL;
	rule = sk_auto_rule_for_all(rules, feature, rel);
	return rule == NULL || sk_auto_obstacle() != NULL ? NULL : rule->options;
}

/*
 * Before sk_auto_attach() for a table that is considered as a whole, and not open:
 * give it what a rule asks for.  Goes on as its owner.
 */
void
sk_auto_equip(const SkFeature *feature, Oid relid)
{
	Relation	rel;
	const Jsonb *options;

	if (feature->equip == NULL)
		return;
	rel = try_relation_open(relid, AccessShareLock);
	if (rel == NULL)
		return;
	options = options_for(feature, rel);
	if (options != NULL)
		sk_guard_become(rel->rd_rel->relowner);
	relation_close(rel, NoLock);
	if (options != NULL)
		feature->equip(relid, options);
}

/* Does any rule name the table?  That is asked first: eligibility costs more. */
static bool
is_named(List *rules, const SkFeature *feature, Relation rel)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		if (sk_rule_matches(lfirst(lc), feature->name, rel))
			return true;
	}
	return false;
}

/*
 * Attach the feature to a table, if that is eligible and has no trigger of it, not
 * even a disabled one, and a rule says so.  True if that was done.
 */
bool
sk_auto_attach(const SkFeature *feature, Relation rel, const SkGain *gain,
			   char fires_when)
{
	List	   *rules;
	const SkRule *rule;

	if (!*feature->automatic ||
		sk_attach_find(rel, sk_attach_function(feature->function)) != NULL)
		return false;
	rules = sk_rule_list();
	if (!is_named(rules, feature, rel) || !sk_table_is_eligible(rel))
		return false;
	rule = sk_auto_rule(rules, feature, rel, gain);
	if (rule == NULL || sk_auto_obstacle() != NULL)
		return false;
	feature->attach(rel, rule->options, fires_when);
	return true;
}


/*-------------------------------------------------------------------------
 * Rules
 *-------------------------------------------------------------------------
 */

/*
 * A pattern that ends in a lone backslash is an error when it is used, and an empty
 * one matches nothing: say so before.
 */
static void
check_pattern(const char *pattern)
{
	if (*pattern == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("LIKE pattern must not be empty"),
				 errhint("Use \"%%\" to match all names.")));
	if (sk_guc_pattern_is_open(pattern))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ESCAPE_SEQUENCE),
				 errmsg("LIKE pattern must not end with escape character"),
				 errdetail("The pattern is \"%s\".", pattern),
				 errhint("Write a backslash twice to match one.")));
}

static void
check_exceptions(ArrayType *exceptions)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;

	deconstruct_array(exceptions, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("parameter \"exceptions\" must not contain nulls"),
					 errhint("Name tables, or use LIKE patterns.")));
		check_pattern(TextDatumGetCString(values[i]));
	}
}

/*
 * Change the rule for the same tables and column if there is one, or make one.
 * Values are in the order of the parameters of auto_enable().
 */
static int64
put_rule(const Datum *values)
{
	static const Oid types[] = {TEXTOID, TEXTOID, TEXTOID, JSONBOID, TEXTARRAYOID};
	int64		id;

	sk_spi_execute("LOCK TABLE schemakit.auto_rule IN SHARE ROW EXCLUSIVE MODE",
				   0, NULL, NULL, SPI_OK_UTILITY, NULL);
	if (sk_spi_execute("UPDATE schemakit.auto_rule"
					   " SET options = $4, exceptions = $5, enabled = true"
					   " WHERE " SK_RULE_IS_SAME("$1", "$2", "$3", "$4")
					   " RETURNING id",
					   5, types, values, SPI_OK_UPDATE_RETURNING, &id) == 0)
		sk_spi_execute("INSERT INTO schemakit.auto_rule"
					   " (feature, schemas, tables, options, exceptions)"
					   " VALUES ($1, $2, $3, $4, $5) RETURNING id",
					   5, types, values, SPI_OK_INSERT_RETURNING, &id);
	return id;
}

/* The pattern may be misspelled, or meant for something else. */
static void
tell_of_no_schema(const text *pattern)
{
	const char *name = text_to_cstring(pattern);

	if (sk_rule_has_schema(pattern))
		return;
	ereport(NOTICE,
			(errmsg("no schema matches the pattern \"%s\"", name),
			 errdetail("The rule has no effect until there is such a schema.  Rules do not apply to system schemas."),
			 strchr(name, '.') == NULL ? 0
			 : errhint("The patterns of schemas and tables are two arguments: auto_enable('audit', 'public', 'orders').")));
}

/*
 * schemakit.auto_enable(feature text, schemas text, tables text,
 *						 options jsonb, exceptions text[]) RETURNS bigint
 */
PG_FUNCTION_INFO_V1(schemakit_auto_enable);
Datum
schemakit_auto_enable(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"feature", "schemas", "tables", "options", "exceptions"
	};
	Datum		values[lengthof(names)];

	for (size_t i = 0; i < lengthof(names); i++)
	{
		sk_arg_reject_null(fcinfo, i, names[i]);
		values[i] = PG_GETARG_DATUM(i);
	}
	check_pattern(TextDatumGetCString(values[1]));
	check_pattern(TextDatumGetCString(values[2]));
	check_exceptions(DatumGetArrayTypeP(values[4]));
	sk_feature_find(TextDatumGetCString(values[0]))
		->check_options(DatumGetJsonbP(values[3]));
	tell_of_no_schema(DatumGetTextPP(values[1]));
	PG_RETURN_INT64(put_rule(values));
}

/*
 * schemakit.auto_disable(id bigint) RETURNS void
 */
PG_FUNCTION_INFO_V1(schemakit_auto_disable);
Datum
schemakit_auto_disable(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {INT8OID};
	Datum		id;

	sk_arg_reject_null(fcinfo, 0, "id");
	id = PG_GETARG_DATUM(0);
	if (sk_spi_execute("UPDATE schemakit.auto_rule SET enabled = false"
					   " WHERE id OPERATOR(pg_catalog.=) $1",
					   1, types, &id, SPI_OK_UPDATE, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("rule %lld does not exist",
						(long long) DatumGetInt64(id)),
				 errhint("SELECT * FROM schemakit.auto_rule lists the rules.")));
	PG_RETURN_VOID();
}


/*-------------------------------------------------------------------------
 * Tables that exist already
 *-------------------------------------------------------------------------
 */

/* Others' locks are not waited for longer: who waits is in the way of who comes. */
#define LOCK_WAIT_MS	1000
#define LOOK_WAIT_MS	1

/* One table and feature of auto_apply(), and what came of it. */
typedef struct Application
{
	Oid			relid;
	const SkFeature *feature;
	const char *action;			/* NULL: nothing to do */
} Application;

/* Has it the trigger, and it fires, but something else is missing? */
static bool
is_damaged(Relation rel, const SkFeature *feature)
{
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(feature->function));

	return feature->is_damaged != NULL && trigger != NULL && !trigger->tgisclone &&
		sk_coverage_fires(trigger) &&
		feature->is_damaged(rel);
}

/*
 * What does the table lack that a rule asks for?  One that is disabled is meant to
 * be.
 */
static const char *
lacking(Relation rel, const SkFeature *feature)
{
	Oid			relid = RelationGetRelid(rel);
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(feature->function));

	if (!sk_table_is_eligible(rel) ||
		(trigger != NULL && (!sk_coverage_fires(trigger) ||
							 sk_coverage_is_intact(relid, feature->triggers))) ||
		sk_auto_rule_for_all(sk_rule_list(), feature, rel) == NULL)
		return NULL;
	return trigger == NULL ? "attached" : "repaired";
}

/* The same, or what belongs to its trigger, whether there is a rule or not */
static const char *
lacking_or_damaged(Relation rel, const SkFeature *feature)
{
	return is_damaged(rel, feature) ? "repaired" : lacking(rel, feature);
}

static void
attach_or_repair(Relation rel, Application *app)
{
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(app->feature->function));

	app->action = lacking_or_damaged(rel, app->feature);
	if (app->action == NULL)
		return;
	sk_guard_become(rel->rd_rel->relowner);
	if (is_damaged(rel, app->feature))
		app->feature->mend(rel);
	else if (trigger == NULL
			 ? !sk_auto_attach(app->feature, rel, NULL, TRIGGER_FIRES_ON_ORIGIN)
			 : !app->feature->repair(rel, trigger))
		app->action = NULL;
}

static void
apply_feature(void *arg)
{
	Application *app = arg;
	Relation	rel;

	app->action = NULL;
	sk_auto_equip(app->feature, app->relid);
	rel = try_relation_open(app->relid, ShareRowExclusiveLock);
	if (rel == NULL)
		return;
	attach_or_repair(rel, app);
	relation_close(rel, NoLock);
}

static void
apply_in_time(void *arg)
{
	Application *app = arg;

	if (!sk_guard_in_time(apply_feature, app, LOCK_WAIT_MS))
		app->action = "locked";
}

/*
 * Looked at before it is locked against changes, which would make auto_apply() a
 * burden where there is nothing to do.
 */
static void
look(void *arg)
{
	Application *app = arg;
	Relation	rel = try_relation_open(app->relid, NoLock);

	app->action = NULL;
	if (rel == NULL)
		return;
	app->action = lacking_or_damaged(rel, app->feature);
	relation_close(rel, NoLock);
}

static const char *
look_at_once(Application *app)
{
	bool		ours;
	bool		known = sk_table_lock_at_once(app->relid, &ours);
	bool		locked = known;

	if (known)
		known = sk_guard_in_time(look, app, LOOK_WAIT_MS);
	if (locked && !ours)
		UnlockRelationOid(app->relid, AccessShareLock);
	if (known)
		return app->action;
	return sk_auto_names(sk_rule_list(), app->feature, app->relid)
		? "locked" : NULL;
}

static const char *
apply(Oid relid, const SkFeature *feature)
{
	Application app = {
		.relid = relid,
		.feature = feature,
	};
	const char *action = look_at_once(&app);

	if (action == NULL || strcmp(action, "locked") == 0)
		return action;
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		return "not owner";
	if (sk_auto_obstacle() != NULL)
		return "left alone";
	if (!sk_guard_run_one(apply_in_time, &app, "attach triggers to", relid))
		return "failed";
	return app.action;
}

/*
 * schemakit.auto_apply() RETURNS SETOF (relid regclass, feature text,
 *										 action text)
 */
PG_FUNCTION_INFO_V1(schemakit_auto_apply);
Datum
schemakit_auto_apply(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	PreventCommandIfReadOnly("auto_apply()");
	sk_doing_begin("schemakit.auto_apply()");
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, sk_table_list())
	{
		for (const SkFeature *const *f = sk_features; *f; f++)
		{
			const char *action = apply(lfirst_oid(lc), *f);
			Datum		values[3];
			bool		nulls[3] = {false};

			CHECK_FOR_INTERRUPTS();
			if (action == NULL)
				continue;
			values[0] = ObjectIdGetDatum(lfirst_oid(lc));
			values[1] = CStringGetTextDatum((*f)->name);
			values[2] = CStringGetTextDatum(action);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc,
								 values, nulls);
		}
	}
	return (Datum) 0;
}
