/*-------------------------------------------------------------------------
 *
 * advisor/service.c
 *	  What an index does for a statement.
 *
 * In words, for people: which of the statement's conditions it finds rows by, whether it
 * gives their order, whether it has all columns that are read.  That is told from the
 * index and from what the statement asks of the table, which is what the index was made
 * of; the planner has decided that the index is used at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/service.h"

#include "index/compare.h"

#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "nodes/bitmapset.h"

#define BOTH_WAYS (INDOPTION_DESC | INDOPTION_NULLS_FIRST)

static bool
has_key(List *keys, const SkIndexKey *key)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		if (equal(((SkIndexKey *) lfirst(lc))->expr, key->expr))
			return true;
	}
	return false;
}

static bool
has_other(const SkIndexable *access, const SkIndex *index)
{
	ListCell   *lc;

	foreach(lc, access->other)
	{
		const SkIndexableOther *other = lfirst(lc);

		if (other->am == index->am && equal(other->key.expr, index->keys[0].expr))
			return true;
	}
	return false;
}

/* Do the keys from here on begin with this order, or with the reverse of it? */
static bool
gives(const SkIndex *index, int from, List *order)
{
	int16		turned = -1;
	ListCell   *lc;

	foreach(lc, order)
	{
		const SkIndexKey *wanted = lfirst(lc);
		const SkIndexKey *key = &index->keys[from];
		int16		option = key->option ^ wanted->option;

		if (from++ >= index->nkeys || !equal(key->expr, wanted->expr) ||
			(option != 0 && option != BOTH_WAYS) || (turned >= 0 && option != turned))
			return false;
		turned = option;
	}
	return order != NIL;
}

static bool
gives_order(const SkIndexable *access, const SkIndex *index, int from)
{
	ListCell   *lc;

	foreach(lc, access->orders)
	{
		if (gives(index, from, lfirst(lc)) || gives(index, 0, lfirst(lc)))
			return true;
	}
	return false;
}

static bool
has_all_columns(const SkIndexable *access, const SkIndex *index)
{
	int			attnum = -1;

	if (access->all_columns || index->am != BTREE_AM_OID)
		return false;
	while ((attnum = bms_next_member(access->needed, attnum)) >= 0)
	{
		if (!sk_index_compare_has_column(index, attnum))
			return false;
	}
	return true;
}

static List *
add(List *services, bool served, char *name)
{
	ListCell   *lc;

	foreach(lc, services)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return services;
	}
	return served ? lappend(services, name) : services;
}

static List *
add_btree(List *services, const SkIndexable *access, const SkIndex *index)
{
	bool		fixed = true;	/* so far, keys are compared with one value */
	int			n = 0;

	for (int i = 0; i < index->nkeys && fixed; i++)
	{
		const SkIndexKey *key = &index->keys[i];
		bool		same = has_key(access->equal, key);
		bool		join = has_key(access->join, key);

		services = add(services, same, "equality");
		services = add(services, join, "join");
		fixed = same || join;
		n += same;
		if (fixed)
			continue;
		services = add(services, has_key(access->range, key), "range");
		services = add(services, has_key(access->pattern, key), "pattern");
	}
	return add(services, gives_order(access, index, n), "order");
}

/* The words for it (char *): what the index does for the statement. */
List *
sk_advice_service_of(const SkQuery *query, const SkIndex *index)
{
	List	   *services = NIL;
	bool		partial = false;
	bool		covering = false;
	ListCell   *lc;

	foreach(lc, query->accesses)
	{
		const SkIndexable *access = lfirst(lc);

		if (access->relid != index->relid)
			continue;
		partial |= index->predicate != NIL;
		covering |= has_all_columns(access, index);
		if (index->am == BTREE_AM_OID)
			services = add_btree(services, access, index);
		else if (index->am == BRIN_AM_OID)
			services = add(services, true, "range");
		else
			services = add(services, has_other(access, index), "search");
	}
	return add(add(services, covering, "covering"), partial, "partial");
}
