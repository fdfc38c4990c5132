/*-------------------------------------------------------------------------
 *
 * advisor/run.c
 *	  Advice on indexes, made.
 *
 * From the workload to what should be done: the statements are planned, the cost
 * table is filled, indexes are chosen, and the choice is verified by planning
 * again with exactly what was chosen.  No statement may get slower by more than
 * the regression allowed; an index that makes one so goes.  Then come foreign
 * keys without an index, and indexes to drop or to rebuild.
 *
 * Time is divided: each step leaves some to the next, so that there is an answer
 * when it is over.  Verification comes last, and is done in any case: it plans each
 * statement once or a few times.  Nothing in the database is changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/run.h"

#include "advisor/finding.h"
#include "advisor/foreign_index.h"
#include "advisor/foreign_key.h"
#include "advisor/item.h"
#include "advisor/problem.h"
#include "advisor/refusal.h"
#include "advisor/scope.h"
#include "advisor/search/cost_explore.h"
#include "advisor/search/cost_merge.h"
#include "advisor/search/cost_table.h"
#include "advisor/search/select.h"
#include "advisor/slow.h"
#include "advisor/statistics.h"
#include "advisor/verify.h"
#include "base/guard.h"
#include "base/table.h"
#include "base/trust.h"
#include "index/deparse.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include <math.h>

/* When each step must be done, as a fraction of the time allowed. */
#define LEARN_UNTIL		0.3
#define EXPLORE_UNTIL	0.5
#define SELECT_UNTIL	0.7

#define MS_PER_DAY 86400000.0

/* How often a choice is corrected. */
#define MAX_REPAIRS 20

/* How often what is near a choice is looked at. */
#define MAX_ROUNDS 10

static TimestampTz
part_of_time(const SkAdvice *advice, double part)
{
	if (advice->deadline == 0)
		return 0;
	return advice->start +
		(TimestampTz) ((advice->deadline - advice->start) * part);
}

static bool
is_over(SkAdvice *advice, double part)
{
	CHECK_FOR_INTERRUPTS();
	if (advice->deadline == 0 ||
		GetCurrentTimestamp() <= part_of_time(advice, part))
		return false;
	advice->out_of_time = true;
	return true;
}

/* ----------
 * The workload, planned
 * ----------
 */

/* From its value: what an index must save of its cost. */
static void
set_least_saving(const SkAdvice *advice, SkQuery *query)
{
	if (advice->workload->measured && advice->options.min_benefit > 0 &&
		query->entry.value > 0)
		query->least_saving = query->cost / query->entry.value *
			Min(SK_ADVICE_LEAST_MS * query->entry.calls, advice->least_daily_ms);
}

/* A statement without a plan is not one of those asked for. */
static void
learn(SkAdvice *advice)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, advice->workload->entries)
	{
		SkQuery    *query = sk_query_make(lfirst(lc));

		advice->queries = lappend(advice->queries, query);
		if (n >= advice->options.max_queries || is_over(advice, LEARN_UNTIL))
		{
			query->entry.sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
			query->left_out = n >= advice->options.max_queries ?
				"max_queries" : "time_budget";
			query->entry.reason = psprintf("beyond %s", query->left_out);
			continue;
		}
		if (query->entry.sqlerrcode == 0)
			(void) sk_query_learn(query, advice->pool, sk_advice_scope_allows, advice);
		if (!advice->workload->measured)
			query->entry.value = query->entry.calls * query->cost;
		set_least_saving(advice, query);
		if (!query->entry.statement->utility)
			n++;
	}
}

typedef struct KeyWork
{
	SkAdvice   *advice;
	SkForeignKey *key;
	SkGuarded	work;
} KeyWork;

static void
with_tables(void *arg)
{
	KeyWork    *one = arg;

	sk_table_hold(one->key->relid);
	sk_table_hold(one->key->referenced);
	one->work(one);
}

/*
 * For each foreign key, with its tables locked; it is passed over if something that
 * it needs is locked or gone.
 */
static void
for_each_key(SkAdvice *advice, SkGuarded work)
{
	ListCell   *lc;

	foreach(lc, advice->keys)
	{
		KeyWork		one = {advice, lfirst(lc), work};

		(void) sk_guard_rehearse(with_tables, &one);
	}
}

/*
 * What is asked for each row, deleted or with another key, of a table that a foreign key without an
 * index refers to is a statement of the workload, though nobody wrote it.
 */
static void
learn_foreign_key(void *arg)
{
	SkAdvice   *advice = ((KeyWork *) arg)->advice;
	SkForeignKey *key = ((KeyWork *) arg)->key;
	double		rows;
	SkWorkloadEntry entry = {0};
	SkQuery    *query;

	rows = sk_write_cost_deletes(advice->writes, key->referenced) +
		sk_write_cost_changes(advice->writes, key->referenced, key->keys, key->n);
	key->changes = rows;
	if (rows <= 0 || is_over(advice, LEARN_UNTIL) ||
		pg_class_aclcheck(key->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
		sk_advice_foreign_key_is_served(key, sk_candidate_existing(advice->pool,
																   key->relid)))
		return;
	entry.statement = sk_statement_make(sk_advice_foreign_key_query(key), SK_NAMES_COLUMNS);
	/* nobody has asked for the statement, so it is not planned as who calls */
	entry.role = sk_trust_reader(key->relid);
	entry.rows = -1;
	entry.calls = rows;
	query = sk_query_make(&entry);
	query->foreign_key = key->name;
	if (!sk_query_learn(query, advice->pool, sk_advice_scope_allows, advice))
		return;
	query->entry.value = rows * query->cost * sk_write_cost_unit(advice->writes);
	set_least_saving(advice, query);
	advice->queries = lappend(advice->queries, query);
	key->learnt = true;
	key->value = query->entry.value;
}

static int
by_value(const ListCell *a, const ListCell *b)
{
	const SkQuery *x = lfirst(a);
	const SkQuery *y = lfirst(b);

	if (x->entry.value != y->entry.value)
		return x->entry.value > y->entry.value ? -1 : 1;
	return x->entry.id < y->entry.id ? -1 : x->entry.id > y->entry.id;
}

/* ----------
 * The choice
 * ----------
 */

/* It is not to be chosen again. */
static void
blame_for(SkAdvice *advice, SkProblem *problem, int id)
{
	sk_advice_refusal_add(advice, advice->pool->candidate[id], problem->write[id],
						  "it makes another statement slower than max_regression allows");
	problem->usable = bms_del_member(problem->usable, id);
	problem->blamed = bms_add_member(problem->blamed, id);
}

/* ----------
 * The answer
 * ----------
 */
static void
add_chosen(SkAdvice *advice, const SkProblem *problem, const Bitmapset *chosen,
		   const SkVerified *verified)
{
	int			id = -1;

	while ((id = bms_next_member(chosen, id)) >= 0)
	{
		SkAdviceItem *item = palloc0(sizeof(SkAdviceItem));

		item->index = advice->pool->candidate[id]->index;
		item->definition = advice->pool->candidate[id]->definition;
		item->relid = item->index->relid;
		item->replaced = advice->options.replace ?
			sk_advice_item_replaced(advice, item->index) : NIL;
		item->action = item->replaced != NIL ? SK_ADVICE_REPLACE : SK_ADVICE_CREATE;
		item->bytes = problem->bytes[id];
		item->write = problem->write[id];
		item->benefit = sk_advice_verify_benefit(advice, verified, chosen, id, &item->helped);
		item->confidence = sk_advice_item_confidence(item->index, item->helped);
		item->reason = sk_advice_item_reason(item);
		advice->items = lappend(advice->items, item);
	}
}

static int
by_benefit(const ListCell *a, const ListCell *b)
{
	const SkAdviceItem *x = lfirst(a);
	const SkAdviceItem *y = lfirst(b);
	double		gain_x = x->benefit - x->write;
	double		gain_y = y->benefit - y->write;

	if (gain_x != gain_y)
		return gain_x > gain_y ? -1 : 1;
	return strcmp(x->definition, y->definition);
}

/* The highest value that can be saved, were there no limits. */
static double
attainable(const SkAdvice *advice)
{
	double		value = 0;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->cost > 0)
			value += query->entry.value * (1 - sk_cost_table_least(query)->cost / query->cost);
	}
	return value;
}

/*
 * A choice, and what else could be chosen in place of it, until there is nothing better.
 * What statements were seen to use is known after the first round, and what could replace
 * two of those is tried from then on.
 */
static Bitmapset *
choose_explored(SkAdvice *advice, SkProblem *problem, Bitmapset *start)
{
	Bitmapset  *chosen = sk_select(problem, start);

	for (int round = 0; round < MAX_ROUNDS; round++)
	{
		Bitmapset  *next;

		if (round == 1 && start == NULL)
			sk_cost_merge(advice->pool);
		if (!sk_cost_explore_around(advice->queries, advice->pool, chosen,
									problem->deadline))
			problem->late = true;
		sk_advice_problem_pose(advice, problem);
		next = sk_select(problem, chosen);
		if (bms_equal(next, chosen))
			break;
		chosen = next;
	}
	return chosen;
}

/*
 * A choice, verified, and corrected.  Each one begins with the last, so what is known
 * to be good is not lost when the time is over.
 */
static Bitmapset *
choose_verified(SkAdvice *advice, SkProblem *problem, SkVerified **verified)
{
	Bitmapset  *chosen = choose_explored(advice, problem, NULL);

	*verified = sk_advice_verify(advice, chosen, NULL);
	for (int repairs = 0; repairs < MAX_REPAIRS; repairs++)
	{
		/* the table has learnt, so another choice may be better now */
		Bitmapset  *next = choose_explored(advice, problem, chosen);

		if (bms_equal(next, chosen))
		{
			int			blame = sk_advice_verify_blame(advice, problem, chosen, *verified);

			if (blame < 0)
				break;
			blame_for(advice, problem, blame);
			next = choose_explored(advice, problem, chosen);
		}
		chosen = next;
		*verified = sk_advice_verify(advice, chosen, *verified);
	}
	return chosen;
}

static void
choose(SkAdvice *advice)
{
	SkProblem	problem = {0};
	Bitmapset  *chosen;
	SkVerified *verified;
	int			blame;
	int			i = 0;
	ListCell   *lc;

	if (!sk_cost_explore(advice->queries, advice->pool,
						 part_of_time(advice, EXPLORE_UNTIL)))
		advice->out_of_time = true;
	problem.deadline = part_of_time(advice, SELECT_UNTIL);
	sk_advice_problem_pose(advice, &problem);
	chosen = choose_verified(advice, &problem, &verified);

	/* what still makes a statement slower is removed, without another choice */
	while ((blame = sk_advice_verify_blame(advice, &problem, chosen, verified)) >= 0)
	{
		blame_for(advice, &problem, blame);
		chosen = bms_del_member(chosen, blame);
		verified = sk_advice_verify(advice, chosen, verified);
	}
	advice->least_gain = problem.least_gain;
	sk_advice_refusal_collect(advice, &problem, chosen);
	advice->out_of_time |= problem.late;
	add_chosen(advice, &problem, chosen, verified);
	list_sort(advice->items, by_benefit);
	advice->attainable = attainable(advice);
	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->cost > 0)
			advice->achieved += query->entry.value *
				(1 - verified[i].cost / query->cost);
		i++;
	}
}

static void
add_foreign_key(void *arg)
{
	KeyWork    *one = arg;

	sk_advice_foreign_index_add(one->advice, one->key);
}

/*
 * The statements, planned as things are, and no more.  All that it needs is allocated in the
 * current memory context.
 */
SkAdvice *
sk_advice_run_learn(const SkAdviceOptions *options)
{
	SkAdvice   *advice = palloc0(sizeof(SkAdvice));

	advice->options = *options;
	advice->start = GetCurrentTimestamp();
	if (!isinf(options->time_budget))
		advice->deadline = advice->start + (TimestampTz) (options->time_budget * 1000);
	advice->pool = sk_candidate_pool(options->max_width, options->storage_budget);
	advice->workload = options->queries != NULL ?
		sk_workload_given(options->queries, options->weights) :
		sk_workload_measured(options->max_queries);
	advice->least_daily_ms = MS_PER_DAY *
		(advice->workload->days < SK_ADVICE_LEAST_DAYS ?
		 SK_ADVICE_LEAST_OF_CORE_YOUNG : SK_ADVICE_LEAST_OF_CORE);
	sk_query_planner_calls = 0;
	learn(advice);
	advice->writes = sk_write_cost_collect(advice->queries,
										   advice->workload->measured);
	sk_advice_slow_find(advice);
	advice->keys = sk_advice_foreign_key_list(advice);
	for_each_key(advice, learn_foreign_key);
	list_sort(advice->queries, by_value);
	return advice;
}

/* Make it. */
SkAdvice *
sk_advice_run(const SkAdviceOptions *options)
{
	SkAdvice   *advice = sk_advice_run_learn(options);

	if (options->create || options->replace)
		choose(advice);
	sk_advice_finding_collect(advice);
	if (options->create || options->foreign_keys)
		for_each_key(advice, add_foreign_key);
	if (options->statistics)
		sk_advice_statistics_find(advice);
	sk_advice_refusal_finish(advice);
	return advice;
}
