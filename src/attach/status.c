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
#include "attach/inherit.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/table.h"

#include "access/relation.h"
#include "catalog/partition.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* How long another session's lock is waited for, on what a table depends on */
#define LOCK_WAIT_MS	1

/* What status() says of one table and feature; state NULL: nothing. */
typedef struct Finding
{
	const char *state;
	char	   *detail;
} Finding;

static char *
join(const char *detail, const char *more)
{
	if (detail == NULL)
		return pstrdup(more);
	return more == NULL ? pstrdup(detail) : psprintf("%s; %s", detail, more);
}

/*
 * The state of a table that has the feature's trigger.  That it does not fire needs
 * no detail, and hides all else.
 */
static Finding
trigger_state(Relation rel, const SkFeature *feature, const Trigger *trigger)
{
	Oid			relid = RelationGetRelid(rel);
	SkCoverage	coverage = sk_coverage_trigger(relid, feature->triggers, trigger);
	Finding		finding = {NULL, NULL};

	finding.state = feature->fault(rel, trigger, &finding.detail);
	if (coverage.off)
	{
		finding.state = coverage.state;
		return finding;
	}
	if (coverage.state == NULL)
		coverage = sk_coverage_of(relid, feature->triggers + 1);
	if (coverage.state != NULL)
		finding.detail = join(finding.detail, coverage.detail);
	if (finding.state == NULL)
		finding.state = coverage.state ? coverage.state : "ok";
	return finding;
}

/* The table that a partition is part of; 0 if that is gone */
static Oid
parent_of(Relation rel)
{
	return rel->rd_rel->relispartition
		? get_partition_parent(RelationGetRelid(rel), true) : InvalidOid;
}

/* Why is the partition left alone by a trigger that works on its parent?  Or NULL */
static char *
left_alone(Relation rel, const SkFeature *feature, const Trigger *theirs)
{
	const Trigger *trigger = sk_attach_find(rel, theirs->tgfoid);
	char	   *reason;
	Relation	parent;

	if (feature->idle == NULL || trigger == NULL)
		return NULL;
	reason = feature->idle(rel, trigger);
	if (reason == NULL)
		return NULL;
	parent = RelationIdGetRelation(parent_of(rel));
	if (parent == NULL)
		return NULL;
	if (feature->idle(parent, theirs) != NULL)
		reason = NULL;
	RelationClose(parent);
	return reason;
}

/*
 * A partition is mentioned only where it differs from its parent: its trigger
 * came from there, and can be disabled alone, and its keys may be its own.
 */
static Finding
partition_state(Relation rel, const SkFeature *feature)
{
	Finding		finding = {NULL, NULL};
	Oid			function = sk_attach_function(feature->function);
	const Trigger *theirs = sk_attach_choose(sk_coverage_triggers(parent_of(rel)),
											 function);
	SkCoverage	coverage;

	if (theirs == NULL || !sk_coverage_fires(theirs))
		return finding;
	coverage = sk_coverage_of(RelationGetRelid(rel), feature->triggers);
	if (coverage.state != NULL && !coverage.late)
	{
		finding.state = "partition not covered";
		finding.detail = coverage.detail;
	}
	else if ((finding.detail = left_alone(rel, feature, theirs)) != NULL)
		finding.state = SK_LEFT_ALONE;
	return finding;
}

/* What the rules say of a table that has not the feature's trigger */
static Finding
rule_state(Relation rel, const SkFeature *feature, List *rules)
{
	Finding		finding = {NULL, NULL};
	const SkRule *rule = sk_auto_rule_for_all(rules, feature, rel);

	if (rule == NULL)
	{
		finding.detail = sk_auto_objection(rules, feature, rel);
		finding.state = finding.detail ? SK_LEFT_ALONE : NULL;
	}
	else if (sk_auto_obstacle() != NULL)
	{
		finding.state = SK_LEFT_ALONE;
		finding.detail = pstrdup(sk_auto_obstacle());
	}
	else
	{
		char	   *lacks = feature->lacks ? feature->lacks(rule->options) : NULL;

		finding.state = "missing trigger";
		finding.detail = psprintf(lacks ? "rule %lld covers the table, but %s"
								  : "rule %lld covers the table; schemakit.auto_apply() attaches it",
								  (long long) rule->id, lacks);
	}
	return finding;
}

/* A table that inherits from one that has the trigger */
static Finding
child_state(Relation rel, const SkFeature *feature)
{
	Finding		finding = {NULL, NULL};
	Oid			parentid = sk_inherit_covering_parent(RelationGetRelid(rel), feature);

	if (OidIsValid(parentid))
	{
		finding.state = "child not covered";
		finding.detail = psprintf("the table inherits from %s",
								  sk_table_told_name(parentid));
	}
	return finding;
}

/*
 * The state of a table without the feature's trigger: somebody may have put
 * another one in its place, a rule may ask for it, or the feature know that the
 * table had it.
 */
static Finding
missing_state(Relation rel, const SkFeature *feature, List *rules)
{
	Finding		finding = {NULL, NULL};
	SkCoverage	coverage = sk_coverage_of(RelationGetRelid(rel), feature->triggers);

	if (!sk_table_is_eligible(rel))
		return finding;
	if (strcmp(coverage.state, "replaced trigger") == 0)
	{
		finding.state = coverage.state;
		finding.detail = coverage.detail;
		return finding;
	}
	finding = rule_state(rel, feature, rules);
	if (finding.state == NULL)
		finding = child_state(rel, feature);
	if (finding.state == NULL && feature->lost != NULL)
	{
		finding.detail = feature->lost(rel);
		finding.state = finding.detail ? "missing trigger" : NULL;
	}
	return finding;
}

static Finding
examine(Relation rel, const SkFeature *feature, const Trigger *trigger,
		List *rules)
{
	if (rel->rd_rel->relispartition && (trigger == NULL || trigger->tgisclone))
		return partition_state(rel, feature);
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

/* A table, and a feature, in a result that is being made */
typedef struct Report
{
	ReturnSetInfo *rsinfo;
	List	   *rules;
	Oid			relid;
	const SkFeature *feature;
} Report;

static void
report_locked_table(void *arg)
{
	const Report *r = arg;
	Relation	rel = try_relation_open(r->relid, NoLock);

	if (rel == NULL)
		return;
	report(r->rsinfo, rel, r->feature, r->rules);
	relation_close(rel, NoLock);
}

/* Others have locked what has to be looked at. */
static void
report_unknown(const Report *r, const char *what)
{
	Finding		finding = {"locked", pstrdup(what)};

	if (sk_attach_is_on(r->relid, sk_attach_function(r->feature->function)) ||
		sk_auto_names(r->rules, r->feature, r->relid))
		put_finding(r->rsinfo, r->relid, r->feature, &finding);
}

/* Nobody is waited for: what is locked for long is just when status() is asked. */
static void
report_table(Report *r)
{
	bool		ours;
	bool		locked = sk_table_lock_at_once(r->relid, &ours);

	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		r->feature = *f;
		if (!locked)
			report_unknown(r, "another session has locked the table");
		else if (!sk_guard_in_time(report_locked_table, r, LOCK_WAIT_MS))
			report_unknown(r, "another session has locked what depends on the table");
	}
	if (locked && !ours)
		UnlockRelationOid(r->relid, AccessShareLock);
}

/* The pattern for schemas is misspelled, perhaps. */
static char *
what_rule_lacks(const SkRule *rule)
{
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if (strcmp((*f)->name, rule->feature) == 0 && (*f)->lacks != NULL &&
			sk_rule_has_schema(rule->schemas))
			return (*f)->lacks(rule->options);
	}
	return sk_rule_has_schema(rule->schemas) ? NULL
		: psprintf("no schema matches the pattern \"%s\"",
				   text_to_cstring(rule->schemas));
}

static void
report_idle_rules(ReturnSetInfo *rsinfo, List *rules)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		const SkRule *rule = lfirst(lc);
		char	   *lacking = what_rule_lacks(rule);
		Finding		finding = {"no schema", NULL};

		if (lacking == NULL)
			continue;
		finding.detail = psprintf("rule %lld: %s", (long long) rule->id, lacking);
		put_row(rsinfo, InvalidOid, rule->feature, &finding);
	}
}

/* What is wrong with our own tables */
static void
report_own_troubles(ReturnSetInfo *rsinfo, const SkFeature *feature)
{
	ListCell   *lc;

	if (feature->own == NULL)
		return;
	foreach(lc, feature->own->troubles())
	{
		const SkOwnTrouble *trouble = lfirst(lc);
		Finding		finding = {trouble->state, trouble->detail};

		put_row(rsinfo, trouble->relid, feature->name, &finding);
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
	Report		r = {
		.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo,
		.rules = sk_rule_list(),
	};
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, sk_table_list())
	{
		CHECK_FOR_INTERRUPTS();
		r.relid = lfirst_oid(lc);
		report_table(&r);
	}
	report_idle_rules(r.rsinfo, r.rules);
	for (const SkFeature *const *f = sk_features; *f; f++)
		report_own_troubles(r.rsinfo, *f);
	return (Datum) 0;
}
