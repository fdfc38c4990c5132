/*-------------------------------------------------------------------------
 *
 * index/compare.c
 *	  Duplicate and redundant indexes.
 *
 * A b-tree index makes another one redundant if it begins with the other's keys, in
 * the same order or exactly the reverse one, has the same rows or more, and can
 * return the same columns.  If each makes the other redundant, they are duplicates.
 * Uniqueness is left to the caller: a unique index is more than a way to find rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/compare.h"

#include "access/reloptions.h"
#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "nodes/bitmapset.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static bool
same_key(const SkIndexKey *a, const SkIndexKey *b, int16 turned)
{
	return a->opfamily == b->opfamily && a->opcintype == b->opcintype &&
		a->collation == b->collation &&
		(a->option ^ turned) == b->option && equal(a->expr, b->expr);
}

static bool
begins_with(const SkIndex *wide, const SkIndex *narrow, int16 turned)
{
	if (wide->nkeys < narrow->nkeys)
		return false;
	for (int i = 0; i < narrow->nkeys; i++)
	{
		if (!same_key(&wide->keys[i], &narrow->keys[i], turned))
			return false;
	}
	return true;
}

/* Does the index have this column, as a key or included? */
bool
sk_index_compare_has_column(const SkIndex *index, AttrNumber attnum)
{
	for (int i = 0; i < index->nkeys; i++)
	{
		if (index->keys[i].attnum == attnum)
			return true;
	}
	for (int i = 0; i < index->ninclude; i++)
	{
		if (index->include[i] == attnum)
			return true;
	}
	return false;
}

/* Does a change of this column change the index: keys, conditions, all? */
bool
sk_index_compare_reads(const SkIndex *index, AttrNumber attnum)
{
	Bitmapset  *columns = NULL;

	if (sk_index_compare_has_column(index, attnum))
		return true;
	for (int i = 0; i < index->nkeys; i++)
		pull_varattnos(index->keys[i].expr, 1, &columns);
	pull_varattnos((Node *) index->predicate, 1, &columns);
	return bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, columns);
}

static bool
returns_columns(const SkIndex *wide, const SkIndex *narrow)
{
	for (int i = 0; i < narrow->ninclude; i++)
	{
		if (!sk_index_compare_has_column(wide, narrow->include[i]))
			return false;
	}
	return true;
}

/* Has it all rows that the other has? */
static bool
has_rows(const SkIndex *wide, const SkIndex *narrow)
{
	return wide->predicate == NIL ||
		(narrow->predicate != NIL &&
		 predicate_implied_by(wide->predicate, narrow->predicate, false));
}

/* Storage options, and those of the columns' operator classes. */
static bool
same_options(const SkIndex *a, const SkIndex *b)
{
	return equal(a->options, b->options) &&
		equal(a->column_options, b->column_options);
}

/*
 * Does "wide" make "narrow" redundant?  With other methods than b-tree that depends on
 * their options, too.
 */
bool
sk_index_compare_covers(const SkIndex *wide, const SkIndex *narrow)
{
	if (wide->relid != narrow->relid || wide->am != narrow->am ||
		!has_rows(wide, narrow) || !returns_columns(wide, narrow))
		return false;
	if (wide->am == BTREE_AM_OID)
		return begins_with(wide, narrow, 0) ||
			begins_with(wide, narrow, INDOPTION_DESC | INDOPTION_NULLS_FIRST);
	return wide->nkeys == narrow->nkeys && begins_with(wide, narrow, 0) &&
		same_options(wide, narrow);
}

/* Can one become the other's part?  Both are on the same partition. */
bool
sk_index_compare_can_attach(const SkIndex *index, const SkIndex *part)
{
	return index->relid == part->relid && index->am == part->am &&
		index->unique == part->unique && index->nkeys == part->nkeys &&
		index->ninclude == part->ninclude && begins_with(index, part, 0) &&
		(index->ninclude == 0 ||
		 memcmp(index->include, part->include,
				index->ninclude * sizeof(AttrNumber)) == 0) &&
		equal(index->predicate, part->predicate) &&
		same_options(index, part);
}
