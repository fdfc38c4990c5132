/*-------------------------------------------------------------------------
 *
 * sk_ddl_start.c
 *	  The event trigger at the start of a command: the way is cleared for it.
 *
 * A dump's CREATE TRIGGER replaces a trigger that its table was given already,
 * ATTACH PARTITION finds no triggers that the parent's would double, what depends
 * on a table's columns is out of the way when they are dropped, and a table that
 * becomes a view has no triggers any more.
 *
 * As in sk_ddl.c all work is guarded, and done as the owner of the table; names
 * are resolved as the statement itself does it, and who may not run the command
 * changes nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_attach.h"
#include "sk_command.h"
#include "sk_compat.h"
#include "sk_feature.h"
#include "sk_guard.h"
#include "sk_partition.h"
#include "sk_trigger.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/tablecmds.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * A trigger on one of our functions replaces one that has its name: a dump
 * can be loaded into a table that was given the trigger already.  Changing
 * the statement is possible here because the server gives event triggers a
 * copy of a statement that may be run again.
 */
static void
before_create_trigger(CreateTrigStmt *stmt)
{
	Oid			relid;
	Oid			trigger;

	if (stmt->replace || stmt->isconstraint ||
		!sk_attach_is_function(LookupFuncName(stmt->funcname, 0, NULL, true)))
		return;
	relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (!OidIsValid(relid))
		return;
	trigger = get_trigger_oid(relid, stmt->trigname, true);
	if (OidIsValid(trigger) && sk_attach_is_trigger(trigger))
		stmt->replace = true;
}


/*-------------------------------------------------------------------------
 * Tables that are about to be changed
 *-------------------------------------------------------------------------
 */

typedef struct Change
{
	Oid			relid;
	const SkTableChange *change;
} Change;

static Oid
companion_of(Oid relid)
{
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		Oid			companion = (*f)->companion ? (*f)->companion(relid) : InvalidOid;

		if (OidIsValid(companion))
			return companion;
	}
	return InvalidOid;
}

/*
 * Lock the table as the command will, and its companion, which is returned.  None
 * is held while the other is waited for: some have locked the companion and want
 * the table, and others the table, and will want the companion.
 */
static Oid
lock_both(Oid relid)
{
	for (;;)
	{
		Oid			companion;

		LockRelationOid(relid, AccessExclusiveLock);
		companion = companion_of(relid);
		if (!OidIsValid(companion) ||
			ConditionalLockRelationOid(companion, AccessExclusiveLock))
			return companion;
		UnlockRelationOid(relid, AccessExclusiveLock);
		LockRelationOid(companion, AccessExclusiveLock);
		if (ConditionalLockRelationOid(relid, AccessExclusiveLock))
		{
			if (companion_of(relid) == companion)
				return companion;
			UnlockRelationOid(relid, AccessExclusiveLock);
		}
		UnlockRelationOid(companion, AccessExclusiveLock);
	}
}

/* Who owns a schema may drop its tables, but not alter them. */
static bool
may_change(Oid relid, bool drop)
{
	Oid			schema = get_rel_namespace(relid);

	return object_ownercheck(RelationRelationId, relid, GetUserId()) ||
		(drop && object_ownercheck(NamespaceRelationId, schema, GetUserId()));
}

/*
 * The table that has the name, if the current user may change or drop it; else
 * InvalidOid.  It and its companion are locked, so that nobody gives it a
 * companion, or the name to another table, before the command has it: while a lock
 * is waited for, that may have been done.  A partition is not locked: DROP TABLE
 * locks its parent first.
 */
static Oid
lock_named(const RangeVar *name, bool drop)
{
	for (;;)
	{
		Oid			relid = RangeVarGetRelid(name, NoLock, true);
		char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';
		Oid			companion;

		if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
			IsCatalogRelationOid(relid) || !may_change(relid, drop))
			return InvalidOid;
		if (get_rel_relispartition(relid))
			return relid;
		companion = lock_both(relid);
		if (RangeVarGetRelid(name, NoLock, true) == relid)
			return relid;
		if (OidIsValid(companion))
			UnlockRelationOid(companion, AccessExclusiveLock);
		UnlockRelationOid(relid, AccessExclusiveLock);
	}
}

static void
tell_features(void *arg)
{
	const Change *change = arg;
	Relation	rel;

	/* What inherits from the table that is named may not be locked at all. */
	if (OidIsValid(companion_of(change->relid)))
		lock_both(change->relid);
	rel = try_relation_open(change->relid, AccessShareLock);
	if (rel == NULL)
		return;
	if (!superuser())			/* who may do more than the owner */
		sk_guard_become(rel->rd_rel->relowner);
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->before != NULL &&
			sk_attach_find(rel, sk_attach_function((*f)->function)) != NULL)
			(*f)->before(rel, change->change);
	}

	/* with a weak lock that is kept, two who want a strong one would deadlock */
	relation_close(rel, AccessShareLock);
}

/* Only what has triggers of ours is worth a subtransaction. */
static void
before_change(Oid relid, const SkTableChange *what)
{
	Change		change = {relid, what};
	Relation	rel = try_relation_open(relid, AccessShareLock);
	bool		concerned;

	if (rel == NULL)
		return;
	concerned = sk_attach_has_ours(rel);
	relation_close(rel, AccessShareLock);
	if (concerned)
		sk_guard_prepare(tell_features, &change, "prepare the change of", relid);
}

/* The table that the statement names, and those that inherit from it */
static void
before_change_of(const RangeVar *name, const SkTableChange *change)
{
	Oid			relid = lock_named(name, change->dropped);
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		before_change(lfirst_oid(lc), change);
}

static void
before_alter_table(const AlterTableStmt *stmt)
{
	SkTableChange change = {0};
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_AttachPartition)
			sk_partition_before_attach(stmt->relation, (const PartitionCmd *) cmd->def);
		if (cmd->subtype == AT_AlterColumnType)
			change.retyped = lappend(change.retyped, cmd);
		change.reshaped |= cmd->subtype == AT_DropColumn ||
			cmd->subtype == AT_AlterColumnType;
	}
	if (AlterTableGetLockLevel(stmt->cmds) == AccessExclusiveLock)
		before_change_of(stmt->relation, &change);
}

static void
before_drop(const DropStmt *stmt)
{
	SkTableChange change = {.dropped = true};
	ListCell   *lc;

	if (stmt->removeType != OBJECT_TABLE)
		return;
	foreach(lc, stmt->objects)
		before_change_of(makeRangeVarFromNameList(lfirst(lc)), &change);
}

/* What VACUUM would do, for a table that is locked and has no trigger left. */
static void
forget_triggers(Oid relid)
{
	Relation	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	((Form_pg_class) GETSTRUCT(tuple))->relhastriggers = false;
	CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
	table_close(pg_class, RowExclusiveLock);
	CommandCounterIncrement();
}

static void
drop_triggers(void *arg)
{
	Oid			relid = *(Oid *) arg;
	Relation	rel = try_relation_open(relid, AccessExclusiveLock);

	if (rel == NULL)
		return;
	sk_attach_drop_all(rel);
	if (rel->trigdesc == NULL && rel->rd_rel->relhastriggers)
		forget_triggers(relid);
	relation_close(rel, NoLock);
}

/* Up to PostgreSQL 15 a table without triggers becomes a view that way. */
static void
before_rule(const RuleStmt *stmt)
{
	Oid			relid;

	if (stmt->event != CMD_SELECT || !stmt->instead)
		return;
	relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_RELATION &&
		!get_rel_relispartition(relid) &&
		object_ownercheck(RelationRelationId, relid, GetUserId()))
		sk_guard_prepare(drop_triggers, &relid, "prepare the change of", relid);
}

/*
 * schemakit.on_ddl_command_start() RETURNS event_trigger
 */
PG_FUNCTION_INFO_V1(schemakit_on_ddl_command_start);
Datum
schemakit_on_ddl_command_start(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = sk_trigger_event(fcinfo, "on_ddl_command_start");
	const Node *stmt = data->parsetree;
	SkTableChange renamed = {0};

	if (sk_command_is_foreign())
		PG_RETURN_NULL();
	switch (nodeTag(stmt))
	{
		case T_CreateTrigStmt:
			before_create_trigger((CreateTrigStmt *) stmt);
			break;
		case T_AlterTableStmt:
			before_alter_table((const AlterTableStmt *) stmt);
			break;
		case T_RuleStmt:
			before_rule((const RuleStmt *) stmt);
			break;
		case T_RenameStmt:
			if (((const RenameStmt *) stmt)->renameType == OBJECT_TABLE)
				before_change_of(((const RenameStmt *) stmt)->relation, &renamed);
			break;
		case T_AlterObjectSchemaStmt:
			if (((const AlterObjectSchemaStmt *) stmt)->objectType == OBJECT_TABLE)
				before_change_of(((const AlterObjectSchemaStmt *) stmt)->relation, &renamed);
			break;
		case T_DropStmt:
			before_drop((const DropStmt *) stmt);
			break;
		default:
			break;
	}
	PG_RETURN_NULL();
}
