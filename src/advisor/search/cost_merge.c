/*-------------------------------------------------------------------------
 *
 * advisor/search/cost_merge.c
 *	  Candidates that could replace two others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/cost_merge.h"

#include "base/guard.h"
#include "base/table.h"
#include "base/trust.h"

#define MAX_MERGED 30

typedef struct Merging
{
	SkPool	   *pool;
	int			n;				/* candidates before any was merged */
	Oid			relid;
	int			merged;
} Merging;

static bool
is_promising(const Merging *merging, int id)
{
	const SkCandidate *candidate = merging->pool->candidate[id];

	return candidate->promising && candidate->index->relid == merging->relid;
}

/* Pairs of indexes on one table that one could replace. */
static void
merge_on_table(void *arg)
{
	Merging    *merging = arg;
	SkPool	   *pool = merging->pool;

	sk_table_hold(merging->relid);
	sk_guard_become(sk_trust_reader(merging->relid));
	for (int i = 0; i < merging->n && merging->merged < MAX_MERGED; i++)
	{
		if (!is_promising(merging, i))
			continue;
		for (int k = i + 1; k < merging->n && merging->merged < MAX_MERGED; k++)
		{
			Bitmapset  *ids;
			int			id;

			if (!is_promising(merging, k))
				continue;
			ids = sk_candidate_merge(pool, pool->candidate[i],
									 pool->candidate[k], NULL);
			id = bms_next_member(ids, -1);
			if (id < merging->n)
				continue;
			pool->candidate[id]->merged = true;
			merging->merged++;
		}
	}
}

/* Nothing is merged on a table that is locked or gone. */
void
sk_cost_merge(SkPool *pool)
{
	Merging		merging = {pool, pool->n, InvalidOid, 0};
	List	   *tables = NIL;

	for (int i = 0; i < merging.n && merging.merged < MAX_MERGED; i++)
	{
		merging.relid = pool->candidate[i]->index->relid;
		if (!pool->candidate[i]->promising ||
			list_member_oid(tables, merging.relid))
			continue;
		tables = lappend_oid(tables, merging.relid);
		(void) sk_guard_rehearse(merge_on_table, &merging);
	}
}
