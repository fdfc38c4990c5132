/*-------------------------------------------------------------------------
 *
 * attach/ddl_start.c
 *	  The event trigger at the start of a command: the way is cleared for it.
 *
 * A dump's CREATE TRIGGER replaces a trigger that its table was given already,
 * ATTACH PARTITION finds no triggers that the parent's would double, what depends
 * on a table's columns is out of the way when they are dropped, and a table that
 * becomes a view has no triggers any more.  Locks are those that the command will
 * take, in its order, and waited for as it would.
 *
 * As in attach/ddl_end.c all work is guarded, and done as the owner of the table; names
 * are resolved as the statement itself does it, and who may not run the command
 * changes nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "attach/command.h"
#include "attach/feature.h"
#include "attach/partition.h"
#include "attach/uninstall.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/trigger.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/tablecmds.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

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

/* A lock that is wanted, and for how long */
typedef struct Wait
{
	Oid			relid;
	int			ms;
} Wait;

static void
lock_in_time(void *arg)
{
	const Wait *wait = arg;
	int			nest_level = NewGUCNestLevel();

	(void) set_config_option("lock_timeout", psprintf("%dms", wait->ms), PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	LockRelationOid(wait->relid, AccessExclusiveLock);
	AtEOXact_GUC(true, nest_level);
}

static bool
is_too_late(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Lock it if that can be had within the time; the user's lock_timeout is an error. */
static bool
lock_within(Oid relid, int ms, TimestampTz began)
{
	long		waited = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
	bool		last = LockTimeout > 0 && LockTimeout - waited <= ms;
	Wait		wait = {relid, last ? (int) Max(LockTimeout - waited, 1) : ms};

	if (!last)
		return sk_guard_try(lock_in_time, &wait, is_too_late) == NULL;
	sk_guard_require(lock_in_time, &wait);
	return true;
}

/*
 * How long the companion is held while the table is waited for, in ms.  Who has the
 * table may want the companion, so the time is shorter than deadlock_timeout: twenty
 * times, after which it grows, or many readers of both could keep us waiting for
 * ever.
 */
static int
patience(int round)
{
	int			fifth = Max(DeadlockTimeout / 5, 1);

	if (round < 20)
		return fifth << Min(round, 2);
	return (int) Min((int64) fifth << Min(round - 17, 20), INT_MAX);
}

/*
 * Lock both or none, which is false.  If the table cannot be had in time while the
 * companion is held, it is waited for without, as long as it takes: until all who
 * have it are done, and autovacuum, which the server ends for who waits so long.
 */
static bool
lock_with_companion(Oid relid, Oid companion, int ms, TimestampTz began)
{
	LockRelationOid(companion, AccessExclusiveLock);
	if (lock_within(relid, ms, began))
		return true;
	UnlockRelationOid(companion, AccessExclusiveLock);
	(void) lock_within(relid, INT_MAX, began);
	if (ConditionalLockRelationOid(companion, AccessExclusiveLock))
		return true;
	UnlockRelationOid(relid, AccessExclusiveLock);
	return false;
}

/*
 * Lock the table as the command will, and its companion, which is returned.  The
 * companion comes first, as it does for who reads it.
 */
static Oid
lock_both(Oid relid)
{
	TimestampTz began = GetCurrentTimestamp();

	for (int round = 0;; round++)
	{
		Oid			companion = companion_of(relid);

		if (!OidIsValid(companion))
			LockRelationOid(relid, AccessExclusiveLock);
		else if (!lock_with_companion(relid, companion, patience(round), began))
			continue;
		if (companion_of(relid) == companion)
			return companion;
		UnlockRelationOid(relid, AccessExclusiveLock);
		if (OidIsValid(companion))
			UnlockRelationOid(companion, AccessExclusiveLock);
	}
}

/* What the server asks before it locks the table */
static bool
may_run(const Node *stmt, Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	Oid			user = GetUserId();
	bool		owns = object_ownercheck(RelationRelationId, relid, user);

	if (IsA(stmt, DropStmt))
		return owns || object_ownercheck(NamespaceRelationId, schema, user);
	if (IsA(stmt, RenameStmt) && ((const RenameStmt *) stmt)->renameType == OBJECT_TABLE)
		return owns && object_aclcheck(NamespaceRelationId, schema, user,
									   ACL_CREATE) == ACLCHECK_OK;
	return owns;
}

/* The table that the statement names, if it may be run; else InvalidOid */
static Oid
find_named(const Node *stmt, const RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	return (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
		!IsCatalogRelationOid(relid) && may_run(stmt, relid) ? relid : InvalidOid;
}

/*
 * The same, locked with its companion, so that nobody gives it one, or the name to
 * another table, before the command has it: while a lock is waited for, that may
 * have been done.  As in the server, DROP TABLE locks a partition's parent first.
 */
static Oid
lock_named(const Node *stmt, const RangeVar *name)
{
	for (;;)
	{
		Oid			relid = find_named(stmt, name);
		Oid			parent = InvalidOid;
		Oid			companion;

		if (!OidIsValid(relid))
			return InvalidOid;
		if (IsA(stmt, DropStmt) && get_rel_relispartition(relid))
			parent = get_partition_parent(relid, true);
		if (OidIsValid(parent))
			LockRelationOid(parent, AccessExclusiveLock);
		companion = lock_both(relid);
		if (find_named(stmt, name) == relid)
			return relid;
		if (OidIsValid(companion))
			UnlockRelationOid(companion, AccessExclusiveLock);
		UnlockRelationOid(relid, AccessExclusiveLock);
		if (OidIsValid(parent))
			UnlockRelationOid(parent, AccessExclusiveLock);
	}
}

/* Are columns dropped, or given another type? */
static bool
reshapes(const AlterTableCmd *cmd)
{
	return cmd->subtype == AT_DropColumn || cmd->subtype == AT_AlterColumnType;
}

static bool
has_column(Oid relid, const char *name)
{
	return get_attnum(relid, name) != InvalidAttrNumber;
}

/* What is there already is not added, and what is not is not changed, nor below. */
static bool
changes_columns(const AlterTableStmt *stmt, Oid relid)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_AddColumn
			? !has_column(relid, ((const ColumnDef *) cmd->def)->colname)
			: reshapes(cmd) && has_column(relid, cmd->name))
			return true;
	}
	return false;
}

/* Does the command go on to those that inherit from the table? */
static bool
reaches_children(const Node *stmt, Oid relid)
{
	const RenameStmt *rename = (const RenameStmt *) stmt;

	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return ((const AlterTableStmt *) stmt)->relation->inh &&
				changes_columns((const AlterTableStmt *) stmt, relid);
		case T_RenameStmt:
			return rename->renameType == OBJECT_COLUMN && rename->relation->inh &&
				has_column(relid, rename->subname);
		case T_DropStmt:
			return ((const DropStmt *) stmt)->behavior == DROP_CASCADE ||
				get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
		default:
			return false;
	}
}

/*
 * The tables that the command names, and those that it reaches: parents first, as
 * the server locks them, since children stay children while their parent is locked.
 */
static List *
lock_tables(const Node *stmt, List *names)
{
	List	   *tables = NIL;
	ResourceOwner owner = CurrentResourceOwner;
	ListCell   *lc;
	ListCell   *child;

	/* who owns locks that a subtransaction has got, and releases them */
	CurrentResourceOwner = CurTransactionResourceOwner;
	foreach(lc, names)
	{
		Oid			relid = lock_named(stmt, lfirst(lc));

		if (OidIsValid(relid))
			tables = list_append_unique_oid(tables, relid);
	}
	foreach(lc, tables)
	{
		Oid			relid = lfirst_oid(lc);

		if (!reaches_children(stmt, relid))
			continue;
		foreach(child, find_inheritance_children(relid, NoLock))
		{
			if (list_member_oid(tables, lfirst_oid(child)))
				continue;
			(void) lock_both(lfirst_oid(child));
			tables = lappend_oid(tables, lfirst_oid(child));
		}
	}
	CurrentResourceOwner = owner;
	return tables;
}

typedef struct Change
{
	Oid			relid;
	const SkTableChange *change;
} Change;

static void
tell_features(void *arg)
{
	const Change *change = arg;
	Relation	rel = try_relation_open(change->relid, AccessShareLock);

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
before_command(const Node *stmt, List *names, const SkTableChange *what)
{
	ListCell   *lc;

	foreach(lc, lock_tables(stmt, names))
	{
		Change		change = {lfirst_oid(lc), what};

		if (sk_attach_has_ours(change.relid))
			sk_guard_prepare(tell_features, &change, "prepare the change of",
							 change.relid);
	}
}

/*
 * Features are notified of columns and owners only.  But any command that locks out the
 * table's readers locks its companion first: those who then wait for the table would
 * have the companion, and a second command of the transaction could not get it.
 */
static void
before_alter_table(const AlterTableStmt *stmt)
{
	SkTableChange change = {0};
	bool		concerned = false;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_AttachPartition)
			sk_partition_before_attach(stmt->relation, (const PartitionCmd *) cmd->def);
		if (cmd->subtype == AT_AlterColumnType)
			change.retyped = lappend(change.retyped, cmd);
		change.reshaped |= reshapes(cmd);
		concerned |= reshapes(cmd) || cmd->subtype == AT_AddColumn ||
			cmd->subtype == AT_ChangeOwner;
	}
	if (concerned)
		before_command((const Node *) stmt, list_make1(stmt->relation), &change);
	else if (AlterTableGetLockLevel(stmt->cmds) == AccessExclusiveLock)
		(void) lock_tables((const Node *) stmt, list_make1(stmt->relation));
}

static void
before_rename(const RenameStmt *stmt)
{
	SkTableChange change = {0};

	if (stmt->renameType == OBJECT_TABLE ||
		(stmt->renameType == OBJECT_COLUMN && stmt->relationType == OBJECT_TABLE))
		before_command((const Node *) stmt, list_make1(stmt->relation), &change);
}

static void
before_set_schema(const AlterObjectSchemaStmt *stmt)
{
	SkTableChange change = {0};

	if (stmt->objectType == OBJECT_TABLE)
		before_command((const Node *) stmt, list_make1(stmt->relation), &change);
}

static void
before_drop(const DropStmt *stmt)
{
	SkTableChange change = {.dropped = true};
	List	   *names = NIL;
	ListCell   *lc;

	if (stmt->removeType != OBJECT_TABLE)
		return;
	foreach(lc, stmt->objects)
		names = lappend(names, makeRangeVarFromNameList(lfirst(lc)));
	before_command((const Node *) stmt, names, &change);
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
 * schemakit.internal_on_ddl_command_start() RETURNS event_trigger
 */
PG_FUNCTION_INFO_V1(schemakit_internal_on_ddl_command_start);
Datum
schemakit_internal_on_ddl_command_start(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = sk_trigger_event(fcinfo, "internal_on_ddl_command_start");
	const Node *stmt = data->parsetree;

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
			before_rename((const RenameStmt *) stmt);
			break;
		case T_AlterObjectSchemaStmt:
			before_set_schema((const AlterObjectSchemaStmt *) stmt);
			break;
		case T_DropStmt:
			before_drop((const DropStmt *) stmt);
			sk_uninstall_before(stmt);
			break;
		case T_DropOwnedStmt:
			sk_uninstall_before(stmt);
			break;
		default:
			break;
	}
	PG_RETURN_NULL();
}
