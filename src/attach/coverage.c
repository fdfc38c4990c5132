/*-------------------------------------------------------------------------
 *
 * attach/coverage.c
 *	  Does a trigger of ours do all of its work?
 *
 * A trigger is not just there or not: its owner, or anybody with the privilege
 * TRIGGER on the table, can replace it by one that has a condition, or fires for
 * fewer events, columns or sessions, or calls another function.  Whatever asks
 * whether a table is covered asks here: status(), auto_apply(), the functions that
 * enable a feature, and audit where it records that there is a gap.
 *
 * What is looked at are the rows of pg_trigger, as the server builds its own list
 * of triggers from them.  So no table has to be opened or locked: partitions may be
 * many, and in use.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/coverage.h"
#include "attach/attach.h"
#include "schemakit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"

/*
 * Does it fire when users write?
 */
bool
sk_coverage_fires(const Trigger *trigger)
{
	return trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN ||
		trigger->tgenabled == TRIGGER_FIRES_ALWAYS;
}

/* Its arguments, which pg_trigger has one after the other. */
static char **
read_args(HeapTuple tuple, TupleDesc tupdesc, int nargs)
{
	bool		isnull;
	bytea	   *value = DatumGetByteaPP(fastgetattr(tuple, Anum_pg_trigger_tgargs,
													tupdesc, &isnull));
	const char *p = VARDATA_ANY(value);
	char	  **args = palloc(sizeof(char *) * Max(nargs, 1));

	for (int i = 0; i < nargs; i++)
	{
		args[i] = pstrdup(p);
		p += strlen(p) + 1;
	}
	return args;
}

static Trigger *
read_trigger(HeapTuple tuple, TupleDesc tupdesc)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	Trigger    *trigger = palloc0(sizeof(Trigger));
	bool		isnull;
	Datum		qual = fastgetattr(tuple, Anum_pg_trigger_tgqual, tupdesc, &isnull);

	trigger->tgoid = form->oid;
	trigger->tgname = pstrdup(NameStr(form->tgname));
	trigger->tgfoid = form->tgfoid;
	trigger->tgtype = form->tgtype;
	trigger->tgenabled = form->tgenabled;
	trigger->tgisinternal = form->tgisinternal;
	trigger->tgisclone = OidIsValid(form->tgparentid);
	trigger->tgconstraint = form->tgconstraint;
	trigger->tgnattr = form->tgattr.dim1;
	trigger->tgnargs = form->tgnargs;
	trigger->tgargs = read_args(tuple, tupdesc, form->tgnargs);
	trigger->tgqual = isnull ? NULL : TextDatumGetCString(qual);
	return trigger;
}

/*
 * The relation's triggers in the order in which they fire, but for the server's
 * own.  It is neither opened nor locked.
 */
List *
sk_coverage_triggers(Oid relid)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	List	   *triggers = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true,
							  NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Trigger    *trigger = read_trigger(tuple, RelationGetDescr(pg_trigger));

		if (!trigger->tgisinternal || trigger->tgisclone)
			triggers = lappend(triggers, trigger);
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	return triggers;
}

static const char *
event_name(int16 events)
{
	if (events & TRIGGER_TYPE_INSERT)
		return "INSERT";
	if (events & TRIGGER_TYPE_UPDATE)
		return "UPDATE";
	if (events & TRIGGER_TYPE_DELETE)
		return "DELETE";
	return "TRUNCATE";
}

/* In what is the trigger not as the feature would make it?  NULL: in nothing. */
static const char *
difference(Oid relid, const SkTriggerSpec *spec, const Trigger *trigger)
{
	int16		events = trigger->tgtype & TRIGGER_TYPE_EVENT_MASK;

	if ((trigger->tgtype & TRIGGER_TYPE_TIMING_MASK) != spec->timing)
		return spec->timing == TRIGGER_TYPE_BEFORE ? "is not a BEFORE trigger"
			: "is not an AFTER trigger";
	if ((TRIGGER_FOR_ROW(trigger->tgtype) != 0) == spec->for_statement)
		return spec->for_statement ? "is not FOR EACH STATEMENT"
			: "is not FOR EACH ROW";
	if (spec->events & ~events)
		return psprintf("does not fire for %s", event_name(spec->events & ~events));
	if (events & ~spec->events)
		return psprintf("fires for %s", event_name(events & ~spec->events));
	if (trigger->tgnattr > 0)
		return "fires for some columns only";
	if (spec->condition == NULL && trigger->tgqual != NULL)
		return "has a WHEN clause";
	if (spec->condition != NULL && !spec->condition(relid, trigger))
		return "has another WHEN clause";
	if (OidIsValid(trigger->tgconstraint))
		return "is a constraint trigger";
	return NULL;
}

/* A trigger that may change the row after ours did its work; or NULL. */
static const Trigger *
later_trigger(Oid relid, const Trigger *ours)
{
	ListCell   *lc;

	foreach(lc, sk_coverage_triggers(relid))
	{
		const Trigger *trigger = lfirst(lc);

		if (strcmp(trigger->tgname, ours->tgname) > 0 &&
			sk_coverage_fires(trigger) &&
			TRIGGER_FOR_ROW(trigger->tgtype) &&
			(trigger->tgtype & TRIGGER_TYPE_TIMING_MASK) ==
			(ours->tgtype & TRIGGER_TYPE_TIMING_MASK) &&
			(trigger->tgtype & ours->tgtype & TRIGGER_TYPE_EVENT_MASK) &&
			!sk_attach_is_function(trigger->tgfoid))
			return trigger;
	}
	return NULL;
}

static char *
say(const Trigger *trigger, const char *what)
{
	return psprintf("trigger %s %s", quote_identifier(trigger->tgname), what);
}

/*
 * What is wrong with a trigger on the spec's function?
 */
SkCoverage
sk_coverage_trigger(Oid relid, const SkTriggerSpec *spec, const Trigger *trigger)
{
	SkCoverage	coverage = {0};
	const char *what = difference(relid, spec, trigger);
	const Trigger *later;

	if (!sk_coverage_fires(trigger))
	{
		coverage.state = trigger->tgenabled == TRIGGER_DISABLED
			? "disabled trigger" : "replica trigger";
		coverage.detail = say(trigger, "does not fire");
		coverage.off = true;
	}
	else if (what != NULL)
	{
		coverage.state = "altered trigger";
		coverage.detail = say(trigger, what);
	}
	else if (spec->last && (later = later_trigger(relid, trigger)) != NULL)
	{
		coverage.state = "later trigger";
		coverage.detail = say(later, "fires later");
		coverage.late = true;
	}
	return coverage;
}

/*
 * Is the trigger other than the feature would make it, whether it is enabled or not?
 */
bool
sk_coverage_is_altered(Oid relid, const SkTriggerSpec *spec, const Trigger *trigger)
{
	return difference(relid, spec, trigger) != NULL;
}

/* There is no trigger on the spec's function.  Is there another one in its place? */
static SkCoverage
missing(List *triggers, const SkTriggerSpec *spec)
{
	char	   *name = psprintf("%s%s", SK_TRIGGER_PREFIX, spec->function);
	SkCoverage	coverage = {.state = "missing trigger"};
	ListCell   *lc;

	coverage.detail = psprintf("trigger %s is missing", quote_identifier(name));
	foreach(lc, triggers)
	{
		const Trigger *trigger = lfirst(lc);

		if (strcmp(trigger->tgname, name) != 0)
			continue;
		coverage.state = "replaced trigger";
		coverage.detail = say(trigger, psprintf("executes function %s",
												format_procedure(trigger->tgfoid)));
	}
	return coverage;
}

/* Before 16, foreign tables, as partitions, cannot have TRUNCATE triggers. */
static bool
is_impossible(Oid relid, const SkTriggerSpec *spec)
{
	return (spec->events & TRIGGER_TYPE_TRUNCATE) &&
		get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE;
}

/*
 * The first fault of the relation's triggers of a feature; state NULL: they do
 * all of its work, on this relation.  It is neither opened nor locked.
 */
SkCoverage
sk_coverage_of(Oid relid, const SkTriggerSpec *specs)
{
	List	   *triggers = sk_coverage_triggers(relid);
	SkCoverage	coverage = {0};

	for (const SkTriggerSpec *spec = specs; spec->function != NULL; spec++)
	{
		const Trigger *trigger = sk_attach_choose(triggers,
												  sk_attach_function(spec->function));

		if (trigger != NULL)
			coverage = sk_coverage_trigger(relid, spec, trigger);
		else if (!spec->optional && !is_impossible(relid, spec))
			coverage = missing(triggers, spec);
		if (coverage.state == NULL)
			continue;
		if (spec->state != NULL)
			coverage.state = spec->state;
		break;
	}
	return coverage;
}

static List *
with_partitions(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE
		? find_all_inheritors(relid, NoLock, NULL) : list_make1_oid(relid);
}

/*
 * The table, or the first of its partitions, whose triggers do not do all of the
 * feature's work, and what is wrong with them; InvalidOid, and state NULL, if there
 * is none.
 */
Oid
sk_coverage_gap(Oid relid, const SkTriggerSpec *specs, SkCoverage *gap)
{
	ListCell   *lc;

	foreach(lc, with_partitions(relid))
	{
		*gap = sk_coverage_of(lfirst_oid(lc), specs);
		if (gap->state != NULL && !gap->late)
			return lfirst_oid(lc);
	}
	gap->state = NULL;
	return InvalidOid;
}

/*
 * Do they do all of the feature's work on the table and on its partitions?
 */
bool
sk_coverage_is_complete(Oid relid, const SkTriggerSpec *specs)
{
	SkCoverage	gap;

	return !OidIsValid(sk_coverage_gap(relid, specs, &gap));
}

/*
 * Or would they, but for those that somebody has disabled?
 */
bool
sk_coverage_is_intact(Oid relid, const SkTriggerSpec *specs)
{
	ListCell   *lc;

	foreach(lc, with_partitions(relid))
	{
		SkCoverage	coverage = sk_coverage_of(lfirst_oid(lc), specs);

		if (coverage.state != NULL && !coverage.late && !coverage.off)
			return false;
	}
	return true;
}
