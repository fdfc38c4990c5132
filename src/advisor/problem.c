/*-------------------------------------------------------------------------
 *
 * advisor/problem.c
 *	  Which indexes there are to choose from, and within which limits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/problem.h"

#include "advisor/item.h"
#include "advisor/refusal.h"
#include "advisor/scope.h"
#include "base/guard.h"
#include "base/table.h"
#include "base/trust.h"
#include "index/compare.h"

#include "catalog/partition.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

/* An index, and whether all code in it is the table's owner's or a superuser's */
typedef struct Ownership
{
	const SkIndex *index;
	bool		owned;
} Ownership;

static void
ask_for_owner(void *arg)
{
	Ownership  *ownership = arg;
	const SkIndex *index = ownership->index;
	Oid			owner;

	sk_table_hold(index->relid);
	owner = sk_table_owner(index->relid);
	ownership->owned = sk_trust_expression_by((Node *) index->predicate, owner);
	for (int i = 0; i < index->nkeys; i++)
		ownership->owned &= sk_trust_expression_by(index->keys[i].expr, owner);
}

/*
 * Everybody who writes to a table runs what is in its indexes.  The owner answers for
 * that, so who has only run statements must not bring in code of his own.
 */
static bool
has_code_of_others(const SkIndex *index)
{
	Ownership	ownership = {index, false};

	if (index->predicate == NIL && !sk_index_has_expression(index))
		return false;
	(void) sk_guard_rehearse(ask_for_owner, &ownership);
	return !ownership.owned;
}

/* An index on a partitioned table, and one on a partition */
typedef struct Part
{
	const SkIndex *whole;
	const SkIndex *index;
	bool		covers;
} Part;

static void
compare_part(void *arg)
{
	Part	   *part = arg;

	sk_table_hold(part->whole->relid);
	sk_table_hold(part->index->relid);
	part->covers = sk_index_compare_covers(sk_index_for_partition(part->whole, part->index->relid),
										   part->index);
}

/* Does the index get a part that makes the other one redundant? */
static bool
has_wider_part(const SkIndex *whole, const SkIndex *index)
{
	Part		part = {whole, index, false};

	if (!get_rel_relispartition(index->relid) ||
		!list_member_oid(get_partition_ancestors(index->relid), whole->relid) ||
		!equal(whole->predicate, index->predicate))
		return false;
	(void) sk_guard_rehearse(compare_part, &part);
	return part.covers;
}

/*
 * Does one make another redundant?  A small part of a table's rows may be worth an index
 * of its own besides one of all rows, as in finding.c.
 */
static bool
is_wider(const SkPool *pool, const SkProblem *problem, int wide, int id)
{
	const SkIndex *a = pool->candidate[wide]->index;
	const SkIndex *b = pool->candidate[id]->index;

	if (a->relid != b->relid)
		return has_wider_part(a, b);
	return wide != id &&
		(b->predicate == NIL || equal(a->predicate, b->predicate) ||
		 problem->bytes[wide] <= SK_INDEX_TIMES_LARGER * problem->bytes[id]) &&
		sk_index_compare_covers(a, b);
}

/*
 * Which candidates make which others redundant: what is advised together shall not be
 * advised to be dropped.
 */
static void
find_wider(const SkPool *pool, SkProblem *problem)
{
	int			wide = -1;

	problem->wider = palloc0((pool->n + 1) * sizeof(Bitmapset *));
	while ((wide = bms_next_member(problem->usable, wide)) >= 0)
	{
		int			id = -1;

		CHECK_FOR_INTERRUPTS();
		while ((id = bms_next_member(problem->usable, id)) >= 0)
		{
			if (is_wider(pool, problem, wide, id))
				problem->wider[id] = bms_add_member(problem->wider[id], wide);
		}
	}
}

/* What there is to choose from now, and within which limits. */
void
sk_advice_problem_pose(SkAdvice *advice, SkProblem *problem)
{
	SkPool	   *pool = advice->pool;
	double	   *bytes = palloc0((pool->n + 1) * sizeof(double));
	double	   *write = palloc0((pool->n + 1) * sizeof(double));
	List	   *tables = NIL;

	problem->queries = advice->queries;
	problem->n = pool->n;
	problem->bytes = bytes;
	problem->write = write;
	problem->max_indexes = advice->options.max_indexes;
	problem->budget = advice->options.storage_budget;
	problem->least_gain = sk_advice_refusal_least_gain(advice);
	problem->table_bytes = 0;
	problem->usable = NULL;
	for (int i = 0; i < pool->n; i++)
	{
		SkCandidate *candidate = pool->candidate[i];

		if (!candidate->promising || bms_is_member(i, problem->blamed))
			continue;
		if (!list_member_oid(tables, candidate->index->relid))
		{
			tables = lappend_oid(tables, candidate->index->relid);
			problem->table_bytes += sk_advice_scope_table_bytes(advice,
																candidate->index->relid);
		}
		bytes[i] = candidate->bytes;
		write[i] = sk_write_cost(advice->writes, candidate->what,
								 sk_candidate_existing(pool, candidate->index->relid));
		if (has_code_of_others(candidate->index))
			sk_advice_refusal_add(advice, candidate, write[i],
								  "it would run code of another role than the owner of the table");
		else if (bytes[i] > problem->budget)
			sk_advice_refusal_add(advice, candidate, write[i],
								  "it alone is larger than storage_budget");
		else if (!advice->options.create &&
				 sk_advice_item_replaced(advice, candidate->index) == NIL)
			sk_advice_refusal_add(advice, candidate, write[i],
								  "it replaces no index, and actions has no \"create\"");
		else if (sk_advice_refusal_most_saved(advice, i) <= write[i])
			sk_advice_refusal_add(advice, candidate, write[i],
								  "it costs more in writes than it saves");
		else
			problem->usable = bms_add_member(problem->usable, i);
	}
	find_wider(pool, problem);
}
