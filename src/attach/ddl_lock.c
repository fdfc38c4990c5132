/*-------------------------------------------------------------------------
 *
 * attach/ddl_lock.c
 *	  Tables that a command is about to change are locked before, with what who
 *	  reads them locks first.
 *
 * Locks are those that the command will take, in its order, and waited for as it
 * would.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/ddl_lock.h"
#include "attach/feature.h"
#include "base/compat.h"
#include "base/guard.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

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
 * Lock a table of our triggers as the command will, and its companion; false if it is
 * gone by then.
 */
bool
sk_ddl_lock_reached(Oid relid)
{
	ResourceOwner owner = CurrentResourceOwner;
	Oid			companion;
	bool		exists;

	/* who owns locks that a subtransaction has got, and releases them */
	CurrentResourceOwner = CurTransactionResourceOwner;
	companion = lock_both(relid);
	exists = get_rel_relkind(relid) != '\0';
	if (!exists)
	{
		UnlockRelationOid(relid, AccessExclusiveLock);
		if (OidIsValid(companion))
			UnlockRelationOid(companion, AccessExclusiveLock);
	}
	CurrentResourceOwner = owner;
	return exists;
}

/*
 * The tables that the command names, and those that it reaches: parents first, as
 * the server locks them, since children stay children while their parent is locked.
 */
List *
sk_ddl_lock_tables(const Node *stmt, List *names)
{
	List	   *tables = NIL;
	ResourceOwner owner = CurrentResourceOwner;
	ListCell   *lc;
	ListCell   *child;

	/* as in sk_ddl_lock_reached() */
	CurrentResourceOwner = CurTransactionResourceOwner;
	foreach(lc, names)
	{
		Oid			relid = lock_named(stmt, lfirst(lc));

		if (OidIsValid(relid))
			tables = list_append_unique_oid(tables, relid);
	}
	for (int i = 0; i < list_length(tables); i++)
	{
		Oid			relid = list_nth_oid(tables, i);

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
