/*-------------------------------------------------------------------------
 *
 * attach/command.c
 *	  What the server says about the DDL that fired an event trigger.
 *
 * It says it in two set-returning functions, which are called here without
 * SQL around them: with it they would cost more than all the rest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/command.h"
#include "base/compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

/* Call a set-returning function that has no arguments. */
static ReturnSetInfo *
call_srf(Oid function)
{
	FmgrInfo	flinfo;
	ReturnSetInfo *rsinfo = makeNode(ReturnSetInfo);

	LOCAL_FCINFO(fcinfo, 0);

	rsinfo->econtext = CreateStandaloneExprContext();
	rsinfo->allowedModes = SFRM_Materialize;
	rsinfo->returnMode = SFRM_Materialize;
	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 0, InvalidOid, NULL,
							 (Node *) rsinfo);
	FunctionCallInvoke(fcinfo);
	return rsinfo;
}

static void
end_srf(ReturnSetInfo *rsinfo)
{
	tuplestore_end(rsinfo->setResult);
	FreeExprContext(rsinfo->econtext, true);
}

/*
 * The commands that were run, as a list of CollectedCommand.  Call it in an
 * event trigger at ddl_command_end.
 */
List *
sk_command_list(void)
{
	ReturnSetInfo *rsinfo = call_srf(F_PG_EVENT_TRIGGER_DDL_COMMANDS);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rsinfo->setDesc,
													&TTSOpsMinimalTuple);
	List	   *commands = NIL;

	while (tuplestore_gettupleslot(rsinfo->setResult, true, false, slot))
	{
		bool		isnull;
		Datum		command = slot_getattr(slot, 9, &isnull);

		if (!isnull)
			commands = lappend(commands, DatumGetPointer(command));
	}
	ExecDropSingleTupleTableSlot(slot);
	end_srf(rsinfo);
	return commands;
}

/*
 * The column that the subcommand adds, or gives another type, or lets hold null, or
 * values of its own; or NULL.
 */
static const char *
gained_column(const AlterTableCmd *alter, const ObjectAddress *address)
{
	if (address->objectSubId <= 0)
		return NULL;
	if (alter->subtype == AT_DropNotNull || alter->subtype == AT_DropExpression)
		return alter->name;
	if (alter->def == NULL || !IsA(alter->def, ColumnDef))
		return NULL;
	return alter->name ? alter->name : ((const ColumnDef *) alter->def)->colname;
}

static bool
makes_primary_key(const AlterTableCmd *alter)
{
	return alter->def != NULL && IsA(alter->def, IndexStmt) &&
		((const IndexStmt *) alter->def)->primary;
}

/*
 * What an ALTER TABLE has given its table that may make a rule suit it.
 */
SkGain
sk_command_gain(const CollectedCommand *cmd)
{
	SkGain		gain = {NIL, false};
	ListCell   *lc;

	foreach(lc, cmd->d.alterTable.subcmds)
	{
		const CollectedATSubcmd *sub = lfirst(lc);
		const AlterTableCmd *alter = (const AlterTableCmd *) sub->parsetree;
		const char *column;

		if (!IsA(alter, AlterTableCmd))
			continue;
		gain.primary_key |= makes_primary_key(alter);
		column = gained_column(alter, &sub->address);
		if (column != NULL)
			gain.columns = lappend(gain.columns, (char *) column);
	}
	return gain;
}

/* Schema, table, and the name of a part of it */
static char **
address_names(TupleTableSlot *slot)
{
	Datum	   *names;
	bool	   *nulls;
	int			nnames;
	char	  **result = palloc(3 * sizeof(char *));

	deconstruct_array(DatumGetArrayTypeP(slot->tts_values[10]), TEXTOID, -1,
					  false, TYPALIGN_INT, &names, &nulls, &nnames);
	if (nnames != 3)
		elog(ERROR, "dropped part of a table has %d names", nnames);
	for (int i = 0; i < nnames; i++)
		result[i] = TextDatumGetCString(names[i]);
	return result;
}

/* A column of a relation that is still there, or NULL */
static void *
dropped_column(TupleTableSlot *slot)
{
	SkDroppedColumn *column;

	if (DatumGetObjectId(slot->tts_values[0]) != RelationRelationId ||
		DatumGetInt32(slot->tts_values[2]) <= 0 ||
		get_rel_relkind(DatumGetObjectId(slot->tts_values[1])) == '\0')
		return NULL;
	column = palloc(sizeof(SkDroppedColumn));
	column->relid = DatumGetObjectId(slot->tts_values[1]);
	column->name = address_names(slot)[2];
	return column;
}

/* The relation, if it is still there, that has lost a trigger, or NULL */
static void *
dropped_trigger(TupleTableSlot *slot)
{
	char	  **names;
	Oid		   *relid;

	if (DatumGetObjectId(slot->tts_values[0]) != TriggerRelationId)
		return NULL;
	names = address_names(slot);
	relid = palloc(sizeof(Oid));
	*relid = get_relname_relid(names[1], get_namespace_oid(names[0], true));
	return OidIsValid(*relid) ? relid : NULL;
}

/* A table that is gone, or NULL */
static void *
dropped_table(TupleTableSlot *slot)
{
	char	   *type = TextDatumGetCString(slot->tts_values[6]);
	SkDroppedTable *table;

	if (DatumGetObjectId(slot->tts_values[0]) != RelationRelationId ||
		DatumGetInt32(slot->tts_values[2]) != 0 ||
		(strcmp(type, "table") != 0 && strcmp(type, "foreign table") != 0))
		return NULL;
	table = palloc(sizeof(SkDroppedTable));
	table->relid = DatumGetObjectId(slot->tts_values[1]);
	table->schema = TextDatumGetCString(slot->tts_values[7]);
	table->name = TextDatumGetCString(slot->tts_values[8]);
	return table;
}

static List *
dropped(void *(*interesting) (TupleTableSlot *slot))
{
	ReturnSetInfo *rsinfo = call_srf(F_PG_EVENT_TRIGGER_DROPPED_OBJECTS);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rsinfo->setDesc,
													&TTSOpsMinimalTuple);
	List	   *objects = NIL;

	while (tuplestore_gettupleslot(rsinfo->setResult, true, false, slot))
	{
		void	   *object;

		slot_getallattrs(slot);
		object = interesting(slot);
		if (object != NULL)
			objects = lappend(objects, object);
	}
	ExecDropSingleTupleTableSlot(slot);
	end_srf(rsinfo);
	return objects;
}

/*
 * The columns that were dropped from relations that are still there, as a list
 * of SkDroppedColumn.  Call it in an event trigger at sql_drop.
 */
List *
sk_command_dropped_columns(void)
{
	return dropped(dropped_column);
}

/*
 * The tables that were dropped, as a list of SkDroppedTable.  Call it in an event
 * trigger at sql_drop.
 */
List *
sk_command_dropped_tables(void)
{
	return dropped(dropped_table);
}

/*
 * The relations that have lost a trigger, and are still there, as a list of
 * pointers to Oid.  Call it in an event trigger at sql_drop.
 */
List *
sk_command_dropped_triggers(void)
{
	return dropped(dropped_trigger);
}

/*
 * Is the command none of a user's: one of an extension's script, whose objects
 * belong to the extension, or of pg_upgrade?
 */
bool
sk_command_is_foreign(void)
{
	return IsBinaryUpgrade || creating_extension;
}
