/*-------------------------------------------------------------------------
 *
 * advisor/search/doubt.c
 *	  What a statement costs with the choice, if the planner's guesses are wrong.
 *
 * A gain that there is only if a guess is right is none.  So when a choice is verified,
 * each statement is planned again under assumptions that are less lucky
 * (advisor/plan/unlucky.c), before and after.
 *
 * If equal values are not next to each other, or few rows have the value that a
 * statement with a LIMIT looks for, what it costs then is what counts.  That values
 * in joins are the most common ones is only possible, unless the statement was seen to
 * return more rows than the planner expects: then the advice says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/doubt.h"

#include "index/stats.h"

#include "catalog/pg_am.h"

#include <math.h>

/* The first column's values tell nothing of where rows are, if so many are alike. */
#define MUCH_ALIKE 0.2

/* A statement may be so much slower before somebody is told of it. */
#define SLOWER 1.1

/* A partial index of fewer rows than this has others between them. */
#define MOST_ROWS 0.5

/* So many times as many rows as the planner expects show that it is wrong. */
#define MANY_TIMES 10

/* Is it a guess that the rows of a new index are next to each other? */
static bool
is_scattered(const SkHypothetical *what)
{
	SkStatColumn column;

	if (what->index->am != BTREE_AM_OID)
		return false;
	if (what->index->predicate != NIL && what->sized && what->size.fraction < MOST_ROWS)
		return true;
	sk_index_stats_column(sk_index_stats_root(what->index->relid), what->index->keys[0].expr,
						  NULL, 0, &column);
	return column.alike >= MUCH_ALIKE &&
		sk_unlucky_correlation(column.correlation, column.alike) != column.correlation;
}

/* Is it, or a part of it on a partition, among those that are used? */
static bool
is_used(SkHypothetical *what, List *used)
{
	ListCell   *lc;

	foreach(lc, used)
	{
		if (sk_whatif_find(list_make1(what), lfirst_oid(lc)) != NULL)
			return true;
	}
	return false;
}

static bool
has_scattered(const SkWhatIf *whatif, List *used)
{
	ListCell   *lc;

	foreach(lc, whatif->indexes)
	{
		if (is_used(lfirst(lc), used) && is_scattered(lfirst(lc)))
			return true;
	}
	return false;
}

static bool
has_new(const SkWhatIf *whatif, List *used)
{
	ListCell   *lc;

	foreach(lc, whatif->indexes)
	{
		if (is_used(lfirst(lc), used))
			return true;
	}
	return false;
}

/* The cost of the same plan with an assumption; less than 0 if it cannot be told. */
static double
plan_unlucky(SkRun *run, SkQuery *query, const SkWhatIf *whatif,
			 const SkUnlucky *unlucky)
{
	SkWhatIf	same = *whatif;
	List	   *used;
	double		cost;

	same.unlucky = unlucky;
	same.order = &query->order;
	same.known_joins = true;
	cost = sk_query_plan(run, &same, &used);
	return cost < SK_UNLUCKY_IMPOSSIBLE ? cost : -1;
}

/* How many times as much the plan costs with the assumption as the one of before. */
static double
compare(SkRun *run, SkQuery *query, const SkWhatIf *whatif, SkUnlucky *unlucky,
		double *before)
{
	static const SkWhatIf nothing;
	SkUnlucky	first = *unlucky;
	double		after;

	if (*before == 0)
	{
		first.indexes = query->indexes;
		first.nodes = query->nodes;
		*before = plan_unlucky(run, query, &nothing, &first);
	}
	if (*before <= 0)
		return 0;
	after = plan_unlucky(run, query, whatif, unlucky);
	return after < 0 ? 0 : after / *before;
}

/* The same for values that few rows have; "more" gets what such a plan uses. */
static double
compare_rare(SkRun *run, SkQuery *query, const SkWhatIf *whatif, List **more)
{
	static const SkWhatIf nothing;
	SkWhatIf	rare = *whatif;
	List	   *used;

	if (query->rare == NULL)
		return 0;
	rare.order = NULL;
	if (query->rare_cost == 0)
		query->rare_cost = sk_query_plan_rare(run, &nothing, &used);
	return sk_query_plan_rare(run, &rare, more) / query->rare_cost;
}

/*
 * A statement was just planned with a choice.  If that costs more under an assumption,
 * true, and "cost" is raised to that; "more" gets OIDs of indexes that are used
 * with such values.
 */
bool
sk_doubt(SkRun *run, SkQuery *query, const SkWhatIf *whatif, List *used, double *cost,
		 List **more)
{
	SkUnlucky	unlucky = {used, sk_query_nodes(run), false, false};
	double		most = *cost / query->cost;
	double		ratio = compare_rare(run, query, whatif, more);
	double		skewed;

	if (ratio <= SLOWER)
		ratio = 0;
	if (has_scattered(whatif, used))
	{
		unlucky.scattered = true;
		ratio = Max(ratio, compare(run, query, whatif, &unlucky, &query->scattered_cost));
		unlucky.scattered = false;
	}
	query->uncertain = false;
	if ((unlucky.nodes & SK_NODE_NEST_LOOP) && has_new(whatif, used))
	{
		unlucky.skewed = true;
		skewed = compare(run, query, whatif, &unlucky, &query->skewed_cost);
		query->uncertain = skewed > SLOWER;
		if (query->misfit > MANY_TIMES)
			ratio = Max(ratio, skewed);
	}
	if (ratio <= most)
		return false;
	/* so exact is no assumption that the last per cent should decide */
	*cost = query->cost * ceil(ratio * 100) / 100;
	return true;
}
