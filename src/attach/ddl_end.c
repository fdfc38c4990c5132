/*-------------------------------------------------------------------------
 *
 * attach/ddl_end.c
 *	  The event triggers at the end of a command: what users' DDL means for the
 *	  features.
 *
 * They attach what the rules ask for to the tables that the command made or
 * gave columns to, let triggers follow renamed columns, and remove those of
 * dropped ones.  They must not fail a command that would succeed without them:
 * all work is guarded (base/guard.c), and done as the owner of the table.
 *
 * They do nothing in an extension's script, where the objects belong to the
 * extension, nor in pg_upgrade.  While a dump is loaded nothing is attached,
 * since a dump says which triggers its tables have; but features are notified of
 * what is changed, since a session may only look as if it loaded one.
 *
 * These functions have no SET clause: the user's search_path is needed to
 * resolve the names in the user's statement.  Nothing else is looked up on it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "attach/auto.h"
#include "attach/command.h"
#include "attach/feature.h"
#include "attach/inherit.h"
#include "attach/partition.h"
#include "attach/reach.h"
#include "attach/rows.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/restore.h"
#include "base/table.h"
#include "base/trigger.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "commands/extension.h"
#include "commands/tablecmds.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "tcop/deparse_utility.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Reading catalogs needs a snapshot.  A command has one but for DETACH
 * PARTITION CONCURRENTLY, whose second transaction ends it without.
 */
static bool
push_missing_snapshot(void)
{
	if (ActiveSnapshotSet())
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	return true;
}


/*-------------------------------------------------------------------------
 * Attaching
 *-------------------------------------------------------------------------
 */

/* A table that may need triggers now, and the columns that it got. */
typedef struct Candidate
{
	Oid			relid;
	const SkGain *gain;			/* NULL: the whole table is new */
} Candidate;

static void
attach_feature(const SkFeature *feature, void *arg)
{
	const Candidate *candidate = arg;
	Relation	rel;

	if (candidate->gain == NULL)
		sk_auto_equip(feature, candidate->relid);
	rel = try_relation_open(candidate->relid, ShareRowExclusiveLock);
	if (rel == NULL)
		return;
	sk_guard_become(rel->rd_rel->relowner);
	sk_auto_attach(feature, rel, candidate->gain, TRIGGER_FIRES_ON_ORIGIN);
	relation_close(rel, NoLock);
}

static void
consider(Oid relid, const SkGain *gain)
{
	Candidate	candidate = {
		.relid = relid,
		.gain = gain,
	};

	if (!sk_restore_is_running())
		sk_feature_each(attach_feature, &candidate, "attach triggers to", relid);
}

static void
inherit_feature(const SkFeature *feature, void *arg)
{
	Relation	rel = try_relation_open(*(const Oid *) arg, ShareRowExclusiveLock);

	if (rel == NULL)
		return;
	sk_guard_become(rel->rd_rel->relowner);
	sk_inherit_from_parents(rel, feature);
	relation_close(rel, NoLock);
}

/* The table inherits from another one now, and so do its own children. */
static void
parent_added(Oid relid)
{
	ListCell   *lc;

	if (sk_restore_is_running())
		return;
	foreach(lc, sk_reach_altered(relid))
	{
		Oid			child = lfirst_oid(lc);

		sk_feature_each(inherit_feature, &child, "attach triggers to", child);
	}
}

/* Columns are inherited, a primary key is not. */
static void
gained(Oid relid, const SkGain *gain)
{
	SkGain		inherited = {.columns = gain->columns};
	ListCell   *lc;

	if (gain->primary_key)
		consider(relid, gain);
	if (gain->columns == NIL)
		return;
	foreach(lc, sk_reach_altered(relid))
	{
		if (!gain->primary_key || lfirst_oid(lc) != relid)
			consider(lfirst_oid(lc), &inherited);
	}
}


/*-------------------------------------------------------------------------
 * Tables whose definition changed
 *-------------------------------------------------------------------------
 */

typedef struct Alteration
{
	Oid			relid;
	bool		detached;
} Alteration;

static void
tell_of_alteration(const SkFeature *feature, void *arg)
{
	const Alteration *alteration = arg;
	Relation	rel = try_relation_open(alteration->relid, AccessShareLock);

	if (rel == NULL)
		return;
	if (!superuser())			/* who may do more than the owner */
		sk_guard_become(rel->rd_rel->relowner);
	feature->altered(rel, alteration->detached);
	relation_close(rel, NoLock);
}

static bool
owes(const SkFeature *feature, Oid relid)
{
	return feature->owes != NULL && feature->owes(relid);
}

/* Each for itself: what a feature finds in the way is not the others' affair. */
static void
follow(Alteration *alteration)
{
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->altered == NULL)
			continue;
		if (owes(*f, alteration->relid))
			sk_feature_require(*f, tell_of_alteration, alteration);
		else
			sk_feature_one(*f, tell_of_alteration, alteration,
						   "update the triggers and views of", alteration->relid);
	}
}

/*
 * Only what has triggers of ours is worth a subtransaction, and where something was
 * taken away in advance.  What the command changed it has locked; for a table that somebody else has locked nothing is
 * to be done, and we do not wait.
 */
static void
altered(Oid relid, bool detached)
{
	Alteration	alteration = {
		.relid = relid,
		.detached = detached,
	};
	bool		ours;

	if (!sk_table_lock_at_once(relid, &ours))
		return;
	if (sk_attach_has_ours(relid) || sk_feature_is_owed(relid))
		follow(&alteration);
	if (!ours)
		UnlockRelationOid(relid, AccessShareLock);
}

/* For a trigger that is gone nobody can tell whether it was one of ours. */
static void
triggers_dropped(void)
{
	ListCell   *lc;

	foreach(lc, sk_command_dropped_triggers())
	{
		Alteration	alteration = {.relid = *(Oid *) lfirst(lc)};

		follow(&alteration);
	}
}

/*
 * Those that inherit come first: what a new partition lacks is a gap of its parent
 * until it has it.
 */
static void
altered_with_children(Oid relid)
{
	List	   *tables = sk_reach_altered(relid);

	for (int i = list_length(tables) - 1; i >= 0; i--)
		altered(list_nth_oid(tables, i), false);
}


/*-------------------------------------------------------------------------
 * Columns that are renamed or dropped
 *-------------------------------------------------------------------------
 */

typedef struct ColumnChange
{
	Oid			relid;
	const char *from;
	const char *to;				/* NULL: dropped */
} ColumnChange;

/*
 * A feature whose trigger went away with its column may find another one; if
 * the trigger was disabled, so is the new one, and the table is left alone as
 * before.  A clone goes away with its parent's trigger.
 */
static void
tell_feature(const SkFeature *feature, Relation rel, const ColumnChange *change)
{
	ListCell   *lc;

	foreach(lc, sk_attach_list(rel, sk_attach_function(feature->function)))
	{
		const Trigger *trigger = lfirst(lc);

		if (trigger->tgisclone && change->to == NULL)
			continue;
		if (!feature->column_changed(rel, trigger, change->from, change->to))
			sk_auto_attach(feature, rel, NULL, trigger->tgenabled);
	}
}

static void
follow_column(const SkFeature *feature, void *arg)
{
	const ColumnChange *change = arg;
	Relation	rel = try_relation_open(change->relid, ShareRowExclusiveLock);

	if (rel == NULL)
		return;
	sk_guard_become(rel->rd_rel->relowner);
	tell_feature(feature, rel, change);
	relation_close(rel, NoLock);
}

static void
column_renamed(Oid relid, const char *from, const char *to)
{
	ListCell   *lc;

	foreach(lc, sk_reach_altered(relid))
	{
		ColumnChange change = {lfirst_oid(lc), from, to};
		SkGain		gain = {.columns = list_make1(pstrdup(to))};

		sk_feature_each(follow_column, &change, "update the triggers of",
						change.relid);
		consider(change.relid, &gain);
	}
}


/*-------------------------------------------------------------------------
 * Triggers on our functions that users and dumps create
 *-------------------------------------------------------------------------
 */

static void
depend_on_extension(void *arg)
{
	sk_attach_depend(*(const Oid *) arg);
}

/*
 * A dump records the dependency itself.  Doing it here as well could deadlock
 * parallel jobs: it locks the extension weakly, ALTER TRIGGER ... DEPENDS ON
 * EXTENSION in the same transaction strongly.
 */
static void
after_create_trigger(Oid trigger, const CreateTrigStmt *stmt)
{
	bool		is_ours = sk_attach_is_trigger(trigger);
	Alteration	alteration = {.relid = sk_attach_relid(trigger)};

	if (!OidIsValid(alteration.relid))
		return;
	if (is_ours && !sk_restore_is_running())
		sk_guard_run(depend_on_extension, &trigger,
					 "record the dependency of a trigger of", alteration.relid);

	/* it may take the place of one of ours, which does not count as dropped */
	if (is_ours || stmt->replace)
		follow(&alteration);
}


/*-------------------------------------------------------------------------
 * Commands
 *-------------------------------------------------------------------------
 */

static void
simple_command(const CollectedCommand *cmd)
{
	const ObjectAddress *object = &cmd->d.simple.address;
	const Node *stmt = cmd->parsetree;

	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
		case T_CreateTableAsStmt:
			if (object->classId == RelationRelationId)
			{
				consider(object->objectId, NULL);
				if (IsA(stmt, CreateStmt) &&
					((const CreateStmt *) stmt)->inhRelations != NIL &&
					((const CreateStmt *) stmt)->partbound == NULL)
					parent_added(object->objectId);
				altered(object->objectId, false);
			}
			break;
		case T_RenameStmt:
			if (object->classId == RelationRelationId && object->objectSubId > 0)
				column_renamed(object->objectId,
							   ((const RenameStmt *) stmt)->subname,
							   ((const RenameStmt *) stmt)->newname);
			if (object->classId == RelationRelationId)
				altered_with_children(object->objectId);
			break;
		case T_AlterObjectSchemaStmt:
			if (object->classId == RelationRelationId)
				altered(object->objectId, false);
			break;
		case T_AlterEnumStmt:
			if (((const AlterEnumStmt *) stmt)->oldVal != NULL)
				sk_rows_renamed_value(object->objectId);
			break;
		case T_CreateTrigStmt:
			after_create_trigger(object->objectId,
								 (const CreateTrigStmt *) stmt);
			break;
		default:
			break;
	}
}

/* Partitions that left, and what makes a rule suit the table. */
static void
alter_table_command(const CollectedCommand *cmd)
{
	Oid			relid = cmd->d.alterTable.objectId;
	SkGain		gain = sk_command_gain(cmd);
	List	   *retyped = NIL;
	List	   *recomputed = NIL;
	bool		restructured = false;
	ListCell   *lc;

	foreach(lc, cmd->d.alterTable.subcmds)
	{
		const CollectedATSubcmd *sub = lfirst(lc);
		const AlterTableCmd *alter = (const AlterTableCmd *) sub->parsetree;

		if (!IsA(alter, AlterTableCmd))
			continue;
		if (alter->subtype == AT_AlterColumnType)
			retyped = lappend(retyped, (AlterTableCmd *) alter);
		if (sk_is_set_expression(alter->subtype))
			recomputed = lappend(recomputed, alter->name);
		restructured |= sk_is_column_list(alter->subtype) ||
			alter->subtype == AT_AlterColumnType;
		if (alter->subtype == AT_AttachPartition)
			sk_rows_moved(relid,
						  RangeVarGetRelid(((const PartitionCmd *) alter->def)->name,
										   NoLock, true),
						  true);
		else if (alter->subtype == AT_DetachPartition ||
				 alter->subtype == AT_DetachPartitionFinalize)
			altered(sk_partition_after_detach(relid, (const PartitionCmd *) alter->def),
					true);
		else if (alter->subtype == AT_AddInherit)
			parent_added(relid);
	}
	if (retyped != NIL)
		sk_rows_retyped(sk_reach_altered(relid), retyped);
	if (recomputed != NIL)
		sk_rows_recomputed(sk_reach_altered(relid), recomputed);
	if (restructured)
		sk_rows_restructured(relid);
	altered_with_children(relid);

	/* what was taken away is back now, and must not be attached again */
	gained(relid, &gain);
}

typedef struct Grant
{
	const SkFeature *feature;
	Oid			relid;
	const GrantStmt *stmt;
} Grant;

static void
tell_of_grant(void *arg)
{
	const Grant *grant = arg;

	grant->feature->granted(grant->stmt, grant->relid);
}

/*
 * As the role that has granted: what it may do to the table it may to others.
 * GRANT does not lock its tables, of which there may be thousands, and who changes
 * one waits for GRANT while it holds the table: so we do not lock it either.
 */
static void
rights_granted(const CollectedCommand *cmd, const Node *parsetree)
{
	ListCell   *lc;

	if (!IsA(parsetree, GrantStmt) ||
		((const GrantStmt *) parsetree)->objtype != OBJECT_TABLE)
		return;
	sk_feature_own_granted(cmd->d.grant.istmt->objects);
	foreach(lc, sk_restore_is_running() ? NIL : cmd->d.grant.istmt->objects)
	{
		for (const SkFeature *const *f = sk_features; *f; f++)
		{
			Grant		grant = {*f, lfirst_oid(lc), (const GrantStmt *) parsetree};

			if ((*f)->granted != NULL &&
				sk_attach_is_on(grant.relid, sk_attach_function((*f)->function)))
				sk_guard_run(tell_of_grant, &grant, "copy the privileges of",
							 grant.relid);
		}
	}
}

static void
command_ended(const Node *parsetree)
{
	ListCell   *lc;

	foreach(lc, sk_command_list())
	{
		const CollectedCommand *cmd = lfirst(lc);

		if (cmd->in_extension)
			continue;
		if (cmd->type == SCT_Simple)
			simple_command(cmd);
		else if (cmd->type == SCT_AlterTable)
			alter_table_command(cmd);
		else if (cmd->type == SCT_Grant)
			rights_granted(cmd, parsetree);
	}
}

static void
columns_dropped(void)
{
	ListCell   *lc;

	foreach(lc, sk_command_dropped_columns())
	{
		const SkDroppedColumn *column = lfirst(lc);
		ColumnChange change = {column->relid, column->name, NULL};

		sk_feature_each(follow_column, &change, "drop the trigger of",
						change.relid);
	}
}

/* What was taken away before a command that has changed other tables, too */
static void
settle(const Node *stmt)
{
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		ListCell   *lc;

		foreach(lc, (*f)->owed ? (*f)->owed(stmt) : NIL)
			altered(lfirst_oid(lc), false);
	}
}

/*
 * schemakit.internal_on_ddl_command_end() RETURNS event_trigger
 *
 * In replica mode only what is in the way of commands is put back after them.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_on_ddl_command_end);
Datum
schemakit_internal_on_ddl_command_end(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = sk_trigger_event(fcinfo, "internal_on_ddl_command_end");

	if (!sk_command_is_foreign())
	{
		bool		pushed = push_missing_snapshot();

		if (IsA(data->parsetree, CreateStmt))
			sk_feature_own_check(data->parsetree);
		if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
			settle(data->parsetree);
		else
			command_ended(data->parsetree);
		if (pushed)
			PopActiveSnapshot();
	}
	PG_RETURN_NULL();
}

/*
 * schemakit.internal_on_sql_drop() RETURNS event_trigger
 */
PG_FUNCTION_INFO_V1(schemakit_internal_on_sql_drop);
Datum
schemakit_internal_on_sql_drop(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = sk_trigger_event(fcinfo, "internal_on_sql_drop");

	if (!sk_command_is_foreign())
	{
		bool		pushed = push_missing_snapshot();

		if (sk_reach_drops_parts(data->parsetree))
		{
			columns_dropped();
			triggers_dropped();
		}
		sk_rows_dropped();
		if (IsA(data->parsetree, DropStmt) || IsA(data->parsetree, DropOwnedStmt))
			settle(data->parsetree);
		if (pushed)
			PopActiveSnapshot();
	}
	PG_RETURN_NULL();
}
