/*-------------------------------------------------------------------------
 *
 * advisor/search/cost_explore.c
 *	  Which candidates to plan a statement with.
 *
 * A statement is planned with all of its candidates at first.  What the planner chooses
 * is refined, then taken away to see what it would choose instead, then given alone: the
 * less room there is, the more of that is needed.  From that there is a first choice.
 *
 * What matters then is what the choice leaves to gain, so each statement is tried with
 * the choice: together with others, and without each of those that it uses, also with
 * others on the same table.  So it goes on with the next choice, until that is the same.
 * A call of the planner is not made if all that it could tell, between the most and the
 * least that the table says, is next to nothing for the workload.
 *
 * What is tried around a choice is planned with joins that plans of the statement had
 * (advisor/plan/join_order.c): else a join of many tables would take so long that few
 * choices could be looked at.
 *
 * What there is most to gain from comes first, so what a cut leaves out is worth least.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/cost_explore.h"

#include "advisor/search/cost_table.h"

#include "catalog/pg_am.h"
#include "utils/timestamp.h"

#include <math.h>

/* What is less than this fraction of what the workload costs in the end is not looked for. */
#define SMALL 0.005

#define MAX_ROUNDS 3
#define TABLE_ROUNDS 1
#define MAX_ALONE 6
#define MAX_PAIRS 3

/* When the first look at each statement must be over, as a fraction of the time */
#define LOOK_UNTIL 0.4

typedef struct Explorer
{
	SkQuery    *query;
	SkPool	   *pool;
	SkRun	   *run;
	double		remains;		/* value of the workload at its least */
	const Bitmapset *chosen;	/* so far */
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

/* The same, of plans whose joins other plans had. */
static double
try_with(Explorer *explorer, const Bitmapset *set, Bitmapset **used)
{
	return sk_cost_table_try(explorer->run, explorer->query, explorer->pool, set, used);
}

/* The same, unless it is known well enough. */
static void
try_set(Explorer *explorer, const Bitmapset *set)
{
	Bitmapset  *used;
	double		unknown = sk_cost_table_derive(explorer->query, set) -
		sk_cost_table_bound(explorer->query, set);

	if (!bms_is_empty(set) && !is_small(explorer, unknown) &&
		!is_late(explorer))
		(void) try_with(explorer, set, &used);
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
			is_small(explorer, cost - try_with(explorer, rest, &used)) ||
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

/* What it would use in place of what is best: of all tables, and of each. */
static void
look_closer(SkRun *run, void *arg)
{
	Explorer   *explorer = arg;
	const SkCostEntry *first = sk_cost_table_least(explorer->query);
	Bitmapset  *best = bms_copy(first->used);
	Bitmapset  *all = affordable(explorer);
	int			n = bms_num_members(all);
	List	   *tables = tables_of(explorer->query);
	Bitmapset  *seen;
	ListCell   *lc;

	explorer->run = run;
	if (is_small(explorer, explorer->query->cost - first->cost))
		return;
	sk_cost_table_hurry(explorer->query);
	refine(explorer, best);
	all = affordable(explorer);
	if (bms_num_members(all) > n)
		(void) plan_with(explorer, all, &best);
	seen = bms_copy(best);
	seen = bms_add_members(seen, peel(explorer, bms_difference(all, best), MAX_ROUNDS));
	foreach(lc, tables)
	{
		if (list_length(tables) < 2)
			break;
		seen = bms_add_members(seen,
							   peel(explorer, on_table(explorer->pool, all, lfirst_oid(lc)),
									TABLE_ROUNDS));
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

/* Other candidates than those chosen that begin with what the statement asks for */
static Bitmapset *
find_others(const Explorer *explorer)
{
	const SkPool *pool = explorer->pool;
	Bitmapset  *others = NULL;
	ListCell   *lc;

	foreach(lc, explorer->query->accesses)
	{
		const SkIndexable *access = lfirst(lc);

		for (int i = 0; i < pool->n; i++)
		{
			const SkCandidate *candidate = pool->candidate[i];

			if ((candidate->promising || candidate->merged) &&
				!bms_is_member(i, explorer->chosen) &&
				candidate->index->relid == access->relid &&
				is_wanted(access, candidate->index))
				others = bms_add_member(others, i);
		}
	}
	return others;
}

/* The part of the choice that is on the statement's tables */
static Bitmapset *
find_chosen(const Explorer *explorer)
{
	Bitmapset  *result = NULL;
	ListCell   *lc;

	foreach(lc, tables_of(explorer->query))
		result = bms_add_members(result,
								 on_table(explorer->pool, explorer->chosen, lfirst_oid(lc)));
	return result;
}

/*
 * What the statement would gain from others besides the choice: all of them together,
 * each of those that are used, and so again without these.
 */
static void
try_others(Explorer *explorer, const Bitmapset *chosen, const Bitmapset *others)
{
	double		cost = sk_cost_table_derive(explorer->query, chosen);
	Bitmapset  *rest = bms_copy(others);

	for (int round = 0; round < MAX_ROUNDS && !bms_is_empty(rest); round++)
	{
		Bitmapset  *all = bms_union(chosen, rest);
		Bitmapset  *used;
		int			id = -1;

		if (is_late(explorer) ||
			is_small(explorer, cost - sk_cost_table_bound(explorer->query, all)) ||
			is_small(explorer, cost - try_with(explorer, all, &used)))
			break;
		used = bms_difference(used, chosen);
		while (bms_num_members(used) > 1 && (id = bms_next_member(used, id)) >= 0)
			try_set(explorer, bms_add_member(bms_copy(chosen), id));
		if (bms_is_empty(used))
			break;
		rest = bms_del_members(rest, used);
	}
}

/* What it would lose without each that it uses, and what could take its place. */
static void
try_without(Explorer *explorer, const Bitmapset *chosen, const Bitmapset *others)
{
	const Bitmapset *used = sk_cost_table_find(explorer->query, chosen)->used;
	int			id = -1;

	while ((id = bms_next_member(used, id)) >= 0)
	{
		Bitmapset  *rest = bms_del_member(bms_copy(chosen), id);

		try_set(explorer, rest);
		try_others(explorer, rest, on_table(explorer->pool, others,
											explorer->pool->candidate[id]->index->relid));
	}
}

/* Both, unless that was done with the same ones. */
static void
explore_around(SkRun *run, void *arg)
{
	Explorer   *explorer = arg;
	SkQuery    *query = explorer->query;
	Bitmapset  *chosen = find_chosen(explorer);
	Bitmapset  *others;
	MemoryContext old;

	explorer->run = run;
	refine(explorer, sk_cost_table_find(query, chosen)->used);
	others = bms_difference(bms_union(find_others(explorer), affordable(explorer)), chosen);
	if (bms_equal(query->tried_chosen, chosen) && bms_equal(query->tried_others, others))
		return;
	try_set(explorer, chosen);
	try_others(explorer, chosen, others);
	try_without(explorer, chosen, others);
	if (is_late(explorer))
		return;
	old = MemoryContextSwitchTo(explorer->pool->context);
	query->tried_chosen = bms_copy(chosen);
	query->tried_others = bms_copy(others);
	MemoryContextSwitchTo(old);
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

static TimestampTz
part_of_time(TimestampTz from, TimestampTz to, double part)
{
	return to == 0 ? 0 : from + (TimestampTz) ((to - from) * part);
}

/* Work with each statement, in order. */
static void
work_on(List *queries, SkQueryWork work, Explorer *common)
{
	ListCell   *lc;

	foreach(lc, queries)
	{
		Explorer	explorer = *common;

		if (is_late(common))
			return;
		explorer.query = lfirst(lc);
		if (is_open(explorer.query))
			(void) sk_query_run(explorer.query, work, &explorer);
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
	Explorer	common = {.pool = pool,.cut = &cut};

	common.until = part_of_time(start, deadline, LOOK_UNTIL);
	work_on(queries, look, &common);
	common.remains = value_at_least(queries);
	common.until = deadline;
	queries = list_copy(queries);
	list_sort(queries, by_gain);
	work_on(queries, look_closer, &common);
	return !cut;
}

/*
 * The same for what the choice leaves to gain.
 */
bool
sk_cost_explore_around(List *queries, SkPool *pool, const Bitmapset *chosen,
					   TimestampTz deadline)
{
	bool		cut = false;
	Explorer	common = {.pool = pool,.chosen = chosen,.until = deadline,.cut = &cut};

	common.remains = value_at_least(queries);
	queries = list_copy(queries);
	list_sort(queries, by_gain);
	work_on(queries, explore_around, &common);
	return !cut;
}
