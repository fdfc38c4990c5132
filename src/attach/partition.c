/*-------------------------------------------------------------------------
 *
 * attach/partition.c
 *	  Tables that become partitions, and partitions that become tables: what
 *	  ATTACH and DETACH PARTITION mean for the triggers on them.
 *
 * ATTACH PARTITION clones the parent's triggers, and fails if the table has
 * one of the same name; DETACH PARTITION removes the clones.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/partition.h"
#include "attach/attach.h"
#include "attach/rows.h"
#include "base/compat.h"
#include "base/guard.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

/* A table that becomes a partition, or no longer is one. */
typedef struct PartitionMove
{
	const RangeVar *parent;
	const RangeVar *child;
	Oid			parentid;
	Oid			childid;
} PartitionMove;

/*
 * Both tables, if they are there and the user may alter them; if not, the
 * command itself will say so.
 */
static bool
resolve_move(PartitionMove *move)
{
	move->parentid = RangeVarGetRelid(move->parent, NoLock, true);
	if (!OidIsValid(move->parentid))
		return false;
	move->childid = RangeVarGetRelid(move->child, NoLock, true);
	return OidIsValid(move->childid) &&
		object_ownercheck(RelationRelationId, move->parentid, GetUserId()) &&
		object_ownercheck(RelationRelationId, move->childid, GetUserId());
}

static Oid
lock_owned(const RangeVar *name, LOCKMODE lockmode)
{
	return RangeVarGetRelidExtended(name, lockmode, 0,
									RangeVarCallbackOwnsRelation, NULL);
}

/*
 * Locks are those of the command that is to come, in its order: the parent,
 * its default partition, the table.  A parent that has no triggers of ours
 * cannot get any while it is locked so, and no more is to be done then.
 */
static void
yield_to_parent(void *arg)
{
	const PartitionMove *move = arg;
	Relation	parent = relation_open(lock_owned(move->parent,
												  ShareUpdateExclusiveLock),
									   NoLock);

	if (sk_attach_has_ours(RelationGetRelid(parent)))
	{
		Oid			defaultid = get_default_partition_oid(RelationGetRelid(parent));
		Relation	child;

		if (OidIsValid(defaultid))
			LockRelationOid(defaultid, AccessExclusiveLock);
		child = relation_open(lock_owned(move->child, AccessExclusiveLock),
							  NoLock);
		if (!child->rd_rel->relispartition)
			sk_attach_yield(child, parent);
		relation_close(child, NoLock);
	}
	relation_close(parent, NoLock);
}

static void
inherit_from_parent(void *arg)
{
	const PartitionMove *move = arg;
	Relation	parent = relation_open(move->parentid, AccessShareLock);
	Relation	child = relation_open(move->childid, ShareRowExclusiveLock);

	if (!child->rd_rel->relispartition)
	{
		sk_guard_become(child->rd_rel->relowner);
		sk_attach_inherit(child, parent);
	}
	relation_close(child, NoLock);
	relation_close(parent, NoLock);
}

/*
 * The triggers are looked at under the locks only: either table may be getting
 * one in a transaction that is still going on.
 */
void
sk_partition_before_attach(const RangeVar *parent, const PartitionCmd *cmd)
{
	PartitionMove move = {
		.parent = parent,
		.child = cmd->name,
	};

	if (resolve_move(&move))
		sk_guard_run(yield_to_parent, &move, "prepare to attach", move.childid);
}

Oid
sk_partition_after_detach(Oid parentid, const PartitionCmd *cmd)
{
	PartitionMove move = {
		.child = cmd->name,
		.parentid = parentid,
	};

	move.childid = RangeVarGetRelid(cmd->name, NoLock, true);
	if (OidIsValid(move.childid))
	{
		sk_rows_moved(parentid, move.childid, false);
		sk_guard_run(inherit_from_parent, &move,
					 "restore the triggers of", move.childid);
	}
	return move.childid;
}
