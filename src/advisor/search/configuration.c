/*-------------------------------------------------------------------------
 *
 * advisor/search/configuration.c
 *	  A choice of indexes, and what others would gain.
 *
 * A choice changes by moves: sets of candidates that one plan uses together.
 * What each move would gain is kept up to date, by looking only at moves which
 * have to do with the same statements as what has changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/configuration.h"

#include "advisor/search/cost_table.h"

#include <math.h>

/*
 * What space is worth, as a fraction of all value: little where there is a budget
 * for it, or else so much for each byte that indexes as large as all tables must
 * save a twentieth.
 */
#define SHARE_OF_BUDGET 1e-4
#define SHARE_OF_TABLES 0.05

/* Indexes that are added at once. */
#define MAX_MOVE 4

/* The value of all statements that can be planned. */
double
sk_configuration_value(const SkProblem *problem)
{
	double		value = 0;
	ListCell   *lc;

	foreach(lc, problem->queries)
	{
		if (((SkQuery *) lfirst(lc))->entry.sqlerrcode == 0)
			value += ((SkQuery *) lfirst(lc))->entry.value;
	}
	return value;
}

/* What a choice saves, less what it costs in writes. */
double
sk_configuration_gain(const SkProblem *problem, const Bitmapset *chosen)
{
	double		gain = 0;
	ListCell   *lc;
	int			id = -1;

	foreach(lc, problem->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->cost > 0)
			gain += query->entry.value *
				(1 - sk_cost_table_derive(query, chosen) / query->cost);
	}
	while ((id = bms_next_member(chosen, id)) >= 0)
		gain -= problem->write[id];
	return gain;
}

/* How large they are together. */
double
sk_configuration_bytes(const SkProblem *problem, const Bitmapset *set)
{
	double		bytes = 0;
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
		bytes += problem->bytes[id];
	return bytes;
}

/* The queries that any of these candidates has to do with. */
List *
sk_configuration_queries(const SkSearch *search, const Bitmapset *set)
{
	List	   *result = NIL;
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
		result = list_concat_unique_ptr(result, search->touched[id]);
	return result;
}

/* What these candidates cost, but for those that are in "except". */
static double
price_of(const SkSearch *search, const Bitmapset *set, const Bitmapset *except)
{
	const SkProblem *problem = search->problem;
	double		price = 0;
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
	{
		if (!bms_is_member(id, except))
			price += problem->write[id] + search->size_price * problem->bytes[id];
	}
	return price;
}

/* What queries save by going from one choice to another. */
static double
saved(List *queries, const Bitmapset *from, const Bitmapset *to)
{
	double		value = 0;
	ListCell   *lc;

	foreach(lc, queries)
	{
		const SkQuery *query = lfirst(lc);

		value += query->entry.value * (sk_cost_table_derive(query, from) -
									   sk_cost_table_derive(query, to)) / query->cost;
	}
	return value;
}

/*
 * How much better another choice is: by what it saves, less writes, and a little
 * for size.
 */
double
sk_configuration_change(const SkSearch *search, const Bitmapset *from, const Bitmapset *to)
{
	Bitmapset  *differ = bms_join(bms_difference(to, from),
								  bms_difference(from, to));
	List	   *queries = sk_configuration_queries(search, differ);
	double		value = saved(queries, from, to) -
		price_of(search, to, from) + price_of(search, from, to);

	list_free(queries);
	bms_free(differ);
	return value;
}

static double
gain_of(const SkSearch *search, const Bitmapset *chosen, const SkMove *move)
{
	Bitmapset  *next = bms_union(chosen, move->set);
	double		gain = saved(move->queries, chosen, next) -
		price_of(search, move->set, chosen);

	bms_free(next);
	return gain;
}

bool
sk_configuration_fits(const SkProblem *problem, const Bitmapset *chosen)
{
	return bms_num_members(chosen) <= problem->max_indexes &&
		sk_configuration_bytes(problem, chosen) <= problem->budget;
}

/* ----------
 * Moves
 * ----------
 */

/* Moves that there are, by the hash values of their sets. */
#define BUCKETS 1024

static void
add_move(SkSearch *search, List **buckets, const Bitmapset *set)
{
	List	  **bucket = &buckets[bms_hash_value(set) % BUCKETS];
	ListCell   *lc;

	if (bms_is_empty(set) || !bms_is_subset(set, search->problem->usable))
		return;
	foreach(lc, *bucket)
	{
		if (bms_equal(lfirst(lc), set))
			return;
	}
	*bucket = lappend(*bucket, bms_copy(set));
	if (search->n % 256 == 0)
		search->moves = search->n == 0 ? palloc(256 * sizeof(SkMove)) :
			repalloc(search->moves, (search->n + 256) * sizeof(SkMove));
	memset(&search->moves[search->n], 0, sizeof(SkMove));
	search->moves[search->n++].set = llast(*bucket);
}

static void
find_moves(SkSearch *search)
{
	List	  **buckets = palloc0(BUCKETS * sizeof(List *));
	ListCell   *lc;
	ListCell   *lc2;
	int			place = 0;

	search->touched = palloc0((search->problem->n + 1) * sizeof(List *));
	foreach(lc, search->problem->queries)
	{
		SkQuery    *query = lfirst(lc);

		query->place = place++;
		if (query->entry.sqlerrcode != 0 || query->cost <= 0)
			continue;
		foreach(lc2, query->costs)
		{
			Bitmapset  *used = ((SkCostEntry *) lfirst(lc2))->used;
			int			id = -1;

			while ((id = bms_next_member(used, id)) >= 0)
			{
				add_move(search, buckets, bms_make_singleton(id));
				search->touched[id] = list_append_unique_ptr(search->touched[id],
															 query);
			}
			if (bms_num_members(used) <= MAX_MOVE)
				add_move(search, buckets, used);
		}
	}
	search->moves_of = palloc0((place + 1) * sizeof(List *));
	for (int i = 0; i < search->n; i++)
	{
		search->moves[i].queries = sk_configuration_queries(search, search->moves[i].set);
		foreach(lc, search->moves[i].queries)
		{
			List	  **moves = &search->moves_of[((SkQuery *) lfirst(lc))->place];

			*moves = lappend_int(*moves, i);
		}
	}
}

/* Get ready to look for a choice. */
SkSearch *
sk_configuration_search(SkProblem *problem)
{
	SkSearch   *search = palloc0(sizeof(SkSearch));

	search->problem = problem;
	if (!isinf(problem->budget))
		search->size_price = SHARE_OF_BUDGET / Max(problem->budget, BLCKSZ);
	else
		search->size_price = SHARE_OF_TABLES / Max(problem->table_bytes, BLCKSZ);
	search->size_price *= sk_configuration_value(problem);
	find_moves(search);
	return search;
}

/* ----------
 * Choices
 * ----------
 */
SkConfiguration *
sk_configuration_first(const SkSearch *search)
{
	SkConfiguration *choice = palloc0(sizeof(SkConfiguration));

	choice->gain = palloc((search->n + 1) * sizeof(double));
	for (int i = 0; i < search->n; i++)
		choice->gain[i] = gain_of(search, NULL, &search->moves[i]);
	return choice;
}

SkConfiguration *
sk_configuration_copy(const SkSearch *search, const SkConfiguration *choice)
{
	SkConfiguration *copy = palloc(sizeof(SkConfiguration));

	copy->chosen = bms_copy(choice->chosen);
	copy->gain = palloc((search->n + 1) * sizeof(double));
	memcpy(copy->gain, choice->gain, search->n * sizeof(double));
	return copy;
}

void
sk_configuration_free(SkConfiguration *choice)
{
	bms_free(choice->chosen);
	pfree(choice->gain);
	pfree(choice);
}

/*
 * Choose something else.  A move gains something else then only if it has to do
 * with a query that the difference has to do with.
 */
void
sk_configuration_set(SkSearch *search, SkConfiguration *choice, Bitmapset *chosen)
{
	Bitmapset  *differ = bms_join(bms_difference(chosen, choice->chosen),
								  bms_difference(choice->chosen, chosen));
	List	   *queries = sk_configuration_queries(search, differ);
	ListCell   *lc;
	ListCell   *lc2;

	bms_free(differ);
	bms_free(choice->chosen);
	choice->chosen = chosen;
	search->stamp++;
	foreach(lc, queries)
	{
		foreach(lc2, search->moves_of[((SkQuery *) lfirst(lc))->place])
		{
			SkMove	   *move = &search->moves[lfirst_int(lc2)];

			if (move->stamp == search->stamp)
				continue;
			move->stamp = search->stamp;
			choice->gain[lfirst_int(lc2)] = gain_of(search, chosen, move);
		}
	}
	list_free(queries);
}

/* What is lost without a member. */
double
sk_configuration_loss(const SkSearch *search, const Bitmapset *chosen, int id)
{
	Bitmapset  *without = bms_del_member(bms_copy(chosen), id);
	double		loss = -sk_configuration_change(search, chosen, without);

	bms_free(without);
	return loss;
}
