/*-------------------------------------------------------------------------
 *
 * advisor/verify.c
 *	  What statements cost with exactly the indexes that are chosen.
 *
 * The choice is made on the cost table.  Here each statement is planned with it, and
 * an index is found to blame where one gets slower.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/verify.h"

#include "advisor/search/cost_table.h"

static Bitmapset *
relevant_to(const SkAdvice *advice, const SkQuery *query, Bitmapset *chosen)
{
	Bitmapset  *result = NULL;
	int			id = -1;
	ListCell   *lc;

	while ((id = bms_next_member(chosen, id)) >= 0)
	{
		foreach(lc, query->accesses)
		{
			if (((SkIndexable *) lfirst(lc))->relid ==
				advice->pool->candidate[id]->index->relid)
				result = bms_add_member(result, id);
		}
	}
	return result;
}

/*
 * Plan each statement with exactly the choice, unless that is the same for it as
 * the last time.
 */
SkVerified *
sk_advice_verify(SkAdvice *advice, Bitmapset *chosen, const SkVerified *last)
{
	int			i = 0;
	SkVerified *result = palloc0((list_length(advice->queries) + 1) *
								 sizeof(SkVerified));
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		SkQuery    *query = lfirst(lc);
		SkVerified *verified = &result[i];

		verified->relevant = relevant_to(advice, query, chosen);
		verified->cost = query->cost;
		if (last != NULL && bms_equal(verified->relevant, last[i].relevant))
			*verified = last[i];
		else if (query->entry.sqlerrcode == 0 && !bms_is_empty(verified->relevant))
			(void) sk_cost_table_verify(query, advice->pool, verified->relevant, NIL,
										&verified->cost, &verified->used);
		i++;
	}
	return result;
}

/*
 * The member of the choice to blame for a statement that gets slower: of those
 * that its plan uses, the one which saves least; -1 if there is none.
 */
int
sk_advice_verify_blame(SkAdvice *advice, const SkProblem *problem,
					   const Bitmapset *chosen, const SkVerified *verified)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);
		const SkVerified *v = &verified[i++];
		int			id = -1;
		int			blame = -1;
		double		least = 0;

		if (query->entry.sqlerrcode != 0 ||
			v->cost <= query->cost * (1 + advice->options.max_regression))
			continue;
		while ((id = bms_next_member(v->used, id)) >= 0)
		{
			double		loss = sk_configuration_gain(problem, chosen) -
				sk_configuration_gain(problem, bms_del_member(bms_copy(chosen), id));

			if (blame < 0 || loss < least)
			{
				blame = id;
				least = loss;
			}
		}
		if (blame >= 0)
			return blame;
	}
	return -1;
}

/* What a statement would cost more without one of the choice, at least a little. */
static double
loss_without(const SkQuery *query, const Bitmapset *chosen, int id, double cost)
{
	Bitmapset  *without = bms_del_member(bms_copy(chosen), id);

	return Max(sk_cost_table_derive(query, without) - cost, 1e-6 * query->cost);
}

/*
 * What an index of the choice saves: of what each statement saves whose plan uses
 * it, the part that it has in what would be lost without one of those used.
 */
double
sk_advice_verify_benefit(SkAdvice *advice, const SkVerified *verified,
						 const Bitmapset *chosen, int id, List **helped)
{
	double		benefit = 0;
	int			i = 0;
	ListCell   *lc;

	*helped = NIL;
	foreach(lc, advice->queries)
	{
		SkQuery    *query = lfirst(lc);
		const SkVerified *v = &verified[i++];
		double		lost = 0;
		int			used = -1;
		SkHelped   *help;

		if (query->entry.sqlerrcode != 0 || !bms_is_member(id, v->used) ||
			!sk_cost_table_is_gain(query, v->cost))
			continue;
		while ((used = bms_next_member(v->used, used)) >= 0)
			lost += loss_without(query, chosen, used, v->cost);
		benefit += query->entry.value * (query->cost - v->cost) / query->cost *
			loss_without(query, chosen, id, v->cost) / lost;
		help = palloc(sizeof(SkHelped));
		help->query = query;
		help->cost = v->cost;
		*helped = lappend(*helped, help);
	}
	return benefit;
}
