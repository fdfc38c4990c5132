/*-------------------------------------------------------------------------
 *
 * soft_delete/view_delete.c
 *	  DELETE from a view of live rows: the INSTEAD OF trigger that puts a stamp
 *	  on the table's row.
 *
 * It does what UPDATE of that row would, in the statement that deletes: triggers
 * of the table fire, and those that fire AFTER do when all rows of the statement
 * have their stamps.  Most tables are updated here directly, through state that
 * is kept for the statement; where more than that has to be seen to (row
 * security, rules, triggers for statements, partitions, inheritance), UPDATE is.
 *
 * All rows of a statement get one stamp, the time at which it came to the first
 * of them.  A row that somebody else deletes first is not counted, nor one that he
 * changes so that the statement does not want it any more (recheck.c).
 *
 * The caller needs the right to update the column, not to delete rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/clause.h"
#include "base/compat.h"
#include "base/plan.h"
#include "base/table.h"
#include "base/trigger.h"
#include "base/tuple.h"
#include "soft_delete/column.h"
#include "soft_delete/recheck.h"
#include "soft_delete/relation.h"
#include "soft_delete/view.h"

#include "access/genam.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* What is kept for a statement, in a context of its own below the statement's */
typedef struct Deletion
{
	MemoryContextCallback callback;
	MemoryContextCallback executor_callback;
	MemoryContext context;
	ModifyTableState *statement;	/* that deletes from the view, or NULL */
	Relation	table;
	Relation	index;			/* the primary key's */
	AttrNumber	column;			/* the stamp's, of the table */
	Datum		stamp;
	int			nkeys;
	AttrNumber	view_attnums[INDEX_MAX_KEYS];	/* of the key's columns */

	/* where the table is updated directly */
	IndexScanDesc scan;
	ScanKeyData keys[INDEX_MAX_KEYS];
	TupleTableSlot *old;
	TupleTableSlot *new;
	EState	   *estate;
	EPQState	epqstate;
	ResultRelInfo *result;

	/* or by UPDATE */
	bool		by_update;
	SkPlan		plan;
} Deletion;


/*-------------------------------------------------------------------------
 * What is kept
 *-------------------------------------------------------------------------
 */

/*
 * The statement has ended.  If it failed, the server has given back already what
 * it held.
 */
static void
end_deletion(void *arg)
{
	Deletion   *deletion = arg;

	sk_plan_free(&deletion->plan);
	if (!IsTransactionState())
		return;
	if (deletion->index != NULL)
		index_close(deletion->index, NoLock);
	if (deletion->table != NULL)
		table_close(deletion->table, NoLock);
}

/*
 * The same for the executor's state, which goes away first: contexts do after
 * those below them.
 */
static void
end_executor(void *arg)
{
	Deletion   *deletion = arg;

	if (!IsTransactionState())
		return;
	if (deletion->scan != NULL)
		index_endscan(deletion->scan);
	if (deletion->result != NULL)
		ExecCloseIndices(deletion->result);
	if (deletion->old != NULL)
		ExecDropSingleTupleTableSlot(deletion->old);
	if (deletion->new != NULL)
		ExecDropSingleTupleTableSlot(deletion->new);
	ExecResetTupleTable(deletion->estate->es_tupleTable, false);
}

static Relation
open_primary_key(Relation table)
{
	Oid			indexid = sk_table_primary_key(table);

	if (!OidIsValid(indexid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(table)),
				 errdetail("DELETE from a view of live rows finds rows by their primary key."),
				 errhint("Add a primary key.")));
	return index_open(indexid, RowExclusiveLock);
}

static AttrNumber
view_attnum(const SkLiveView *live, Relation view, Relation table,
			AttrNumber attnum)
{
	for (int i = 0; i < live->natts; i++)
	{
		if (live->attnums[i] == attnum)
			return i + 1;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("view \"%s\" lacks column \"%s\" of the primary key",
					RelationGetRelationName(view),
					NameStr(TupleDescAttr(RelationGetDescr(table), attnum - 1)->attname)),
			 errhint("Drop the view, and call schemakit.soft_delete_enable() to create it again.")));
}

static void
require_trigger(Relation view, Relation table, AttrNumber column)
{
	if (sk_soft_relation_column(table) != column)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("soft delete is not enabled on table \"%s\"",
						RelationGetRelationName(table)),
				 errdetail("The trigger that performs the actions of foreign keys is missing or disabled."),
				 errhint("Call schemakit.soft_delete_enable(), or drop view \"%s\".",
						 RelationGetRelationName(view))));
}

static void
find_row_columns(Deletion *deletion, Relation view, const SkLiveView *live)
{
	Form_pg_index form = deletion->index->rd_index;

	deletion->nkeys = form->indnkeyatts;
	for (int i = 0; i < deletion->nkeys; i++)
		deletion->view_attnums[i] = view_attnum(live, view, deletion->table,
												form->indkey.values[i]);
}


/*-------------------------------------------------------------------------
 * Directly
 *-------------------------------------------------------------------------
 */

static bool
has_update_rule(Relation table)
{
	for (int i = 0; table->rd_rules && i < table->rd_rules->numLocks; i++)
	{
		if (table->rd_rules->rules[i]->event == CMD_UPDATE)
			return true;
	}
	return false;
}

static bool
has_statement_trigger(Relation table)
{
	const TriggerDesc *triggers = table->trigdesc;

	return triggers != NULL &&
		(triggers->trig_update_before_statement ||
		 triggers->trig_update_after_statement ||
		 triggers->trig_update_old_table || triggers->trig_update_new_table);
}

static bool
may_update(Relation table, AttrNumber column)
{
	Oid			relid = RelationGetRelid(table);

	return pg_class_aclcheck(relid, GetUserId(), ACL_UPDATE) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, column, GetUserId(), ACL_UPDATE) == ACLCHECK_OK;
}

/* Is there nothing about the table that only UPDATE sees to? */
static bool
can_go_directly(const Deletion *deletion)
{
	Relation	table = deletion->table;

	return table->rd_rel->relkind == RELKIND_RELATION &&
		!table->rd_rel->relhassubclass &&
		deletion->index->rd_index->indimmediate &&
		deletion->index->rd_rel->relam == BTREE_AM_OID &&
		!has_update_rule(table) && !has_statement_trigger(table) &&
		check_enable_rls(RelationGetRelid(table), InvalidOid, true) != RLS_ENABLED &&
		may_update(table, deletion->column);
}

static void
init_scan(Deletion *deletion)
{
	Relation	index = deletion->index;

	for (int i = 0; i < deletion->nkeys; i++)
	{
		Oid			opfamily = index->rd_opfamily[i];
		Oid			type = index->rd_opcintype[i];
		Oid			op = get_opfamily_member(opfamily, type, type, BTEqualStrategyNumber);

		if (!OidIsValid(op))
			elog(ERROR, "missing operator %d(%u,%u) in opfamily %u",
				 BTEqualStrategyNumber, type, type, opfamily);
		ScanKeyEntryInitialize(&deletion->keys[i], 0, i + 1, BTEqualStrategyNumber,
							   InvalidOid, index->rd_indcollation[i],
							   get_opcode(op), (Datum) 0);
	}
	deletion->scan = index_beginscan(deletion->table, index, GetActiveSnapshot(), NULL,
									 deletion->nkeys, 0, SO_NONE);
}

/* An executor's state, as far as ExecSimpleRelationUpdate() asks for it */
static void
init_executor(Deletion *deletion)
{
	Relation	table = deletion->table;
	Bitmapset  *updated = bms_make_singleton(deletion->column - FirstLowInvalidHeapAttributeNumber);
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(table);
	rte->relkind = table->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;

	deletion->estate = CreateExecutorState();
	deletion->executor_callback.func = end_executor;
	deletion->executor_callback.arg = deletion;
	MemoryContextRegisterResetCallback(deletion->estate->es_query_cxt,
									   &deletion->executor_callback);
	deletion->estate->es_snapshot = GetActiveSnapshot();
	deletion->estate->es_output_cid = GetCurrentCommandId(true);
	CheckCmdReplicaIdentity(table, CMD_UPDATE);
	sk_init_range_table(deletion->estate, rte, updated);
	sk_init_plan_qual(&deletion->epqstate, deletion->estate);
	deletion->result = makeNode(ResultRelInfo);
	InitResultRelInfo(deletion->result, table, 1, NULL, 0);
	ExecOpenIndices(deletion->result, false);
	deletion->old = table_slot_create(table, NULL);
	deletion->new = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);
}

static bool
find_row(Deletion *deletion, const TupleTableSlot *row)
{
	for (int i = 0; i < deletion->nkeys; i++)
		deletion->keys[i].sk_argument = row->tts_values[deletion->view_attnums[i] - 1];
	index_rescan(deletion->scan, deletion->keys, deletion->nkeys, NULL, 0);
	return index_getnext_slot(deletion->scan, ForwardScanDirection, deletion->old);
}

static void
fail_to_serialize(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent %s", what)));
}

/* Would the statement delete it, or is the newest version the one that it has seen? */
static bool
is_wanted(Deletion *deletion, ItemPointer seen)
{
	return slot_attisnull(deletion->old, deletion->column) &&
		(ItemPointerEquals(seen, &deletion->old->tts_tid) ||
		 sk_soft_recheck_still(deletion->statement, RelationGetRelid(deletion->table),
							   deletion->old));
}

/* Lock the newest version of the row; false if it is not ours to delete. */
static bool
lock_row(Deletion *deletion)
{
	ItemPointerData seen = deletion->old->tts_tid;
	ItemPointerData tid = seen;
	TM_FailureData tmfd;

	switch (table_tuple_lock(deletion->table, &tid, GetActiveSnapshot(),
							 deletion->old, deletion->estate->es_output_cid,
							 LockTupleNoKeyExclusive, LockWaitBlock,
							 IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
							 &tmfd))
	{
		case TM_Ok:
			return is_wanted(deletion, &seen);
		case TM_SelfModified:
			/* the statement names the row twice, or else a trigger changed it */
			if (tmfd.cmax != deletion->estate->es_output_cid)
				ereport(ERROR,
						(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
						 errmsg("tuple to be updated was already modified by an operation triggered by the current command"),
						 errhint("Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.")));
			return false;
		case TM_Updated:
			fail_to_serialize("update");
			return false;
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				fail_to_serialize("delete");
			return false;
		default:
			elog(ERROR, "could not lock a row of table \"%s\"",
				 RelationGetRelationName(deletion->table));
			return false;
	}
}

/* The row with the stamp */
static void
make_new_row(Deletion *deletion)
{
	TupleTableSlot *old = deletion->old;
	TupleTableSlot *new = deletion->new;
	int			natts = RelationGetNumberOfAttributes(deletion->table);

	slot_getallattrs(old);
	ExecClearTuple(new);
	memcpy(new->tts_values, old->tts_values, sizeof(Datum) * natts);
	memcpy(new->tts_isnull, old->tts_isnull, sizeof(bool) * natts);
	new->tts_values[deletion->column - 1] = deletion->stamp;
	new->tts_isnull[deletion->column - 1] = false;
	ExecStoreVirtualTuple(new);
	ItemPointerSetInvalid(&new->tts_tid);
}

/* Update a row that is locked; false if a trigger does not want it. */
static bool
update_row(Deletion *deletion)
{
	make_new_row(deletion);
	ExecSimpleRelationUpdate(deletion->result, deletion->estate,
							 &deletion->epqstate, deletion->old, deletion->new);
	return ItemPointerIsValid(&deletion->new->tts_tid);
}

/*
 * Update a row that is not locked, as ExecSimpleRelationUpdate() does where no
 * BEFORE triggers are: it need not be locked first, only if somebody else is
 * about to change it.
 */
static TM_Result
try_update(Deletion *deletion)
{
	Relation	table = deletion->table;
	TupleTableSlot *new = deletion->new;
	ItemPointer tid = &deletion->old->tts_tid;
	TM_FailureData tmfd;
	LockTupleMode lockmode;
	sk_index_update update_indexes;
	List	   *recheck = NIL;
	TM_Result	result;

	make_new_row(deletion);
	if (table->rd_att->constr && table->rd_att->constr->has_generated_stored)
		ExecComputeStoredGenerated(deletion->result, deletion->estate, new, CMD_UPDATE);
	if (table->rd_att->constr)
		ExecConstraints(deletion->result, new, deletion->estate);
	result = table_tuple_update(table, tid, new, deletion->estate->es_output_cid,
								0, GetActiveSnapshot(), InvalidSnapshot, true,
								&tmfd, &lockmode, &update_indexes);
	if (result != TM_Ok)
		return result;
	if (deletion->result->ri_NumIndices > 0 && sk_has_index_update(update_indexes))
		recheck = sk_insert_index_tuples(deletion->result, new, deletion->estate, update_indexes);
	sk_after_update(deletion->estate, deletion->result, tid, new, recheck);
	list_free(recheck);
	return TM_Ok;
}

static bool
has_before_trigger(Relation table)
{
	return table->trigdesc != NULL && table->trigdesc->trig_update_before_row;
}

static bool
delete_directly(Deletion *deletion, const TupleTableSlot *row)
{
	/* scans and triggers keep things between rows in the current context */
	MemoryContext old = MemoryContextSwitchTo(deletion->estate->es_query_cxt);
	bool		done = false;

	if (find_row(deletion, row))
		done = (!has_before_trigger(deletion->table) &&
				try_update(deletion) == TM_Ok) ||
			(lock_row(deletion) && update_row(deletion));

	ExecClearTuple(deletion->new);
	ExecClearTuple(deletion->old);
	ResetPerTupleExprContext(deletion->estate);
	MemoryContextSwitchTo(old);
	return done;
}


/*-------------------------------------------------------------------------
 * By UPDATE
 *-------------------------------------------------------------------------
 */

static char *
update_statement(void *arg, List **relids)
{
	const Deletion *deletion = arg;
	TupleDesc	tupdesc = RelationGetDescr(deletion->table);
	const char *column = quote_identifier(NameStr(TupleDescAttr(tupdesc, deletion->column - 1)->attname));
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s AS x SET %s = $%d WHERE x.%s IS NULL",
					 sk_table_name(deletion->table), column,
					 deletion->nkeys + 1, column);
	for (int i = 0; i < deletion->nkeys; i++)
	{
		AttrNumber	attnum = deletion->index->rd_index->indkey.values[i];
		Form_pg_attribute attr = TupleDescAttr(tupdesc, attnum - 1);
		Oid			type = deletion->index->rd_opcintype[i];
		Oid			op = get_opfamily_member(deletion->index->rd_opfamily[i],
											 type, type, BTEqualStrategyNumber);

		appendStringInfoString(&sql, " AND ");
		sk_clause_append(&sql,
						 psprintf("x.%s", quote_identifier(NameStr(attr->attname))),
						 attr->atttypid, op,
						 psprintf("$%d", i + 1), attr->atttypid);
	}
	*relids = list_make1_oid(RelationGetRelid(deletion->table));
	return sql.data;
}

static SPIPlanPtr
plan_of_update(Deletion *deletion)
{
	TupleDesc	tupdesc = RelationGetDescr(deletion->table);
	Oid			types[INDEX_MAX_KEYS + 1];

	for (int i = 0; i < deletion->nkeys; i++)
	{
		AttrNumber	attnum = deletion->index->rd_index->indkey.values[i];

		types[i] = TupleDescAttr(tupdesc, attnum - 1)->atttypid;
	}
	types[deletion->nkeys] = TupleDescAttr(tupdesc, deletion->column - 1)->atttypid;
	return sk_plan_get(&deletion->plan, update_statement, deletion,
					   deletion->nkeys + 1, types, 0);
}

static bool
update_by_key(Deletion *deletion, Datum *values)
{
	bool		done;

	values[deletion->nkeys] = deletion->stamp;
	SPI_connect();
	if (SPI_execute_snapshot(plan_of_update(deletion), values, NULL, InvalidSnapshot,
							 InvalidSnapshot, false, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not update table \"%s\"",
			 RelationGetRelationName(deletion->table));
	done = SPI_processed > 0;
	SPI_finish();
	return done;
}

static bool
delete_by_update(Deletion *deletion, const TupleTableSlot *row)
{
	TupleTableSlot *newest = NULL;
	Datum		values[INDEX_MAX_KEYS + 1];
	bool		done;

	for (int i = 0; i < deletion->nkeys; i++)
		values[i] = row->tts_values[deletion->view_attnums[i] - 1];
	done = sk_soft_recheck_lock(deletion->statement, deletion->table, &newest);
	if (newest != NULL)
		sk_soft_recheck_key(deletion->table, deletion->index, newest, values);
	done = done && update_by_key(deletion, values);
	if (newest != NULL)
		ExecDropSingleTupleTableSlot(newest);
	return done;
}


/*-------------------------------------------------------------------------
 * The trigger
 *-------------------------------------------------------------------------
 */

static Deletion *
begin_deletion(const FmgrInfo *flinfo, Relation view)
{
	MemoryContext context = AllocSetContextCreate(flinfo->fn_mcxt, "schemakit soft delete",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Deletion   *deletion = palloc0(sizeof(Deletion));
	SkLiveView	live;

	deletion->context = context;
	deletion->statement = sk_soft_recheck_statement(flinfo);
	deletion->callback.func = end_deletion;
	deletion->callback.arg = deletion;
	MemoryContextRegisterResetCallback(context, &deletion->callback);

	if (!sk_soft_view_read(view, &live))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("view \"%s\" is not a view of live rows",
						RelationGetRelationName(view)),
				 errhint("Use schemakit.soft_delete_enable() to create such a view.")));
	deletion->table = table_open(live.tableid, RowExclusiveLock);
	deletion->column = live.column;
	require_trigger(view, deletion->table, live.column);
	deletion->index = open_primary_key(deletion->table);
	find_row_columns(deletion, view, &live);
	deletion->stamp = sk_soft_column_now(deletion->table, live.column);
	deletion->by_update = !can_go_directly(deletion);
	if (!deletion->by_update)
	{
		init_executor(deletion);
		init_scan(deletion);
	}
	MemoryContextSwitchTo(old);
	return deletion;
}

/*
 * schemakit.soft_delete_row() RETURNS trigger
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_row);
Datum
schemakit_soft_delete_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_instead_of_delete(fcinfo, "soft_delete_row");
	Deletion   *deletion = fcinfo->flinfo->fn_extra;
	bool		done;

	if (deletion == NULL)
	{
		deletion = begin_deletion(fcinfo->flinfo, trigdata->tg_relation);
		fcinfo->flinfo->fn_extra = deletion;
	}
	slot_getallattrs(trigdata->tg_trigslot);
	done = deletion->by_update
		? delete_by_update(deletion, trigdata->tg_trigslot)
		: delete_directly(deletion, trigdata->tg_trigslot);
	return PointerGetDatum(done ? trigdata->tg_trigtuple : NULL);
}
