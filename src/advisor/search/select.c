/*-------------------------------------------------------------------------
 *
 * advisor/search/select.c
 *	  Which indexes to make.
 *
 * Of the candidates, those are chosen that save most of the workload's value,
 * less what they cost when rows are written, within limits of number and size.
 * Only the cost table is looked at, so a choice is cheap to judge.
 *
 * Two greedy choices are made, by gain and by gain for each byte; they add what
 * one plan uses together, which may be several indexes that are worth nothing
 * alone.  The better one is then improved by large-neighbourhood search (Shaw,
 * CP 1998): a candidate is forced in, others are removed until the limits hold,
 * and the choice grows again; what is better stays.  Everything is tried in a
 * fixed order, so the same table gives the same choice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/select.h"

#include "advisor/plan/query.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include <limits.h>
#include <math.h>

#define MAX_PASSES 20

static bool
is_late(SkProblem *problem)
{
	CHECK_FOR_INTERRUPTS();
	if (problem->deadline != 0 && GetCurrentTimestamp() > problem->deadline)
		problem->late = true;
	return problem->late;
}

/* What a move gains, for each byte if "by_size"; 0 if it is not possible. */
static double
rate_of(const SkSearch *search, const SkConfiguration *choice, const SkMove *move,
		double gain, bool by_size)
{
	Bitmapset  *next = bms_union(choice->chosen, move->set);
	double		rate = sk_configuration_fits(search->problem, next) ? gain : 0;

	if (by_size && rate > 0)
	{
		Bitmapset  *added = bms_difference(move->set, choice->chosen);

		rate /= Max(sk_configuration_bytes(search->problem, added), BLCKSZ);
		bms_free(added);
	}
	bms_free(next);
	return rate;
}

/* Add the best move, again and again. */
static void
grow(SkSearch *search, SkConfiguration *choice, bool by_size)
{
	while (bms_num_members(choice->chosen) < search->problem->max_indexes &&
		   !is_late(search->problem))
	{
		int			best = -1;
		double		best_rate = 0;

		for (int i = 0; i < search->n; i++)
		{
			double		rate;

			if (choice->gain[i] <= 0 ||
				bms_is_subset(search->moves[i].set, choice->chosen))
				continue;
			rate = rate_of(search, choice, &search->moves[i], choice->gain[i],
						   by_size);
			if (rate > best_rate)
			{
				best = i;
				best_rate = rate;
			}
		}
		if (best < 0)
			return;
		sk_configuration_set(search, choice,
							 bms_union(choice->chosen, search->moves[best].set));
	}
}

/* The member that is missed least, for its size; never "kept" ones. */
static int
least_missed(const SkSearch *search, const Bitmapset *chosen,
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
		rate = sk_configuration_loss(search, chosen, id) /
			Max(search->problem->bytes[id], BLCKSZ);
		if (result < 0 || rate < best)
		{
			result = id;
			best = rate;
		}
	}
	return result;
}

/* Remove what is not worth its size and its overhead in writes. */
static Bitmapset *
prune(const SkSearch *search, Bitmapset *chosen)
{
	int			id = -1;

	while ((id = bms_next_member(chosen, id)) >= 0)
	{
		if (sk_configuration_loss(search, chosen, id) <= 0)
		{
			chosen = bms_del_member(chosen, id);
			id = -1;
		}
	}
	return chosen;
}

/* Force a move in, remove others, and grow again; NULL if it does not fit. */
static SkConfiguration *
force(SkSearch *search, const SkConfiguration *choice, const Bitmapset *move)
{
	Bitmapset  *next = bms_union(choice->chosen, move);
	SkConfiguration *result;

	while (!sk_configuration_fits(search->problem, next))
	{
		int			out = least_missed(search, next, move);

		if (out < 0)
		{
			bms_free(next);
			return NULL;
		}
		next = bms_del_member(next, out);
	}
	result = sk_configuration_copy(search, choice);
	sk_configuration_set(search, result, prune(search, next));
	grow(search, result, true);
	return result;
}

/* What a choice has to do with. */
typedef struct Reach
{
	Bitmapset  *queries;		/* their places */
	double		least_loss;		/* without any one member */
} Reach;

static void
find_reach(const SkSearch *search, const SkConfiguration *choice, Reach *reach)
{
	List	   *queries = sk_configuration_queries(search, choice->chosen);
	ListCell   *lc;
	int			id = -1;

	bms_free(reach->queries);
	reach->queries = NULL;
	reach->least_loss = 0;
	foreach(lc, queries)
		reach->queries = bms_add_member(reach->queries,
										((SkQuery *) lfirst(lc))->place);
	list_free(queries);
	while ((id = bms_next_member(choice->chosen, id)) >= 0)
	{
		double		loss = sk_configuration_loss(search, choice->chosen, id);

		if (reach->least_loss == 0 || loss < reach->least_loss)
			reach->least_loss = loss;
	}
}

/*
 * Can a move only be worse?  It can if it has to do with no query that the choice
 * has to do with, and gains no more than is lost by what must go for it.  Where
 * bytes are short that cannot be told: what goes may be larger.
 */
static bool
is_hopeless(const SkSearch *search, const SkConfiguration *choice, const Reach *reach, int i)
{
	const SkMove *move = &search->moves[i];
	ListCell   *lc;

	if (!isinf(search->problem->budget) ||
		choice->gain[i] > (bms_num_members(choice->chosen) < search->problem->max_indexes ?
						   0 : reach->least_loss))
		return false;
	foreach(lc, move->queries)
	{
		if (bms_is_member(((SkQuery *) lfirst(lc))->place, reach->queries))
			return false;
	}
	return true;
}

static SkConfiguration *
improve(SkSearch *search, SkConfiguration *choice)
{
	double		least = 1e-9 * sk_configuration_value(search->problem);
	Reach		reach = {NULL, 0};
	bool		better = true;

	for (int pass = 0; pass < MAX_PASSES && better; pass++)
	{
		better = false;
		find_reach(search, choice, &reach);
		for (int i = 0; i < search->n; i++)
		{
			SkConfiguration *next;

			if (bms_is_subset(search->moves[i].set, choice->chosen) ||
				is_hopeless(search, choice, &reach, i))
				continue;
			if (is_late(search->problem))
				return choice;
			next = force(search, choice, search->moves[i].set);
			if (next == NULL)
				continue;
			if (sk_configuration_change(search, choice->chosen, next->chosen) > least)
			{
				sk_configuration_free(choice);
				choice = next;
				find_reach(search, choice, &reach);
				better = true;
			}
			else
				sk_configuration_free(next);
		}
	}
	return choice;
}

/* Nothing that gains less than each must. */
static Bitmapset *
drop_small(const SkSearch *search, Bitmapset *chosen)
{
	for (;;)
	{
		int			id = -1;
		int			worst = -1;
		double		worst_loss = 0;

		while ((id = bms_next_member(chosen, id)) >= 0)
		{
			double		loss = sk_configuration_loss(search, chosen, id);

			if (worst < 0 || loss < worst_loss)
			{
				worst = id;
				worst_loss = loss;
			}
		}
		if (worst < 0 || worst_loss >= search->problem->least_gain)
			return chosen;
		chosen = bms_del_member(chosen, worst);
	}
}

/* The choice, in the current memory context. */
Bitmapset *
sk_select(SkProblem *problem)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit selection",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SkSearch   *search = sk_configuration_search(problem);
	SkConfiguration *by_size = sk_configuration_first(search);
	SkConfiguration *by_gain = sk_configuration_copy(search, by_size);
	Bitmapset  *chosen;

	grow(search, by_size, true);
	sk_configuration_set(search, by_size, prune(search, bms_copy(by_size->chosen)));
	grow(search, by_gain, false);
	sk_configuration_set(search, by_gain, prune(search, bms_copy(by_gain->chosen)));
	if (sk_configuration_change(search, by_size->chosen, by_gain->chosen) > 0)
		by_size = by_gain;
	chosen = drop_small(search, improve(search, by_size)->chosen);
	MemoryContextSwitchTo(old);
	chosen = bms_copy(chosen);
	MemoryContextDelete(context);
	return chosen;
}

/*
 * What else would gain anything, were there no limits; with "any_size", also if it
 * is not worth its size.
 */
Bitmapset *
sk_select_besides(const SkProblem *problem, Bitmapset *chosen, bool any_size)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit selection",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SkProblem	unlimited = *problem;
	SkSearch   *search = sk_configuration_search(&unlimited);
	SkConfiguration *choice;
	Bitmapset  *besides;

	unlimited.max_indexes = INT_MAX;
	unlimited.budget = INFINITY;
	if (any_size)
		search->size_price = 0;
	choice = sk_configuration_first(search);
	sk_configuration_set(search, choice, bms_copy(chosen));
	grow(search, choice, false);
	MemoryContextSwitchTo(old);
	besides = bms_difference(choice->chosen, chosen);
	MemoryContextDelete(context);
	return besides;
}
