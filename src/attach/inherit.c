/*-------------------------------------------------------------------------
 *
 * attach/inherit.c
 *	  Tables that inherit from others (INHERITS), and the triggers of their
 *	  parents.
 *
 * Who writes to a parent writes to its children, but the server gives these no
 * triggers, as it gives them to partitions.  So they get copies of their own: those
 * that there are when the parent gets its trigger, and each that comes later.  A
 * child that has a trigger of the feature keeps it, and one that is no child any
 * more keeps what it has got.
 *
 * Triggers are read from pg_trigger (attach/coverage.c), so that parents need not be
 * locked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/inherit.h"
#include "attach/attach.h"
#include "base/table.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * The tables from which that one inherits, as itself says; none for a partition.
 */
List *
sk_inherit_parents(Oid relid)
{
	Relation	pg_inherits;
	List	   *parents = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (get_rel_relispartition(relid))
		return NIL;
	pg_inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_inherits, InheritsRelidSeqnoIndexId, true,
							  NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(pg_inherits, AccessShareLock);
	return parents;
}

/*
 * The tables that inherit from that one, at all levels; none if these are
 * partitions.
 */
List *
sk_inherit_children(Relation rel, LOCKMODE lockmode)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION || !rel->rd_rel->relhassubclass)
		return NIL;
	return list_delete_first(find_all_inheritors(RelationGetRelid(rel), lockmode, NULL));
}

static const Trigger *
main_trigger(Oid relid, const SkFeature *feature)
{
	return sk_attach_choose(sk_coverage_triggers(relid),
							sk_attach_function(feature->function));
}

/*
 * A parent by whose trigger the feature covers that table, too; or InvalidOid.
 */
Oid
sk_inherit_covering_parent(Oid relid, const SkFeature *feature)
{
	ListCell   *lc;

	if (!feature->inherited)
		return InvalidOid;
	foreach(lc, sk_inherit_parents(relid))
	{
		const Trigger *trigger = main_trigger(lfirst_oid(lc), feature);

		if (trigger != NULL && sk_coverage_fires(trigger))
			return lfirst_oid(lc);
	}
	return InvalidOid;
}

static List *
args_of(const Trigger *trigger)
{
	List	   *args = NIL;

	for (int i = 0; i < trigger->tgnargs; i++)
		args = lappend(args, trigger->tgargs[i]);
	return args;
}

/*
 * Give the table the feature's triggers that the parent has, as they should be,
 * unless it has the feature already, or cannot have it.
 */
static void
take_from(Relation child, Oid parentid, const SkFeature *feature)
{
	List	   *theirs = sk_coverage_triggers(parentid);

	if (!sk_table_is_eligible(child) ||
		sk_attach_find(child, sk_attach_function(feature->function)) != NULL)
		return;
	for (const SkTriggerSpec *spec = feature->triggers; spec->function; spec++)
	{
		Oid			function = sk_attach_function(spec->function);
		const Trigger *trigger = sk_attach_choose(theirs, function);
		SkTriggerDef def = {
			.function = function,
			.timing = spec->timing,
			.events = spec->events,
			.for_statement = spec->for_statement,
		};

		if (trigger == NULL)
			continue;
		def.name = trigger->tgname;
		def.args = args_of(trigger);
		def.fires_when = trigger->tgenabled;
		sk_attach_create(child, &def);
	}
}

/*
 * The table has become somebody's child: give it what the feature has given to its
 * parents.
 */
void
sk_inherit_from_parents(Relation child, const SkFeature *feature)
{
	Oid			parentid = sk_inherit_covering_parent(RelationGetRelid(child), feature);

	if (OidIsValid(parentid))
		take_from(child, parentid, feature);
}

/*
 * The table has got the feature's triggers: so do those that inherit from it, whose
 * owner the current user must be, too.
 */
void
sk_inherit_to_children(Relation rel, const SkFeature *feature)
{
	ListCell   *lc;

	foreach(lc, sk_inherit_children(rel, ShareRowExclusiveLock))
	{
		Relation	child = table_open(lfirst_oid(lc), NoLock);

		if (sk_table_is_eligible(child))
		{
			sk_table_check_owner(RelationGetRelid(child));
			take_from(child, RelationGetRelid(rel), feature);
		}
		table_close(child, NoLock);
	}
}
