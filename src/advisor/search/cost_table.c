/*-------------------------------------------------------------------------
 *
 * advisor/search/cost_table.c
 *	  What each statement costs with which candidates.
 *
 * A plan made with a set of candidates uses a few of them, and costs the same
 * with any set between those and the whole.  So each call of the planner gives
 * an entry of a table: the candidates used, and the cost; and the cost with a
 * set of candidates is taken to be the least of the entries that it has all of.
 * Which index does how much for how many statements is then found by looking at
 * the table, and not by planning (Bruno and Chaudhuri, "To Tune or not to Tune",
 * VLDB 2006, call the entries atomic configurations; cf. Finkelstein et al.,
 * TODS 1988).
 *
 * The table says the most that a set may cost.  The least is what any larger set
 * costs that was planned (Wang et al., "Wii", SIGMOD 2024).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/cost_table.h"

#include "advisor/search/doubt.h"
#include "base/guc.h"

#include "optimizer/geqo.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "utils/memutils.h"

/*
 * A gain of no more than a page read less, each time, is none: the planner takes
 * it from the disk, but what is read often is in memory.
 */
#define PAGES_WORTH 1.25
#define LEAST_GAIN (PAGES_WORTH * random_page_cost)

/* Is the cost so much less that it counts? */
bool
sk_cost_table_is_gain(const SkQuery *query, double cost)
{
	return query->cost - cost >= Max(LEAST_GAIN, query->least_saving);
}

/* The entry of the least cost that these candidates have all of. */
const SkCostEntry *
sk_cost_table_find(const SkQuery *query, const Bitmapset *chosen)
{
	const SkCostEntry *least = linitial(query->costs);
	ListCell   *lc;

	foreach(lc, query->costs)
	{
		const SkCostEntry *config = lfirst(lc);

		if (config->cost < least->cost && bms_is_subset(config->used, chosen))
			least = config;
	}
	return least;
}

/* The cost with these candidates, as far as the table knows. */
double
sk_cost_table_derive(const SkQuery *query, const Bitmapset *chosen)
{
	return sk_cost_table_find(query, chosen)->cost;
}

/* The entry of the least cost that was seen. */
const SkCostEntry *
sk_cost_table_least(const SkQuery *query)
{
	const SkCostEntry *least = linitial(query->costs);
	ListCell   *lc;

	foreach(lc, query->costs)
	{
		const SkCostEntry *config = lfirst(lc);

		if (config->cost < least->cost)
			least = config;
	}
	return least;
}

/* What these candidates cost at least: no set is better than one that it is part of. */
double
sk_cost_table_bound(const SkQuery *query, const Bitmapset *chosen)
{
	double		cost = 0;
	ListCell   *lc;

	foreach(lc, query->planned)
	{
		const SkCostEntry *config = lfirst(lc);

		if (config->cost > cost && bms_is_subset(chosen, config->used))
			cost = config->cost;
	}
	return cost;
}

static bool
is_used(const SkHypothetical *what, List *used)
{
	ListCell   *lc;

	if (list_member_oid(used, what->oid))
		return true;
	foreach(lc, what->parts)
	{
		if (list_member_oid(used, ((SkHypothetical *) lfirst(lc))->oid))
			return true;
	}
	return false;
}

static Bitmapset *
used_of(const SkPool *pool, const Bitmapset *set, List *used)
{
	Bitmapset  *result = NULL;
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
	{
		if (is_used(pool->candidate[id]->what, used))
			result = bms_add_member(result, id);
	}
	return result;
}

/* Between equal plans the one with what was thought of first is to be made. */
static List *
hypotheticals(const SkPool *pool, const Bitmapset *set)
{
	List	   *result = NIL;
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
		result = lcons(pool->candidate[id]->what, result);
	return result;
}

/*
 * Its size may take a sample, for which expressions are evaluated: that must be
 * done as the statement's role, so it is done now.
 */
static void
promise(SkCandidate *candidate)
{
	if (candidate->promising)
		return;
	candidate->bytes = sk_candidate_bytes(candidate);
	candidate->promising = true;
}

static List *
add_config(List *configs, SkPool *pool, const Bitmapset *set, double cost)
{
	MemoryContext old = MemoryContextSwitchTo(pool->context);
	SkCostEntry *config = palloc0(sizeof(SkCostEntry));

	config->used = bms_copy(set);
	config->cost = cost;
	configs = lappend(configs, config);
	MemoryContextSwitchTo(old);
	return configs;
}

/* A gain that does not count is kept to be told of, with what it would take. */
static void
record_small(SkQuery *query, SkPool *pool, const Bitmapset *used, double cost)
{
	ListCell   *lc;
	int			id = -1;

	foreach(lc, query->small)
	{
		if (bms_equal(((SkCostEntry *) lfirst(lc))->used, used))
			return;
	}
	query->small = add_config(query->small, pool, used, cost);
	while ((id = bms_next_member(used, id)) >= 0)
		pool->candidate[id]->bytes = sk_candidate_bytes(pool->candidate[id]);
}

static void
record(SkQuery *query, SkPool *pool, const Bitmapset *used, double cost)
{
	ListCell   *lc;
	int			id = -1;

	if (!sk_cost_table_is_gain(query, cost))
	{
		if (query->cost - cost >= LEAST_GAIN)
			record_small(query, pool, used, cost);
		cost = query->cost;
	}
	foreach(lc, query->costs)
	{
		SkCostEntry *config = lfirst(lc);

		if (bms_equal(config->used, used))
		{
			if (!config->corrected)
				config->cost = Min(config->cost, cost);
			return;
		}
	}
	query->costs = add_config(query->costs, pool, used, cost);
	while (cost < query->cost * (1 - SK_COST_TOLERANCE) &&
		   (id = bms_next_member(used, id)) >= 0)
		promise(pool->candidate[id]);
}

/*
 * From here on, until the end of the run, joins of many tables are planned with the
 * least effort of the genetic optimizer, which takes most of the time otherwise.
 */
void
sk_cost_table_hurry(const SkQuery *query)
{
	if (enable_geqo && list_length(query->accesses) >= geqo_threshold)
		sk_guc_set_local("geqo_effort", "1");
}

static double
plan(SkRun *run, SkQuery *query, SkPool *pool, const Bitmapset *set, SkWhatIf *whatif,
	 List **oids, Bitmapset **used)
{
	double		cost;

	whatif->indexes = hypotheticals(pool, set);
	if (whatif->hidden == NIL)
		whatif->order = &query->order;
	cost = sk_query_plan(run, whatif, oids);
	*used = used_of(pool, set, *oids);
	if (whatif->hidden == NIL)
		record(query, pool, *used, cost);
	if (whatif->hidden == NIL && !whatif->known_joins)
		query->planned = add_config(query->planned, pool, set, cost);
	return cost;
}

/*
 * Plan with exactly these candidates, and without the hidden indexes.  What comes
 * out is entered if nothing is hidden.
 */
double
sk_cost_table_plan(SkRun *run, SkQuery *query, SkPool *pool, const Bitmapset *set,
				   List *hidden, Bitmapset **used)
{
	SkWhatIf	whatif = {0};
	List	   *oids;

	whatif.hidden = hidden;
	return plan(run, query, pool, set, &whatif, &oids, used);
}

/*
 * About what that would come to, and sooner: only joins are tried that plans of the
 * statement had before.
 */
double
sk_cost_table_try(SkRun *run, SkQuery *query, SkPool *pool, const Bitmapset *set,
				  Bitmapset **used)
{
	SkWhatIf	whatif = {.known_joins = true};
	List	   *oids;

	return plan(run, query, pool, set, &whatif, &oids, used);
}

/* What was planned with these costs more than the planner says. */
static void
correct(SkQuery *query, SkPool *pool, const Bitmapset *used, double cost)
{
	SkCostEntry *config = NULL;
	ListCell   *lc;

	foreach(lc, query->costs)
	{
		if (bms_equal(((SkCostEntry *) lfirst(lc))->used, used))
			config = lfirst(lc);
	}
	if (config == NULL)
	{
		query->costs = add_config(query->costs, pool, used, cost);
		config = llast(query->costs);
	}
	config->cost = cost;
	config->corrected = true;
}

/* ----------
 * Verification
 * ----------
 */
typedef struct Check
{
	SkQuery    *query;
	SkPool	   *pool;
	const Bitmapset *chosen;
	List	   *hidden;
	MemoryContext context;		/* of what is used */
	double		cost;
	Bitmapset  *used;
} Check;

static void
check(SkRun *run, void *arg)
{
	Check	   *check = arg;
	SkWhatIf	whatif = {0};
	List	   *oids;
	List	   *more = NIL;
	Bitmapset  *used;
	MemoryContext old;

	whatif.hidden = check->hidden;
	check->cost = plan(run, check->query, check->pool, check->chosen, &whatif, &oids, &used);
	if (check->hidden == NIL)
	{
		if (sk_doubt(run, check->query, &whatif, oids, &check->cost, &more))
			correct(check->query, check->pool, used, check->cost);
		used = bms_add_members(used, used_of(check->pool, check->chosen, more));
	}
	old = MemoryContextSwitchTo(check->context);
	check->used = bms_copy(used);
	MemoryContextSwitchTo(old);
}

/*
 * What is known to come out with exactly these candidates, or NULL: it came out with
 * more of them, and used none but these.
 */
static const SkVerdict *
find_verdict(const SkQuery *query, const Bitmapset *chosen)
{
	ListCell   *lc;

	foreach(lc, query->verdicts)
	{
		const SkVerdict *verdict = lfirst(lc);

		if (bms_is_subset(chosen, verdict->set) && bms_is_subset(verdict->used, chosen))
			return verdict;
	}
	return NULL;
}

static void
add_verdict(SkQuery *query, SkPool *pool, const Check *check)
{
	MemoryContext old = MemoryContextSwitchTo(pool->context);
	SkVerdict  *verdict = palloc(sizeof(SkVerdict));

	verdict->set = bms_copy(check->chosen);
	verdict->used = bms_copy(check->used);
	verdict->cost = check->cost;
	verdict->uncertain = query->uncertain;
	query->verdicts = lappend(query->verdicts, verdict);
	MemoryContextSwitchTo(old);
}

/*
 * The true cost with exactly these candidates, and without the hidden indexes.
 * The table learns of it.  False if the statement cannot be planned any more.
 */
bool
sk_cost_table_verify(SkQuery *query, SkPool *pool, const Bitmapset *chosen,
					 List *hidden, double *cost, Bitmapset **used)
{
	Check		all = {query, pool, chosen, hidden, CurrentMemoryContext, 0, NULL};

	const SkVerdict *verdict = hidden == NIL ? find_verdict(query, chosen) : NULL;

	if (verdict != NULL)
	{
		*cost = verdict->cost;
		*used = bms_copy(verdict->used);
		query->uncertain = verdict->uncertain;
		return true;
	}
	if (!sk_query_run(query, check, &all))
		return false;
	if (hidden == NIL)
		add_verdict(query, pool, &all);
	*cost = all.cost;
	*used = all.used;
	return true;
}
