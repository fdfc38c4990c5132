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
 * An index is not chosen besides one that makes it redundant.  When the time is
 * over, the best choice so far is the answer; it is never worse than the one to
 * start from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/select.h"

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

/* ----------
 * One makes another redundant
 * ----------
 */
/* Does the choice have one that makes this one redundant? */
static bool
is_redundant(const SkProblem *problem, const SkConfiguration *choice, int id)
{
	int			wide = -1;

	while ((wide = bms_next_member(problem->wider[id], wide)) >= 0)
	{
		if (choice->chosen[wide])
			return true;
	}
	return false;
}

static void
drop_redundant(const SkSearch *search, SkConfiguration *choice)
{
	for (int i = choice->n - 1; i >= 0; i--)
	{
		if (is_redundant(search->problem, choice, choice->ids[i]))
			sk_configuration_remove(search, choice, choice->ids[i]);
	}
}

/* ----------
 * Growth
 * ----------
 */
static bool
is_chosen(const SkConfiguration *choice, const SkMove *move)
{
	for (int i = 0; i < move->n; i++)
	{
		if (!choice->chosen[move->ids[i]])
			return false;
	}
	return true;
}

/* Does it have anything to do with these queries?  All have, if they are NULL. */
static bool
touches(const SkMove *move, const bool *places)
{
	if (places == NULL)
		return true;
	for (int i = 0; i < move->parts.n; i++)
	{
		if (places[move->parts.parts[i].place])
			return true;
	}
	return false;
}

/* What a move gains, for each byte if "by_size"; 0 if it is not possible. */
static double
rate_of(const SkSearch *search, const SkConfiguration *choice, const SkMove *move,
		bool by_size)
{
	const SkProblem *problem = search->problem;
	double		added = 0;
	double		gain;
	int			n = 0;

	for (int i = 0; i < move->n; i++)
	{
		if (choice->chosen[move->ids[i]])
			continue;
		if (is_redundant(problem, choice, move->ids[i]))
			return 0;
		added += problem->bytes[move->ids[i]];
		n++;
	}
	if (choice->n + n > problem->max_indexes || choice->bytes + added > problem->budget)
		return 0;
	gain = sk_configuration_added(search, choice, move);
	return by_size ? gain / Max(added, BLCKSZ) : gain;
}

static void
make_move(const SkSearch *search, SkConfiguration *choice, const SkMove *move)
{
	for (int i = 0; i < move->n; i++)
		sk_configuration_add(search, choice, move->ids[i]);
	drop_redundant(search, choice);
}

/*
 * Add the best move, again and again, of those that have to do with "places".  What
 * a move makes redundant may be missed, so it must be better as a whole.  It goes on
 * when the time is over if it is "patient".
 */
static void
grow(SkSearch *search, SkConfiguration *choice, const bool *places, bool by_size,
	 bool patient)
{
	SkConfiguration *next = sk_configuration_make(search, NULL);
	bool	   *worse = palloc0((search->n + 1) * sizeof(bool));

	while (choice->n < search->problem->max_indexes &&
		   (!is_late(search->problem) || patient))
	{
		int			best = -1;
		double		best_rate = 0;

		for (int i = 0; i < search->n; i++)
		{
			const SkMove *move = &search->moves[i];
			double		rate;

			if (worse[i] || !touches(move, places) || is_chosen(choice, move))
				continue;
			rate = rate_of(search, choice, move, by_size);
			if (rate > best_rate)
			{
				best = i;
				best_rate = rate;
			}
		}
		if (best < 0)
			break;
		sk_configuration_copy(search, next, choice);
		make_move(search, next, &search->moves[best]);
		if (next->value > choice->value)
			sk_configuration_copy(search, choice, next);
		else
			worse[best] = true;
	}
	sk_configuration_free(next);
	pfree(worse);
}

/* ----------
 * Removal
 * ----------
 */

/*
 * The member that is missed least, for its size where bytes are short; never one of
 * "kept".
 */
static int
least_missed(const SkSearch *search, const SkConfiguration *choice, const SkMove *kept)
{
	const SkProblem *problem = search->problem;
	bool		by_size = choice->bytes > problem->budget;
	int			result = -1;
	double		best = 0;

	for (int i = 0; i < choice->n; i++)
	{
		int			id = choice->ids[i];
		double		rate;
		bool		is_kept = false;

		for (int k = 0; k < kept->n; k++)
			is_kept |= kept->ids[k] == id;
		if (is_kept)
			continue;
		rate = sk_configuration_loss(search, choice, id);
		if (by_size)
			rate /= Max(problem->bytes[id], BLCKSZ);
		if (result < 0 || rate < best)
		{
			result = id;
			best = rate;
		}
	}
	return result;
}

/* Remove what is not worth its size and its overhead in writes. */
static void
prune(const SkSearch *search, SkConfiguration *choice)
{
	for (int i = 0; i < choice->n; i++)
	{
		if (sk_configuration_loss(search, choice, choice->ids[i]) <= 0)
		{
			sk_configuration_remove(search, choice, choice->ids[i]);
			i = -1;
		}
	}
}

/* Nothing that gains less than each must. */
static void
drop_small(const SkSearch *search, SkConfiguration *choice)
{
	for (;;)
	{
		int			worst = -1;
		double		worst_loss = 0;

		for (int i = 0; i < choice->n; i++)
		{
			double		loss = sk_configuration_loss(search, choice, choice->ids[i]);

			if (worst < 0 || loss < worst_loss)
			{
				worst = choice->ids[i];
				worst_loss = loss;
			}
		}
		if (worst < 0 || worst_loss >= search->problem->least_gain)
			return;
		sk_configuration_remove(search, choice, worst);
	}
}

/* ----------
 * Improvement
 * ----------
 */

/* The queries that have to do with what one choice has and the other has not */
static void
add_places(const SkSearch *search, const SkConfiguration *has,
		   const SkConfiguration *has_not, bool *places)
{
	for (int i = 0; i < has->n; i++)
	{
		const SkParts *parts = &search->parts[has->ids[i]];

		for (int k = 0; k < parts->n && !has_not->chosen[has->ids[i]]; k++)
			places[parts->parts[k].place] = true;
	}
}

/* The most that these queries could still save. */
static double
most_to_gain(const SkSearch *search, const SkConfiguration *choice, const bool *places)
{
	double		most = 0;

	for (int i = 0; i < search->nqueries; i++)
	{
		if (places[i] && search->terms[i].n > 0)
			most += search->terms[i].terms[0].saved - choice->saved[i];
	}
	return most;
}

/*
 * Force a move in, remove others, and grow again.  False if it does not fit, or if
 * that cannot be better than "least".
 */
static bool
force(SkSearch *search, const SkConfiguration *choice, SkConfiguration *next,
	  const SkMove *move, bool *places, double least)
{
	sk_configuration_copy(search, next, choice);
	for (int i = 0; i < move->n; i++)
	{
		int			wide = -1;

		while ((wide = bms_next_member(search->problem->wider[move->ids[i]], wide)) >= 0)
			sk_configuration_remove(search, next, wide);
	}
	make_move(search, next, move);
	while (!sk_configuration_fits(search->problem, next))
	{
		int			out = least_missed(search, next, move);

		if (out < 0)
			return false;
		sk_configuration_remove(search, next, out);
	}
	prune(search, next);
	if (next->n < search->problem->max_indexes)
	{
		memset(places, 0, search->nqueries * sizeof(bool));
		add_places(search, choice, next, places);
		add_places(search, next, choice, places);
		if (next->value + most_to_gain(search, next, places) <= least)
			return false;
		grow(search, next, places, true, false);
	}
	return next->value > least;
}

/*
 * Can a move only be worse?  It can if it has to do with no query that the choice
 * has to do with, and gains no more than is lost by what must go for it.  Where
 * bytes are short that cannot be told: what goes may be larger.
 */
static bool
is_hopeless(const SkSearch *search, const SkConfiguration *choice, const SkMove *move,
			double least_loss)
{
	if (!isinf(search->problem->budget))
		return false;
	for (int i = 0; i < move->parts.n; i++)
	{
		if (choice->has[move->parts.parts[i].place] != 0)
			return false;
	}
	return sk_configuration_added(search, choice, move) <=
		(choice->n < search->problem->max_indexes ? 0 : least_loss);
}

static double
least_loss(const SkSearch *search, const SkConfiguration *choice)
{
	double		least = INFINITY;

	for (int i = 0; i < choice->n; i++)
		least = Min(least, sk_configuration_loss(search, choice, choice->ids[i]));
	return isinf(least) ? 0 : least;
}

static void
improve(SkSearch *search, SkConfiguration *choice)
{
	double		step = 1e-9 * sk_configuration_value(search->problem);
	SkConfiguration *next = sk_configuration_make(search, NULL);
	bool	   *places = palloc0((search->nqueries + 1) * sizeof(bool));
	bool		better = true;

	for (int pass = 0; pass < MAX_PASSES && better; pass++)
	{
		double		loss = least_loss(search, choice);

		better = false;
		for (int i = 0; i < search->n; i++)
		{
			const SkMove *move = &search->moves[i];

			if (is_late(search->problem))
				return;
			if (is_chosen(choice, move) || is_hopeless(search, choice, move, loss) ||
				!force(search, choice, next, move, places, choice->value + step))
				continue;
			sk_configuration_copy(search, choice, next);
			loss = least_loss(search, choice);
			better = true;
		}
	}
}

/*
 * The choice, in the current memory context.  It is no worse than "start", of which
 * only what is usable is looked at.
 */
Bitmapset *
sk_select(SkProblem *problem, const Bitmapset *start)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit selection",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SkSearch   *search = sk_configuration_search(problem, false);
	SkConfiguration *best = sk_configuration_make(search,
												  bms_intersect(start, problem->usable));
	Bitmapset  *chosen;

	drop_redundant(search, best);
	prune(search, best);
	for (int by_size = 1; by_size >= 0; by_size--)
	{
		SkConfiguration *choice = sk_configuration_make(search, NULL);

		/* an answer there must be: it takes milliseconds */
		grow(search, choice, NULL, by_size, by_size && bms_is_empty(start));
		prune(search, choice);
		if (choice->value > best->value)
			best = choice;
	}
	improve(search, best);
	drop_small(search, best);
	MemoryContextSwitchTo(old);
	chosen = sk_configuration_set(search, best);
	MemoryContextDelete(context);
	return chosen;
}

/*
 * What else would gain anything, were there no limits; with "any_size", also if it
 * is not worth its size.
 */
Bitmapset *
sk_select_besides(const SkProblem *problem, const Bitmapset *chosen, bool any_size)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit selection",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SkProblem	unlimited = *problem;
	SkSearch   *search;
	SkConfiguration *choice;
	Bitmapset  *besides;

	unlimited.max_indexes = INT_MAX;
	unlimited.budget = INFINITY;
	search = sk_configuration_search(&unlimited, any_size);
	choice = sk_configuration_make(search, chosen);
	grow(search, choice, NULL, false, false);
	MemoryContextSwitchTo(old);
	besides = bms_difference(sk_configuration_set(search, choice), chosen);
	MemoryContextDelete(context);
	return besides;
}
