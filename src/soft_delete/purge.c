/*-------------------------------------------------------------------------
 *
 * soft_delete/purge.c
 *	  Permanent deletion of rows that were soft-deleted long ago.
 *
 * A row is kept as long as another one needs it (keeper.c).  Rows that reference
 * each other in a cycle are kept, too.  The server performs SET NULL and SET
 * DEFAULT, since this is a real DELETE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arg.h"
#include "base/owner.h"
#include "base/plan.h"
#include "base/table.h"
#include "soft_delete/fk_query.h"
#include "soft_delete/keeper.h"
#include "soft_delete/protect.h"
#include "soft_delete/relation.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#define FETCH_ROWS	1000

/* One call of the function */
typedef struct Purge
{
	Relation	rel;
	SkSoftDoomed *doomed;
	TimestampTz before;
	int64		max_rows;
	int64		total;
	bool		kept;			/* any, in this pass */
	MemoryContext batch_context;
	SkPlan		select;
	SkPlan		lock;
	SkPlan		delete;
	MemoryContext context;		/* of the call */
	List	   *statements;		/* texts of those */
} Purge;

/* Rows of a partition, or of the table */
typedef struct Batch
{
	Oid			relid;
	int			count;
	Datum		tids[FETCH_ROWS];
} Batch;


/*-------------------------------------------------------------------------
 * Statements
 *
 * They are executed as the caller, to whose row security they are subject; or as
 * the table's owner where the caller has the rights of that one.
 *-------------------------------------------------------------------------
 */

/* The server writes it into the context of errors: so it is to be known there. */
static char *
remember(Purge *purge, char *statement)
{
	MemoryContext old = MemoryContextSwitchTo(purge->context);

	purge->statements = lappend(purge->statements, pstrdup(statement));
	MemoryContextSwitchTo(old);
	return statement;
}

static char *
select_statement(void *arg, List **relids)
{
	Purge	   *purge = arg;
	AttrNumber	column = purge->doomed->column;

	*relids = list_make1_oid(RelationGetRelid(purge->rel));
	return remember(purge, psprintf("SELECT x.tableoid, x.ctid%s FROM %s WHERE %s ORDER BY %s%s",
									sk_soft_keeper_columns(purge->doomed, purge->rel, "x"),
									sk_soft_fk_query_from(purge->rel, "x"),
									sk_soft_fk_query_is_due("x", purge->rel, column, 1),
									sk_soft_fk_query_column("x", purge->rel, column),
									purge->doomed->keepers == NIL ? " LIMIT $2" : ""));
}

static char *
these_rows(const Purge *purge)
{
	return psprintf("x.tableoid OPERATOR(pg_catalog.=) $1 AND x.ctid OPERATOR(pg_catalog.=) ANY ($2) AND %s",
					sk_soft_fk_query_is_due("x", purge->rel, purge->doomed->column, 3));
}

static char *
lock_statement(void *arg, List **relids)
{
	Purge	   *purge = arg;

	*relids = list_make1_oid(RelationGetRelid(purge->rel));
	return remember(purge, psprintf("SELECT x.tableoid, x.ctid%s FROM %s WHERE %s FOR UPDATE OF x SKIP LOCKED",
									sk_soft_keeper_columns(purge->doomed, purge->rel, "x"),
									sk_soft_fk_query_from(purge->rel, "x"), these_rows(purge)));
}

static char *
delete_statement(void *arg, List **relids)
{
	Purge	   *purge = arg;

	*relids = list_make1_oid(RelationGetRelid(purge->rel));
	return remember(purge, psprintf("DELETE FROM %s WHERE %s",
									sk_soft_fk_query_from(purge->rel, "AS x"), these_rows(purge)));
}


/*-------------------------------------------------------------------------
 * Rows
 *-------------------------------------------------------------------------
 */

/* Put it into the batch of its partition. */
static List *
add_row(List *batches, HeapTuple row, TupleDesc tupdesc)
{
	bool		isnull;
	Oid			relid = DatumGetObjectId(heap_getattr(row, 1, tupdesc, &isnull));
	ItemPointer tid = palloc(sizeof(ItemPointerData));
	Batch	   *batch = NULL;
	ListCell   *lc;

	*tid = *(ItemPointer) DatumGetPointer(heap_getattr(row, 2, tupdesc, &isnull));
	foreach(lc, batches)
	{
		if (((Batch *) lfirst(lc))->relid == relid)
			batch = lfirst(lc);
	}
	if (batch == NULL)
	{
		batch = palloc(sizeof(Batch));
		batch->relid = relid;
		batch->count = 0;
		batches = lappend(batches, batch);
	}
	batch->tids[batch->count++] = PointerGetDatum(tid);
	return batches;
}

/* Of those rows, the ones that nothing keeps */
static List *
choose(Purge *purge, SPITupleTable *rows, uint64 count)
{
	MemoryContext old = MemoryContextSwitchTo(purge->batch_context);
	List	   *batches = NIL;
	int64		wanted = purge->max_rows - purge->total;

	for (uint64 i = 0; i < count && wanted > 0; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (sk_soft_keeper_is_kept(purge->doomed, rows->vals[i], rows->tupdesc, 3,
								   purge->before))
			purge->kept = true;
		else
		{
			batches = add_row(batches, rows->vals[i], rows->tupdesc);
			wanted--;
		}
	}
	MemoryContextSwitchTo(old);
	return batches;
}

static uint64
execute(Purge *purge, SkPlan *plan, SkPlanText text, Batch *batch)
{
	static const Oid types[] = {OIDOID, TIDARRAYOID, TIMESTAMPTZOID};
	Datum		values[3];

	values[0] = ObjectIdGetDatum(batch->relid);
	values[1] = PointerGetDatum(construct_array(batch->tids, batch->count, TIDOID,
												sizeof(ItemPointerData), false,
												TYPALIGN_SHORT));
	values[2] = TimestampTzGetDatum(purge->before);
	if (SPI_execute_plan(sk_plan_get(plan, text, purge, lengthof(types), types, 0),
						 values, NULL, false, 0) < 0)
		elog(ERROR, "could not execute a statement of soft delete");
	return SPI_processed;
}

/*
 * Nobody may refer to the rows any more, so what keeps them is looked at again
 * under their lock.
 */
static int64
delete_batch(Purge *purge, Batch *batch)
{
	uint64		count = execute(purge, &purge->lock, lock_statement, batch);
	SPITupleTable *rows = SPI_tuptable;
	List	   *chosen = choose(purge, rows, count);
	int64		deleted = 0;

	SPI_freetuptable(rows);
	if (chosen != NIL)
		deleted = execute(purge, &purge->delete, delete_statement, linitial(chosen));
	return deleted;
}

static int64
delete_rows(Purge *purge, SPITupleTable *rows, uint64 count)
{
	int64		deleted = 0;
	ListCell   *lc;

	foreach(lc, choose(purge, rows, count))
	{
		int64		some = delete_batch(purge, lfirst(lc));

		purge->total += some;
		deleted += some;
	}
	MemoryContextReset(purge->batch_context);
	return deleted;
}

/* All that can be deleted now */
static int64
pass(Purge *purge)
{
	static const Oid types[] = {TIMESTAMPTZOID, INT8OID};
	Datum		values[2];
	int64		deleted = 0;
	Portal		portal;

	purge->kept = false;
	sk_soft_keeper_forget(purge->doomed);
	values[0] = TimestampTzGetDatum(purge->before);
	values[1] = Int64GetDatum(purge->max_rows - purge->total);
	portal = SPI_cursor_open(NULL, sk_plan_get(&purge->select, select_statement, purge,
											   purge->doomed->keepers == NIL ? 2 : 1,
											   types, 0),
							 values, NULL, false);
	for (;;)
	{
		SPITupleTable *rows;
		uint64		count;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_tuptable;
		count = SPI_processed;
		if (count == 0)
			break;
		deleted += delete_rows(purge, rows, count);
		SPI_freetuptable(rows);
		if (purge->total >= purge->max_rows)
			break;
	}
	SPI_cursor_close(portal);
	return deleted;
}

static void
tell_what_is_kept(Purge *purge)
{
	uint64		count;
	char	   *tables = sk_soft_keeper_list(purge->doomed, &count);

	ereport(NOTICE,
			(errmsg_plural("kept " UINT64_FORMAT " row of table \"%s\" that was deleted long enough ago",
						   "kept " UINT64_FORMAT " rows of table \"%s\" that were deleted long enough ago",
						   (unsigned long) count,
						   count, RelationGetRelationName(purge->rel)),
			 errdetail("Rows that cannot be deleted along reference them: %s.", tables)));
}

/* Rows that others kept may be free once those are gone. */
static void
purge_rows(Purge *purge)
{
	SPI_connect();
	purge->batch_context = AllocSetContextCreate(CurrentMemoryContext,
												 "schemakit purged rows",
												 ALLOCSET_DEFAULT_SIZES);
	while (pass(purge) > 0 && purge->total < purge->max_rows)
		 /* again */ ;
	if (purge->total < purge->max_rows && purge->kept)
		tell_what_is_kept(purge);
	SPI_finish();
}

/*
 * The statements as the server quotes them are long and say nothing that the user has
 * asked for.
 */
static char *
shorten(const Purge *purge, char *text)
{
	ListCell   *lc;

	foreach(lc, purge->statements)
	{
		char	   *statement = psprintf("SQL statement \"%s\"", (char *) lfirst(lc));
		char	   *found = text == NULL ? NULL : strstr(text, statement);

		if (found != NULL)
			text = psprintf("%.*spermanent deletion of rows of table \"%s\"%s",
							(int) (found - text), text,
							RelationGetRelationName(purge->rel),
							found + strlen(statement));
	}
	return text;
}

/* An error says which table it is about, and not how that is done. */
static void
purge_rows_or_tell(Purge *purge)
{
	PG_TRY();
	{
		SkOwner		owner;

		sk_owner_begin(purge->rel, ACL_SELECT | ACL_UPDATE | ACL_DELETE, "deleted", &owner);
		purge_rows(purge);
		sk_owner_end(&owner);
	}
	PG_CATCH();
	{
		ErrorData  *failure;

		MemoryContextSwitchTo(purge->context);
		failure = CopyErrorData();
		FlushErrorState();
		failure->context = shorten(purge, failure->context);
		ReThrowError(failure);
	}
	PG_END_TRY();
}

static void
free_plans(Purge *purge)
{
	sk_plan_free(&purge->select);
	sk_plan_free(&purge->lock);
	sk_plan_free(&purge->delete);
	sk_soft_keeper_free(purge->doomed);
}

static TimestampTz
cutoff(const Interval *older_than)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
												   TimestampTzGetDatum(GetCurrentTimestamp()),
												   IntervalPGetDatum(older_than)));
}

static void
require_soft_delete(Relation rel, AttrNumber column)
{
	sk_table_refuse_view(rel);
	if (column == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("soft delete is not enabled on table \"%s\"",
						RelationGetRelationName(rel)),
				 errhint("Call schemakit.soft_delete_enable().")));
	if (!OidIsValid(sk_table_primary_key(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errhint("Add a primary key.")));
}

/*
 * schemakit.soft_delete_purge(rel regclass, older_than interval,
 *							   max_rows bigint, force boolean) RETURNS bigint
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_purge);
Datum
schemakit_soft_delete_purge(PG_FUNCTION_ARGS)
{
	Purge		purge = {0};
	SkSoftPermit permit;
	AttrNumber	column;

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 1, "older_than");
	sk_arg_reject_null(fcinfo, 2, "max_rows");
	sk_arg_reject_null(fcinfo, 3, "force");
	purge.before = cutoff(sk_arg_retention(fcinfo, 1, "older_than", PG_GETARG_BOOL(3)));
	purge.max_rows = PG_GETARG_INT64(2);
	if (purge.max_rows <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive", "max_rows"),
				 errhint("It is the maximum number of rows to delete.")));
	PreventCommandIfReadOnly("soft_delete_purge()");

	purge.context = CurrentMemoryContext;
	purge.rel = relation_open(PG_GETARG_OID(0), AccessShareLock);
	column = purge.rel->rd_rel->relkind == RELKIND_RELATION ||
		purge.rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
		? sk_soft_relation_column(purge.rel) : InvalidAttrNumber;
	require_soft_delete(purge.rel, column);
	purge.doomed = sk_soft_keeper_find(purge.rel, column);
	permit.relids = sk_soft_keeper_relids(purge.doomed);
	permit.before = purge.before;
	sk_soft_protect_permit(&permit);
	PG_TRY();
	{
		purge_rows_or_tell(&purge);
	}
	PG_FINALLY();
	{
		sk_soft_protect_revoke(&permit);
		free_plans(&purge);
	}
	PG_END_TRY();
	relation_close(purge.rel, NoLock);
	PG_RETURN_INT64(purge.total);
}
