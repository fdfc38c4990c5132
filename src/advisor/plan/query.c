/*-------------------------------------------------------------------------
 *
 * advisor/plan/query.c
 *	  A statement of the workload, and what its plans cost.
 *
 * Planning runs code of users: functions that are said to be immutable are
 * called by the planner.  So each statement is planned as the role that ran it,
 * in a restricted operation, with nothing of the caller's rights; and not even as that
 * one if it is a superuser and the code is somebody else's.  What a name in the statement
 * means may have changed since it was run.  All of it
 * happens in a subtransaction that is rolled back: no lock and no setting
 * remains, and a statement that cannot be planned says why.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/query.h"

#include "advisor/plan/plan_cost.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/guc.h"
#include "workload/param_value.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include <math.h>

/* A statement that is ready to be planned. */
struct SkRun
{
	SkQuery    *query;
	List	   *trees;			/* Query */
	ParamListInfo params;
	MemoryContext scratch;		/* for one plan */
	double		rows;			/* of the last plan, */
	int			nodes;			/* and their kinds */
};

int64		sk_query_planner_calls;

/* A statement of the workload, not planned yet. */
SkQuery *
sk_query_make(const SkWorkloadEntry *entry)
{
	SkQuery    *query = palloc0(sizeof(SkQuery));

	query->entry = *entry;
	query->share = -1;
	query->misfit = 1;
	sk_join_order_init(&query->order);
	return query;
}

/* ----------
 * Plans
 * ----------
 */
static double
rows_of(const PlannedStmt *plan)
{
	const Plan *top = plan->planTree;

	if (IsA(top, ModifyTable) && outerPlan(top) != NULL)
		top = outerPlan(top);
	return top->plan_rows;
}

static double
plan_with(SkRun *run, ParamListInfo params, const SkWhatIf *whatif, List **used,
		  bool check)
{
	double		cost = 0;
	List	   *found = NIL;
	ListCell   *lc;
	MemoryContext old = MemoryContextSwitchTo(run->scratch);

	CHECK_FOR_INTERRUPTS();
	run->nodes = 0;
	if (whatif->order != NULL)
		sk_join_order_begin(whatif->order);
	foreach(lc, run->trees)
	{
		PlannedStmt *plan;

		if (lfirst_node(Query, lc)->commandType == CMD_UTILITY)
			continue;
		plan = sk_whatif_plan(lfirst(lc), run->query->entry.statement->text, params,
							  whatif);
		sk_query_planner_calls++;
		if (check)
			sk_check_plan_permissions(plan);
		cost += sk_plan_cost(plan, run->query->pessimistic);
		run->rows = rows_of(plan);
		found = list_concat(found, sk_plan_cost_indexes(plan, &run->nodes));
	}
	MemoryContextSwitchTo(old);
	if (used != NULL)
		*used = list_copy(found);
	MemoryContextReset(run->scratch);
	return cost;
}

/* What the statement costs under an assumption, and which indexes it uses. */
double
sk_query_plan(SkRun *run, const SkWhatIf *whatif, List **used)
{
	return plan_with(run, run->params, whatif, used, false);
}

/* The same with values that few rows have. */
double
sk_query_plan_rare(SkRun *run, const SkWhatIf *whatif, List **used)
{
	return plan_with(run, run->query->rare, whatif, used, false);
}

/* The kinds of nodes that the last plan has */
int
sk_query_nodes(const SkRun *run)
{
	return run->nodes;
}

/* The statement, as it is planned */
List *
sk_query_trees(const SkRun *run)
{
	return run->trees;
}

/* ----------
 * Runs
 * ----------
 */
typedef struct Work
{
	SkRun		run;
	SkQueryWork work;
	void	   *arg;
} Work;

static List *
code_of_others(List *trees)
{
	return list_delete_oid(sk_code_of_queries(trees), GetUserId());
}

static bool
relids_walker(Node *node, List **relids)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, relids_walker, relids);
	foreach(lc, ((Query *) node)->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_RELATION)
			*relids = lappend_oid(*relids, lfirst_node(RangeTblEntry, lc)->relid);
	}
	return query_tree_walker((Query *) node, relids_walker, relids, 0);
}

/* The tables in the queries, in their order */
static List *
relids_of(List *trees)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, trees)
		(void) relids_walker(lfirst(lc), &relids);
	return relids;
}

/*
 * The schemas that are searched now, as a search_path that does not depend on who asks:
 * the session's may have "$user".
 */
static char *
fixed_search_path(void)
{
	StringInfoData path;
	ListCell   *lc;

	initStringInfo(&path);
	foreach(lc, fetch_search_path(false))
	{
		char	   *schema = get_namespace_name(lfirst_oid(lc));

		if (schema != NULL)
			appendStringInfo(&path, "%s%s", path.len > 0 ? ", " : "", quote_identifier(schema));
	}
	return path.data;
}

static void
refuse(List *owners)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("planning would run code of %s with the rights of \"%s\"",
					sk_code_roles(owners), GetUserNameFromId(GetUserId(), false))));
}

/*
 * The statement, analyzed again as the role whose code it runs.  It must mean the same
 * for that one, and run nobody else's.
 */
static List *
analyze_as(Oid role, const SkStatement *statement, List *trees)
{
	SkStatement same = *statement;
	List	   *again;
	List	   *owners;

	same.search_path = fixed_search_path();
	sk_guard_become(role);
	again = sk_statement_analyze(&same);
	if (!equal(relids_of(again), relids_of(trees)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the statement names other tables if it is planned as role \"%s\"",
						GetUserNameFromId(role, false))));
	owners = code_of_others(again);
	if (owners != NIL)
		refuse(owners);
	return again;
}

/*
 * As whom to plan the statement, of which this much is known.  If the planner would run
 * somebody else's code, that is the owner of the code, where the current role has his
 * rights.  Otherwise a superuser does not plan it.  Others do, as they would execute
 * it.
 */
static Oid
role_for(List *trees)
{
	List	   *owners = code_of_others(trees);

	if (list_length(owners) == 1 && OidIsValid(linitial_oid(owners)) &&
		has_privs_of_role(GetUserId(), linitial_oid(owners)) &&
		sk_may_become(linitial_oid(owners)))
		return linitial_oid(owners);
	if (owners != NIL && superuser())
		refuse(owners);
	return GetUserId();
}

/* The same, before constants are read, since that runs code of their types */
static List *
analyze_unread(SkStatement *statement)
{
	List	   *trees;

	statement->unread = true;
	trees = sk_statement_analyze(statement);
	statement->unread = false;
	return trees;
}

/*
 * The statement, analyzed, as the role as which it is planned.
 */
static List *
analyze(SkStatement *statement)
{
	List	   *trees;
	Oid			role;

	statement->unread = false;
	if (superuser() && sk_code_has_types())
	{
		trees = analyze_unread(statement);
		role = role_for(trees);
		if (role != GetUserId())
			return analyze_as(role, statement, trees);
	}
	trees = sk_statement_analyze(statement);
	role = role_for(trees);
	return role == GetUserId() ? trees : analyze_as(role, statement, trees);
}

static void
do_work(void *arg)
{
	Work	   *work = arg;
	SkQuery    *query = work->run.query;

	sk_guard_become(query->entry.role);
	sk_guc_set_local("lock_timeout", SK_QUERY_LOCK_TIMEOUT);
	work->run.trees = analyze(query->entry.statement);
	work->run.params = query->params;
	work->work(&work->run, work->arg);
}

/*
 * Do "work" with a statement, as its role.  False if that failed; then the
 * statement says why.  What shall remain must be put into other memory than
 * that which is current during the work.
 */
bool
sk_query_run(SkQuery *query, SkQueryWork work, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Work		all;
	ErrorData  *error;

	memset(&all, 0, sizeof(all));
	all.run.query = query;
	all.run.scratch = AllocSetContextCreate(context, "schemakit plan",
											ALLOCSET_DEFAULT_SIZES);
	all.work = work;
	all.arg = arg;
	error = sk_guard_rehearse(do_work, &all);
	MemoryContextSwitchTo(old);
	if (error != NULL)
	{
		query->entry.sqlerrcode = error->sqlerrcode;
		query->entry.reason = pstrdup(error->message ? error->message : "");
	}
	MemoryContextDelete(context);
	return error == NULL;
}

/* ----------
 * The first time
 * ----------
 */
typedef struct Lesson
{
	MemoryContext context;		/* of what remains */
	SkQuery    *query;
	SkPool	   *pool;
	bool		(*allowed) (Oid relid, void *arg);
	void	   *arg;
	SkParams   *params;
} Lesson;

/*
 * Tables are looked at as they are in the statement: a partitioned table as one,
 * not its partitions.  Other children are tables of their own.
 */
static bool
is_table(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	if (rte->rtekind != RTE_RELATION ||
		(rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_MATVIEW &&
		 rte->relkind != RELKIND_PARTITIONED_TABLE))
		return false;
	if (rel->reloptkind == RELOPT_BASEREL)
		return true;
	return rel->reloptkind == RELOPT_OTHER_MEMBER_REL &&
		!get_rel_relispartition(rte->relid);
}

static void
observe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, void *arg)
{
	Lesson	   *lesson = arg;
	MemoryContext old;

	sk_param_observe(lesson->params, root, rel, rte);
	if (!is_table(root, rel, rte) || !lesson->allowed(rte->relid, lesson->arg))
		return;
	old = MemoryContextSwitchTo(lesson->context);
	lesson->query->accesses = lappend(lesson->query->accesses,
									  sk_indexable_of(root, rel, rte));
	MemoryContextSwitchTo(old);
}

/* Does the statement return just the rows that its conditions leave? */
static bool
returns_found_rows(const SkRun *run)
{
	const Query *tree;

	if (list_length(run->trees) != 1)
		return false;
	tree = linitial_node(Query, run->trees);
	return !tree->hasAggs && tree->groupClause == NIL &&
		tree->groupingSets == NIL && tree->distinctClause == NIL &&
		tree->limitCount == NULL && tree->setOperations == NULL &&
		!tree->hasTargetSRFs && tree->commandType != CMD_UTILITY;
}

static double
misfit(SkRun *run, const SkParams *params, double share)
{
	static const SkWhatIf nothing;

	(void) plan_with(run, sk_param_values(params, share), &nothing, NULL, false);
	return fabs(log(Max(run->rows, 0.5) / Max(run->query->entry.rows, 0.5)));
}

/*
 * Find the share for which the planner expects as many rows as the statement
 * returned: among five at first, then between the neighbours of the best one.
 */
static void
calibrate(SkRun *run, const SkParams *params)
{
	SkQuery    *query = run->query;
	double		best;

	query->share = -1;
	if (query->entry.rows < 0 || !sk_param_is_adjustable(params) ||
		!returns_found_rows(run))
		return;
	best = misfit(run, params, -1);
	for (double width = 0.25, from = 0, to = 1; width > 0.03; width /= 2)
	{
		for (double share = from; share <= to; share += width)
		{
			double		fit;

			if (best < 0.1)
				return;
			fit = misfit(run, params, share);
			if (fit < best)
			{
				best = fit;
				query->share = share;
			}
		}
		if (query->share < 0)
			return;
		from = Max(query->share - width / 2, 0);
		to = Min(query->share + width / 2, 1);
	}
}

static void
learn_target(SkRun *run, Lesson *lesson)
{
	SkQuery    *query = run->query;
	Query	   *tree = run->trees == NIL ? NULL : linitial_node(Query, run->trees);
	ListCell   *lc;

	if (tree == NULL)
		return;
	query->command = tree->commandType;
	if (tree->resultRelation == 0)
		return;
	query->target = rt_fetch(tree->resultRelation, tree->rtable)->relid;
	query->changes = query->entry.rows >= 0 ? query->entry.rows : run->rows;
	if (tree->commandType != CMD_UPDATE)
		return;
	foreach(lc, tree->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (!entry->resjunk)
			query->changed = bms_add_member(query->changed, entry->resno);
	}
}

static bool
has_limit(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, has_limit, arg);
	return ((Query *) node)->limitCount != NULL ||
		query_tree_walker((Query *) node, has_limit, arg, 0);
}

static void
learn(SkRun *run, void *arg)
{
	Lesson	   *lesson = arg;
	SkQuery    *query = run->query;
	SkWhatIf	observed = {.observer = observe,.arg = lesson,.order = &query->order};
	SkWhatIf	nothing = {.order = &query->order};
	MemoryContext old;
	SkCostEntry *config;
	List	   *used;
	Bitmapset  *ids = NULL;
	ListCell   *lc;
	ParamListInfo rare = NULL;

	lesson->params = sk_param_begin(run->trees, query->entry.statement->ntypes,
									query->entry.statement->types, query->entry.rows, false);
	query->cost = plan_with(run, NULL, &observed, &used, true);
	if (query->entry.statement->ntypes > 0)
	{
		calibrate(run, lesson->params);
		run->params = sk_param_values(lesson->params, query->share);
		query->cost = sk_query_plan(run, &nothing, &used);
		if (has_limit((Node *) run->trees, NULL))
			rare = sk_param_value_rare(lesson->params, query->share);
	}

	old = MemoryContextSwitchTo(lesson->context);
	query->params = run->params == NULL ? NULL : copyParamList(run->params);
	query->misfit = query->entry.rows >= 0 && returns_found_rows(run) ?
		Max(query->entry.rows, 0.5) / Max(run->rows, 0.5) : 1;
	query->rare = rare == NULL ? NULL : copyParamList(rare);
	query->indexes = list_copy(used);
	query->nodes = run->nodes;
	config = palloc0(sizeof(SkCostEntry));
	config->cost = query->cost;
	query->costs = list_make1(config);
	learn_target(run, lesson);
	MemoryContextSwitchTo(old);

	foreach(lc, query->accesses)
		ids = sk_candidate_generate(lesson->pool, lfirst(lc), ids);
	old = MemoryContextSwitchTo(lesson->context);
	query->candidates = bms_copy(ids);
	MemoryContextSwitchTo(old);
}

/*
 * Plan a statement for the first time: what it costs as things are, and which
 * indexes might help, on tables that are "allowed".  What is found is kept in
 * the current memory context.
 */
bool
sk_query_learn(SkQuery *query, SkPool *pool,
			   bool (*allowed) (Oid relid, void *arg), void *arg)
{
	Lesson		lesson = {CurrentMemoryContext, query, pool, allowed, arg, NULL};

	return sk_query_run(query, learn, &lesson);
}

/* ----------
 * What takes longer than its plan says
 * ----------
 */
typedef struct Doubt
{
	MemoryContext context;		/* of what remains */
	double		cost;
	bool		adopted;
} Doubt;

static void
doubt(SkRun *run, void *arg)
{
	Doubt	   *doubt = arg;
	SkQuery    *query = run->query;
	static const SkWhatIf nothing;
	List	   *used;
	double		cost;
	MemoryContext old;

	if (query->rare != NULL)
		run->params = query->rare;
	cost = sk_query_plan(run, &nothing, &used);
	if (cost < doubt->cost)
		return;
	doubt->adopted = true;
	old = MemoryContextSwitchTo(doubt->context);
	query->params = run->params;
	query->rare = NULL;
	query->cost = cost;
	query->nodes = run->nodes;
	query->indexes = list_copy(used);
	((SkCostEntry *) linitial(query->costs))->cost = cost;
	MemoryContextSwitchTo(old);
}

/*
 * A statement was seen to cost much more than its plan says.  See whether that is so if
 * it looks for values that few rows have, and a LIMIT does not save anything: if that
 * costs at least "cost", plan it so from now on.
 */
bool
sk_query_doubt(SkQuery *query, double cost)
{
	Doubt		arg = {CurrentMemoryContext, cost, false};

	query->pessimistic = true;
	query->pessimistic = sk_query_run(query, doubt, &arg) && arg.adopted;
	return query->pessimistic;
}
