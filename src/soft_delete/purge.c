/*-------------------------------------------------------------------------
 *
 * soft_delete/purge.c
 *	  Permanent deletion of rows that were soft-deleted long ago.
 *
 * A row is kept as long as another one needs it (keeper.c).  Rows that need each other
 * are deleted together (together.c).  The server performs SET NULL and SET DEFAULT, since
 * this is a real DELETE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arg.h"
#include "base/guard.h"
#include "base/owner.h"
#include "base/plan.h"
#include "base/table.h"
#include "soft_delete/fk_query.h"
#include "soft_delete/foreign_key.h"
#include "soft_delete/keeper.h"
#include "soft_delete/protect.h"
#include "soft_delete/relation.h"
#include "soft_delete/together.h"

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
	List	   *tables;			/* SkSoftDoomed, its own first */
	AttrNumber	column;
	TimestampTz before;
	int64		max_rows;
	int64		total;
	int64		most;			/* rows that could only be deleted together */
	int64		refused;		/* rows that the server does not delete */
	char	   *refusal;		/* what it said of the first */
	MemoryContext batch_context;
	SkPlan		select;
	SkPlan		lock;
	SkPlan		delete;
	MemoryContext context;		/* of the call */
	List	   *statements;		/* texts of those */
} Purge;

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

static bool
is_referred_to(const Purge *purge)
{
	return sk_soft_foreign_key_to_any(purge->rel) != NIL;
}

static char *
columns_of(const Purge *purge)
{
	return sk_soft_keeper_columns(linitial(purge->tables), purge->rel, "x");
}

static char *
select_statement(void *arg, List **relids)
{
	Purge	   *purge = arg;

	*relids = list_make1_oid(RelationGetRelid(purge->rel));
	return remember(purge, psprintf("SELECT %s FROM %s WHERE %s ORDER BY %s%s",
									columns_of(purge),
									sk_soft_fk_query_from(purge->rel, "x"),
									sk_soft_fk_query_is_due("x", purge->rel, purge->column, 1),
									sk_soft_fk_query_column("x", purge->rel, purge->column),
									is_referred_to(purge) ? "" : " LIMIT $2"));
}

/* Rows that refer to each other may be in several partitions: they go together. */
static char *
these_rows(const Purge *purge)
{
	return psprintf("x.ctid OPERATOR(pg_catalog.=) ANY ($2) AND %s%s",
					sk_soft_fk_query_is_due("x", purge->rel, purge->column, 3),
					purge->rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
					? " AND ROW(x.tableoid, x.ctid) OPERATOR(pg_catalog.=) ANY"
					" (SELECT r.relid, r.tid FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS r(relid, tid))"
					: "");
}

static char *
lock_statement(void *arg, List **relids)
{
	Purge	   *purge = arg;

	*relids = list_make1_oid(RelationGetRelid(purge->rel));
	return remember(purge, psprintf("SELECT %s FROM %s WHERE %s FOR UPDATE OF x SKIP LOCKED",
									columns_of(purge),
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

static uint64
execute(Purge *purge, SkPlan *plan, SkPlanText text, const SkSoftRows *rows)
{
	static const Oid types[] = {OIDARRAYOID, TIDARRAYOID, TIMESTAMPTZOID};
	Datum		values[3];

	values[0] = PointerGetDatum(construct_array(rows->relids, rows->count, OIDOID,
												sizeof(Oid), true, TYPALIGN_INT));
	values[1] = PointerGetDatum(construct_array(rows->tids, rows->count, TIDOID,
												sizeof(ItemPointerData), false,
												TYPALIGN_SHORT));
	values[2] = TimestampTzGetDatum(purge->before);
	if (SPI_execute_plan(sk_plan_get(plan, text, purge, lengthof(types), types, 0),
						 values, NULL, false, 0) < 0)
		elog(ERROR, "could not execute a statement of soft delete");
	return SPI_processed;
}

static void
add_rows(SkSoftTogether *together, SPITupleTable *rows, uint64 count)
{
	for (uint64 i = 0; i < count; i++)
		sk_soft_together_add(together, rows->vals[i], rows->tupdesc);
}

/* Of rows that are locked, those that nothing keeps; the others are not deleted along. */
static SkSoftRows *
choose_locked(Purge *purge, SPITupleTable *rows, uint64 count)
{
	SkSoftTogether *together = sk_soft_together_begin(purge->tables, purge->before);
	SkSoftRows *chosen;

	add_rows(together, rows, count);
	sk_soft_together_no_others(together);
	chosen = sk_soft_together_choose(together, count);
	sk_soft_together_end(together);
	return chosen;
}

/* What is to be deleted by one statement */
typedef struct Attempt
{
	Purge	   *purge;
	SkSoftRows	rows;
	int64		deleted;
} Attempt;

static void
attempt(void *arg)
{
	Attempt    *one = arg;

	one->deleted = execute(one->purge, &one->purge->delete, delete_statement, &one->rows);
}

static bool
is_violation(const ErrorData *edata)
{
	return ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

/* Those that go with the row in that place, and follow it */
static int
size_of_component(const SkSoftRows *rows, int begin)
{
	int			end = begin;

	while (end < rows->count && rows->components[end] == rows->components[begin])
		end++;
	return end - begin;
}

/*
 * What must go together is deleted alone: where the server refuses that, it is kept.
 */
static int64
delete_one_by_one(Purge *purge, const SkSoftRows *rows)
{
	int64		deleted = 0;

	for (int i = 0; i < rows->count; i += size_of_component(rows, i))
	{
		Attempt		one = {
			.purge = purge,
			.rows = {
				.count = size_of_component(rows, i),
				.relids = rows->relids + i,
				.tids = rows->tids + i,
			},
		};
		ErrorData  *refusal = sk_guard_try(attempt, &one, is_violation);

		deleted += one.deleted;
		if (refusal == NULL)
			continue;
		purge->refused += one.rows.count;
		if (purge->refusal == NULL)
			purge->refusal = MemoryContextStrdup(purge->context, refusal->message);
		FreeErrorData(refusal);
	}
	return deleted;
}

/*
 * A DELETE does more than is looked at beforehand: ON DELETE SET NULL or SET DEFAULT may
 * violate a constraint, or a policy keep a row that refers to another.  What cannot be
 * deleted must not be in the way of the rest.
 */
static int64
delete_chosen(Purge *purge, const SkSoftRows *rows)
{
	Attempt		all = {.purge = purge,.rows = *rows};
	ErrorData  *refusal = sk_guard_try(attempt, &all, is_violation);

	if (refusal == NULL)
		return all.deleted;
	FreeErrorData(refusal);
	return delete_one_by_one(purge, rows);
}

/*
 * Nobody may refer to the rows any more, so what keeps them is looked at again
 * under their lock.
 */
static int64
delete_rows(Purge *purge, const SkSoftRows *chosen)
{
	uint64		count = execute(purge, &purge->lock, lock_statement, chosen);
	SPITupleTable *rows = SPI_tuptable;
	SkSoftRows *free = choose_locked(purge, rows, count);

	SPI_freetuptable(rows);
	return free->count == 0 ? 0 : delete_chosen(purge, free);
}

/*
 * Those of them, and of what they need to go, that can be deleted.  Where rows turn out to
 * be locked, or are refused, others take their place.
 */
static int64
delete_some(Purge *purge, SkSoftTogether *together, SPITupleTable *rows, uint64 count)
{
	MemoryContext old = MemoryContextSwitchTo(purge->batch_context);
	int64		before = purge->total;

	add_rows(together, rows, count);
	while (purge->total < purge->max_rows)
	{
		SkSoftRows *chosen = sk_soft_together_choose(together, purge->max_rows - purge->total);

		if (chosen->count == 0)
			break;
		purge->total += delete_rows(purge, chosen);
		MemoryContextReset(purge->batch_context);
	}
	purge->most = Max(purge->most, sk_soft_together_most(together));
	MemoryContextSwitchTo(old);
	MemoryContextReset(purge->batch_context);
	return purge->total - before;
}

static int64
delete_all(Purge *purge, Portal portal)
{
	SkSoftTogether *together = sk_soft_together_begin(purge->tables, purge->before);
	int64		deleted = 0;

	while (purge->total < purge->max_rows)
	{
		SPITupleTable *rows;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		if (sk_soft_together_is_full(together))
		{
			sk_soft_together_end(together);
			together = sk_soft_together_begin(purge->tables, purge->before);
		}
		deleted += delete_some(purge, together, rows, SPI_processed);
		SPI_freetuptable(rows);
	}
	sk_soft_together_end(together);
	return deleted;
}

/* All that can be deleted now */
static int64
pass(Purge *purge)
{
	static const Oid types[] = {TIMESTAMPTZOID, INT8OID};
	Datum		values[2];
	int64		deleted;
	Portal		portal;

	sk_soft_keeper_forget(purge->tables);
	purge->most = 0;
	purge->refused = 0;
	purge->refusal = NULL;
	values[0] = TimestampTzGetDatum(purge->before);
	values[1] = Int64GetDatum(purge->max_rows - purge->total);
	portal = SPI_cursor_open(NULL, sk_plan_get(&purge->select, select_statement, purge,
											   is_referred_to(purge) ? 1 : 2,
											   types, 0),
							 values, NULL, false);
	deleted = delete_all(purge, portal);
	SPI_cursor_close(portal);
	return deleted;
}

static void
tell_what_is_too_much(const Purge *purge)
{
	if (purge->most <= purge->max_rows)
		return;
	ereport(NOTICE,
			(errmsg("kept rows of table \"%s\" that were deleted long enough ago",
					RelationGetRelationName(purge->rel)),
			 errdetail("They reference each other in a cycle, so " INT64_FORMAT " rows must be deleted together.",
					   purge->most),
			 errhint("Call schemakit.soft_delete_purge() with a greater max_rows.")));
}

static void
tell_what_is_refused(const Purge *purge)
{
	if (purge->refused == 0)
		return;
	ereport(NOTICE,
			(errmsg_plural("kept " INT64_FORMAT " row of table \"%s\" that was deleted long enough ago",
						   "kept " INT64_FORMAT " rows of table \"%s\" that were deleted long enough ago",
						   (unsigned long) purge->refused,
						   purge->refused, RelationGetRelationName(purge->rel)),
			 errdetail("To delete them would violate constraints, such as: %s", purge->refusal)));
}

static void
tell_what_is_kept(Purge *purge)
{
	uint64		count;
	char	   *tables = sk_soft_keeper_list(purge->tables, &count);

	if (count == 0)
		return;
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
	if (purge->total < purge->max_rows)
	{
		tell_what_is_kept(purge);
		tell_what_is_too_much(purge);
		tell_what_is_refused(purge);
	}
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
	sk_soft_keeper_free(purge->tables);
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

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 1, "older_than");
	sk_arg_reject_null(fcinfo, 3, "force");
	purge.before = cutoff(sk_arg_retention(fcinfo, 1, "older_than", PG_GETARG_BOOL(3)));
	purge.max_rows = sk_arg_max_rows(fcinfo, 2);
	PreventCommandIfReadOnly("soft_delete_purge()");

	purge.context = CurrentMemoryContext;
	purge.rel = relation_open(PG_GETARG_OID(0), AccessShareLock);
	purge.column = purge.rel->rd_rel->relkind == RELKIND_RELATION ||
		purge.rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
		? sk_soft_relation_column(purge.rel) : InvalidAttrNumber;
	require_soft_delete(purge.rel, purge.column);
	purge.tables = sk_soft_keeper_find(purge.rel, purge.column);
	permit.relids = sk_soft_keeper_relids(purge.tables);
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
