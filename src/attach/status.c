/*-------------------------------------------------------------------------
 *
 * attach/status.c
 *	  schemakit.status(): every table that a feature manages, or that a rule
 *	  says it should, and whether it really is covered.
 *
 * It reads the catalogs, and keeps nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "attach/auto.h"
#include "base/compat.h"
#include "base/table.h"

#include "access/relation.h"
#include "catalog/partition.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* What status() says of one table and feature; state NULL: nothing. */
typedef struct Finding
{
	const char *state;
	char	   *detail;
} Finding;

/* The state of a table that has the feature's trigger. */
static Finding
trigger_state(Relation rel, const SkFeature *feature, const Trigger *trigger)
{
	Finding		finding = {NULL, NULL};

	finding.state = feature->fault(rel, trigger, &finding.detail);
	if (trigger->tgenabled == TRIGGER_DISABLED)
		finding.state = "disabled trigger";
	else if (trigger->tgenabled == TRIGGER_FIRES_ON_REPLICA)
		finding.state = "replica trigger";
	if (finding.state == NULL)
		finding.state = "ok";
	return finding;
}

/* Does it fire when users write? */
static bool
fires(const Trigger *trigger)
{
	return trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN ||
		trigger->tgenabled == TRIGGER_FIRES_ALWAYS;
}

/*
 * A partition is mentioned only where it differs from its parent: its trigger
 * came from there, and can be disabled alone.
 */
static Finding
partition_state(Relation rel, const SkFeature *feature, const Trigger *trigger)
{
	Finding		finding = {NULL, NULL};
	Oid			parentid = get_partition_parent(RelationGetRelid(rel), true);
	Relation	parent = try_relation_open(parentid, AccessShareLock);
	const Trigger *theirs;

	if (parent == NULL)
		return finding;
	theirs = sk_attach_find(parent, sk_attach_function(feature->function));
	relation_close(parent, AccessShareLock);

	if (theirs != NULL && fires(theirs) && (trigger == NULL || !fires(trigger)))
	{
		finding.state = "partition not covered";
		finding.detail = psprintf(trigger ? "trigger %s does not fire"
								  : "trigger %s is missing",
								  quote_identifier(theirs->tgname));
	}
	return finding;
}

/* The state of a table without the feature's trigger. */
static Finding
missing_state(Relation rel, const SkFeature *feature, List *rules)
{
	Finding		finding = {NULL, NULL};
	const SkRule *rule;

	if (!sk_table_is_eligible(rel))
		return finding;
	rule = sk_auto_rule(rules, feature, rel, NIL);
	if (rule == NULL)
		return finding;
	if (sk_auto_obstacle() != NULL)
	{
		finding.state = "left alone";
		finding.detail = pstrdup(sk_auto_obstacle());
	}
	else
	{
		finding.state = "missing trigger";
		finding.detail = psprintf("rule %lld covers the table; schemakit.auto_apply() attaches it",
								  (long long) rule->id);
	}
	return finding;
}

static Finding
examine(Relation rel, const SkFeature *feature, const Trigger *trigger,
		List *rules)
{
	if (rel->rd_rel->relispartition && (trigger == NULL || trigger->tgisclone))
		return partition_state(rel, feature, trigger);
	if (trigger != NULL)
		return trigger_state(rel, feature, trigger);
	return missing_state(rel, feature, rules);
}

/* A row of the result; relid InvalidOid: about no table that there is. */
static void
put_row(ReturnSetInfo *rsinfo, Oid relid, const char *feature,
		const Finding *finding)
{
	Datum		values[4];
	bool		nulls[4] = {false};

	values[0] = ObjectIdGetDatum(relid);
	nulls[0] = !OidIsValid(relid);
	values[1] = CStringGetTextDatum(feature);
	values[2] = CStringGetTextDatum(finding->state);
	if (finding->detail != NULL)
		values[3] = CStringGetTextDatum(finding->detail);
	else
		nulls[3] = true;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_finding(ReturnSetInfo *rsinfo, Oid relid, const SkFeature *feature,
			const Finding *finding)
{
	if (finding->state != NULL)
		put_row(rsinfo, relid, feature->name, finding);
}

/* A row for each trigger of the feature, or for there being none. */
static void
report(ReturnSetInfo *rsinfo, Relation rel, const SkFeature *feature,
	   List *rules)
{
	List	   *triggers = sk_attach_list(rel, sk_attach_function(feature->function));
	Finding		finding;
	ListCell   *lc;

	if (triggers == NIL)
	{
		finding = examine(rel, feature, NULL, rules);
		put_finding(rsinfo, RelationGetRelid(rel), feature, &finding);
	}
	foreach(lc, triggers)
	{
		finding = examine(rel, feature, lfirst(lc), rules);
		put_finding(rsinfo, RelationGetRelid(rel), feature, &finding);
	}
}

/* A rule whose pattern for schemas is misspelled, perhaps. */
static void
report_idle_rules(ReturnSetInfo *rsinfo, List *rules)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		const SkRule *rule = lfirst(lc);
		Finding		finding = {"no schema", NULL};

		if (sk_rule_has_schema(rule->schemas))
			continue;
		finding.detail = psprintf("rule %lld: no schema matches the pattern \"%s\"",
								  (long long) rule->id,
								  text_to_cstring(rule->schemas));
		put_row(rsinfo, InvalidOid, rule->feature, &finding);
	}
}

/*
 * schemakit.status() RETURNS SETOF (relid regclass, feature text, state text,
 *									 detail text)
 */
PG_FUNCTION_INFO_V1(schemakit_status);
Datum
schemakit_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *rules = sk_rule_list();
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, sk_table_list())
	{
		Relation	rel = try_relation_open(lfirst_oid(lc), AccessShareLock);

		CHECK_FOR_INTERRUPTS();
		if (rel == NULL)
			continue;
		for (const SkFeature *const *f = sk_features; *f; f++)
			report(rsinfo, rel, *f, rules);
		relation_close(rel, AccessShareLock);
	}
	report_idle_rules(rsinfo, rules);
	return (Datum) 0;
}
