/*-------------------------------------------------------------------------
 *
 * audit/ddl.c
 *	  Commands that would change the audit log, or what protects it, are refused
 *	  unless schemakit.audit_writable is on.
 *
 * What adds to the log's tables is not: indexes, triggers, policies, privileges, and how
 * they are stored.  Only partitions are made by audit_maintain() alone.  What a trigger
 * or a rule of others may do to events is what status() tells of (watch.c); one that is
 * made to do something in place of what was asked for is refused.
 * Tables of an extension are kept from DROP TABLE by the server, so ALTER EXTENSION,
 * which would let go of them, is refused as well.
 *
 * This is no defence against a superuser with bad intentions, who can turn the
 * setting on, or event triggers off.  It is one against haste, and makes who
 * changes the log say so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/ddl.h"
#include "attach/attach.h"
#include "audit/log.h"
#include "audit/log_statement.h"
#include "audit/partition.h"
#include "audit/protect.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/restore.h"
#include "schemakit.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"

/* A table of the log, or a partition of one */
static bool
is_log(Oid relid)
{
	static const char *const names[] = {
		"audit_committed", "audit_definition", "audit_event", "audit_holds", "audit_marks",
		"audit_origin", "audit_reader", "audit_retained", "audit_retention",
		"audit_secret", "audit_shape", "table_addition"
	};
	List	   *ancestors = get_rel_relispartition(relid) ? get_partition_ancestors(relid) : NIL;
	Oid			top;
	char	   *name;

	if (!OidIsValid(relid))
		return false;
	/* one whose DETACH CONCURRENTLY was broken off has none */
	top = ancestors != NIL ? llast_oid(ancestors) : relid;
	if (get_rel_namespace(top) != get_namespace_oid(SK_SCHEMA, true))
		return false;
	name = get_rel_name(top);
	for (size_t i = 0; name != NULL && i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* The log's table that the statement names, or InvalidOid */
static Oid
find_log(const RangeVar *name)
{
	Oid			relid = name == NULL ? InvalidOid : RangeVarGetRelid(name, NoLock, true);

	return is_log(relid) ? relid : InvalidOid;
}

static void
refuse(Oid relid)
{
	sk_audit_protect_refuse(get_rel_name(relid));
}

static bool
is_ours(Oid relid, const char *trigger)
{
	Oid			oid = get_trigger_oid(relid, trigger, true);

	return OidIsValid(oid) && sk_attach_is_trigger(oid);
}

/*
 * Is it one of the indexes that the log is read by, or keeps rows apart?  They are called
 * after their tables; what a DBA adds is seldom called like that.
 */
static bool
is_our_name(Oid relid, const char *name)
{
	static const char *const ends[] = {
		"key_hash_idx", "carrier_idx", "commit_idx", "time_idx", "table_idx", "actor_idx",
		"txn_idx", "value_idx", "cluster_idx", "name_idx", "parents_idx", "rel_id_idx",
		"relid_idx", "pkey", "key_check"
	};
	const char *table = get_rel_name(relid);
	size_t		length = table ? strlen(table) : 0;

	if (table == NULL || strncmp(name, table, length) != 0 || name[length] != '_')
		return false;
	for (size_t i = 0; i < lengthof(ends); i++)
	{
		if (strcmp(&name[length + 1], ends[i]) == 0)
			return true;
	}
	return false;
}

/* The log's table of which that is one of our indexes, or InvalidOid */
static Oid
find_indexed(const RangeVar *name)
{
	Oid			index = name == NULL ? InvalidOid : RangeVarGetRelid(name, NoLock, true);
	Oid			relid = InvalidOid;

	if (OidIsValid(index) && get_rel_relkind(index) == RELKIND_INDEX)
		relid = IndexGetRelation(index, true);
	return is_log(relid) && is_our_name(relid, get_rel_name(index)) ? relid : InvalidOid;
}

/* Does it change what events there are, or what may be done to them? */
static bool
is_change(Oid relid, const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_EnableTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
			return is_ours(relid, cmd->name);
		case AT_DropConstraint:
			return is_our_name(relid, cmd->name);
		case AT_EnableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
		case AT_AddColumn:
		case AT_DropColumn:
		case AT_AlterColumnType:
		case AT_ColumnDefault:
		case AT_AddIdentity:
		case AT_SetNotNull:
		case AT_DropNotNull:
		case AT_ChangeOwner:
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_SetUnLogged:
			return true;
		default:
			return false;
	}
}

/*
 * A dump's data can be loaded with the triggers of all tables disabled, and enabled
 * afterwards, whatever they were before.  Those of our tables stay as they are, since
 * it is them that load the data.  The server gives event triggers a copy of the
 * statement, so that it may be changed.
 */
static void
keep_triggers(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_EnableTrigAll || cmd->subtype == AT_DisableTrigAll)
			stmt->cmds = foreach_delete_current(stmt->cmds, lc);
	}
}

/*
 * A table that is made a child of one of the log's, or the parent of one, whichever of
 * them the statement is about
 */
static Oid
find_related(const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddInherit:
			return find_log((const RangeVar *) cmd->def);
		case AT_AttachPartition:
			return find_log(((const PartitionCmd *) cmd->def)->name);
		default:
			return InvalidOid;
	}
}

static bool
is_own(const RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);

	return OidIsValid(relid) &&
		get_rel_namespace(relid) == get_namespace_oid(SK_SCHEMA, true);
}

static void
check_alter_table(AlterTableStmt *stmt)
{
	Oid			relid;
	ListCell   *lc;

	if (sk_restore_is_running() && is_own(stmt->relation) &&
		sk_restore_is_by(sk_audit_log_owner()))
		keep_triggers(stmt);
	relid = find_log(stmt->relation);
	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst(lc);

		if (!OidIsValid(relid) && OidIsValid(find_related(cmd)))
			refuse(find_related(cmd));
		if (OidIsValid(relid) && is_change(relid, cmd) &&
			!(cmd->subtype == AT_AttachPartition && sk_audit_protect_may_load()))
			refuse(relid);
	}
}

/*
 * A dump that is loaded over another one with --clean may drop partitions: it drops
 * the extension, too.
 */
static bool
is_clean(void)
{
	return sk_restore_is_running() && sk_restore_is_by(sk_audit_log_owner());
}

/* The server keeps the extension's tables from being dropped, but not others. */
static void
check_drop(const DropStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		List	   *names = lfirst(lc);
		Oid			relid;

		if (stmt->removeType == OBJECT_TABLE)
		{
			relid = find_log(makeRangeVarFromNameList(names));
			if (OidIsValid(relid) && !is_clean())
				refuse(relid);
		}
		else if (stmt->removeType == OBJECT_INDEX)
		{
			relid = find_indexed(makeRangeVarFromNameList(names));
			if (OidIsValid(relid) && !is_clean())
				refuse(relid);
		}
		else if (stmt->removeType == OBJECT_TRIGGER && list_length(names) > 1)
		{
			relid = find_log(makeRangeVarFromNameList(list_copy_head(names, list_length(names) - 1)));
			if (OidIsValid(relid) && is_ours(relid, strVal(llast(names))) && !is_clean())
				refuse(relid);
		}
	}
}

static void
check_create_trigger(const CreateTrigStmt *stmt)
{
	Oid			relid = stmt->replace ? find_log(stmt->relation) : InvalidOid;

	if (OidIsValid(relid) && is_ours(relid, stmt->trigname))
		refuse(relid);
}

static void
check_rename(const RenameStmt *stmt)
{
	Oid			relid = InvalidOid;

	switch (stmt->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_COLUMN:
			relid = find_log(stmt->relation);
			break;
		case OBJECT_TRIGGER:
			relid = find_log(stmt->relation);
			if (OidIsValid(relid) && !is_ours(relid, stmt->subname))
				relid = InvalidOid;
			break;
		case OBJECT_TABCONSTRAINT:
			relid = find_log(stmt->relation);
			if (OidIsValid(relid) && !is_our_name(relid, stmt->subname))
				relid = InvalidOid;
			break;
		default:
			break;
	}
	/* ALTER TABLE renames indexes, too */
	if (!OidIsValid(relid) &&
		(stmt->renameType == OBJECT_INDEX || stmt->renameType == OBJECT_TABLE))
		relid = find_indexed(stmt->relation);
	if (OidIsValid(relid))
		refuse(relid);
}

/* A rule that does something else in place of what was asked for */
static void
check_rule(const RuleStmt *stmt)
{
	Oid			relid = stmt->instead ? find_log(stmt->relation) : InvalidOid;

	if (OidIsValid(relid))
		refuse(relid);
}

/* What the log is read through, and what numbers the shapes */
static void
check_own(const RangeVar *name, const char *own)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);

	if (OidIsValid(relid) && strcmp(get_rel_name(relid), own) == 0 &&
		get_rel_namespace(relid) == get_namespace_oid(SK_SCHEMA, true))
		refuse(relid);
}

static void
check_set_schema(const AlterObjectSchemaStmt *stmt)
{
	Oid			relid = stmt->objectType == OBJECT_TABLE ? find_log(stmt->relation) : InvalidOid;

	if (OidIsValid(relid))
		refuse(relid);
}

static void
check_extension(const AlterExtensionContentsStmt *stmt)
{
	if (stmt->action < 0 && strcmp(stmt->extname, SK_EXTENSION) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot take an object out of extension \"%s\"", SK_EXTENSION),
				 errdetail("The extension keeps the audit log and what protects it."),
				 errhint("A superuser can turn on schemakit.audit_writable.")));
}

/*
 * A partition of one's own lacks what protects the log, and its indexes are parts of
 * indexes that dumps do not have.
 */
static void
check_create_table(const CreateStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->inhRelations)
	{
		Oid			relid = find_log(lfirst(lc));

		if (OidIsValid(relid))
			refuse(relid);
	}
}

/*
 * Raise an error if the command would change the log.
 */
void
sk_audit_ddl_check(const Node *stmt)
{
	if (sk_guc_audit_writable || sk_audit_protect_off || sk_audit_log_statement_running)
		return;
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			check_create_table((const CreateStmt *) stmt);
			break;
		case T_AlterTableStmt:
			check_alter_table((AlterTableStmt *) stmt);
			break;
		case T_DropStmt:
			check_drop((const DropStmt *) stmt);
			break;
		case T_CreateTrigStmt:
			check_create_trigger((const CreateTrigStmt *) stmt);
			break;
		case T_RuleStmt:
			check_rule((const RuleStmt *) stmt);
			break;
		case T_ViewStmt:
			check_own(((const ViewStmt *) stmt)->view, "audit_log");
			break;
		case T_AlterSeqStmt:
			check_own(((const AlterSeqStmt *) stmt)->sequence, "audit_shape_id");
			break;
		case T_RenameStmt:
			check_rename((const RenameStmt *) stmt);
			break;
		case T_AlterObjectSchemaStmt:
			check_set_schema((const AlterObjectSchemaStmt *) stmt);
			break;
		case T_AlterExtensionContentsStmt:
			check_extension((const AlterExtensionContentsStmt *) stmt);
			break;
		default:
			break;
	}
}
