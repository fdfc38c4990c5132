/*-------------------------------------------------------------------------
 *
 * attach/attach.c
 *	  The triggers that schemakit puts on users' tables: found, made, dropped,
 *	  and handed from a partitioned table to a partition that leaves it.
 *
 * A trigger is known as ours by its function, so a table, its dump and its
 * copy in another database say all there is to know: there is no list of
 * managed tables anywhere else.  Triggers are made through the server's C
 * interface rather than with SQL: no name has to be looked up on a path that
 * the user controls, no other event trigger runs in our care, and DDL costs
 * half as much.  Event triggers that fire after ours see the CREATE TRIGGER
 * among the commands of the statement.
 *
 * Callers hold at least ShareRowExclusiveLock on the tables they pass, and
 * run as the table's owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "base/compat.h"
#include "schemakit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "nodes/makefuncs.h"
#include "nodes/nodes.h"
#include "nodes/primnodes.h"
#include "rewrite/prs2lock.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * The trigger function schemakit.name().
 */
Oid
sk_attach_function(const char *name)
{
	oidvector  *noargs = buildoidvector(NULL, 0);
	Oid			schema = get_namespace_oid(SK_SCHEMA, false);
	Oid			function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										   CStringGetDatum(name),
										   PointerGetDatum(noargs),
										   ObjectIdGetDatum(schema));

	if (!OidIsValid(function))
		elog(ERROR, "function %s.%s() does not exist", SK_SCHEMA, name);
	return function;
}

/*
 * Is it one of our functions?
 */
bool
sk_attach_is_function(Oid function)
{
	Oid			schema = get_namespace_oid(SK_SCHEMA, true);

	return OidIsValid(schema) && get_func_namespace(function) == schema;
}

/* The trigger's row in pg_trigger, copied; or NULL. */
static HeapTuple
read_trigger(Oid trigger)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(pg_trigger, TriggerOidIndexId, true,
							  NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	return tuple;
}

/*
 * Is the trigger of that OID on one of our functions?
 */
bool
sk_attach_is_trigger(Oid trigger)
{
	HeapTuple	tuple = read_trigger(trigger);

	return HeapTupleIsValid(tuple) &&
		sk_attach_is_function(((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid);
}

/*
 * The table that has the trigger of that OID; InvalidOid if that is gone.
 */
Oid
sk_attach_relid(Oid trigger)
{
	HeapTuple	tuple = read_trigger(trigger);

	return HeapTupleIsValid(tuple) ? ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid
		: InvalidOid;
}

/*
 * The table from which a partition has its trigger; for a trigger that is
 * not a clone, its own.
 */
Oid
sk_attach_origin(Oid trigger)
{
	for (;;)
	{
		HeapTuple	tuple = read_trigger(trigger);
		Form_pg_trigger form;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "could not find tuple for trigger %u", trigger);
		form = (Form_pg_trigger) GETSTRUCT(tuple);
		if (!OidIsValid(form->tgparentid))
			return form->tgrelid;
		trigger = form->tgparentid;
	}
}

/*
 * The relation's row triggers that are ours.  Like all that is handed out
 * here they are copies, for the relation's cache entry may be rebuilt whenever
 * a catalog is read.
 */
static List *
list_ours(Relation rel)
{
	TriggerDesc *trigdesc = CopyTriggerDesc(rel->trigdesc);
	List	   *ours = NIL;

	for (int i = 0; trigdesc && i < trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &trigdesc->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) &&
			sk_attach_is_function(trigger->tgfoid))
			ours = lappend(ours, trigger);
	}
	return ours;
}

/* Has the relation a trigger on the function, or on any of ours if that is 0? */
static bool
has_trigger(Oid relid, Oid function)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		found = false;
	Relation	pg_trigger;
	ScanKeyData key;
	SysScanDesc scan;

	if (!HeapTupleIsValid(tuple))
		return false;
	found = ((Form_pg_class) GETSTRUCT(tuple))->relhastriggers;
	ReleaseSysCache(tuple);
	if (!found)
		return false;
	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true,
							  NULL, 1, &key);
	found = false;
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			theirs = ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid;

		found = OidIsValid(function) ? theirs == function : sk_attach_is_function(theirs);
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	return found;
}

/*
 * Has the table triggers that are ours?  It is neither opened nor locked.
 */
bool
sk_attach_has_ours(Oid relid)
{
	return has_trigger(relid, InvalidOid);
}

/*
 * Has the relation a trigger on that function?  It is neither opened nor locked.
 */
bool
sk_attach_is_on(Oid relid, Oid function)
{
	return has_trigger(relid, function);
}

/* Drop the table's triggers that are ours, of rows and of statements. */
void
sk_attach_drop_all(Relation rel)
{
	TriggerDesc *trigdesc = CopyTriggerDesc(rel->trigdesc);

	for (int i = 0; trigdesc && i < trigdesc->numtriggers; i++)
	{
		if (sk_attach_is_function(trigdesc->triggers[i].tgfoid))
			sk_attach_drop(&trigdesc->triggers[i]);
	}
}

static const Trigger *
find_by_name(Relation rel, const char *name)
{
	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		if (strcmp(rel->trigdesc->triggers[i].tgname, name) == 0)
			return &rel->trigdesc->triggers[i];
	}
	return NULL;
}

/*
 * The table's triggers on that function, enabled or not.
 */
List *
sk_attach_list(Relation rel, Oid function)
{
	TriggerDesc *trigdesc = CopyTriggerDesc(rel->trigdesc);
	List	   *triggers = NIL;

	for (int i = 0; trigdesc && i < trigdesc->numtriggers; i++)
	{
		if (trigdesc->triggers[i].tgfoid == function)
			triggers = lappend(triggers, &trigdesc->triggers[i]);
	}
	return triggers;
}

/*
 * Among triggers in the order of their names, the one on the function that has the
 * name under which we make it, or else the first of them; or NULL.  Who may make
 * triggers, but does not own the table, cannot put another one before it.
 */
const Trigger *
sk_attach_choose(List *triggers, Oid function)
{
	char	   *name = psprintf("%s%s", SK_TRIGGER_PREFIX, get_func_name(function));
	const Trigger *first = NULL;
	ListCell   *lc;

	foreach(lc, triggers)
	{
		const Trigger *trigger = lfirst(lc);

		if (trigger->tgfoid != function)
			continue;
		if (strcmp(trigger->tgname, name) == 0)
			return trigger;
		if (first == NULL)
			first = trigger;
	}
	return first;
}

/*
 * The table's, likewise.
 */
const Trigger *
sk_attach_find(Relation rel, Oid function)
{
	List	   *triggers = sk_attach_list(rel, function);

	return triggers == NIL ? NULL : sk_attach_choose(triggers, function);
}

static CreateTrigStmt *
make_statement(Relation rel, const SkTriggerDef *def)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	ListCell   *lc;

	stmt->replace = true;
	stmt->trigname = pstrdup(def->name);
	stmt->relation = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
								  pstrdup(RelationGetRelationName(rel)), -1);
	stmt->funcname = list_make2(makeString(pstrdup(SK_SCHEMA)),
								makeString(get_func_name(def->function)));
	foreach(lc, def->args)
		stmt->args = lappend(stmt->args, makeString(pstrdup(lfirst(lc))));
	stmt->row = !def->for_statement;
	stmt->timing = def->timing;
	stmt->events = def->events;
	stmt->whenClause = def->when;
	return stmt;
}

/*
 * The name must be free, or taken by a trigger of ours, in the table and all
 * of its partitions: theirs are replaced along with the table's.
 */
static void
check_name(Relation rel, const char *name)
{
	Oid			relid = RelationGetRelid(rel);
	List	   *tables;
	ListCell   *lc;

	tables = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
		? find_all_inheritors(relid, ShareRowExclusiveLock, NULL)
		: list_make1_oid(relid);
	foreach(lc, tables)
	{
		Relation	table = relation_open(lfirst_oid(lc), NoLock);
		const Trigger *old = find_by_name(table, name);

		if (old != NULL && !sk_attach_is_function(old->tgfoid))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("trigger \"%s\" for relation \"%s\" already exists",
							name, RelationGetRelationName(table)),
					 errhint("Rename that trigger.  The name is reserved for schemakit.")));
		relation_close(table, NoLock);
	}
}

/*
 * Keep the extension from being dropped before the trigger is committed: a
 * trigger on a function that is gone would make its table useless.
 */
static void
lock_extension(void)
{
	Oid			extension = get_extension_oid(SK_EXTENSION, false);

	LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
	if (get_extension_oid(SK_EXTENSION, true) != extension)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" was dropped concurrently",
						SK_EXTENSION)));
}

/*
 * Create the trigger, in place of one of ours that has the name.
 */
void
sk_attach_create(Relation rel, const SkTriggerDef *def)
{
	const Trigger *old = find_by_name(rel, def->name);
	Trigger		replaced = {0};
	CreateTrigStmt *stmt;
	ObjectAddress trigger;

	if (old != NULL)
		replaced = *old;		/* the relation's may move */

	check_name(rel, def->name);
	lock_extension();
	if (OidIsValid(replaced.tgconstraint))
		sk_attach_drop(&replaced);	/* the server does not replace these */

	stmt = make_statement(rel, def);
	trigger = CreateTriggerFiringOn(stmt, NULL, RelationGetRelid(rel),
									InvalidOid, InvalidOid, InvalidOid,
									def->function, InvalidOid, def->analyzed,
									false, false, def->fires_when);
	if (old != NULL)
		CommandCounterIncrement();	/* its dependencies are gone */
	sk_attach_depend(trigger.objectId);
	EventTriggerCollectSimpleCommand(trigger, InvalidObjectAddress,
									 (Node *) stmt);
	CommandCounterIncrement();
}

/*
 * Let DROP EXTENSION take the trigger away without CASCADE, as ALTER TRIGGER
 * ... DEPENDS ON EXTENSION does.
 */
void
sk_attach_depend(Oid trigger)
{
	ObjectAddress object;
	ObjectAddress extension;
	List	   *known = getAutoExtensionsOfObject(TriggerRelationId, trigger);

	ObjectAddressSet(extension, ExtensionRelationId,
					 get_extension_oid(SK_EXTENSION, false));
	if (list_member_oid(known, extension.objectId))
		return;
	ObjectAddressSet(object, TriggerRelationId, trigger);
	recordDependencyOn(&object, &extension, DEPENDENCY_AUTO_EXTENSION);
}

void
sk_attach_drop(const Trigger *trigger)
{
	ObjectAddress object;

	ObjectAddressSet(object, TriggerRelationId, trigger->tgoid);
	/* internal: not an event for those who watch over what users drop */
	performDeletion(&object, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/* Arguments as pg_trigger has them: each with a zero byte at its end. */
static Datum
args_as_bytea(List *args)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, args)
		appendBinaryStringInfo(&buf, lfirst(lc), strlen(lfirst(lc)) + 1);
	return PointerGetDatum(cstring_to_text_with_len(buf.data, buf.len));
}

/*
 * Give a trigger of ours other arguments, and leave all else as its owner made it: its
 * state and condition, and its clones, which the caller sees to.  Nothing has to be
 * allowed for that, as for the rename that makes it necessary.
 */
void
sk_attach_set_arguments(Relation rel, const Trigger *trigger, List *args)
{
	Relation	pg_trigger = table_open(TriggerRelationId, RowExclusiveLock);
	Datum		values[Natts_pg_trigger] = {0};
	bool		nulls[Natts_pg_trigger] = {0};
	bool		replace[Natts_pg_trigger] = {0};
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	values[Anum_pg_trigger_tgnargs - 1] = Int16GetDatum(list_length(args));
	values[Anum_pg_trigger_tgargs - 1] = args_as_bytea(args);
	replace[Anum_pg_trigger_tgnargs - 1] = true;
	replace[Anum_pg_trigger_tgargs - 1] = true;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger->tgoid));
	scan = systable_beginscan(pg_trigger, TriggerOidIndexId, true,
							  NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "could not find tuple for trigger %u", trigger->tgoid);
	tuple = heap_modify_tuple(tuple, RelationGetDescr(pg_trigger),
							  values, nulls, replace);
	CatalogTupleUpdate(pg_trigger, &tuple->t_self, tuple);
	systable_endscan(scan);
	table_close(pg_trigger, RowExclusiveLock);
	CacheInvalidateRelcache(rel);
	CommandCounterIncrement();
}

/*
 * The same for the first argument only.
 */
void
sk_attach_set_argument(Relation rel, const Trigger *trigger, const char *arg)
{
	List	   *args = list_make1((void *) arg);

	for (int i = 1; i < trigger->tgnargs; i++)
		args = lappend(args, trigger->tgargs[i]);
	sk_attach_set_arguments(rel, trigger, args);
}

/* Drop those of the table's own triggers that the parent's will stand for. */
static void
drop_superseded(Relation child, Relation parent)
{
	ListCell   *lc;

	foreach(lc, list_ours(child))
	{
		const Trigger *trigger = lfirst(lc);

		if (!trigger->tgisclone &&
			(find_by_name(parent, trigger->tgname) ||
			 sk_attach_find(parent, trigger->tgfoid)))
			sk_attach_drop(trigger);
	}
}

/*
 * A table is about to become a partition: clear the way for the triggers that
 * it and its own partitions get from the parent, which ATTACH PARTITION would
 * otherwise refuse as duplicates.
 */
void
sk_attach_yield(Relation child, Relation parent)
{
	List	   *tables = find_all_inheritors(RelationGetRelid(child),
											 AccessExclusiveLock, NULL);
	ListCell   *lc;

	foreach(lc, tables)
	{
		Relation	rel = relation_open(lfirst_oid(lc), NoLock);

		drop_superseded(rel, parent);
		relation_close(rel, NoLock);
	}
}

static List *
trigger_args(const Trigger *trigger)
{
	List	   *args = NIL;

	for (int i = 0; i < trigger->tgnargs; i++)
		args = lappend(args, trigger->tgargs[i]);
	return args;
}

/* The parent's trigger's condition, in terms of the child */
static Node *
condition_for(const Trigger *trigger, Relation child, Relation parent)
{
	List	   *condition;

	if (trigger->tgqual == NULL)
		return NULL;
	condition = list_make1(stringToNode(trigger->tgqual));
	condition = map_partition_varattnos(condition, PRS2_OLD_VARNO, child, parent);
	condition = map_partition_varattnos(condition, PRS2_NEW_VARNO, child, parent);
	return linitial(condition);
}

/*
 * A table is no longer a partition, and has lost the triggers that came from
 * the parent: give it ours again.
 */
void
sk_attach_inherit(Relation child, Relation parent)
{
	ListCell   *lc;

	foreach(lc, list_ours(parent))
	{
		const Trigger *trigger = lfirst(lc);
		SkTriggerDef def = {
			.name = trigger->tgname,
			.function = trigger->tgfoid,
			.timing = trigger->tgtype & TRIGGER_TYPE_TIMING_MASK,
			.events = trigger->tgtype & TRIGGER_TYPE_EVENT_MASK,
			.args = trigger_args(trigger),
			.analyzed = condition_for(trigger, child, parent),
			.fires_when = trigger->tgenabled,
		};

		if (sk_attach_find(child, trigger->tgfoid) == NULL)
			sk_attach_create(child, &def);
	}
}
