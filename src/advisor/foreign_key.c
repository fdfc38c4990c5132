/*-------------------------------------------------------------------------
 *
 * advisor/foreign_key.c
 *	  Foreign keys that no index serves.
 *
 * When a row is deleted, or its key changes, the server looks for rows that
 * refer to it.  Without an index on the columns that refer, in any order, it
 * reads all of the table, for each row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/foreign_key.h"

#include "advisor/scope.h"
#include "base/clause.h"
#include "base/table.h"

#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* In the planner's units; a millisecond, or somewhat less. */
#define LEAST_COST 200

/* Where it is not known */
#define ROWS_OF_PAGE 100

static AttrNumber *
read_columns(Datum array, int *n)
{
	AttrNumber *columns;
	Datum	   *elems;

	deconstruct_array(DatumGetArrayTypeP(array), INT2OID, sizeof(int16), true,
					  TYPALIGN_SHORT, &elems, NULL, n);
	columns = palloc(*n * sizeof(AttrNumber));
	for (int i = 0; i < *n; i++)
		columns[i] = DatumGetInt16(elems[i]);
	return columns;
}

static SkForeignKey *
read_key(HeapTuple row)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	SkForeignKey *key = palloc0(sizeof(SkForeignKey));
	bool		isnull;

	key->name = pstrdup(NameStr(*DatumGetName(SPI_getbinval(row, desc, 1, &isnull))));
	key->relid = DatumGetObjectId(SPI_getbinval(row, desc, 2, &isnull));
	key->referenced = DatumGetObjectId(SPI_getbinval(row, desc, 3, &isnull));
	key->columns = read_columns(SPI_getbinval(row, desc, 4, &isnull), &key->n);
	key->keys = read_columns(SPI_getbinval(row, desc, 5, &isnull), &key->n);
	key->part = OidIsValid(DatumGetObjectId(SPI_getbinval(row, desc, 6, &isnull)));
	return key;
}

/* All foreign keys, and those that partitions have of their parents. */
List *
sk_advice_foreign_key_all(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;

	SPI_connect();
	if (SPI_execute("SELECT conname, conrelid, confrelid, conkey, confkey, conparentid"
					" FROM pg_catalog.pg_constraint"
					" WHERE contype OPERATOR(pg_catalog.=) 'f'"
					" ORDER BY conrelid, conname", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read foreign keys");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		result = lappend(result, read_key(SPI_tuptable->vals[i]));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

/*
 * Of one table, those with more columns first: an index for them may serve others, too.
 */
static int
by_width(const ListCell *a, const ListCell *b)
{
	const SkForeignKey *x = lfirst(a);
	const SkForeignKey *y = lfirst(b);

	if (x->relid != y->relid)
		return x->relid < y->relid ? -1 : 1;
	return x->n != y->n ? y->n - x->n : strcmp(x->name, y->name);
}

/* The foreign keys of tables that advice is wanted for. */
List *
sk_advice_foreign_key_list(SkAdvice *advice)
{
	List	   *result = sk_advice_foreign_key_all();
	ListCell   *lc;

	foreach(lc, result)
	{
		const SkForeignKey *key = lfirst(lc);

		if (key->part || !sk_advice_scope_allows(key->relid, advice))
			result = foreach_delete_current(result, lc);
	}
	list_sort(result, by_width);
	return result;
}

static bool
serves(const SkIndex *index, const SkForeignKey *key)
{
	if (index->relid != key->relid || index->predicate != NIL ||
		index->nkeys < key->n ||
		(index->am != BTREE_AM_OID && index->am != HASH_AM_OID))
		return false;
	for (int i = 0; i < key->n; i++)
	{
		int			k;

		for (k = 0; k < key->n; k++)
		{
			if (index->keys[k].attnum == key->columns[i])
				break;
		}
		if (k == key->n)
			return false;
	}
	return true;
}

/* Does one of these indexes (SkIndex) begin with the columns that refer? */
bool
sk_advice_foreign_key_is_served(const SkForeignKey *key, List *indexes)
{
	ListCell   *lc;

	foreach(lc, indexes)
	{
		if (serves(lfirst(lc), key))
			return true;
	}
	return false;
}

/*
 * Does it take about a millisecond to read all of the table that refers?  That is
 * done for each row that is deleted.
 */
bool
sk_advice_foreign_key_is_costly(SkAdvice *advice, const SkForeignKey *key)
{
	double		pages = sk_advice_scope_table_bytes(advice, key->relid) / BLCKSZ;
	double		rows = sk_table_rows(key->relid);

	if (rows < 0)
		rows = pages * ROWS_OF_PAGE;
	return pages * seq_page_cost + rows * cpu_tuple_cost >= LEAST_COST;
}

/* The index that is missing; NULL if a column's type has no b-tree. */
SkIndex *
sk_advice_foreign_key_index(const SkForeignKey *key)
{
	SkIndex    *index = palloc0(sizeof(SkIndex));

	index->relid = key->relid;
	index->am = BTREE_AM_OID;
	index->keys = palloc0(key->n * sizeof(SkIndexKey));
	for (int i = 0; i < key->n; i++)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;
		Oid			opclass;

		get_atttypetypmodcoll(key->relid, key->columns[i], &type, &typmod,
							  &collation);
		opclass = GetDefaultOpClass(type, BTREE_AM_OID);
		if (!OidIsValid(opclass))
			return NULL;
		sk_index_set_key(&index->keys[index->nkeys++],
						 (Node *) makeVar(1, key->columns[i], type, typmod,
										  collation, 0),
						 opclass, collation, 0);
	}
	return index;
}

/* What the server asks, for each row that is deleted. */
char *
sk_advice_foreign_key_query(const SkForeignKey *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT 1 FROM %s%s WHERE",
					 get_rel_relkind(key->relid) == RELKIND_PARTITIONED_TABLE ?
					 "" : "ONLY ",
					 quote_qualified_identifier(sk_table_present_schema(key->relid),
												sk_table_present_name(key->relid)));
	for (int i = 0; i < key->n; i++)
	{
		Oid			type = get_atttype(key->relid, key->columns[i]);

		appendStringInfoString(&buf, i > 0 ? " AND " : " ");
		sk_clause_append(&buf,
						 quote_identifier(get_attname(key->relid,
													  key->columns[i], false)),
						 type, lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr,
						 psprintf("$%d", i + 1), type);
	}
	return buf.data;
}
