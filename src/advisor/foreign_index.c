/*-------------------------------------------------------------------------
 *
 * advisor/foreign_index.c
 *	  Indexes for foreign keys that none serves, when all others are chosen.
 *
 * A change of a row that a foreign key refers to may be rare, and yet hold up
 * whoever makes it for as long as a scan of a large table takes.  So a key gets its
 * index even if no such change was recorded, within the limits that there are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/foreign_index.h"

#include "advisor/refusal.h"
#include "base/table.h"

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

/* Why there may be no more indexes of this size, or NULL. */
static const char *
limit_for(const SkAdvice *advice, double bytes)
{
	int			n = 0;
	double		all = bytes;
	ListCell   *lc;

	foreach(lc, advice->items)
	{
		const SkAdviceItem *item = lfirst(lc);

		if (item->action > SK_ADVICE_REPLACE)
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

/*
 * Why a foreign key that no index serves gets none, or NULL.  If its changes are
 * statements of the workload, the choice of indexes has been made with them.
 */
static const char *
refuse_key(SkAdvice *advice, const SkForeignKey *key, double bytes)
{
	if (key->learnt)
		return psprintf("for foreign key \"%s\" it saves too little: %s",
						key->name, describe_changes(advice, key));
	if (!sk_advice_foreign_key_is_costly(advice, key) && key->changes <= 0)
		return psprintf("no recorded change needs it for foreign key \"%s\", and a scan of the whole table takes about a millisecond at most",
						key->name);
	if (!sk_advice_foreign_key_is_costly(advice, key))
		return psprintf("a scan of the whole table for foreign key \"%s\" takes about a millisecond at most; %s",
						key->name, describe_changes(advice, key));
	return limit_for(advice, bytes);
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
	const char *refusal;
	SkAdviceItem *item;

	if (index == NULL || sk_advice_foreign_key_is_served(key, indexes) ||
		(key->learnt && is_told(advice, key)))
		return;
	what = sk_whatif_index(index, NULL);
	bytes = sk_whatif_pages(what) * BLCKSZ;
	if (isinf(bytes))
		return;
	refusal = refuse_key(advice, key, bytes);
	if (refusal != NULL)
	{
		SkRefusal  *refused = sk_advice_refusal_add_index(advice, index, bytes,
														  refusal);

		refused->limited = refusal == limit_for(advice, bytes);
		if (key->learnt)
		{
			refused->benefit = key->value;
			refused->write = sk_write_cost(advice->writes, what, indexes);
		}
		return;
	}
	item = palloc0(sizeof(SkAdviceItem));
	item->action = SK_ADVICE_CREATE;
	item->relid = key->relid;
	item->index = index;
	item->bytes = bytes;
	item->write = sk_write_cost(advice->writes, what, indexes);
	item->confidence = "low";
	item->reason = psprintf("foreign key \"%s\" has no index: deleting a row of \"%s\", or changing its key, reads the whole table \"%s\"; %s",
							key->name, sk_table_told_name(key->referenced),
							sk_table_told_name(key->relid),
							describe_changes(advice, key));
	advice->items = lappend(advice->items, item);
}
