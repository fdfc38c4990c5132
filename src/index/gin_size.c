/*-------------------------------------------------------------------------
 *
 * index/gin_size.c
 *	  How large a GIN index is going to be.
 *
 * That depends on what the operator class takes out of values, and on how often
 * each item is found, of which there are no statistics.  So some of the table's
 * rows are read, and the operator class is asked.  See index/sample.c for what the
 * caller must know.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/gin_size.h"

#include "index/sample.h"
#include "index/stats.h"

#include "access/gin.h"
#include "access/ginblock.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include <math.h>

#define SAMPLE_ROWS 3000

/* a posting tree has segments of 256 bytes, with a header each */
#define SEGMENT_SHARE (264.0 / 256)

typedef struct KeyItem
{
	uint64		hash;			/* two of the same hash are taken as equal */
	Size		len;
} KeyItem;

/* KeyItems of one key, from the rows of the sample. */
typedef struct KeyItems
{
	FmgrInfo	extract;
	Oid			collation;
	int16		len;			/* of an item's type */
	bool		byval;
	int			n;
	int			allocated;
	KeyItem    *item;
} KeyItems;

static Oid
item_type(const SkIndexKey *key)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(key->opclass));
	Oid			type;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", key->opclass);
	type = ((Form_pg_opclass) GETSTRUCT(tuple))->opckeytype;
	ReleaseSysCache(tuple);
	if (!OidIsValid(type))
		type = key->opcintype;
	if (type == ANYELEMENTOID)
		type = get_base_element_type(exprType(key->expr));
	return type;
}

static void
begin_items(KeyItems *items, const SkIndexKey *key)
{
	Oid			proc = get_opfamily_proc(key->opfamily, key->opcintype,
										 key->opcintype, GIN_EXTRACTVALUE_PROC);

	memset(items, 0, sizeof(KeyItems));
	fmgr_info(proc, &items->extract);
	items->collation = key->collation;
	get_typlenbyval(item_type(key), &items->len, &items->byval);
	items->allocated = 1024;
	items->item = palloc(items->allocated * sizeof(KeyItem));
}

static void
add_item(KeyItems *items, Datum item)
{
	Size		len = datumGetSize(item, items->byval, items->len);
	const unsigned char *data = items->byval ?
		(unsigned char *) &item : (unsigned char *) DatumGetPointer(item);

	if (items->n == items->allocated)
	{
		items->allocated *= 2;
		items->item = repalloc_huge(items->item,
									items->allocated * sizeof(KeyItem));
	}

	/* it is stored with a header of one byte */
	items->item[items->n].len = items->len == -1 && len <= VARATT_SHORT_MAX ?
		len - VARHDRSZ + VARHDRSZ_SHORT : len;
	items->item[items->n++].hash = hash_bytes_extended(data, len, 0);
}

static void
add_value(KeyItems *items, Datum value, bool isnull)
{
	int32		n = 0;
	bool	   *nulls = NULL;
	Datum	   *found;

	if (isnull)
		return;
	found = (Datum *) DatumGetPointer(FunctionCall3Coll(&items->extract,
														items->collation, value,
														PointerGetDatum(&n),
														PointerGetDatum(&nulls)));
	for (int i = 0; i < n && found != NULL; i++)
	{
		if (nulls == NULL || !nulls[i])
			add_item(items, found[i]);
	}
}

typedef struct Sample
{
	KeyItems   *items;			/* of each key */
	int			nkeys;
	MemoryContext context;		/* for what is taken out of a value */
} Sample;

static void
add_row(const Datum *values, const bool *nulls, void *arg)
{
	Sample	   *sample = arg;

	for (int i = 0; i < sample->nkeys; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(sample->context);

		add_value(&sample->items[i], values[i], nulls[i]);
		MemoryContextSwitchTo(old);
		MemoryContextReset(sample->context);
	}
}

static int
compare_items(const void *a, const void *b)
{
	uint64		x = ((const KeyItem *) a)->hash;
	uint64		y = ((const KeyItem *) b)->hash;

	return x < y ? -1 : x > y;
}

/* ----------
 * Pages
 * ----------
 */

/*
 * Bytes of a row in a posting list, which has the distance from the row before,
 * seven bits a byte, if each "gap"th row has the item.  A page counts as 2048
 * rows, so two bytes reach 8 pages far, and three 1024.  Distances are taken to
 * be distributed exponentially.
 */
static double
row_bytes(double gap, double rows_per_page)
{
	double		a = rows_per_page / gap;
	double		beyond = -expm1(-a) / a;	/* another page */
	double		beyond8 = Min(exp(-8 * a), beyond);
	double		beyond1024 = exp(-1024 * a);

	return 1 + beyond + beyond8 + beyond1024;
}

typedef struct Tree
{
	double		table_rows;
	double		rows_per_page;
	double		entries;
	double		entry_bytes;	/* of tuples in the entry tree */
	double		data_pages;		/* of posting trees */
} Tree;

/* Add "groups" items of "len" bytes that "rows" rows have, each. */
static void
add_groups(Tree *tree, double groups, double len, double rows)
{
	double		each = row_bytes(tree->table_rows / rows, tree->rows_per_page);
	double		posting = sizeof(ItemPointerData) + 2 + (rows - 1) * each;
	double		tuple = MAXALIGN((Size) (sizeof(IndexTupleData) + len));

	if (tuple + posting > GinMaxItemSize)
	{
		double		leaves = ceil(rows * each * SEGMENT_SHARE /
								  GinDataPageMaxDataSize);

		tree->data_pages += groups * (leaves + (leaves > 1 ? 1 : 0));
		posting = 0;
	}
	tree->entries += groups;
	tree->entry_bytes += groups *
		(MAXALIGN((Size) (tuple + posting)) + sizeof(ItemIdData));
}

/*
 * Add the items, in the whole table, that the sample has once, and those that
 * it missed; "found" says how many items the sample has once, twice and three
 * times.
 *
 * If an item is expected "mean" times in the sample, and numbers are distributed
 * like a Poisson variable, there are 2 / mean items found once for each that is
 * found twice, and mean / 3 found three times.  If the two do not agree, the
 * items found once are a mixture: as many as the others make likely are of their
 * kind, and the rest are items that no two rows have.
 */
static void
add_rare(Tree *tree, const double *found, double len, double scale)
{
	double		mean = found[1] > 0 ? Min(2 * found[2] / found[1], 3) : 0;
	double		others = found[2] > 0 ? Min(3 * found[3] / found[2], 3) : 0;
	double		frequent = found[1];

	if (mean < others / 3)
	{
		mean = others;
		frequent = Min(2 * found[2] / mean, found[1]);
	}
	if (mean > 0 || found[1] == 0)
	{
		double		rows = (frequent + 2 * found[2] + 3 * found[3]) * scale;
		double		groups = Max(mean > 0 ? frequent * exp(mean) / mean : 0,
								 frequent + found[2] + found[3]);

		/* a few items found twice tell little: each has a row at least */
		groups = Min(groups, rows);
		add_groups(tree, groups, len, rows / groups);
	}
	else
		frequent = 0;
	if (found[1] > frequent)
		add_groups(tree, (found[1] - frequent) * scale, len, 1);
}

/* Add one key's items; each row of the sample stands for "scale" rows. */
static void
add_items(Tree *tree, KeyItems *items, double scale)
{
	double		found[4] = {0};
	double		bytes = 0;
	double		rare;

	qsort(items->item, items->n, sizeof(KeyItem), compare_items);
	for (int i = 0, next; i < items->n; i = next)
	{
		for (next = i + 1; next < items->n &&
			 items->item[next].hash == items->item[i].hash;)
			next++;
		if (next - i <= 3)
		{
			found[next - i]++;
			bytes += items->item[i].len;
		}
		else
			add_groups(tree, 1, items->item[i].len, (next - i) * scale);
	}
	rare = found[1] + found[2] + found[3];
	if (rare > 0)
		add_rare(tree, found, bytes / rare, Max(scale, 1));
}

/*
 * The size of an index that has "rows" rows, in pages, and the number of items
 * that it has of each row.
 */
void
sk_index_gin_size(const SkIndex *index, double rows, double *pages, double *entries)
{
	RelOptInfo *rel = sk_index_stats_rel(sk_index_stats_root(index->relid));
	KeyItems   *items = palloc(index->nkeys * sizeof(KeyItems));
	Sample		sample;
	Tree		tree = {0};
	double		fill;
	double		leaves;
	int			seen;

	for (int i = 0; i < index->nkeys; i++)
		begin_items(&items[i], &index->keys[i]);
	sample.items = items;
	sample.nkeys = index->nkeys;
	sample.context = AllocSetContextCreate(CurrentMemoryContext,
										   "schemakit GIN sample",
										   ALLOCSET_DEFAULT_SIZES);
	seen = sk_index_sample_read(index, SAMPLE_ROWS, add_row, &sample);
	MemoryContextDelete(sample.context);
	*entries = 1;
	*pages = rel->pages + 1;
	if (seen == 0 && rows > 0)
		return;

	tree.table_rows = Max(rel->tuples, 1);
	tree.rows_per_page = Max(rel->tuples / Max(rel->pages, 1), 1);
	*entries = 0;
	for (int i = 0; i < index->nkeys && seen > 0; i++)
	{
		add_items(&tree, &items[i], rows / seen);
		*entries += items[i].n / (double) seen;
	}

	/*
	 * Entries are inserted in order, which leaves pages split in halves; the
	 * entry in the middle stays on the left.
	 */
	fill = GinDataPageMaxDataSize / 2.0 +
		tree.entry_bytes / Max(tree.entries, 1) / 2;
	leaves = ceil(tree.entry_bytes / fill);
	*pages = 2 + Max(leaves, 1) + tree.data_pages;
	if (leaves > 1)
		*pages += 1 + floor(leaves / 150);
}
