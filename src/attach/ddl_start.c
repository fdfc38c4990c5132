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
#include "attach/ddl_lock.h"
#include "attach/feature.h"
#include "attach/partition.h"
#include "attach/reach.h"
#include "attach/uninstall.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/trigger.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
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

/* Are columns dropped, or given another type? */
static bool
reshapes(const AlterTableCmd *cmd)
{
	return cmd->subtype == AT_DropColumn || cmd->subtype == AT_AlterColumnType;
}

typedef struct Change
{
	Oid			relid;
	const SkTableChange *change;
} Change;

/* Does a relation of the feature's follow the table, whatever its triggers are? */
static bool
has_companion(const SkFeature *feature, Oid relid)
{
	return feature->companion != NULL && OidIsValid(feature->companion(relid));
}

/* Has the table to do with a feature? */
static bool
is_concerned(Oid relid)
{
	if (sk_attach_has_ours(relid))
		return true;
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if (has_companion(*f, relid))
			return true;
	}
	return false;
}

static void
tell_of_change(const SkFeature *feature, void *arg)
{
	const Change *change = arg;
	Relation	rel = try_relation_open(change->relid, AccessShareLock);

	if (rel == NULL)
		return;
	if (!superuser())			/* who may do more than the owner */
		sk_guard_become(rel->rd_rel->relowner);
	if (sk_attach_find(rel, sk_attach_function(feature->function)) != NULL ||
		has_companion(feature, change->relid))
		feature->before(rel, change->change);

	/* with a weak lock that is kept, two who want a strong one would deadlock */
	relation_close(rel, AccessShareLock);
}

/* Only what has to do with us is worth a subtransaction. */
static void
tell(Oid relid, const SkTableChange *what)
{
	Change		change = {relid, what};

	if (!is_concerned(relid))
		return;
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->before != NULL)
			sk_feature_prepare(*f, tell_of_change, &change, "prepare the change of",
							   relid);
	}
}

static void
before_command(const Node *stmt, List *names, const SkTableChange *what)
{
	ListCell   *lc;

	foreach(lc, sk_ddl_lock_tables(stmt, names))
		tell(lfirst_oid(lc), what);
}

/* CASCADE drops columns of tables that the command does not name. */
static void
before_cascade(const Node *stmt, List *addresses)
{
	ListCell   *lc;

	foreach(lc, addresses ? sk_reach_columns(addresses) : NIL)
	{
		const SkReachedTable *table = lfirst(lc);
		SkTableChange change = {
			.stmt = stmt,
			.cascade = true,
			.lost = table->columns,
		};

		if (is_concerned(table->relid) && sk_ddl_lock_reached(table->relid))
			tell(table->relid, &change);
	}
}

/* Columns that go with the one that is dropped: generated from it */
static List *
lost_with(Oid relid, const char *column)
{
	ObjectAddress address;
	List	   *tables;

	ObjectAddressSubSet(address, RelationRelationId, relid, get_attnum(relid, column));
	if (address.objectSubId == InvalidAttrNumber)
		return NIL;
	tables = sk_reach_columns(list_make1(&address));
	return tables == NIL ? NIL : ((SkReachedTable *) linitial(tables))->columns;
}

/* What the command does to columns, as features are told */
static void
read_change(const AlterTableStmt *stmt, SkTableChange *change)
{
	ListCell   *lc;

	change->stmt = (const Node *) stmt;
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_AlterColumnType)
			change->retyped = lappend(change->retyped, cmd);
		if (cmd->subtype != AT_DropColumn)
			continue;
		change->lost = lappend(change->lost, cmd->name);
		change->cascade |= cmd->behavior == DROP_CASCADE;
	}
}

/* A composite type changes with CASCADE: so do the tables that are of it. */
static void
before_alter_type(const AlterTableStmt *stmt)
{
	SkTableChange change = {0};
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	ListCell   *lc;

	read_change(stmt, &change);
	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_COMPOSITE_TYPE ||
		(change.lost == NIL && change.retyped == NIL) ||
		!object_ownercheck(RelationRelationId, relid, GetUserId()))
		return;
	foreach(lc, sk_reach_typed_tables(relid))
	{
		if (is_concerned(lfirst_oid(lc)) && sk_ddl_lock_reached(lfirst_oid(lc)))
			tell(lfirst_oid(lc), &change);
	}
}

/* Columns that are generated from those that are dropped with CASCADE */
static void
add_generated(const AlterTableStmt *stmt, SkTableChange *change)
{
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	List	   *lost = list_copy(change->lost);
	ListCell   *lc;

	foreach(lc, OidIsValid(relid) ? lost : NIL)
		change->lost = list_concat(change->lost, lost_with(relid, lfirst(lc)));
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

	read_change(stmt, &change);
	if (change.cascade)
		add_generated(stmt, &change);
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_AttachPartition)
			sk_partition_before_attach(stmt->relation, (const PartitionCmd *) cmd->def);
		concerned |= reshapes(cmd) || cmd->subtype == AT_AddColumn ||
			cmd->subtype == AT_ChangeOwner;
	}
	if (concerned)
		before_command((const Node *) stmt, list_make1(stmt->relation), &change);
	else if (AlterTableGetLockLevel(stmt->cmds) == AccessExclusiveLock)
		(void) sk_ddl_lock_tables((const Node *) stmt, list_make1(stmt->relation));
}

static void
before_rename(const RenameStmt *stmt)
{
	SkTableChange change = {.stmt = (const Node *) stmt};

	if (stmt->renameType == OBJECT_TABLE ||
		(stmt->renameType == OBJECT_COLUMN && stmt->relationType == OBJECT_TABLE))
		before_command((const Node *) stmt, list_make1(stmt->relation), &change);
}

static void
before_set_schema(const AlterObjectSchemaStmt *stmt)
{
	SkTableChange change = {.stmt = (const Node *) stmt};

	if (stmt->objectType == OBJECT_TABLE)
		before_command((const Node *) stmt, list_make1(stmt->relation), &change);
}

static void
before_drop(const DropStmt *stmt)
{
	SkTableChange change = {.stmt = (const Node *) stmt,.dropped = true};
	List	   *names = NIL;
	ListCell   *lc;

	if (stmt->removeType == OBJECT_TABLE)
	{
		foreach(lc, stmt->objects)
			names = lappend(names, makeRangeVarFromNameList(lfirst(lc)));
		before_command((const Node *) stmt, names, &change);
	}
	if (stmt->removeType != OBJECT_TRIGGER)
		before_cascade((const Node *) stmt, sk_reach_dropped((const Node *) stmt));
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
	sk_feature_own_check(stmt);
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->own != NULL)
			(*f)->own->before_command(stmt);
	}
	switch (nodeTag(stmt))
	{
		case T_CreateTrigStmt:
			before_create_trigger((CreateTrigStmt *) stmt);
			break;
		case T_AlterTableStmt:
			if (((const AlterTableStmt *) stmt)->objtype == OBJECT_TYPE)
				before_alter_type((const AlterTableStmt *) stmt);
			else
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
			before_cascade(stmt, sk_reach_dropped(stmt));
			sk_uninstall_before(stmt);
			break;
		default:
			break;
	}
	PG_RETURN_NULL();
}
