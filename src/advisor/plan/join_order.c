/*-------------------------------------------------------------------------
 *
 * advisor/plan/join_order.c
 *	  Joins that plans were made of, to plan with those alone.
 *
 * Most of the time that the planner takes for a join of many tables goes into orders in
 * which they could be joined.  With other indexes, the best one is often one of those
 * that were best with some.  So the joins of each plan are remembered, and the statement
 * can be planned with these alone: in each order that they allow, each by the methods and
 * with the scans that are best then.  That costs no less than what the planner would
 * choose, if it looks at all orders, and takes a tenth of the time where ten tables are joined.  (Papadomanolakis,
 * Dash and Ailamaki, "Efficient Use of the Query Optimizer for Automated Physical
 * Design", VLDB 2007, reuse plans, too, but not in the planner.)
 *
 * A statement has a search for each of its subqueries, always in the same order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/join_order.h"

#include "miscadmin.h"
#include "optimizer/geqo.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "utils/memutils.h"

/* The ways in which some relations were joined */
typedef struct Joined
{
	Relids		relids;			/* with outer joins, where the server has them */
	double		rows;
	List	   *splits;			/* Split */
} Joined;

typedef struct Split
{
	Relids		outer;
	Relids		inner;
} Split;

/* What the joins of a search have been; a list of Joined, fewest relations first */
typedef struct Problem
{
	List	   *joined;
} Problem;

/* Nothing is known. */
void
sk_join_order_init(SkJoinOrder *order)
{
	order->problems = NIL;
	order->next = 0;
	order->context = CurrentMemoryContext;
}

/* A plan is made from here on. */
void
sk_join_order_begin(SkJoinOrder *order)
{
	order->next = 0;
	order->known_only = false;
}

/* ----------
 * What plans join
 * ----------
 */
static Joined *
find_joined(Problem *problem, const RelOptInfo *rel)
{
	Joined	   *joined;
	ListCell   *lc;
	int			place = 0;

	foreach(lc, problem->joined)
	{
		joined = lfirst(lc);
		if (bms_equal(joined->relids, rel->relids))
			return joined;
		if (bms_num_members(joined->relids) <= bms_num_members(rel->relids))
			place = foreach_current_index(lc) + 1;
	}
	joined = palloc0(sizeof(Joined));
	joined->relids = bms_copy(rel->relids);
	joined->rows = rel->rows;
	problem->joined = list_insert_nth(problem->joined, place, joined);
	return joined;
}

static void
add_split(Joined *joined, Relids outer, Relids inner)
{
	Split	   *split;
	ListCell   *lc;

	/* the planner tries both as the outer one */
	foreach(lc, joined->splits)
	{
		split = lfirst(lc);
		if (bms_equal(split->outer, outer) || bms_equal(split->outer, inner))
			return;
	}
	split = palloc(sizeof(Split));
	split->outer = bms_copy(outer);
	split->inner = bms_copy(inner);
	joined->splits = lappend(joined->splits, split);
}

static void
remember(Problem *problem, const Path *path)
{
	const JoinPath *join = (const JoinPath *) path;

	check_stack_depth();
	switch (nodeTag(path))
	{
		case T_NestPath:
		case T_MergePath:
		case T_HashPath:
			add_split(find_joined(problem, path->parent),
					  join->outerjoinpath->parent->relids,
					  join->innerjoinpath->parent->relids);
			remember(problem, join->outerjoinpath);
			remember(problem, join->innerjoinpath);
			break;
		case T_MaterialPath:
			remember(problem, ((const MaterialPath *) path)->subpath);
			break;
		case T_MemoizePath:
			remember(problem, ((const MemoizePath *) path)->subpath);
			break;
		case T_ProjectionPath:
			remember(problem, ((const ProjectionPath *) path)->subpath);
			break;
		case T_SortPath:
		case T_IncrementalSortPath:
			remember(problem, ((const SortPath *) path)->subpath);
			break;
		case T_GatherPath:
			remember(problem, ((const GatherPath *) path)->subpath);
			break;
		case T_GatherMergePath:
			remember(problem, ((const GatherMergePath *) path)->subpath);
			break;
		default:
			break;
	}
}

/* ----------
 * Planning with them alone
 * ----------
 */
static RelOptInfo *
find_relation(PlannerInfo *root, List *rels, Relids relids)
{
	ListCell   *lc;

	foreach(lc, rels)
	{
		if (bms_equal(((RelOptInfo *) lfirst(lc))->relids, relids))
			return lfirst(lc);
	}
	return find_join_rel(root, relids);
}

/*
 * The planner takes the number of rows from the first two relations whose join it looks
 * at.  If these are others now, begin anew, with what it said before.
 */
static RelOptInfo *
join_split(PlannerInfo *root, RelOptInfo *outer, RelOptInfo *inner, double rows)
{
	RelOptInfo *result = make_join_rel(root, outer, inner);

	if (result == NULL || rows < 0 || result->rows == rows)
		return result;
	result->rows = rows;
	result->pathlist = NIL;
	result->partial_pathlist = NIL;
	result->ppilist = NIL;
	return make_join_rel(root, outer, inner);
}

/* NULL if they cannot be joined like that. */
static RelOptInfo *
join(PlannerInfo *root, List *rels, const Joined *joined, bool same_rows)
{
	RelOptInfo *result = NULL;
	ListCell   *lc;

	foreach(lc, joined->splits)
	{
		const Split *split = lfirst(lc);
		RelOptInfo *outer = find_relation(root, rels, split->outer);
		RelOptInfo *inner = find_relation(root, rels, split->inner);

		if (outer == NULL || inner == NULL)
			return NULL;
		result = join_split(root, outer, inner, same_rows ? joined->rows : -1);
		if (result == NULL || result->pathlist == NIL)
			return NULL;
	}
	return result;
}

/* As the planner completes it; it gathers the last one itself. */
static void
complete(PlannerInfo *root, RelOptInfo *rel, bool is_last)
{
	generate_partitionwise_join_paths(root, rel);
	if (!is_last)
		generate_useful_gather_paths(root, rel, false);
	set_cheapest(rel);
}

/* Relations that were made are no use to another search, which expects to make them. */
static void
forget_relations(PlannerInfo *root, int made_before)
{
	root->join_rel_list = list_truncate(root->join_rel_list, made_before);
	root->join_rel_hash = NULL;
}

/* Has it all of them?  Another search may be in the place of the one that is known. */
static bool
joins_all(const RelOptInfo *result, List *rels)
{
	ListCell   *lc;

	foreach(lc, rels)
	{
		if (result == NULL || !bms_is_subset(((RelOptInfo *) lfirst(lc))->relids, result->relids))
			return false;
	}
	return true;
}

/* NULL if they do not come to a result. */
static RelOptInfo *
search_known(PlannerInfo *root, List *rels, const Problem *problem, bool same_rows)
{
	int			made_before = list_length(root->join_rel_list);
	RelOptInfo *rel = NULL;
	ListCell   *lc;

	foreach(lc, problem->joined)
	{
		rel = join(root, rels, lfirst(lc), same_rows);
		if (rel == NULL)
			break;
		complete(root, rel, lnext(problem->joined, lc) == NULL);
	}
	if (joins_all(rel, rels))
		return rel;
	forget_relations(root, made_before);
	return NULL;
}

/* As the server does it, with "search" of another extension, or NULL. */
RelOptInfo *
sk_join_order_search_all(PlannerInfo *root, int levels, List *rels,
						 join_search_hook_type search)
{
	if (search)
		return search(root, levels, rels);
	if (enable_geqo && levels >= geqo_threshold)
		return geqo(root, levels, rels);
	return standard_join_search(root, levels, rels);
}

static Problem *
next_problem(SkJoinOrder *order)
{
	if (order->next == list_length(order->problems))
		order->problems = lappend(order->problems, palloc0(sizeof(Problem)));
	return list_nth(order->problems, order->next++);
}

/*
 * A search of the planner: for the joins that are known, if there are any and nothing
 * else is wanted, or for all; those of the result are remembered then.  "same_rows":
 * joins have as many rows as they had.  "search" is another extension's, or NULL.
 */
RelOptInfo *
sk_join_order_search(SkJoinOrder *order, bool known_only, bool same_rows,
					 PlannerInfo *root, int levels, List *rels,
					 join_search_hook_type search)
{
	MemoryContext old = MemoryContextSwitchTo(order->context);
	Problem    *problem = next_problem(order);
	RelOptInfo *result = NULL;
	ListCell   *lc;

	MemoryContextSwitchTo(old);
	order->known_only = known_only && problem->joined != NIL;
	if (order->known_only)
		result = search_known(root, rels, problem, same_rows);
	order->known_only = false;
	if (result != NULL || known_only)
		return result != NULL ? result : sk_join_order_search_all(root, levels, rels, search);
	result = sk_join_order_search_all(root, levels, rels, search);
	old = MemoryContextSwitchTo(order->context);
	foreach(lc, result->pathlist)
		remember(problem, lfirst(lc));
	MemoryContextSwitchTo(old);
	return result;
}
