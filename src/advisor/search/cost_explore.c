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
 * Statements that join the same tables in the same way differ in little else.  Of
 * those the one with most to gain is explored, and the others are planned with what
 * was good for it.
 *
 * Time is shared by what there is to gain: a statement gets the part of the time that
 * its gain has in that of all which are still to come, and what it leaves is theirs.
 * So what a cut leaves out is what is worth least.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/cost_explore.h"

#include "advisor/search/cost_merge.h"
#include "advisor/search/cost_table.h"

#include "catalog/pg_am.h"
#include "utils/timestamp.h"

#include <math.h>

/* What is less than this fraction of what the workload costs in the end is not looked for. */
#define SMALL 0.003

#define MAX_ROUNDS 4
#define TABLE_ROUNDS 1
#define MAX_ALONE 12
#define MAX_PAIRS 6

/* Joins of fewer tables are each explored. */
#define LEAST_OF_FAMILY 3

/* When the first look at each statement must be over, as a fraction of the time */
#define LOOK_UNTIL 0.4

/* The same for what helps that statement, before what helps others is tried */
#define OWN_UNTIL 0.8

typedef struct Explorer
{
	SkQuery    *query;
	SkPool	   *pool;
	SkRun	   *run;
	double		remains;		/* value of the workload at its least */
	const SkQuery *leader;		/* explored, and like this one; or NULL */
	TimestampTz until;			/* 0: no limit */
	bool	   *cut;			/* set if something is left out for it */
} Explorer;

static bool
is_late(const Explorer *explorer)
{
	if (explorer->until == 0 || GetCurrentTimestamp() <= explorer->until)
		return false;
	*explorer->cut = true;
	return true;
}

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

	if (!bms_is_empty(set) && !is_small(explorer, unknown) &&
		!is_late(explorer))
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

		if (is_late(explorer) ||
			is_small(explorer, cost - sk_cost_table_bound(explorer->query, rest)) ||
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

static int
by_cost(const ListCell *a, const ListCell *b)
{
	double		x = ((SkCostEntry *) lfirst(a))->cost;
	double		y = ((SkCostEntry *) lfirst(b))->cost;

	return x < y ? -1 : x > y;
}

/* What was good for the leader, the best of it first, and parts of what is best. */
static void
follow(Explorer *explorer, const Bitmapset *best)
{
	List	   *known = list_copy(explorer->leader->costs);
	ListCell   *lc;
	int			n = 0;

	list_sort(known, by_cost);
	foreach(lc, known)
	{
		const SkCostEntry *entry = lfirst(lc);

		if (entry->cost >= explorer->leader->cost * (1 - SK_COST_TOLERANCE) ||
			n++ == MAX_ALONE)
			break;
		try_set(explorer, entry->used);
	}
	try_parts(explorer, best, best);
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
	sk_cost_table_hurry(explorer->query);
	refine(explorer, best);
	all = affordable(explorer);
	if (bms_num_members(all) > n)
		(void) plan_with(explorer, all, &best);
	if (explorer->leader != NULL)
	{
		follow(explorer, best);
		return;
	}
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
	sk_cost_table_hurry(explorer->query);
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

/* ----------
 * The order, and the time
 * ----------
 */
static bool
is_open(const SkQuery *query)
{
	return query->entry.sqlerrcode == 0 && query->cost > 0 &&
		!bms_is_empty(query->candidates) && query->least_saving < query->cost;
}

/* What is left of its value at its least. */
static double
remains_of(const SkQuery *query)
{
	return query->entry.value * sk_cost_table_least(query)->cost / query->cost;
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
			value += remains_of(query);
	}
	return value;
}

/* What there is to gain, as far as is known. */
static double
gain_of(const SkQuery *query)
{
	return is_open(query) ? query->entry.value - remains_of(query) : 0;
}

static int
by_gain(const ListCell *a, const ListCell *b)
{
	const SkQuery *x = lfirst(a);
	const SkQuery *y = lfirst(b);
	double		gain_x = gain_of(x);
	double		gain_y = gain_of(y);

	if (gain_x != gain_y)
		return gain_x > gain_y ? -1 : 1;
	return x->entry.id < y->entry.id ? -1 : x->entry.id > y->entry.id;
}

static bool
same_joins(const SkIndexable *a, const SkIndexable *b)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (a->relid != b->relid || list_length(a->join) != list_length(b->join))
		return false;
	forboth(lc, a->join, lc2, b->join)
	{
		if (!equal(((SkIndexKey *) lfirst(lc))->expr, ((SkIndexKey *) lfirst(lc2))->expr))
			return false;
	}
	return true;
}

static bool
is_alike(const SkQuery *a, const SkQuery *b)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (list_length(a->accesses) != list_length(b->accesses))
		return false;
	forboth(lc, a->accesses, lc2, b->accesses)
	{
		if (!same_joins(lfirst(lc), lfirst(lc2)))
			return false;
	}
	return true;
}

/* One of those explored that this one is like; or it will lead others, and NULL */
static const SkQuery *
leader_of(List **leaders, SkQuery *query)
{
	ListCell   *lc;

	if (list_length(query->accesses) < LEAST_OF_FAMILY)
		return NULL;
	foreach(lc, *leaders)
	{
		if (is_alike(lfirst(lc), query))
			return lfirst(lc);
	}
	*leaders = lappend(*leaders, query);
	return NULL;
}

static TimestampTz
part_of_time(TimestampTz from, TimestampTz to, double part)
{
	return to == 0 ? 0 : from + (TimestampTz) ((to - from) * part);
}

/* Work with each statement, in order; "shared" by what there is to gain. */
static void
work_on(List *queries, SkQueryWork work, Explorer *common, bool shared)
{
	List	   *leaders = NIL;
	double		rest = 0;
	ListCell   *lc;

	foreach(lc, queries)
		rest += gain_of(lfirst(lc));
	foreach(lc, queries)
	{
		SkQuery    *query = lfirst(lc);
		Explorer	explorer = *common;
		double		gain = gain_of(query);

		if (is_late(common))
			return;
		if (!is_open(query))
			continue;
		explorer.query = query;
		if (shared)
		{
			explorer.leader = leader_of(&leaders, query);
			if (rest > 0)
				explorer.until = part_of_time(GetCurrentTimestamp(), common->until,
											  Min(gain / rest, 1));
			rest -= gain;
		}
		(void) sk_query_run(query, work, &explorer);
	}
}

/*
 * Fill the table, for statements in the order given, until there is no more time
 * (0: no limit).  False if anything was left out for that.
 */
bool
sk_cost_explore(List *queries, SkPool *pool, TimestampTz deadline)
{
	TimestampTz start = GetCurrentTimestamp();
	bool		cut = false;
	Explorer	common = {NULL, pool, NULL, 0, NULL, 0, &cut};
	List	   *ordered = list_copy(queries);

	common.until = part_of_time(start, deadline, LOOK_UNTIL);
	work_on(ordered, look, &common, false);
	common.remains = value_at_least(queries);

	list_sort(ordered, by_gain);
	common.until = part_of_time(start, deadline, OWN_UNTIL);
	work_on(ordered, explore, &common, true);
	common.until = deadline;
	if (!is_late(&common))
	{
		sk_cost_merge(pool);
		list_sort(ordered, by_gain);
		work_on(ordered, explore_others, &common, true);
	}
	return !cut;
}
