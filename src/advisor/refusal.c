/*-------------------------------------------------------------------------
 *
 * advisor/refusal.c
 *	  Indexes that are not advised, and why.
 *
 * An index that would save something may be left out: its writes cost more, it
 * saves too little, there is no room for it, or it makes another statement slower.
 * What each would save is told besides what is advised, so variants of an index that
 * is advised, which save next to nothing then, are not listed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/refusal.h"

#include "advisor/search/cost_table.h"
#include "advisor/search/select.h"
#include "index/deparse.h"

#include "utils/syscache.h"

#include <math.h>

/*
 * Each index that is advised must save this many milliseconds a day, besides the
 * fraction of the workload's time that is asked for: where there is next to nothing
 * to do, a large fraction of it is next to nothing.  An index has overhead that is
 * not counted, in planning, VACUUM, backups and memory.
 */
#define LEAST_MS_PER_DAY 1000

/* What gains less than this fraction of all value is not worth telling. */
#define LEAST_TOLD 1e-3

/* What each new index must gain, in the workload's unit of value. */
double
sk_advice_refusal_least_gain(const SkAdvice *advice)
{
	double		value = 0;
	ListCell   *lc;

	if (advice->options.min_benefit == 0)
		return 0;
	foreach(lc, advice->queries)
	{
		if (((SkQuery *) lfirst(lc))->entry.sqlerrcode == 0)
			value += ((SkQuery *) lfirst(lc))->entry.value;
	}
	value *= advice->options.min_benefit;
	return advice->workload->measured ? Max(value, LEAST_MS_PER_DAY) : value;
}

/* The most that a candidate could save, by itself or with others. */
double
sk_advice_refusal_most_saved(const SkAdvice *advice, int id)
{
	double		saved = 0;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);
		double		least = query->cost;

		if (query->entry.sqlerrcode != 0)
			continue;
		foreach(lc2, query->costs)
		{
			const SkCostEntry *config = lfirst(lc2);

			if (bms_is_member(id, config->used))
				least = Min(least, config->cost);
		}
		if (query->cost > 0)
			saved += query->entry.value * (1 - least / query->cost);
	}
	return saved;
}

static SkRefusal *
add(SkAdvice *advice, const SkIndex *index, const char *ddl, double bytes,
	const char *reason)
{
	SkRefusal  *refusal = palloc0(sizeof(SkRefusal));

	refusal->index = index;
	refusal->ddl = ddl;
	refusal->bytes = bytes;
	refusal->benefit = NAN;
	refusal->write = NAN;
	refusal->reason = reason;
	advice->refused = lappend(advice->refused, refusal);
	return refusal;
}

static bool
is_refused(const SkAdvice *advice, const SkIndex *index)
{
	ListCell   *lc;

	foreach(lc, advice->refused)
	{
		if (((SkRefusal *) lfirst(lc))->index == index)
			return true;
	}
	return false;
}

/* A candidate that is not to be chosen from, with the most that it could save. */
void
sk_advice_refusal_add(SkAdvice *advice, const SkCandidate *candidate, double write,
					  const char *reason)
{
	SkRefusal  *refusal;

	if (is_refused(advice, candidate->index))
		return;
	refusal = add(advice, candidate->index, candidate->ddl,
				  candidate->bytes, reason);
	refusal->benefit = sk_advice_refusal_most_saved(advice, candidate->id);
	refusal->write = write;
}

/* An index that is no candidate; its table is locked. */
SkRefusal *
sk_advice_refusal_add_index(SkAdvice *advice, const SkIndex *index, double bytes,
							const char *reason)
{
	return add(advice, index, sk_index_deparse_command(index), bytes, reason);
}

/* ----------
 * What the limits have left out
 * ----------
 */
static const char *
reason_of(const SkAdvice *advice, const SkProblem *problem, const Bitmapset *chosen,
		  int id, double gain, bool any_size)
{
	if (gain < advice->options.min_benefit * sk_configuration_value(problem))
		return "it saves less than min_benefit";
	if (gain < problem->least_gain)
		return "it saves less than one second per day";
	if (!any_size && bms_num_members(chosen) >= problem->max_indexes)
		return "max_indexes allows no more indexes";
	if (!any_size &&
		sk_configuration_bytes(problem, chosen) + problem->bytes[id] > problem->budget)
		return "storage_budget leaves no room for it";
	return "it saves too little for its size";
}

/*
 * Those of "all" that are neither chosen nor told already; with "any_size", what is
 * left out for its size, whatever the limits are.
 */
static void
collect(SkAdvice *advice, const SkProblem *problem, const Bitmapset *chosen,
		const Bitmapset *told, const Bitmapset *all, bool any_size)
{
	double		least = LEAST_TOLD * sk_configuration_value(problem);
	Bitmapset  *besides = bms_difference(all, told);
	int			id = -1;

	if (any_size)
		least = Max(least, problem->least_gain);
	while ((id = bms_next_member(besides, id)) >= 0)
	{
		Bitmapset  *without = bms_del_member(bms_copy(all), id);
		double		gain = sk_configuration_gain(problem, all) -
			sk_configuration_gain(problem, without);
		const SkCandidate *candidate = advice->pool->candidate[id];
		SkRefusal  *refusal;

		if (gain <= 0 || gain < least)
			continue;
		refusal = add(advice, candidate->index, candidate->ddl, candidate->bytes,
					  reason_of(advice, problem, chosen, id, gain, any_size));
		refusal->write = problem->write[id];
		refusal->benefit = gain + refusal->write;
	}
}

/* ----------
 * What saves too little each time
 * ----------
 */
/* Besides what is chosen, what would a candidate save of what does not count? */
static double
small_savings(const SkAdvice *advice, const Bitmapset *chosen, int id)
{
	double		saved = 0;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);
		double		now = query->cost;
		double		least = query->cost;

		if (query->entry.sqlerrcode != 0 || query->small == NIL)
			continue;
		now = least = sk_cost_table_derive(query, chosen);
		foreach(lc2, query->small)
		{
			const SkCostEntry *config = lfirst(lc2);

			if (bms_is_member(id, config->used))
				least = Min(least, config->cost);
		}
		saved += query->entry.value * (now - least) / query->cost;
	}
	return saved;
}

static void
collect_small(SkAdvice *advice, const SkProblem *problem, const Bitmapset *chosen)
{
	double		least = LEAST_TOLD * sk_configuration_value(problem);
	SkPool	   *pool = advice->pool;

	for (int id = 0; id < pool->n; id++)
	{
		const SkCandidate *candidate = pool->candidate[id];
		double		saved = small_savings(advice, chosen, id);
		double		write;
		SkRefusal  *refusal;

		if (saved <= 0 || bms_is_member(id, chosen) ||
			is_refused(advice, candidate->index))
			continue;
		write = sk_write_cost(advice->writes, candidate->what,
							  sk_candidate_existing(pool, candidate->index->relid));
		if (saved - write < least)
			continue;
		refusal = add(advice, candidate->index, candidate->ddl, candidate->bytes,
					  psprintf("it saves less than %g ms per call, and less than %.0f s per day",
							   SK_ADVICE_LEAST_MS, advice->least_daily_ms / 1000));
		refusal->write = write;
		refusal->benefit = saved;
	}
}

/* What a refused index would save, less what it costs; NaN if that is not known. */
double
sk_advice_refusal_gain(const SkRefusal *refusal)
{
	return refusal->benefit - refusal->write;
}

static int
by_gain(const ListCell *a, const ListCell *b)
{
	const SkRefusal *x = lfirst(a);
	const SkRefusal *y = lfirst(b);
	double		gain_x = sk_advice_refusal_gain(x);
	double		gain_y = sk_advice_refusal_gain(y);

	if (isnan(gain_x) != isnan(gain_y))
		return isnan(gain_x) ? 1 : -1;
	if (!isnan(gain_x) && gain_x != gain_y)
		return gain_x > gain_y ? -1 : 1;
	return strcmp(x->ddl, y->ddl);
}

/*
 * List what could have been chosen besides: what gains less than it must, what there
 * is no room for, what would do but for its size, and what saves too little each time.
 */
void
sk_advice_refusal_collect(SkAdvice *advice, const SkProblem *problem,
						  Bitmapset *chosen)
{
	Bitmapset  *all = bms_union(chosen, sk_select_besides(problem, chosen, false));
	Bitmapset  *more = bms_union(all, sk_select_besides(problem, all, true));

	collect(advice, problem, chosen, chosen, all, false);
	collect(advice, problem, chosen, all, more, true);
	collect_small(advice, problem, chosen);
}

/* Put them in order, without those whose tables were dropped meanwhile. */
void
sk_advice_refusal_finish(SkAdvice *advice)
{
	ListCell   *lc;

	foreach(lc, advice->refused)
	{
		Oid			relid = ((SkRefusal *) lfirst(lc))->index->relid;

		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
			advice->refused = foreach_delete_current(advice->refused, lc);
	}
	list_sort(advice->refused, by_gain);
}

/*
 * How many candidates were not planned with, since each alone is larger than
 * storage_budget, and the size of the smallest one.
 */
int
sk_advice_refusal_too_large(const SkAdvice *advice, double *least)
{
	const SkPool *pool = advice->pool;
	int			n = 0;

	*least = INFINITY;
	for (int i = 0; i < pool->n; i++)
	{
		if (!pool->candidate[i]->too_large)
			continue;
		n++;
		*least = Min(*least, pool->candidate[i]->bytes);
	}
	return n;
}
