/*-------------------------------------------------------------------------
 *
 * advisor/search/cost_explore.c
 *	  Which candidates to plan a statement with.
 *
 * A statement is planned with all of its candidates at first.  What the planner
 * chooses is refined, then taken away to see what it would choose instead, then
 * given alone.  At last each statement is tried with what helps others.  A call
 * of the planner is not made if all that it could tell, between the most and the
 * least that the table says, is next to nothing for the workload.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/cost_explore.h"

#include "advisor/search/cost_table.h"
#include "base/guard.h"
#include "base/table.h"
#include "base/trust.h"

#include "catalog/pg_am.h"
#include "utils/timestamp.h"

#include <math.h>

/* What is less than this fraction of what the workload costs in the end is not looked for. */
#define SMALL 0.003

#define MAX_ROUNDS 4
#define TABLE_ROUNDS 1
#define MAX_ALONE 12
#define MAX_PAIRS 6
#define MAX_MERGED 30

typedef struct Explorer
{
	SkQuery    *query;
	SkPool	   *pool;
	SkRun	   *run;
	double		remains;		/* value of the workload at its least */
} Explorer;

/* Is so much of the statement's cost next to nothing? */
static bool
is_small(const Explorer *explorer, double cost)
{
	const SkQuery *query = explorer->query;

	return cost < query->cost * SK_COST_TOLERANCE ||
		query->entry.value * cost / query->cost < explorer->remains * SMALL;
}

/* Those of the statement's candidates that there may be room for. */
static Bitmapset *
affordable(const Explorer *explorer)
{
	const SkPool *pool = explorer->pool;
	Bitmapset  *result = bms_copy(explorer->query->candidates);
	int			id = -1;

	if (isinf(pool->max_bytes))
		return result;
	while ((id = bms_next_member(explorer->query->candidates, id)) >= 0)
	{
		SkCandidate *candidate = pool->candidate[id];
		double		bytes = sk_candidate_bytes(candidate);

		if (bytes <= pool->max_bytes)
			continue;
		result = bms_del_member(result, id);
		candidate->too_large = !isinf(bytes);
		candidate->bytes = bytes;
	}
	return result;
}

static double
plan_with(Explorer *explorer, const Bitmapset *set, Bitmapset **used)
{
	return sk_cost_table_plan(explorer->run, explorer->query, explorer->pool, set, NIL,
							  used);
}

/* The same, unless it is known well enough. */
static void
try_set(Explorer *explorer, const Bitmapset *set)
{
	double		unknown = sk_cost_table_derive(explorer->query, set) -
		sk_cost_table_bound(explorer->query, set);
	Bitmapset  *used;

	if (!bms_is_empty(set) && !is_small(explorer, unknown))
		(void) plan_with(explorer, set, &used);
}

/* Take away what is used, again and again, while the rest is good for anything. */
static Bitmapset *
peel(Explorer *explorer, const Bitmapset *set, int rounds)
{
	Bitmapset  *rest = bms_copy(set);
	Bitmapset  *seen = NULL;

	while (rounds-- > 0 && !bms_is_empty(rest))
	{
		Bitmapset  *used;
		double		cost = explorer->query->cost;

		if (is_small(explorer, cost - sk_cost_table_bound(explorer->query, rest)) ||
			is_small(explorer, cost - plan_with(explorer, rest, &used)) ||
			bms_is_empty(used))
			break;
		seen = bms_add_members(seen, used);
		rest = bms_del_members(rest, used);
	}
	return seen;
}

static void
refine(Explorer *explorer, const Bitmapset *used)
{
	SkQuery    *query = explorer->query;
	Bitmapset  *ids = bms_copy(query->candidates);
	MemoryContext old;
	ListCell   *lc;
	int			id = -1;

	while ((id = bms_next_member(used, id)) >= 0)
	{
		const SkCandidate *candidate = explorer->pool->candidate[id];

		foreach(lc, query->accesses)
		{
			SkIndexable *access = lfirst(lc);

			if (access->relid == candidate->index->relid)
				ids = sk_candidate_refine(explorer->pool, access, candidate, ids);
		}
	}
	old = MemoryContextSwitchTo(explorer->pool->context);
	query->candidates = bms_copy(ids);
	MemoryContextSwitchTo(old);
}

/* The candidates for one table. */
static Bitmapset *
on_table(const SkPool *pool, const Bitmapset *set, Oid relid)
{
	Bitmapset  *result = NULL;
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
	{
		if (pool->candidate[id]->index->relid == relid)
			result = bms_add_member(result, id);
	}
	return result;
}

static List *
tables_of(const SkQuery *query)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, query->accesses)
		result = list_append_unique_oid(result,
										((SkIndexable *) lfirst(lc))->relid);
	return result;
}

/* Each alone, and what is left of the best when each is taken away. */
static void
try_parts(Explorer *explorer, const Bitmapset *seen, const Bitmapset *best)
{
	int			id = -1;
	int			n = 0;

	while ((id = bms_next_member(seen, id)) >= 0 && n++ < MAX_ALONE)
		try_set(explorer, bms_make_singleton(id));
	if (bms_num_members(best) < 3)
		return;
	id = -1;
	n = 0;
	while ((id = bms_next_member(best, id)) >= 0 && n++ < MAX_PAIRS)
		try_set(explorer, bms_del_member(bms_copy(best), id));
}

/* First of all, what all candidates together could do. */
static void
look(SkRun *run, void *arg)
{
	Explorer   *explorer = arg;
	Bitmapset  *all = affordable(explorer);
	Bitmapset  *used;

	explorer->run = run;
	if (!bms_is_empty(all))
		(void) plan_with(explorer, all, &used);
}

static void
explore(SkRun *run, void *arg)
{
	Explorer   *explorer = arg;
	const SkCostEntry *first = sk_cost_table_least(explorer->query);
	Bitmapset  *best = bms_copy(first->used);
	Bitmapset  *seen;
	Bitmapset  *all = affordable(explorer);
	int			n = bms_num_members(all);
	List	   *tables = tables_of(explorer->query);
	ListCell   *lc;

	explorer->run = run;
	if (is_small(explorer, explorer->query->cost - first->cost))
		return;
	refine(explorer, best);
	all = affordable(explorer);
	if (bms_num_members(all) > n)
		(void) plan_with(explorer, all, &best);
	seen = bms_copy(best);
	seen = bms_add_members(seen,
						   peel(explorer, bms_difference(all, best), MAX_ROUNDS));
	foreach(lc, tables)
	{
		if (list_length(tables) < 2)
			break;
		seen = bms_add_members(seen,
							   peel(explorer,
									on_table(explorer->pool, all,
											 lfirst_oid(lc)), TABLE_ROUNDS));
	}
	try_parts(explorer, seen, best);
}

static bool
is_wanted(const SkIndexable *access, const SkIndex *index)
{
	List	   *keys[] = {access->equal, access->range, access->join,
	access->pattern};
	ListCell   *lc;

	for (size_t i = 0; i < lengthof(keys); i++)
	{
		foreach(lc, keys[i])
		{
			if (equal(((SkIndexKey *) lfirst(lc))->expr, index->keys[0].expr))
				return true;
		}
	}
	foreach(lc, access->orders)
	{
		if (equal(((SkIndexKey *) linitial((List *) lfirst(lc)))->expr,
				  index->keys[0].expr))
			return true;
	}
	return index->am != BTREE_AM_OID;
}

/*
 * Candidates that are good for other statements, begin with what this one asks
 * for, and are in none of its plans: there may have been a larger one, too.
 */
static Bitmapset *
find_others(const Explorer *explorer)
{
	const SkQuery *query = explorer->query;
	const SkPool *pool = explorer->pool;
	Bitmapset  *others = NULL;
	Bitmapset  *tried = NULL;
	ListCell   *lc;

	foreach(lc, query->costs)
		tried = bms_add_members(tried, ((SkCostEntry *) lfirst(lc))->used);
	foreach(lc, query->accesses)
	{
		const SkIndexable *access = lfirst(lc);

		for (int i = 0; i < pool->n; i++)
		{
			const SkCandidate *candidate = pool->candidate[i];

			if ((candidate->promising || candidate->merged) &&
				!bms_is_member(i, tried) &&
				candidate->index->relid == access->relid &&
				is_wanted(access, candidate->index))
				others = bms_add_member(others, i);
		}
	}
	return others;
}

/* What was found for other statements may serve this one. */
static void
explore_others(SkRun *run, void *arg)
{
	Explorer   *explorer = arg;
	Bitmapset  *others = find_others(explorer);
	Bitmapset  *before;
	Bitmapset  *seen;
	int			id = -1;

	explorer->run = run;
	if (is_small(explorer, explorer->query->cost - sk_cost_table_least(explorer->query)->cost))
		return;
	seen = peel(explorer, others, MAX_ROUNDS);
	while ((id = bms_next_member(seen, id)) >= 0)
		try_set(explorer, bms_make_singleton(id));
	if (!bms_is_empty(seen))
		(void) peel(explorer, bms_union(others, affordable(explorer)), 1);

	/* what is best now may be refined further */
	before = affordable(explorer);
	refine(explorer, sk_cost_table_least(explorer->query)->used);
	(void) peel(explorer, bms_difference(affordable(explorer), before), 2);
}

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
static void
merge(SkPool *pool)
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

static double
value_at_least(List *queries)
{
	double		value = 0;
	ListCell   *lc;

	foreach(lc, queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->cost > 0)
			value += query->entry.value * sk_cost_table_least(query)->cost / query->cost;
	}
	return value;
}

/*
 * Fill the table, for statements in the order given, until there is no more time
 * (0: no limit).
 */
void
sk_cost_explore(List *queries, SkPool *pool, TimestampTz deadline)
{
	static const SkQueryWork passes[] = {look, explore, explore_others};
	double		remains = 0;

	for (size_t pass = 0; pass < lengthof(passes); pass++)
	{
		ListCell   *lc;

		foreach(lc, queries)
		{
			SkQuery    *query = lfirst(lc);
			Explorer	explorer = {query, pool, NULL, remains};

			if (deadline != 0 && GetCurrentTimestamp() > deadline)
				return;
			if (query->entry.sqlerrcode == 0 && !bms_is_empty(query->candidates) &&
				query->least_saving < query->cost)
				(void) sk_query_run(query, passes[pass], &explorer);
		}
		if (pass == 0)
			remains = value_at_least(queries);
		if (pass == 1)
			merge(pool);
	}
}
