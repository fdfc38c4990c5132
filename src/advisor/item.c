/*-------------------------------------------------------------------------
 *
 * advisor/item.c
 *	  What there is to say about an advised index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/item.h"

#include "advisor/finding.h"
#include "advisor/scope.h"
#include "index/compare.h"

/* If so much of what an index is for is uncertain, so is the index. */
#define MUCH_UNCERTAIN 0.5

static bool
is_guessed(List *helped)
{
	ListCell   *lc;

	foreach(lc, helped)
	{
		if (((SkHelped *) lfirst(lc))->query->entry.statement->guessed)
			return true;
	}
	return false;
}

/* Do the statements have conditions on the table of which nothing is known? */
static bool
is_unknown(Oid relid, List *helped)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, helped)
	{
		foreach(lc2, ((SkHelped *) lfirst(lc))->query->accesses)
		{
			const SkIndexable *access = lfirst(lc2);

			if (access->relid == relid && access->unknown != InvalidAttrNumber)
				return true;
		}
	}
	return false;
}

/*
 * Part of the statements, by their time, that get slower with the index if joins meet
 * more rows than the planner expects.
 */
static double
uncertain_part(List *helped)
{
	double		all = 0;
	double		uncertain = 0;
	ListCell   *lc;

	foreach(lc, helped)
	{
		const SkQuery *query = ((SkHelped *) lfirst(lc))->query;

		all += query->entry.value;
		if (query->uncertain)
			uncertain += query->entry.value;
	}
	return all > 0 ? uncertain / all : 0;
}

/* How sure the advice is: high, medium or low. */
const char *
sk_advice_item_confidence(const SkIndex *index, List *helped)
{
	if (!sk_advice_scope_is_analyzed(index->relid) || is_unknown(index->relid, helped) ||
		uncertain_part(helped) >= MUCH_UNCERTAIN)
		return "low";
	if (is_guessed(helped) || uncertain_part(helped) > 0)
		return "medium";
	return "high";
}

/* Existing indexes that the new one makes redundant. */
List *
sk_advice_item_replaced(SkAdvice *advice, const SkIndex *index)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, sk_candidate_existing(advice->pool, index->relid))
	{
		SkIndex    *existing = lfirst(lc);

		if (sk_index_compare_covers(index, existing) && !existing->unique &&
			sk_advice_finding_may_drop(existing->oid))
			result = lappend_oid(result, existing->oid);
	}
	return result;
}

/* Of what is there now, no more exactly than it is known. */
static const char *
per_cent(double percent)
{
	if (percent > 0 && percent < 0.01)
		return "less than 0.01";
	return psprintf(percent < 10 ? "%.2g" : "%.0f", percent);
}

/* Why, in words. */
char *
sk_advice_item_reason(const SkAdviceItem *item)
{
	StringInfoData buf;
	double		value = 0;
	double		left = 0;
	ListCell   *lc;

	foreach(lc, item->helped)
	{
		const SkHelped *help = lfirst(lc);

		value += help->query->entry.value;
		left += help->query->entry.value * help->cost / help->query->cost;
	}
	initStringInfo(&buf);
	appendStringInfo(&buf, list_length(item->helped) == 1 ?
					 "%d statement would cost %s %% of what it costs now" :
					 "%d statements would cost %s %% of what they cost now",
					 list_length(item->helped), per_cent(value > 0 ? 100 * left / value : 0));
	foreach(lc, item->helped)
	{
		const SkHelped *help = lfirst(lc);

		if (help->query->foreign_key != NULL)
			appendStringInfo(&buf, "; serves foreign key \"%s\"",
							 help->query->foreign_key);
	}
	if (!sk_advice_scope_is_analyzed(item->relid))
		appendStringInfoString(&buf, "; the table has never been analyzed");
	if (is_guessed(item->helped))
		appendStringInfoString(&buf, "; types or schemas in the statements were guessed");
	if (uncertain_part(item->helped) > 0)
		appendStringInfoString(&buf, "; a statement gets slower if its joins meet more rows than the planner expects");
	return buf.data;
}
