/*-------------------------------------------------------------------------
 *
 * advisor/foreign_index.c
 *	  Indexes for foreign keys that none serves, when all others are chosen.
 *
 * A change of a row that a foreign key refers to may be rare, and yet hold up
 * whoever makes it for as long as a scan of a large table takes.  So a key gets its
 * index even if no such change was recorded, within the limits that there are, if the
 * statements have to do with its table or the caller asks for all of them.  An advised
 * index that the new one makes redundant becomes the new one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/foreign_index.h"

#include "advisor/item.h"
#include "advisor/refusal.h"
#include "base/table.h"
#include "index/compare.h"

#include "catalog/partition.h"
#include "utils/lsyscache.h"

#include <math.h>

/* The indexes that a table has, or has by the advice. */
static List *
indexes_then(const SkAdvice *advice, Oid relid)
{
	List	   *indexes = list_copy(sk_candidate_existing(advice->pool, relid));
	ListCell   *lc;

	foreach(lc, advice->items)
	{
		const SkAdviceItem *item = lfirst(lc);

		if (item->action <= SK_ADVICE_REPLACE && item->relid == relid)
			indexes = lappend(indexes, unconstify(SkIndex *, item->index));
	}
	return indexes;
}

/*
 * Does one of this size make what is advised redundant?  The same is asked of indexes that
 * exist, in finding.c.
 */
static bool
absorbs(const SkIndex *index, double bytes, const SkAdviceItem *item)
{
	return item->action <= SK_ADVICE_REPLACE &&
		sk_index_compare_covers(index, item->index) &&
		(item->index->predicate == NIL || bytes <= SK_INDEX_TIMES_LARGER * item->bytes);
}

/* Why there may be no more indexes of this size, or NULL. */
static const char *
limit_for(const SkAdvice *advice, const SkIndex *index, double bytes)
{
	int			n = 0;
	double		all = bytes;
	ListCell   *lc;

	foreach(lc, advice->items)
	{
		const SkAdviceItem *item = lfirst(lc);

		if (item->action > SK_ADVICE_REPLACE || absorbs(index, bytes, item))
			continue;
		n++;
		all += item->bytes;
	}
	if (bytes > advice->options.storage_budget)
		return "it alone is larger than storage_budget";
	if (n >= advice->options.max_indexes)
		return "max_indexes allows no more indexes";
	if (all > advice->options.storage_budget)
		return "storage_budget leaves no room for it";
	return NULL;
}

static const char *
describe_changes(const SkAdvice *advice, const SkForeignKey *key)
{
	const char *number;

	if (key->changes <= 0)
		return "no such change was recorded";
	number = psprintf(key->changes < 10 ? "%.3g" : "%.0f", key->changes);
	if (strcmp(number, "1") == 0)
		return advice->workload->measured ?
			"one such change per day was recorded" :
			"there is one such change in the statements";
	return psprintf(advice->workload->measured ?
					"%s such changes per day were recorded" :
					"there are %s such changes in the statements", number);
}

/* Has an index for the key been looked at, and left out? */
static bool
is_told(const SkAdvice *advice, const SkForeignKey *key)
{
	List	   *indexes = NIL;
	ListCell   *lc;

	foreach(lc, advice->refused)
		indexes = lappend(indexes,
						  unconstify(SkIndex *, ((SkRefusal *) lfirst(lc))->index));
	return sk_advice_foreign_key_is_served(key, indexes);
}

static bool
is_of_table(Oid relid, const SkForeignKey *key)
{
	return relid == key->relid ||
		(OidIsValid(relid) && get_rel_relispartition(relid) &&
		 list_member_oid(get_partition_ancestors(relid), key->relid));
}

/* Do statements read or write the table that refers, or change what it refers to? */
static bool
is_in_workload(const SkAdvice *advice, const SkForeignKey *key)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (key->changes > 0)
		return true;
	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode != 0 || query->foreign_key != NULL)
			continue;
		if (is_of_table(query->target, key))
			return true;
		foreach(lc2, query->accesses)
		{
			if (is_of_table(((SkIndexable *) lfirst(lc2))->relid, key))
				return true;
		}
	}
	return false;
}

/*
 * Why a foreign key that no index serves gets none, or NULL.  If its changes are
 * statements of the workload, the choice of indexes has been made with them.
 */
static const char *
refuse_key(SkAdvice *advice, const SkForeignKey *key, const SkIndex *index, double bytes)
{
	if (!advice->options.foreign_keys && advice->options.all_tables &&
		!is_in_workload(advice, key))
		return psprintf("no statement uses the table of foreign key \"%s\", and actions has no \"foreign_key\"",
						key->name);
	if (key->learnt)
		return psprintf("for foreign key \"%s\" it saves too little: %s",
						key->name, describe_changes(advice, key));
	if (!sk_advice_foreign_key_is_costly(advice, key) && key->changes <= 0)
		return psprintf("no recorded change needs it for foreign key \"%s\", and a scan of the whole table takes about a millisecond at most",
						key->name);
	if (!sk_advice_foreign_key_is_costly(advice, key))
		return psprintf("a scan of the whole table for foreign key \"%s\" takes about a millisecond at most; %s",
						key->name, describe_changes(advice, key));
	return limit_for(advice, index, bytes);
}

static char *
reason_for(const SkAdvice *advice, const SkForeignKey *key)
{
	return psprintf("foreign key \"%s\" has no index: deleting a row of \"%s\", or changing its key, reads the whole table \"%s\"; %s",
					key->name, sk_table_told_name(key->referenced),
					sk_table_told_name(key->relid),
					describe_changes(advice, key));
}

/*
 * Where the new index can take the place of what is advised, it does: what that one was
 * for is what the new one is for, too.
 */
static void
absorb(SkAdvice *advice, SkAdviceItem *item)
{
	ListCell   *lc;

	foreach(lc, advice->items)
	{
		SkAdviceItem *other = lfirst(lc);

		if (!absorbs(item->index, item->bytes, other))
			continue;
		item->benefit += other->benefit;
		item->helped = list_concat_unique_ptr(item->helped, other->helped);
		item->confidence = other->confidence;
		item->reason = psprintf("%s; %s", other->reason, item->reason);
		advice->items = foreach_delete_current(advice->items, lc);
	}
}

/* What is to be dropped already is not replaced. */
static List *
replaced_by(SkAdvice *advice, const SkIndex *index)
{
	List	   *replaced = sk_advice_item_replaced(advice, index);
	ListCell   *lc;

	foreach(lc, advice->items)
	{
		const SkAdviceItem *item = lfirst(lc);

		replaced = list_difference_oid(replaced, item->replaced);
		if (item->action == SK_ADVICE_DROP)
			replaced = list_delete_oid(replaced, item->index->oid);
	}
	return replaced;
}

static void
add(SkAdvice *advice, const SkForeignKey *key, const SkIndex *index, double bytes,
	double write)
{
	SkAdviceItem *item = palloc0(sizeof(SkAdviceItem));

	item->relid = key->relid;
	item->index = index;
	item->bytes = bytes;
	item->write = write;
	item->confidence = "low";
	item->reason = reason_for(advice, key);
	absorb(advice, item);
	if (advice->options.replace)
		item->replaced = replaced_by(advice, index);
	item->action = item->replaced != NIL ? SK_ADVICE_REPLACE : SK_ADVICE_CREATE;
	advice->items = lappend(advice->items, item);
}

/*
 * Add an index for a foreign key that none serves, not even one of the advice, or tell
 * why there is none.  Its tables are locked.
 */
void
sk_advice_foreign_index_add(SkAdvice *advice, const SkForeignKey *key)
{
	List	   *indexes = indexes_then(advice, key->relid);
	SkIndex    *index = sk_advice_foreign_key_index(key);
	SkHypothetical *what;
	double		bytes;
	double		write;
	const char *refusal;

	if (index == NULL || sk_advice_foreign_key_is_served(key, indexes) ||
		(key->learnt && is_told(advice, key)))
		return;
	what = sk_whatif_index(index, NULL);
	bytes = sk_whatif_pages(what) * BLCKSZ;
	if (isinf(bytes))
		return;
	refusal = refuse_key(advice, key, index, bytes);
	write = sk_write_cost(advice->writes, what, indexes);
	if (refusal != NULL)
	{
		SkRefusal  *refused = sk_advice_refusal_add_index(advice, index, bytes,
														  refusal);

		refused->limited = refusal == limit_for(advice, index, bytes);
		if (key->learnt)
		{
			refused->benefit = key->value;
			refused->write = write;
		}
	}
	else
		add(advice, key, index, bytes, write);
}
