/*-------------------------------------------------------------------------
 *
 * soft_delete/keeper.c
 *	  Which rows keep another one from being deleted permanently.
 *
 * A row is kept by one that references it under RESTRICT or NO ACTION, and by one
 * that ON DELETE CASCADE would delete although it is live, or has not been deleted
 * for long enough, or is kept itself.  SET NULL and SET DEFAULT keep nothing, and no
 * row keeps itself.
 *
 * Rows of the table that is purged are deleted by one statement, so under RESTRICT and
 * NO ACTION, too, they only keep each other as rows do that are deleted along.
 *
 * What is asked of a table is asked as its owner and without row security, as the
 * server's own foreign keys do: a row that the caller does not see would be
 * deleted all the same.  A statement is about one table, so that no code of its
 * owner, such as the expression of an index, is run by anybody else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/keeper.h"
#include "base/plan.h"
#include "base/rights.h"
#include "base/table.h"
#include "soft_delete/fk_execute.h"
#include "soft_delete/foreign_key.h"
#include "soft_delete/relation.h"

#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* A foreign key whose rows keep others */
struct SkSoftKeeper
{
	const SkForeignKey *key;
	List	   *relids;			/* if it is about rows of these partitions
								 * only */
	Oid			owner;			/* of the referencing table */
	SkSoftDoomed *next;			/* that table; NULL: any row of it keeps */
	int			places[INDEX_MAX_KEYS]; /* in "attnums" of the referenced one */
	Oid			types[INDEX_MAX_KEYS + 1];
	SkPlan		plan;
	SkPlan		lock;
	uint64		kept;			/* how many rows */
};

static SkSoftDoomed *find_table(List **tables, Relation rel, AttrNumber column);


/*-------------------------------------------------------------------------
 * The tables
 *-------------------------------------------------------------------------
 */

static int
place_of(SkSoftDoomed *doomed, AttrNumber attnum)
{
	int			place = 0;
	ListCell   *lc;

	foreach(lc, doomed->attnums)
	{
		if (lfirst_int(lc) == attnum)
			return place;
		place++;
	}
	doomed->attnums = lappend_int(doomed->attnums, attnum);
	return place;
}

/* A partition may have other numbers for the table's columns. */
static AttrNumber
attnum_in(Oid relid, Oid partition, AttrNumber attnum)
{
	return relid == partition ? attnum
		: get_attnum(relid, get_attname(partition, attnum, false));
}

static SkSoftKeeper *
make_keeper(List **tables, SkSoftDoomed *doomed, const SkForeignKey *key)
{
	SkSoftKeeper *keeper = palloc0(sizeof(SkSoftKeeper));
	Relation	child = table_open(key->referencing, AccessShareLock);
	AttrNumber	column = sk_soft_relation_column(child);
	SkSoftDoomed *purged = linitial(*tables);

	keeper->key = key;
	keeper->owner = child->rd_rel->relowner;
	for (int i = 0; i < key->nkeys; i++)
	{
		keeper->places[i] = place_of(doomed, attnum_in(doomed->relid, key->referenced, key->confkey[i]));
		keeper->types[i] = get_atttype(key->referenced, key->confkey[i]);
	}
	if (key->referenced != doomed->relid)
		keeper->relids = find_all_inheritors(key->referenced, AccessShareLock, NULL);
	keeper->types[key->nkeys] = TIMESTAMPTZOID;
	if (column != InvalidAttrNumber &&
		(key->on_delete == FKCONSTR_ACTION_CASCADE || key->referencing == purged->relid))
		keeper->next = find_table(tables, child, column);
	table_close(child, NoLock);
	return keeper;
}

static SkSoftDoomed *
find_table(List **tables, Relation rel, AttrNumber column)
{
	SkSoftDoomed *doomed;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, *tables)
	{
		doomed = lfirst(lc);
		if (doomed->relid == RelationGetRelid(rel))
			return doomed;
	}
	doomed = palloc0(sizeof(SkSoftDoomed));
	doomed->relid = RelationGetRelid(rel);
	doomed->column = column;
	*tables = lappend(*tables, doomed);
	foreach(lc, sk_soft_foreign_key_to_any(rel))
	{
		const SkForeignKey *key = lfirst(lc);

		if (key->on_delete != FKCONSTR_ACTION_SETNULL &&
			key->on_delete != FKCONSTR_ACTION_SETDEFAULT)
			doomed->keepers = lappend(doomed->keepers, make_keeper(tables, doomed, key));
	}
	return doomed;
}

/*
 * What there is to look at before rows of the table are deleted, as SkSoftDoomed: the
 * table first, then those from which rows are deleted along.  To be given back by
 * sk_soft_keeper_free().
 */
List *
sk_soft_keeper_find(Relation rel, AttrNumber column)
{
	List	   *tables = NIL;

	(void) find_table(&tables, rel, column);
	return tables;
}

List *
sk_soft_keeper_relids(List *tables)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, tables)
		relids = lappend_oid(relids, ((SkSoftDoomed *) lfirst(lc))->relid);
	return relids;
}

void
sk_soft_keeper_free(List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
	{
		ListCell   *lck;

		foreach(lck, ((SkSoftDoomed *) lfirst(lc))->keepers)
		{
			sk_plan_free(&((SkSoftKeeper *) lfirst(lck))->plan);
			sk_plan_free(&((SkSoftKeeper *) lfirst(lck))->lock);
		}
	}
}


/*-------------------------------------------------------------------------
 * Their rows
 *-------------------------------------------------------------------------
 */

/*
 * "x.tableoid, x.ctid, x.a, x.b": where a row is, and the columns to which foreign keys
 * refer.
 */
char *
sk_soft_keeper_columns(const SkSoftDoomed *doomed, Relation rel, const char *alias)
{
	StringInfoData columns;
	ListCell   *lc;

	initStringInfo(&columns);
	appendStringInfo(&columns, "%s.tableoid, %s.ctid", alias, alias);
	foreach(lc, doomed->attnums)
		appendStringInfo(&columns, ", %s", sk_soft_fk_query_column(alias, rel, lfirst_int(lc)));
	return columns.data;
}

/*
 * Values that are known of the table's rows are of another type by now.
 */
void
sk_soft_keeper_fail_altered(Oid relid)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("table \"%s\" was altered while rows were being deleted", get_rel_name(relid)),
			 errdetail("A trigger has changed the type of a column to which a foreign key refers.")));
}

/*
 * Where such a row is.
 */
void
sk_soft_keeper_place(HeapTuple row, TupleDesc tupdesc, Oid *relid, ItemPointer tid)
{
	bool		isnull;

	*relid = DatumGetObjectId(heap_getattr(row, 1, tupdesc, &isnull));
	*tid = *(ItemPointer) DatumGetPointer(heap_getattr(row, 2, tupdesc, &isnull));
}

/* The rows that refer to the key: what do others refer to, and are they due? */
static char *
statement_of(void *arg, List **relids)
{
	const SkSoftKeeper *keeper = arg;
	const SkForeignKey *key = keeper->key;
	Relation	child = table_open(key->referencing, AccessShareLock);
	char	   *columns = "x.tableoid, x.ctid, false";
	char	   *sql;

	*relids = list_make1_oid(key->referencing);
	if (keeper->next != NULL)
		columns = psprintf("%s, %s", sk_soft_keeper_columns(keeper->next, child, "x"),
						   sk_soft_fk_query_is_due("x", child, keeper->next->column,
												   key->nkeys + 1));
	sql = sk_soft_fk_query_referring(key, child, columns);
	table_close(child, NoLock);
	return sql;
}

static char *
lock_statement_of(void *arg, List **relids)
{
	const SkForeignKey *key = ((const SkSoftKeeper *) arg)->key;
	Relation	child = table_open(key->referencing, AccessShareLock);
	char	   *sql = psprintf("%s FOR UPDATE OF x SKIP LOCKED",
							   sk_soft_fk_query_referring(key, child, "1"));

	*relids = list_make1_oid(key->referencing);
	table_close(child, NoLock);
	return sql;
}

/*
 * Lock the rows that would be deleted along: nobody may refer to them from here on, or
 * make them live.  Returns how many there are that nobody else has locked.
 */
static uint64
lock_referring(SkSoftKeeper *keeper, Datum *values)
{
	SkRights	saved;
	uint64		count;

	sk_rights_assume_for_key(keeper->owner, &saved);
	SPI_connect();
	sk_soft_fk_execute_plan(sk_plan_get(&keeper->lock, lock_statement_of, keeper,
										keeper->key->nkeys, keeper->types, 0),
							values, NULL, 0);
	count = SPI_processed;
	SPI_finish();
	sk_rights_restore(&saved);
	return count;
}

/*
 * What refers to the key of the row?  Leaves SPI connected.  Where any row keeps, a
 * second one is asked for since the first may be the row itself.
 */
static void
execute(SkSoftKeeper *keeper, Datum *values, TimestampTz before)
{
	SkRights	saved;

	values[keeper->key->nkeys] = TimestampTzGetDatum(before);
	sk_rights_assume_for_key(keeper->owner, &saved);
	SPI_connect();
	sk_soft_fk_execute_plan(sk_plan_get(&keeper->plan, statement_of, keeper,
										keeper->key->nkeys + (keeper->next ? 1 : 0),
										keeper->types, 0),
							values, NULL, keeper->next ? 0 : 2);
	sk_rights_restore(&saved);
}

/* False if there is no key to refer to, or it is not that of such a row */
static bool
key_of(const SkSoftKeeper *keeper, HeapTuple row, TupleDesc tupdesc, Datum *values)
{
	Oid			relid;
	ItemPointerData tid;

	sk_soft_keeper_place(row, tupdesc, &relid, &tid);
	if (keeper->relids != NIL && !list_member_oid(keeper->relids, relid))
		return false;
	for (int i = 0; i < keeper->key->nkeys; i++)
	{
		bool		isnull;

		if (TupleDescAttr(tupdesc, 2 + keeper->places[i])->atttypid != keeper->types[i])
			sk_soft_keeper_fail_altered(keeper->key->referenced);
		values[i] = heap_getattr(row, 3 + keeper->places[i], tupdesc, &isnull);
		if (isnull)
			return false;
	}
	return true;
}

static bool
is_same_row(HeapTuple a, TupleDesc a_tupdesc, HeapTuple b, TupleDesc b_tupdesc)
{
	Oid			a_relid;
	Oid			b_relid;
	ItemPointerData a_tid;
	ItemPointerData b_tid;

	sk_soft_keeper_place(a, a_tupdesc, &a_relid, &a_tid);
	sk_soft_keeper_place(b, b_tupdesc, &b_relid, &b_tid);
	return a_relid == b_relid && ItemPointerEquals(&a_tid, &b_tid);
}

/* Does a row of that table keep it?  Those that do not are told. */
static bool
keeps(SkSoftKeeper *keeper, HeapTuple row, TupleDesc tupdesc, TimestampTz before,
	  bool lock, SkSoftReferrer referrer, void *arg)
{
	Datum		values[INDEX_MAX_KEYS + 1];
	SPITupleTable *rows;
	uint64		locked = 0;
	uint64		count;
	bool		kept;

	if (!key_of(keeper, row, tupdesc, values))
		return false;
	lock = lock && keeper->next != NULL;
	if (lock)
		locked = lock_referring(keeper, values);
	execute(keeper, values, before);
	rows = SPI_tuptable;
	count = SPI_processed;
	kept = lock && locked < count;
	for (uint64 i = 0; i < count && !kept; i++)
	{
		bool		isnull;
		Datum		is_due;

		if (is_same_row(rows->vals[i], rows->tupdesc, row, tupdesc))
			continue;
		is_due = heap_getattr(rows->vals[i], rows->tupdesc->natts, rows->tupdesc, &isnull);
		if (isnull || !DatumGetBool(is_due))
			kept = true;
		else
			referrer(arg, keeper->next, rows->vals[i], rows->tupdesc);
	}
	SPI_finish();
	return kept;
}

/*
 * The first that keeps the row; NULL if it is only referred to by such as can be deleted
 * with it.  These are told, perhaps not all if something keeps it.
 *
 * With "lock", where the row is locked, they are, too: otherwise somebody might refer to
 * one of them until the server deletes it.  What somebody else has locked keeps the row.
 */
SkSoftKeeper *
sk_soft_keeper_visit(SkSoftDoomed *doomed, HeapTuple row, TupleDesc tupdesc,
					 TimestampTz before, bool lock, SkSoftReferrer referrer, void *arg)
{
	ListCell   *lc;

	foreach(lc, doomed->keepers)
	{
		if (keeps(lfirst(lc), row, tupdesc, before, lock, referrer, arg))
			return lfirst(lc);
	}
	return NULL;
}


/*-------------------------------------------------------------------------
 * What is told
 *-------------------------------------------------------------------------
 */

void
sk_soft_keeper_forget(List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
	{
		ListCell   *lck;

		foreach(lck, ((SkSoftDoomed *) lfirst(lc))->keepers)
			((SkSoftKeeper *) lfirst(lck))->kept = 0;
	}
}

/*
 * It has kept a row of the table that is purged, perhaps by way of others.
 */
void
sk_soft_keeper_count(SkSoftKeeper *keeper)
{
	keeper->kept++;
}

static void
append_keeper(const SkSoftKeeper *keeper, StringInfo buf)
{
	Relation	child = table_open(keeper->key->referencing, AccessShareLock);

	appendStringInfo(buf, "%s%s (constraint \"%s\": " UINT64_FORMAT ")",
					 buf->len > 0 ? ", " : "", sk_table_name(child),
					 keeper->key->name, keeper->kept);
	table_close(child, NoLock);
}

/*
 * The tables that have kept rows since sk_soft_keeper_forget(), and how many.
 */
char *
sk_soft_keeper_list(List *tables, uint64 *total)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	*total = 0;
	foreach(lc, tables)
	{
		ListCell   *lck;

		foreach(lck, ((SkSoftDoomed *) lfirst(lc))->keepers)
		{
			const SkSoftKeeper *keeper = lfirst(lck);

			if (keeper->kept > 0)
				append_keeper(keeper, &buf);
			*total += keeper->kept;
		}
	}
	return buf.data;
}
