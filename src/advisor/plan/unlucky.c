/*-------------------------------------------------------------------------
 *
 * advisor/plan/unlucky.c
 *	  The cost of a plan if the planner's guesses are wrong.
 *
 * The server chooses a plan by what it believes.  To see what that plan costs if the
 * belief is wrong, it is not enough to plan again with another one: the planner would
 * just choose another plan.  So it is made to plan in the same way: with the indexes
 * and the kinds of joins and scans that the plan has, and the rest at a price that
 * nobody pays.  What comes out is the least that a plan of that kind costs.
 *
 * What may be wrong:
 *
 * Scattered: rows of one value are believed to be as close to each other as all rows
 * are in order.  But equal values count as ordered however they lie: if nearly all rows
 * have one value, the correlation is nearly 1, and says nothing of the few others.  And
 * the rows of a partial index are believed to have no others between them.
 *
 * Skewed: each row is believed to join as many rows as the average.  The few rows that
 * a condition has left may be the ones that join most.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/unlucky.h"

#include "index/stats.h"

#include "access/amapi.h"
#include "catalog/pg_am.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include <math.h>

/* The price of what the plan does not have; so does the planner. */
#define NOBODY_PAYS 1.0e10

/* btcostestimate() takes this part of the first column's correlation. */
#define SEVERAL_COLUMNS 0.75

typedef struct Switch
{
	bool	   *setting;
	int			nodes;			/* that need it */
} Switch;

static const Switch switches[SK_UNLUCKY_SWITCHES] = {
	{&enable_seqscan, SK_NODE_SEQ_SCAN},
	{&enable_indexscan, SK_NODE_INDEX_SCAN | SK_NODE_INDEX_ONLY_SCAN},
	{&enable_indexonlyscan, SK_NODE_INDEX_ONLY_SCAN},
	{&enable_bitmapscan, SK_NODE_BITMAP_SCAN | SK_NODE_INDEX_SCAN},
	{&enable_nestloop, SK_NODE_NEST_LOOP},
	{&enable_mergejoin, SK_NODE_MERGE_JOIN},
	{&enable_hashjoin, SK_NODE_HASH_JOIN},
	{&enable_sort, SK_NODE_SORT}
};

static const SkUnlucky *assumed;
static List *raised;			/* Relids of joins whose rows were raised */

/* From here on, plan as the plan was made; NULL: as always.  "saved" is for the end. */
void
sk_unlucky_begin(const SkUnlucky *unlucky, SkUnluckySaved *saved)
{
	saved->assumed = assumed;
	saved->raised = raised;
	for (size_t i = 0; i < lengthof(switches); i++)
	{
		saved->settings[i] = *switches[i].setting;
		if (unlucky != NULL)
			*switches[i].setting &= (unlucky->nodes & switches[i].nodes) != 0;
	}
	assumed = unlucky;
	raised = NIL;
}

void
sk_unlucky_end(const SkUnluckySaved *saved)
{
	for (size_t i = 0; i < lengthof(switches); i++)
		*switches[i].setting = saved->settings[i];
	assumed = saved->assumed;
	raised = saved->raised;
}

/* ----------
 * Indexes
 * ----------
 */

/*
 * What a correlation says, if two rows are "alike" with that probability: rows at
 * random have just that correlation, since ANALYZE takes equal ones in their order.
 */
double
sk_unlucky_correlation(double correlation, double alike)
{
	double		rest = fabs(correlation) - alike;

	if (alike <= 0)
		return correlation;
	if (rest <= 0 || alike >= 1)
		return 0;
	return copysign(Min(rest / (1 - alike), 1), correlation);
}

/* What it costs to read so many pages in their order, which are among others. */
static double
cost_in_order(double pages, double window, double random, double sequential)
{
	pages = Max(pages, 1);
	return random + (pages - 1) *
		(random - (random - sequential) * sqrt(Min(pages / Max(window, 1), 1)));
}

/*
 * cost_index() takes the square of the correlation for the part of the way from pages
 * that are all over the table to pages that follow each other.  How far rows are on that
 * way which are read in their order, but lie anywhere among the pages of the "window".
 */
static double
way(const RelOptInfo *rel, double rows, double window)
{
	double		random;
	double		sequential;
	double		most;
	double		least;

	get_tablespace_page_costs(rel->reltablespace, &random, &sequential);
	most = Min(rows, rel->pages) * random;
	least = random + Max(ceil(rows / rel->tuples * rel->pages) - 1, 0) * sequential;
	if (most <= least)
		return 1;
	return Min(Max((most - cost_in_order(Min(rows, window), window, random, sequential)) /
				   (most - least), 0), 1);
}

/*
 * The correlation that makes the planner take for an index what reading it costs, if
 * rows of one value, or of a partial index, have others between them.
 */
static double
scatter(PlannerInfo *root, const IndexOptInfo *info, double selectivity,
		double correlation)
{
	const RelOptInfo *rel = info->rel;
	double		part = info->nkeycolumns > 1 ? SEVERAL_COLUMNS : 1;
	double		rows = selectivity * rel->tuples;
	double		square;
	SkStatColumn column;

	if (info->relam != BTREE_AM_OID || rows < 1 || rel->pages < 1)
		return correlation;
	sk_index_stats_column(root, (Node *) linitial_node(TargetEntry, info->indextlist)->expr,
						  NULL, 0, &column);
	square = sk_unlucky_correlation(correlation / part, column.alike) * part;
	square *= square;
	/* rows that have equal keys are in an index in the order of the table */
	if (info->nkeycolumns == 1 && column.alike > 0 && square < correlation * correlation)
		square += (correlation * correlation - square) * way(rel, rows, rel->pages);
	if (info->indpred != NIL && info->tuples < rel->tuples)
		square *= way(rel, rows, Min(rows / Max(info->tuples, 1), 1) * rel->pages);
	return copysign(sqrt(square), correlation);
}

static void
estimate(PlannerInfo *root, IndexPath *path, double loop_count, Cost *startup_cost,
		 Cost *total_cost, Selectivity *selectivity, double *correlation, double *pages)
{
	const IndexOptInfo *info = path->indexinfo;
	amcostestimate_function routine = (amcostestimate_function)
		GetIndexAmRoutineByAmId(info->relam, false)->amcostestimate;

	routine(root, path, loop_count, startup_cost, total_cost, selectivity, correlation,
			pages);
	if (assumed == NULL)
		return;
	if (assumed->scattered)
		*correlation = scatter(root, info, *selectivity, *correlation);
	if (!list_member_oid(assumed->indexes, info->indexoid))
	{
		*startup_cost += NOBODY_PAYS;
		*total_cost += NOBODY_PAYS;
	}
}

/* Called for each table, when its indexes are known. */
void
sk_unlucky_relation(RelOptInfo *rel)
{
	ListCell   *lc;

	if (assumed == NULL)
		return;
	foreach(lc, rel->indexlist)
	{
		IndexOptInfo *info = lfirst_node(IndexOptInfo, lc);

		if (info->amcostestimate != NULL)
			info->amcostestimate = estimate;
	}
}

/* ----------
 * Joins
 * ----------
 */

/*
 * How many times as many rows "n" values of a column have, if they are the most common
 * ones, as n values have on average.
 */
static double
skew_of(PlannerInfo *root, Node *expr, double n)
{
	SkStatColumn column;
	double		rows = 0;
	double		rest;
	int			k;

	sk_index_stats_column(root, expr, NULL, 0, &column);
	n = Min(Max(n, 1), column.distinct);
	for (k = 0; k < column.ncommon && k < n; k++)
		rows += column.frequencies[k];
	rest = Max(1 - column.common - column.null_fraction, 0);
	rows += (n - k) * rest / Max(column.distinct - column.ncommon, 1);
	return Max(rows / (n * (1 - column.null_fraction) / column.distinct), 1);
}

static double
skew_of_clause(PlannerInfo *root, RelOptInfo *outer, RelOptInfo *inner,
			   const RestrictInfo *info)
{
	const OpExpr *op = (const OpExpr *) info->clause;
	double		most = 1;
	ListCell   *lc;

	if (!IsA(op, OpExpr) || info->mergeopfamilies == NIL || list_length(op->args) != 2)
		return 1;
	foreach(lc, op->args)
	{
		Node	   *arg = lfirst(lc);
		RelOptInfo *other;

		if (IsA(arg, RelabelType))
			arg = (Node *) ((RelabelType *) arg)->arg;
		if (!IsA(arg, Var))
			continue;
		other = bms_is_member(((Var *) arg)->varno, outer->relids) ? inner : outer;
		most = Max(most, skew_of(root, arg, other->rows));
	}
	return most;
}

/* The rows of the paths that join these two, and what the inner one costs then. */
static void
raise_paths(List *paths, const RelOptInfo *join, const RelOptInfo *outer,
			const RelOptInfo *inner, double skew)
{
	ListCell   *lc;

	foreach(lc, paths)
	{
		JoinPath   *path = lfirst(lc);
		const Path *loop;

		if (!IsA(path, NestPath) && !IsA(path, MergePath) && !IsA(path, HashPath))
			continue;
		loop = path->innerjoinpath;
		if (path->outerjoinpath->parent != outer || loop->parent != inner)
			continue;
		if (path->path.param_info == NULL)
			path->path.rows = join->rows;
		if (IsA(path, NestPath) && bms_overlap(PATH_REQ_OUTER(loop), outer->relids))
			path->path.total_cost += (skew - 1) * path->outerjoinpath->rows *
				(loop->total_cost - loop->startup_cost);
	}
}

static bool
is_raised(const RelOptInfo *join)
{
	ListCell   *lc;

	foreach(lc, raised)
	{
		if (bms_equal(lfirst(lc), join->relids))
			return true;
	}
	raised = lappend(raised, join->relids);
	return false;
}

/* Called for each two relations that are joined, when that is planned. */
void
sk_unlucky_join(PlannerInfo *root, RelOptInfo *join, RelOptInfo *outer, RelOptInfo *inner,
				JoinType type, List *clauses)
{
	double		skew = 1;
	ListCell   *lc;

	if (assumed == NULL || !assumed->skewed ||
		(type != JOIN_INNER && type != JOIN_LEFT))
		return;
	foreach(lc, clauses)
		skew = Max(skew, skew_of_clause(root, outer, inner, lfirst_node(RestrictInfo, lc)));
	if (!is_raised(join))
		join->rows = Max(Min(join->rows * skew, outer->rows * inner->rows), join->rows);
	raise_paths(join->pathlist, join, outer, inner, skew);
	raise_paths(join->partial_pathlist, join, outer, inner, skew);
}
