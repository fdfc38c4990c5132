/*-------------------------------------------------------------------------
 *
 * index/width.c
 *	  Values that are too long for a b-tree.
 *
 * A third of a page is what an entry may have.  No statistics tell of the longest
 * value, so some of the rows are looked at, where the table has long values at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/width.h"

#include "index/sample.h"

#include "access/detoast.h"
#include "access/itup.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "access/toast_internals.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Rows that are looked at. */
#define SAMPLE_ROWS 10000

/* BTMaxItemSize, which has a page as its argument up to PostgreSQL 17 */
#define MOST_BYTES \
	((Size) MAXALIGN_DOWN((BLCKSZ - \
						   MAXALIGN(SizeOfPageHeaderData + 3 * sizeof(ItemIdData)) - \
						   MAXALIGN(sizeof(BTPageOpaqueData))) / 3) - \
	 MAXALIGN(sizeof(ItemPointerData)))

static bool
has_long_values(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	Oid			toastrelid = rel->rd_rel->reltoastrelid;
	bool		result = false;

	if (OidIsValid(toastrelid))
	{
		Relation	toast = relation_open(toastrelid, AccessShareLock);

		result = RelationGetNumberOfBlocks(toast) > 0;
		relation_close(toast, AccessShareLock);
	}
	relation_close(rel, AccessShareLock);
	return result;
}

/* The index with its included columns as keys, too. */
static SkIndex *
all_as_keys(const SkIndex *index)
{
	SkIndex    *result = sk_index_copy(index);

	result->keys = repalloc(result->keys,
							(index->nkeys + index->ninclude + 1) * sizeof(SkIndexKey));
	for (int i = 0; i < index->ninclude; i++)
	{
		SkIndexKey *key = &result->keys[result->nkeys++];
		Oid			type;
		int32		typmod;
		Oid			collation;

		memset(key, 0, sizeof(SkIndexKey));
		key->attnum = index->include[i];
		get_atttypetypmodcoll(index->relid, key->attnum, &type, &typmod, &collation);
		key->expr = (Node *) makeVar(1, key->attnum, type, typmod, collation, 0);
	}
	return result;
}

/*
 * Could an index have values that are too long for a b-tree?  Only if the table
 * has such, out of line, and the type sets no limit.
 */
bool
sk_index_width_is_open(const SkIndex *index)
{
	const SkIndex *all = all_as_keys(index);

	if (index->am != BTREE_AM_OID ||
		get_rel_relkind(index->relid) == RELKIND_PARTITIONED_TABLE ||
		!has_long_values(index->relid))
		return false;
	for (int i = 0; i < all->nkeys; i++)
	{
		const Node *expr = all->keys[i].expr;

		if (get_typlen(exprType(expr)) == -1 && exprTypmod(expr) < 0)
			return true;
	}
	return false;
}

typedef struct Widest
{
	const SkIndex *index;
	Size		bytes;
} Widest;

/* The bytes of a value in an index, which compresses it as index_form_tuple() does. */
static Size
bytes_of(Datum value, int16 len)
{
	Size		bytes;
	Datum		compressed;

	if (len != -1)
		return len > 0 ? len : 0;
	bytes = toast_datum_size(value);
	if (bytes > MOST_BYTES && !VARATT_IS_EXTENDED(DatumGetPointer(value)))
	{
		compressed = toast_compress_datum(value, TOAST_PGLZ_COMPRESSION);
		if (DatumGetPointer(compressed) != NULL)
			bytes = VARSIZE(DatumGetPointer(compressed));
	}
	return bytes;
}

static void
measure(const Datum *values, const bool *nulls, void *arg)
{
	Widest	   *widest = arg;
	Size		bytes = sizeof(IndexTupleData);

	for (int i = 0; i < widest->index->nkeys; i++)
	{
		if (!nulls[i])
			bytes += bytes_of(values[i], get_typlen(exprType(widest->index->keys[i].expr)));
	}
	widest->bytes = Max(widest->bytes, bytes);
}

/*
 * Raises an error, as CREATE INDEX would, if a value of those that are looked at is
 * too long for a b-tree.
 */
void
sk_index_width_check(const SkIndex *index)
{
	Widest		widest = {NULL, 0};

	if (!sk_index_width_is_open(index))
		return;
	widest.index = all_as_keys(index);
	sk_index_sample_read(widest.index, SAMPLE_ROWS, measure, &widest);
	if (widest.bytes > MOST_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index row size %zu exceeds btree version %u maximum %zu",
						widest.bytes, BTREE_VERSION, MOST_BYTES),
				 errhint("Consider a function index of an MD5 hash of the value, or use full text indexing.")));
}
