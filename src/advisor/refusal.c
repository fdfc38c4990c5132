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

/* A candidate that is not to be chosen from, with the most that it could save. */
void
sk_advice_refusal_add(SkAdvice *advice, const SkCandidate *candidate, double write,
					  const char *reason)
{
	SkRefusal  *refusal;
	ListCell   *lc;

	foreach(lc, advice->refused)
	{
		if (((SkRefusal *) lfirst(lc))->index == candidate->index)
			return;
	}
	refusal = add(advice, candidate->index, candidate->ddl,
				  candidate->bytes, reason);
	refusal->benefit = sk_advice_refusal_most_saved(advice, candidate->id);
	refusal->write = write;
}

/* An index that no statement of the workload asks for; its table is locked. */
void
sk_advice_refusal_add_index(SkAdvice *advice, const SkIndex *index, double bytes,
							const char *reason)
{
	(void) add(advice, index, sk_index_deparse_command(index), bytes, reason);
}

/* ----------
 * What the limits have left out
 * ----------
 */
static const char *
reason_of(const SkAdvice *advice, const SkProblem *problem, const Bitmapset *chosen,
		  int id, double gain)
{
	if (gain < advice->options.min_benefit * sk_configuration_value(problem))
		return "it saves less than min_benefit";
	if (gain < problem->least_gain)
		return "it saves less than one second per day";
	if (bms_num_members(chosen) >= problem->max_indexes)
		return "max_indexes allows no more indexes";
	if (sk_configuration_bytes(problem, chosen) + problem->bytes[id] > problem->budget)
		return "storage_budget leaves no room for it";
	return "it saves too little for its size";
}

static void
collect(SkAdvice *advice, const SkProblem *problem, Bitmapset *chosen,
		Bitmapset *besides, double least)
{
	Bitmapset  *all = bms_union(chosen, besides);
	int			id = -1;

	while ((id = bms_next_member(besides, id)) >= 0)
	{
		Bitmapset  *without = bms_del_member(bms_copy(all), id);
		double		gain = sk_configuration_gain(problem, all) -
			sk_configuration_gain(problem, without);
		const SkCandidate *candidate = advice->pool->candidate[id];
		SkRefusal  *refusal;

		if (gain <= 0 || gain < least)
			continue;
		refusal = add(advice, candidate->index, candidate->ddl,
					  candidate->bytes, reason_of(advice, problem, chosen, id, gain));
		refusal->write = problem->write[id];
		refusal->benefit = gain + refusal->write;
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
 * is no room for, and what would do but for its size.
 */
void
sk_advice_refusal_collect(SkAdvice *advice, const SkProblem *problem,
						  Bitmapset *chosen)
{
	double		told = LEAST_TOLD * sk_configuration_value(problem);
	Bitmapset  *besides = sk_select_besides(problem, chosen, false);
	Bitmapset  *all = bms_union(chosen, besides);

	collect(advice, problem, chosen, besides, told);
	collect(advice, problem, all, sk_select_besides(problem, all, true),
			Max(told, problem->least_gain));
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
