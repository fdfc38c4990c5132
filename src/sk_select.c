/*-------------------------------------------------------------------------
 *
 * sk_select.c
 *	  Which indexes to make.
 *
 * Of the candidates, those are chosen that save most of the workload's value,
 * less what they cost when rows are written, within limits of number and size.
 * Only the cost table is looked at, so a choice is cheap to judge.
 *
 * Two greedy choices are made, by gain and by gain for each byte; they add what
 * one plan uses together, which may be several indexes that are worth nothing
 * alone.  The better one is then improved by large-neighbourhood search (Shaw,
 * CP 1998): a candidate is forced in, others are put out until the limits hold,
 * and the choice grows again; what is better stays.  Everything is tried in a
 * fixed order, so the same table gives the same choice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_select.h"

#include "sk_cost_table.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include <math.h>

/*
 * What space is worth, as a fraction of all value: little where there is a budget
 * for it, or else so much for each byte that indexes as large as all tables must
 * save a twentieth.
 */
#define SHARE_OF_BUDGET 1e-4
#define SHARE_OF_TABLES 0.05

#define MAX_PASSES 20

/* Indexes that are added at once. */
#define MAX_MOVE 4

double
sk_select_value(const SkProblem *problem)
{
	double		value = 0;
	ListCell   *lc;

	foreach(lc, problem->queries)
	{
		if (((SkQuery *) lfirst(lc))->sqlerrcode == 0)
			value += ((SkQuery *) lfirst(lc))->value;
	}
	return value;
}

static double
bytes_of(const SkProblem *problem, const Bitmapset *set)
{
	double		bytes = 0;
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
		bytes += problem->bytes[id];
	return bytes;
}

/* What a choice saves, less what it costs in writes. */
double
sk_select_gain(const SkProblem *problem, const Bitmapset *chosen)
{
	double		gain = 0;
	ListCell   *lc;
	int			id = -1;

	foreach(lc, problem->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->sqlerrcode == 0 && query->cost > 0)
			gain += query->value *
				(1 - sk_cost_derive(query, chosen) / query->cost);
	}
	while ((id = bms_next_member(chosen, id)) >= 0)
		gain -= problem->write[id];
	return gain;
}

typedef struct Search
{
	const SkProblem *problem;
	List	   *moves;			/* Bitmapsets that are worth adding at once */
	List	  **touched;		/* SkQuery, by the candidates in their plans */
	double		size_price;		/* of a byte */
} Search;

/* The queries that any of these candidates has to do with. */
static List *
touched_by(const Search *search, const Bitmapset *set)
{
	List	   *result = NIL;
	int			id = bms_next_member(set, -1);

	if (id < 0)
		return NIL;
	if (bms_membership(set) == BMS_SINGLETON)
		return search->touched[id];
	for (; id >= 0; id = bms_next_member(set, id))
		result = list_concat_unique_ptr(result, search->touched[id]);
	return result;
}

/*
 * How much better another choice is: by what it saves, less writes, and a little
 * for size.  Only queries that the difference has to do with are looked at.
 */
static double
change(const Search *search, const Bitmapset *from, const Bitmapset *to)
{
	const SkProblem *problem = search->problem;
	Bitmapset  *in = bms_difference(to, from);
	Bitmapset  *out = bms_difference(from, to);
	double		gain = 0;
	ListCell   *lc;
	int			id = -1;

	while ((id = bms_next_member(in, id)) >= 0)
		gain -= problem->write[id] + search->size_price * problem->bytes[id];
	while ((id = bms_next_member(out, id)) >= 0)
		gain += problem->write[id] + search->size_price * problem->bytes[id];
	in = bms_join(in, out);
	foreach(lc, touched_by(search, in))
	{
		const SkQuery *query = lfirst(lc);

		gain += query->value * (sk_cost_derive(query, from) -
								sk_cost_derive(query, to)) / query->cost;
	}
	bms_free(in);
	return gain;
}

static bool
fits(const SkProblem *problem, const Bitmapset *chosen)
{
	return bms_num_members(chosen) <= problem->max_indexes &&
		bytes_of(problem, chosen) <= problem->budget;
}

static bool
is_late(const SkProblem *problem)
{
	CHECK_FOR_INTERRUPTS();
	return problem->deadline != 0 && GetCurrentTimestamp() > problem->deadline;
}

static void
add_move(Search *search, const Bitmapset *set)
{
	ListCell   *lc;

	if (bms_is_empty(set) || !bms_is_subset(set, search->problem->usable))
		return;
	foreach(lc, search->moves)
	{
		if (bms_equal(lfirst(lc), set))
			return;
	}
	search->moves = lappend(search->moves, bms_copy(set));
}

static void
find_moves(Search *search)
{
	int			id = -1;
	ListCell   *lc;
	ListCell   *lc2;

	search->touched = palloc0((search->problem->n + 1) * sizeof(List *));
	while ((id = bms_next_member(search->problem->usable, id)) >= 0)
		add_move(search, bms_make_singleton(id));
	foreach(lc, search->problem->queries)
	{
		SkQuery    *query = lfirst(lc);

		if (query->sqlerrcode != 0 || query->cost <= 0)
			continue;
		foreach(lc2, query->configs)
		{
			Bitmapset  *used = ((SkConfig *) lfirst(lc2))->used;

			for (id = -1; (id = bms_next_member(used, id)) >= 0;)
				search->touched[id] = list_append_unique_ptr(search->touched[id],
															 query);
			if (bms_num_members(used) <= MAX_MOVE)
				add_move(search, used);
		}
	}
}

/*
 * Add the best move, again and again.  "by_size": the one with the most gain for
 * each byte.
 */
static Bitmapset *
grow(const Search *search, Bitmapset *chosen, bool by_size)
{
	for (;;)
	{
		Bitmapset  *best = NULL;
		double		best_rate = 0;
		ListCell   *lc;

		foreach(lc, search->moves)
		{
			Bitmapset  *next;
			double		gain;

			if (bms_is_subset(lfirst(lc), chosen))
				continue;
			next = bms_union(chosen, lfirst(lc));
			gain = fits(search->problem, next) ? change(search, chosen, next) : 0;
			if (by_size)
				gain /= Max(bytes_of(search->problem, next) -
							bytes_of(search->problem, chosen), BLCKSZ);
			if (gain > best_rate)
			{
				best = next;
				best_rate = gain;
			}
			else
				bms_free(next);
		}
		if (best == NULL || is_late(search->problem))
			return chosen;
		chosen = best;
	}
}

/* What is lost without a member. */
static double
loss_of(const Search *search, const Bitmapset *chosen, int id)
{
	Bitmapset  *without = bms_del_member(bms_copy(chosen), id);
	double		loss = -change(search, chosen, without);

	bms_free(without);
	return loss;
}

/* The member that is missed least, for its size; never "kept" ones. */
static int
least_missed(const Search *search, const Bitmapset *chosen,
			 const Bitmapset *kept)
{
	int			result = -1;
	double		best = 0;
	int			id = -1;

	while ((id = bms_next_member(chosen, id)) >= 0)
	{
		double		rate;

		if (bms_is_member(id, kept))
			continue;
		rate = loss_of(search, chosen, id) /
			Max(search->problem->bytes[id], BLCKSZ);
		if (result < 0 || rate < best)
		{
			result = id;
			best = rate;
		}
	}
	return result;
}

/* Put out what is not worth its size and writes. */
static Bitmapset *
prune(const Search *search, Bitmapset *chosen)
{
	int			id = -1;

	while ((id = bms_next_member(chosen, id)) >= 0)
	{
		if (loss_of(search, chosen, id) <= 0)
		{
			chosen = bms_del_member(chosen, id);
			id = -1;
		}
	}
	return chosen;
}

/* Force a move in, put others out, and grow again. */
static Bitmapset *
force(const Search *search, const Bitmapset *chosen, const Bitmapset *move)
{
	Bitmapset  *next = bms_union(chosen, move);

	while (!fits(search->problem, next))
	{
		int			out = least_missed(search, next, move);

		if (out < 0)
			return NULL;
		next = bms_del_member(next, out);
	}
	return grow(search, prune(search, next), true);
}

static Bitmapset *
improve(const Search *search, Bitmapset *chosen)
{
	double		least = 1e-9 * sk_select_value(search->problem);

	for (int pass = 0; pass < MAX_PASSES; pass++)
	{
		bool		better = false;
		ListCell   *lc;

		foreach(lc, search->moves)
		{
			Bitmapset  *next;

			if (bms_is_subset(lfirst(lc), chosen))
				continue;
			if (is_late(search->problem))
				return chosen;
			next = force(search, chosen, lfirst(lc));
			if (next != NULL && change(search, chosen, next) > least)
			{
				chosen = next;
				better = true;
			}
		}
		if (!better)
			break;
	}
	return chosen;
}

/* Nothing that brings less than the least benefit. */
static Bitmapset *
drop_small(const Search *search, Bitmapset *chosen)
{
	double		least = search->problem->min_benefit *
		sk_select_value(search->problem);

	for (;;)
	{
		int			id = -1;
		int			worst = -1;
		double		worst_loss = 0;

		while ((id = bms_next_member(chosen, id)) >= 0)
		{
			double		loss = loss_of(search, chosen, id);

			if (worst < 0 || loss < worst_loss)
			{
				worst = id;
				worst_loss = loss;
			}
		}
		if (worst < 0 || worst_loss >= least)
			return chosen;
		chosen = bms_del_member(chosen, worst);
	}
}

/* The choice. */
Bitmapset *
sk_select(const SkProblem *problem)
{
	Search		search = {problem, NIL, NULL, 0};
	Bitmapset  *by_gain;
	Bitmapset  *by_size;

	if (!isinf(problem->budget))
		search.size_price = SHARE_OF_BUDGET / Max(problem->budget, BLCKSZ);
	else
		search.size_price = SHARE_OF_TABLES / Max(problem->table_bytes, BLCKSZ);
	search.size_price *= sk_select_value(problem);
	find_moves(&search);
	by_size = prune(&search, grow(&search, NULL, true));
	by_gain = prune(&search, grow(&search, NULL, false));
	return drop_small(&search,
					  improve(&search, change(&search, by_size, by_gain) > 0 ?
							  by_gain : by_size));
}
