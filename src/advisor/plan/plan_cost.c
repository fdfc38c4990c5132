/*-------------------------------------------------------------------------
 *
 * advisor/plan/plan_cost.c
 *	  What a plan uses, and what it costs if its luck is bad.
 *
 * The planner takes the rows that a LIMIT wants to be spread evenly over the
 * index that gives the order: if a tenth of the rows pass the filter, ten
 * entries are read for each row that is wanted.  When that is wrong, because a
 * user's orders are all old, or an estimate is off, the whole index is read: such
 * a plan was seen to take 80 times as long as the one that it replaced.  A new
 * index must not be the cause of that.  So a scan that is ordered, filtered by
 * something that few rows pass, and cut off by a LIMIT, is taken to go on to its
 * end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/plan_cost.h"

#include "advisor/plan/unlucky.h"
#include "base/table.h"

#include "parser/parsetree.h"

/* So many rows must pass for the end to be near. */
#define HARMLESS_FRACTION 0.1

/*
 * Is it a scan in order that throws most rows away, or, if "pessimistic", any?
 */
static bool
is_filtered(const Plan *plan, List *rtable, bool pessimistic)
{
	const Scan *scan = (const Scan *) plan;
	List	   *conditions;

	if (IsA(plan, IndexScan))
		conditions = ((const IndexScan *) plan)->indexqual;
	else if (IsA(plan, IndexOnlyScan))
		conditions = ((const IndexOnlyScan *) plan)->indexqual;
	else
		return false;
	if (pessimistic)
		return plan->qual != NIL;
	return plan->qual != NIL && conditions == NIL &&
		plan->plan_rows < HARMLESS_FRACTION *
		sk_table_rows(rt_fetch(scan->scanrelid, rtable)->relid);
}

/* The scan whose rows come out of a plan one by one, as they are asked for. */
static const Plan *
source_of(const Plan *plan)
{
	while (plan != NULL)
	{
		switch (nodeTag(plan))
		{
			case T_Result:
			case T_NestLoop:
			case T_LockRows:
			case T_ProjectSet:
			case T_Unique:
			case T_IncrementalSort:
			case T_Gather:
			case T_GatherMerge:
				plan = outerPlan(plan);
				break;
			case T_SubqueryScan:
				plan = ((const SubqueryScan *) plan)->subplan;
				break;
			default:
				return plan;
		}
	}
	return NULL;
}

/* What the limits in a plan may not save after all. */
static double
at_risk(const Plan *plan, List *rtable, bool pessimistic)
{
	double		cost = 0;

	if (plan == NULL)
		return 0;
	if (IsA(plan, Limit))
	{
		const Plan *source = source_of(outerPlan(plan));

		if (source != NULL && is_filtered(source, rtable, pessimistic))
			cost = Max(outerPlan(plan)->total_cost - plan->total_cost, 0);
	}
	if (IsA(plan, SubqueryScan))
		cost += at_risk(((const SubqueryScan *) plan)->subplan, rtable, pessimistic);
	return cost + at_risk(outerPlan(plan), rtable, pessimistic) +
		at_risk(innerPlan(plan), rtable, pessimistic);
}

/*
 * The cost of a plan, with what it risks.  "pessimistic": it was seen that a LIMIT does
 * not save what the planner thinks.
 */
double
sk_plan_cost(const PlannedStmt *plan, bool pessimistic)
{
	double		cost = plan->planTree->total_cost +
		at_risk(plan->planTree, plan->rtable, pessimistic);
	ListCell   *lc;

	foreach(lc, plan->subplans)
		cost += at_risk(lfirst(lc), plan->rtable, pessimistic);
	return cost;
}

typedef struct Uses
{
	List	   *indexes;
	int			nodes;
} Uses;

static void collect(const Plan *plan, Uses *uses);

static void
collect_all(List *plans, Uses *uses)
{
	ListCell   *lc;

	foreach(lc, plans)
		collect(lfirst(lc), uses);
}

static void
collect_index(Uses *uses, int node, Oid index)
{
	uses->nodes |= node;
	uses->indexes = list_append_unique_oid(uses->indexes, index);
}

/* Add what a part of a plan has to what was found. */
static void
collect(const Plan *plan, Uses *uses)
{
	if (plan == NULL)
		return;
	switch (nodeTag(plan))
	{
		case T_SeqScan:
			uses->nodes |= SK_NODE_SEQ_SCAN;
			break;
		case T_IndexScan:
			collect_index(uses, SK_NODE_INDEX_SCAN, ((const IndexScan *) plan)->indexid);
			break;
		case T_IndexOnlyScan:
			collect_index(uses, SK_NODE_INDEX_ONLY_SCAN,
						  ((const IndexOnlyScan *) plan)->indexid);
			break;
		case T_BitmapIndexScan:
			collect_index(uses, SK_NODE_BITMAP_SCAN,
						  ((const BitmapIndexScan *) plan)->indexid);
			break;
		case T_BitmapAnd:
			collect_all(((const BitmapAnd *) plan)->bitmapplans, uses);
			break;
		case T_BitmapOr:
			collect_all(((const BitmapOr *) plan)->bitmapplans, uses);
			break;
		case T_Append:
			collect_all(((const Append *) plan)->appendplans, uses);
			break;
		case T_MergeAppend:
			collect_all(((const MergeAppend *) plan)->mergeplans, uses);
			break;
		case T_SubqueryScan:
			collect(((const SubqueryScan *) plan)->subplan, uses);
			break;
		case T_CustomScan:
			collect_all(((const CustomScan *) plan)->custom_plans, uses);
			break;
		case T_NestLoop:
			uses->nodes |= SK_NODE_NEST_LOOP;
			break;
		case T_MergeJoin:
			uses->nodes |= SK_NODE_MERGE_JOIN;
			break;
		case T_HashJoin:
			uses->nodes |= SK_NODE_HASH_JOIN;
			break;
		case T_Sort:
		case T_IncrementalSort:
			uses->nodes |= SK_NODE_SORT;
			break;
		default:
			break;
	}
	collect(outerPlan(plan), uses);
	collect(innerPlan(plan), uses);
}

/*
 * OIDs of the indexes that a plan uses, those that do not exist included, and the kinds
 * of its nodes.
 */
List *
sk_plan_cost_indexes(const PlannedStmt *plan, int *nodes)
{
	Uses		uses = {NIL, 0};

	collect(plan->planTree, &uses);
	collect_all(plan->subplans, &uses);
	*nodes |= uses.nodes;
	return uses.indexes;
}
