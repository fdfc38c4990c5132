/*-------------------------------------------------------------------------
 *
 * soft_delete/keeper.c
 *	  Which rows keep another one from being deleted permanently.
 *
 * A row is kept by one that references it under RESTRICT or NO ACTION, and by one
 * that ON DELETE CASCADE would delete although it is live, or has not been deleted
 * for long enough, or is kept itself.  Where the path of cascades comes back to a
 * table, any row keeps.  SET NULL and SET DEFAULT keep nothing.
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
#include "soft_delete/relation.h"

#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* A foreign key whose rows keep others */
typedef struct Keeper
{
	const SkForeignKey *key;
	Oid			owner;			/* of the referencing table */
	SkSoftDoomed *next;			/* that table; NULL: any row of it keeps */
	int			places[INDEX_MAX_KEYS]; /* in "attnums" of the referenced one */
	Oid			types[INDEX_MAX_KEYS + 1];
	SkPlan		plan;
	uint64		kept;			/* how many rows */
} Keeper;

static SkSoftDoomed *find_keepers(Relation rel, AttrNumber column, List *path);


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

static Keeper *
make_keeper(SkSoftDoomed *doomed, const SkForeignKey *key, List *path)
{
	Keeper	   *keeper = palloc0(sizeof(Keeper));
	Relation	child = table_open(key->referencing, AccessShareLock);
	AttrNumber	column = sk_soft_relation_column(child);

	keeper->key = key;
	keeper->owner = child->rd_rel->relowner;
	for (int i = 0; i < key->nkeys; i++)
	{
		keeper->places[i] = place_of(doomed, key->confkey[i]);
		keeper->types[i] = get_atttype(key->referenced, key->confkey[i]);
	}
	keeper->types[key->nkeys] = TIMESTAMPTZOID;
	if (key->on_delete == FKCONSTR_ACTION_CASCADE && column != InvalidAttrNumber &&
		!list_member_oid(path, key->referencing))
		keeper->next = find_keepers(child, column, path);
	table_close(child, NoLock);
	return keeper;
}

static SkSoftDoomed *
find_keepers(Relation rel, AttrNumber column, List *path)
{
	SkSoftDoomed *doomed = palloc0(sizeof(SkSoftDoomed));
	ListCell   *lc;

	check_stack_depth();
	doomed->relid = RelationGetRelid(rel);
	doomed->column = column;
	path = lappend_oid(list_copy(path), doomed->relid);
	foreach(lc, sk_soft_relation_referring(rel))
	{
		const SkForeignKey *key = lfirst(lc);

		if (key->on_delete != FKCONSTR_ACTION_SETNULL &&
			key->on_delete != FKCONSTR_ACTION_SETDEFAULT)
			doomed->keepers = lappend(doomed->keepers, make_keeper(doomed, key, path));
	}
	return doomed;
}

/*
 * What there is to look at before rows of the table are deleted; to be given back
 * by sk_soft_keeper_free().
 */
SkSoftDoomed *
sk_soft_keeper_find(Relation rel, AttrNumber column)
{
	return find_keepers(rel, column, NIL);
}

/*
 * The table, and those from which rows are deleted along.
 */
List *
sk_soft_keeper_relids(const SkSoftDoomed *doomed)
{
	List	   *relids = list_make1_oid(doomed->relid);
	ListCell   *lc;

	foreach(lc, doomed->keepers)
	{
		const Keeper *keeper = lfirst(lc);

		if (keeper->next != NULL)
			relids = list_concat_unique_oid(relids, sk_soft_keeper_relids(keeper->next));
	}
	return relids;
}

void
sk_soft_keeper_free(SkSoftDoomed *doomed)
{
	ListCell   *lc;

	foreach(lc, doomed->keepers)
	{
		Keeper	   *keeper = lfirst(lc);

		sk_plan_free(&keeper->plan);
		if (keeper->next != NULL)
			sk_soft_keeper_free(keeper->next);
	}
}


/*-------------------------------------------------------------------------
 * Their rows
 *-------------------------------------------------------------------------
 */

/*
 * ", x.a, x.b": the columns to which foreign keys refer.
 */
char *
sk_soft_keeper_columns(const SkSoftDoomed *doomed, Relation rel, const char *alias)
{
	StringInfoData columns;
	ListCell   *lc;

	initStringInfo(&columns);
	foreach(lc, doomed->attnums)
		appendStringInfo(&columns, ", %s", sk_soft_fk_query_column(alias, rel, lfirst_int(lc)));
	return columns.data;
}

/* The rows that refer to the key: are they due, and what do others refer to? */
static char *
statement_of(void *arg, List **relids)
{
	const Keeper *keeper = arg;
	const SkForeignKey *key = keeper->key;
	Relation	child = table_open(key->referencing, AccessShareLock);
	char	   *columns = "";
	char	   *is_due = "false";
	char	   *sql;

	*relids = list_make1_oid(key->referencing);
	if (keeper->next != NULL)
	{
		columns = sk_soft_keeper_columns(keeper->next, child, "x");
		is_due = sk_soft_fk_query_is_due("x", child, keeper->next->column, key->nkeys + 1);
	}
	sql = sk_soft_fk_query_referring(key, child, psprintf("%s%s", is_due, columns));
	table_close(child, NoLock);
	return sql;
}

/* Is the key of the row referred to?  Leaves SPI connected. */
static void
execute(Keeper *keeper, Datum *values, TimestampTz before)
{
	SkRights	saved;

	values[keeper->key->nkeys] = TimestampTzGetDatum(before);
	sk_rights_assume_for_key(keeper->owner, &saved);
	SPI_connect();
	sk_soft_fk_execute_plan(sk_plan_get(&keeper->plan, statement_of, keeper,
										keeper->key->nkeys + (keeper->next ? 1 : 0),
										keeper->types, 0),
							values, NULL, keeper->next ? 0 : 1);
	sk_rights_restore(&saved);
}

static bool
keeps(Keeper *keeper, HeapTuple row, TupleDesc tupdesc, int first, TimestampTz before)
{
	Datum		values[INDEX_MAX_KEYS + 1];
	SPITupleTable *rows;
	uint64		count;
	bool		kept = false;

	for (int i = 0; i < keeper->key->nkeys; i++)
	{
		bool		isnull;

		values[i] = heap_getattr(row, first + keeper->places[i], tupdesc, &isnull);
		if (isnull)
			return false;
	}
	execute(keeper, values, before);
	rows = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count && !kept; i++)
	{
		bool		isnull;
		Datum		is_due = SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull);

		if (isnull || !DatumGetBool(is_due))
		{
			keeper->kept++;
			kept = true;
		}
		else
			kept = sk_soft_keeper_is_kept(keeper->next, rows->vals[i], rows->tupdesc,
										  2, before);
	}
	SPI_finish();
	return kept;
}

/*
 * Is the row kept?  Its columns to which foreign keys refer begin with that
 * number.
 */
bool
sk_soft_keeper_is_kept(SkSoftDoomed *doomed, HeapTuple row, TupleDesc tupdesc,
					   int first, TimestampTz before)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, doomed->keepers)
	{
		if (keeps(lfirst(lc), row, tupdesc, first, before))
			return true;
	}
	return false;
}


/*-------------------------------------------------------------------------
 * What is told
 *-------------------------------------------------------------------------
 */

void
sk_soft_keeper_forget(SkSoftDoomed *doomed)
{
	ListCell   *lc;

	foreach(lc, doomed->keepers)
	{
		Keeper	   *keeper = lfirst(lc);

		keeper->kept = 0;
		if (keeper->next != NULL)
			sk_soft_keeper_forget(keeper->next);
	}
}

static void
append_keepers(const SkSoftDoomed *doomed, StringInfo buf, uint64 *total)
{
	ListCell   *lc;

	foreach(lc, doomed->keepers)
	{
		const Keeper *keeper = lfirst(lc);

		if (keeper->kept > 0)
		{
			Relation	child = table_open(keeper->key->referencing, AccessShareLock);

			appendStringInfo(buf, "%s%s (constraint \"%s\": " UINT64_FORMAT ")",
							 buf->len > 0 ? ", " : "", sk_table_name(child),
							 keeper->key->name, keeper->kept);
			table_close(child, NoLock);
			*total += keeper->kept;
		}
		if (keeper->next != NULL)
			append_keepers(keeper->next, buf, total);
	}
}

/*
 * The tables that have kept rows since sk_soft_keeper_forget(), and how many.
 */
char *
sk_soft_keeper_list(const SkSoftDoomed *doomed, uint64 *total)
{
	StringInfoData buf;

	initStringInfo(&buf);
	*total = 0;
	append_keepers(doomed, &buf, total);
	return buf.data;
}
