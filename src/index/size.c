/*-------------------------------------------------------------------------
 *
 * index/size.c
 *	  How large an index is going to be.
 *
 * The size of an index right after CREATE INDEX, from the table's statistics
 * and the layout of pages.  A b-tree is laid out as nbtsort.c does it: leaves
 * filled to the fill factor, equal keys deduplicated into posting lists of at
 * most a tenth of a page, inner pages filled to 70 per cent with truncated keys.
 * For a GIN index, and for keys that are expressions, rows are read: see
 * index/sample.c for what the caller must know.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/size.h"

#include "index/gin_size.h"
#include "index/sample.h"
#include "index/stats.h"
#include "index/width.h"

#include "access/brin.h"
#include "access/hash.h"
#include "access/itup.h"
#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include <math.h>

/* What a page has room for, but for its header and "special" bytes. */
#define PAGE_BYTES(special) \
	((double) (BLCKSZ - SizeOfPageHeaderData - MAXALIGN(special)))

static int
option_value(const SkIndex *index, const char *name, int fallback)
{
	ListCell   *lc;

	foreach(lc, index->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0)
			return defGetInt32(option);
	}
	return fallback;
}

/* ----------
 * Tuples
 * ----------
 */

/* Bytes after a value of a type, with the padding that it needs on average. */
static double
add_value(double offset, Oid type, double width)
{
	int16		len;
	bool		byval;
	char		align;

	get_typlenbyvalalign(type, &len, &byval, &align);
	if (len > 0)
		return att_align_nominal((Size) ceil(offset), align) + len;

	/* a short one needs no alignment, a long one has a header of four bytes */
	if (width > VARATT_SHORT_MAX)
		offset = att_align_nominal((Size) ceil(offset), align);
	return offset + width;
}

typedef struct Layout
{
	SkStatColumn *columns;		/* what is known of each key */
	double		tuple;			/* bytes of a leaf tuple, aligned */
	double		first;			/* the same with the first key only */
	double		nulls;			/* fraction of rows with a NULL among the keys */
} Layout;

/* Bytes of a tuple with the widths of the i-th value that is known of each. */
static double
tuple_bytes(const SkIndex *index, const SkStatColumn *columns, int nkeys,
			int ninclude, int i)
{
	double		offset = 0;

	for (int k = 0; k < nkeys; k++)
	{
		const SkStatColumn *column = &columns[k];
		int32		width = column->width;

		if (column->nwidths > 0)
			width = column->widths[i % column->nwidths];
		offset = add_value(offset, exprType(index->keys[k].expr), width);
	}
	for (int k = 0; k < ninclude; k++)
	{
		AttrNumber	attnum = index->include[k];
		Oid			type = get_atttype(index->relid, attnum);
		int32		width = get_attavgwidth(index->relid, attnum);

		offset = add_value(offset, type,
						   width > 0 ? width : get_typavgwidth(type, -1));
	}
	return MAXALIGN((Size) ceil(offset)) + sizeof(IndexTupleData);
}

static void
lay_out(const SkIndex *index, PlannerInfo *root, HeapTuple *statistics,
		double rows, Layout *layout)
{
	double		present = 1;
	int			n = 1;

	layout->columns = palloc(index->nkeys * sizeof(SkStatColumn));
	for (int i = 0; i < index->nkeys; i++)
	{
		SkStatColumn *column = &layout->columns[i];

		sk_index_stats_column(root, index->keys[i].expr, statistics[i], rows, column);
		present *= 1 - column->null_fraction;
		n = Max(n, column->nwidths);
	}
	layout->nulls = 1 - present;
	layout->tuple = layout->nulls * sizeof(IndexAttributeBitMapData);
	layout->first = 0;
	for (int i = 0; i < n; i++)
	{
		layout->tuple += tuple_bytes(index, layout->columns, index->nkeys,
									 index->ninclude, i) / n;
		layout->first += tuple_bytes(index, layout->columns, 1, 0, i) / n;
	}
}

/* ----------
 * B-tree
 * ----------
 */
static bool
can_deduplicate(const SkIndex *index)
{
	if (index->ninclude > 0 || option_value(index, "deduplicate_items", 1) == 0)
		return false;
	for (int i = 0; i < index->nkeys; i++)
	{
		const SkIndexKey *key = &index->keys[i];
		Oid			proc = get_opfamily_proc(key->opfamily, key->opcintype,
											 key->opcintype, BTEQUALIMAGE_PROC);

		if (!OidIsValid(proc) ||
			!DatumGetBool(OidFunctionCall1Coll(proc, key->collation,
											   ObjectIdGetDatum(key->opcintype))))
			return false;
	}
	return true;
}

/* Bytes of "groups" keys that have "rows" rows each, more than one. */
static double
posting_bytes(double groups, double rows, double key)
{
	const double limit = MAXALIGN_DOWN(BLCKSZ * 10 / 100) - sizeof(ItemIdData);
	double		most = Max(floor((limit - key) / sizeof(ItemPointerData)), 1);
	double		full = floor(rows / most);
	double		rest = rows - full * most;
	double		bytes;

	bytes = full * (MAXALIGN((Size) (key + most * sizeof(ItemPointerData))) +
					sizeof(ItemIdData));
	if (rest > 0)
		bytes += key + rest * sizeof(ItemPointerData) +
			MAXIMUM_ALIGNOF / 2 + sizeof(ItemIdData);
	return groups * bytes;
}

/*
 * Bytes of "groups" keys at random among "rows" rows.  How many rows a key has
 * is taken to be distributed like a Poisson variable that is not zero.
 */
static double
random_bytes(double groups, double rows, double key)
{
	double		mean = rows / groups;
	double		lambda = mean;
	double		single;

	if (mean <= 1.0001)
		return rows * (key + sizeof(ItemIdData));
	for (int i = 0; i < 50; i++)
		lambda = -mean * expm1(-lambda);
	single = groups * lambda * exp(-lambda) / -expm1(-lambda);
	single = Min(single, groups * 0.9999);
	return single * (key + sizeof(ItemIdData)) +
		posting_bytes(groups - single, (rows - single) / (groups - single), key);
}

/* Bytes of all leaf tuples; "item" is their average then. */
static double
leaf_bytes(const SkIndex *index, PlannerInfo *root, const Layout *layout,
		   double rows, double *item)
{
	List	   *exprs = NIL;
	const SkStatColumn *first = &layout->columns[0];
	double		common = 0;
	double		often = 0;
	double		groups;
	double		bytes = 0;

	*item = layout->tuple + sizeof(ItemIdData);
	if (rows < 1)
		return 0;
	if (!can_deduplicate(index) || (index->unique && layout->nulls == 0))
		return rows * *item;

	for (int i = 0; i < index->nkeys; i++)
		exprs = lappend(exprs, index->keys[i].expr);
	groups = sk_index_stats_distinct(root, exprs, layout->columns, rows);
	if (index->nkeys == 1)
	{
		/* skewed: common values and NULL make posting lists of their own */
		often = first->ncommon + (first->null_fraction > 0 ? 1 : 0);
		common = rows * Min(first->common + first->null_fraction, 1);
		if (common > 0)
			bytes = posting_bytes(often, common / often, layout->tuple);
		groups -= often;
	}
	if (rows - common >= 1)
		bytes += random_bytes(Max(Min(groups, rows - common), 1), rows - common,
							  layout->tuple);
	*item = Min(bytes / rows, layout->tuple) + sizeof(ItemIdData);
	return bytes;
}

static void
size_btree(const SkIndex *index, PlannerInfo *root, double rows,
		   SkIndexSize *size)
{
	const double page = PAGE_BYTES(sizeof(BTPageOpaqueData)) -
		2 * sizeof(ItemIdData);
	double		target = BLCKSZ * (100 - option_value(index, "fillfactor",
													  BTREE_DEFAULT_FILLFACTOR)) / 100;
	Layout		layout;
	double		item;
	double		bytes;
	double		level;
	double		fanout;

	lay_out(index, root, size->statistics, rows, &layout);
	bytes = leaf_bytes(index, root, &layout, rows, &item);

	/* a page is closed by the tuple that crosses the target; it moves on */
	level = rows < 1 ? 0 : ceil(bytes / Max(page - target - item / 2, item));
	size->pages = 1 + level;
	size->height = 0;

	item = layout.columns[0].distinct > rows / 2 ? layout.first : layout.tuple;
	item += sizeof(ItemIdData);
	target = BLCKSZ * (100 - BTREE_NONLEAF_FILLFACTOR) / 100;
	fanout = Max(floor((page - target - item / 2) / item), 2);
	while (level > 1)
	{
		level = ceil(level / fanout);
		size->pages += level;
		size->height++;
	}
}

/* ----------
 * Other access methods
 * ----------
 */
static void
size_hash(const SkIndex *index, double rows, SkIndexSize *size)
{
	const double item = MAXALIGN(sizeof(IndexTupleData) + sizeof(uint32)) +
		sizeof(ItemIdData);
	int			fillfactor = option_value(index, "fillfactor",
										  HASH_DEFAULT_FILLFACTOR);
	double		per_bucket = Max(floor(BLCKSZ * fillfactor / 100 / item), 10);
	double		wanted = Min(rows / per_bucket, 0x40000000);
	uint32		buckets = 2;

	if (wanted > 2)
		buckets = _hash_get_totalbuckets(_hash_spareindex((uint32) ceil(wanted)));

	/*
	 * a page of its own for the description, and one for the map of free
	 * pages
	 */
	size->pages = 2 + Max(buckets,
						  rows * item / PAGE_BYTES(sizeof(HashPageOpaqueData)));
}

static void
size_brin(const SkIndex *index, PlannerInfo *root, SkIndexSize *size)
{
	double		ranges = ceil((double) sk_index_stats_rel(root)->pages /
							  option_value(index, "pages_per_range",
										   BRIN_DEFAULT_PAGES_PER_RANGE));
	double		item = sizeof(IndexTupleData) + sizeof(ItemIdData);

	for (int i = 0; i < index->nkeys; i++)
	{
		SkStatColumn column;

		sk_index_stats_column(root, index->keys[i].expr, size->statistics[i],
							  sk_index_stats_rel(root)->tuples, &column);
		item += 2 * MAXALIGN(column.width);
	}
	size->pages = 1 + ceil(Max(ranges, 1) * sizeof(ItemPointerData) / PAGE_BYTES(8)) +
		ceil(Max(ranges, 1) * item / PAGE_BYTES(8));
}

/* GiST and SP-GiST: pages that were split, two thirds to three quarters full. */
static void
size_tree(const SkIndex *index, PlannerInfo *root, double rows,
		  SkIndexSize *size)
{
	Layout		layout;

	lay_out(index, root, size->statistics, rows, &layout);
	size->pages = 1 + ceil(rows * (layout.tuple + sizeof(ItemIdData)) /
						   (PAGE_BYTES(16) * 0.7));
}

/*
 * Estimate the size of an index that does not exist, on a table that is not
 * partitioned.  Takes AccessShareLock.
 */
void
sk_index_size(const SkIndex *index, SkIndexSize *size)
{
	PlannerInfo *root;
	double		rows;

	LockRelationOid(index->relid, AccessShareLock);
	root = sk_index_stats_root(index->relid);
	size->fraction = sk_index_stats_fraction(root, index->predicate);
	size->height = -1;
	size->entries = 1;
	rows = rint(sk_index_stats_rel(root)->tuples * size->fraction);
	size->statistics = sk_index_sample_statistics(index, rows);
	switch (index->am)
	{
		case BTREE_AM_OID:
			sk_index_width_check(index);
			size_btree(index, root, rows, size);
			break;
		case HASH_AM_OID:
			size_hash(index, rows, size);
			break;
		case BRIN_AM_OID:
			size_brin(index, root, size);
			break;
		case GIN_AM_OID:
			sk_index_gin_size(index, rows, &size->pages, &size->entries);
			break;
		case GIST_AM_OID:
		case SPGIST_AM_OID:
			size_tree(index, root, rows, size);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot plan with an index of access method %u",
							index->am),
					 errhint("Use btree, hash, brin, gin, gist or spgist.")));
	}
}
