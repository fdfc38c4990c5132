/*-------------------------------------------------------------------------
 *
 * sk_command.c
 *	  What the server says about the DDL that fired an event trigger.
 *
 * It says it in two set-returning functions, which are called here without
 * SQL around them: with it they would cost more than all the rest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_command.h"
#include "sk_compat.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

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

static SkDroppedColumn *
dropped_column(TupleTableSlot *slot)
{
	SkDroppedColumn *column = palloc(sizeof(SkDroppedColumn));
	Datum	   *names;
	bool	   *nulls;
	int			nnames;

	/* address_names: schema, table, column */
	deconstruct_array(DatumGetArrayTypeP(slot->tts_values[10]), TEXTOID, -1,
					  false, TYPALIGN_INT, &names, &nulls, &nnames);
	if (nnames != 3)
		elog(ERROR, "dropped column has %d names", nnames);
	column->relid = DatumGetObjectId(slot->tts_values[1]);
	column->name = TextDatumGetCString(names[2]);
	return column;
}

/*
 * The columns that were dropped from relations that are still there, as a list
 * of SkDroppedColumn.  Call it in an event trigger at sql_drop.
 */
List *
sk_command_dropped_columns(void)
{
	ReturnSetInfo *rsinfo = call_srf(F_PG_EVENT_TRIGGER_DROPPED_OBJECTS);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rsinfo->setDesc,
													&TTSOpsMinimalTuple);
	List	   *columns = NIL;

	while (tuplestore_gettupleslot(rsinfo->setResult, true, false, slot))
	{
		slot_getallattrs(slot);
		if (DatumGetObjectId(slot->tts_values[0]) == RelationRelationId &&
			DatumGetInt32(slot->tts_values[2]) > 0 &&
			get_rel_relkind(DatumGetObjectId(slot->tts_values[1])) != '\0')
			columns = lappend(columns, dropped_column(slot));
	}
	ExecDropSingleTupleTableSlot(slot);
	end_srf(rsinfo);
	return columns;
}
