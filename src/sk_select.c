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
#include "utils/memutils.h"
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

/* Indexes that are worth adding at once. */
typedef struct Move
{
	Bitmapset  *set;
	List	   *queries;		/* SkQuery that it has to do with */
} Move;

typedef struct Search
{
	SkProblem  *problem;
	Move	   *moves;
	int			n;
	List	  **touched;		/* SkQuery, by the candidates in their plans */
	double		size_price;		/* of a byte */
	int			stamp;			/* see set_chosen() */
} Search;

/* A choice, and what each move would gain then. */
typedef struct State
{
	Bitmapset  *chosen;
	double	   *gain;
} State;

static bool
is_late(SkProblem *problem)
{
	CHECK_FOR_INTERRUPTS();
	if (problem->deadline != 0 && GetCurrentTimestamp() > problem->deadline)
		problem->late = true;
	return problem->late;
}

/* The queries that any of these candidates has to do with. */
static List *
touched_by(const Search *search, const Bitmapset *set)
{
	List	   *result = NIL;
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
		result = list_concat_unique_ptr(result, search->touched[id]);
	return result;
}

/* What these candidates cost, but for those that are in "except". */
static double
price_of(const Search *search, const Bitmapset *set, const Bitmapset *except)
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

		value += query->value * (sk_cost_derive(query, from) -
								 sk_cost_derive(query, to)) / query->cost;
	}
	return value;
}

/*
 * How much better another choice is: by what it saves, less writes, and a little
 * for size.
 */
static double
change(const Search *search, const Bitmapset *from, const Bitmapset *to)
{
	Bitmapset  *differ = bms_join(bms_difference(to, from),
								  bms_difference(from, to));

	return saved(touched_by(search, differ), from, to) -
		price_of(search, to, from) + price_of(search, from, to);
}

static double
gain_of(const Search *search, const Bitmapset *chosen, const Move *move)
{
	Bitmapset  *next = bms_union(chosen, move->set);
	double		gain = saved(move->queries, chosen, next) -
		price_of(search, move->set, chosen);

	bms_free(next);
	return gain;
}

static bool
fits(const SkProblem *problem, const Bitmapset *chosen)
{
	return bms_num_members(chosen) <= problem->max_indexes &&
		bytes_of(problem, chosen) <= problem->budget;
}

/* ----------
 * Moves
 * ----------
 */

/* Moves that there are, by the hash values of their sets. */
#define BUCKETS 1024

static void
add_move(Search *search, List **buckets, const Bitmapset *set)
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
		search->moves = search->n == 0 ? palloc(256 * sizeof(Move)) :
			repalloc(search->moves, (search->n + 256) * sizeof(Move));
	search->moves[search->n].set = llast(*bucket);
	search->moves[search->n++].queries = NIL;
}

static void
find_moves(Search *search)
{
	List	  **buckets = palloc0(BUCKETS * sizeof(List *));
	ListCell   *lc;
	ListCell   *lc2;

	search->touched = palloc0((search->problem->n + 1) * sizeof(List *));
	foreach(lc, search->problem->queries)
	{
		SkQuery    *query = lfirst(lc);

		if (query->sqlerrcode != 0 || query->cost <= 0)
			continue;
		foreach(lc2, query->configs)
		{
			Bitmapset  *used = ((SkConfig *) lfirst(lc2))->used;
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
	for (int i = 0; i < search->n; i++)
		search->moves[i].queries = touched_by(search, search->moves[i].set);
}

/* ----------
 * States
 * ----------
 */
static State *
first_state(const Search *search)
{
	State	   *state = palloc0(sizeof(State));

	state->gain = palloc((search->n + 1) * sizeof(double));
	for (int i = 0; i < search->n; i++)
		state->gain[i] = gain_of(search, NULL, &search->moves[i]);
	return state;
}

static State *
copy_state(const Search *search, const State *state)
{
	State	   *copy = palloc(sizeof(State));

	copy->chosen = bms_copy(state->chosen);
	copy->gain = palloc((search->n + 1) * sizeof(double));
	memcpy(copy->gain, state->gain, search->n * sizeof(double));
	return copy;
}

static void
free_state(State *state)
{
	bms_free(state->chosen);
	pfree(state->gain);
	pfree(state);
}

/*
 * Choose something else.  A move gains something else then only if it has to do
 * with a query that the difference has to do with.
 */
static void
set_chosen(Search *search, State *state, Bitmapset *chosen)
{
	Bitmapset  *differ = bms_join(bms_difference(chosen, state->chosen),
								  bms_difference(state->chosen, chosen));
	ListCell   *lc;

	search->stamp++;
	foreach(lc, touched_by(search, differ))
		((SkQuery *) lfirst(lc))->stamp = search->stamp;
	state->chosen = chosen;
	for (int i = 0; i < search->n; i++)
	{
		foreach(lc, search->moves[i].queries)
		{
			if (((SkQuery *) lfirst(lc))->stamp == search->stamp)
			{
				state->gain[i] = gain_of(search, chosen, &search->moves[i]);
				break;
			}
		}
	}
}

/* What a move gains, for each byte if "by_size"; 0 if it is not possible. */
static double
rate_of(const Search *search, const State *state, const Move *move,
		double gain, bool by_size)
{
	Bitmapset  *next = bms_union(state->chosen, move->set);
	double		rate = fits(search->problem, next) ? gain : 0;

	if (by_size && rate > 0)
	{
		Bitmapset  *added = bms_difference(move->set, state->chosen);

		rate /= Max(bytes_of(search->problem, added), BLCKSZ);
		bms_free(added);
	}
	bms_free(next);
	return rate;
}

/* Add the best move, again and again. */
static void
grow(Search *search, State *state, bool by_size)
{
	while (!is_late(search->problem))
	{
		int			best = -1;
		double		best_rate = 0;

		for (int i = 0; i < search->n; i++)
		{
			double		rate;

			if (state->gain[i] <= 0 ||
				bms_is_subset(search->moves[i].set, state->chosen))
				continue;
			rate = rate_of(search, state, &search->moves[i], state->gain[i],
						   by_size);
			if (rate > best_rate)
			{
				best = i;
				best_rate = rate;
			}
		}
		if (best < 0)
			return;
		set_chosen(search, state,
				   bms_union(state->chosen, search->moves[best].set));
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

/* Force a move in, put others out, and grow again; NULL if it does not fit. */
static State *
force(Search *search, const State *state, const Bitmapset *move)
{
	Bitmapset  *next = bms_union(state->chosen, move);
	State	   *result;

	while (!fits(search->problem, next))
	{
		int			out = least_missed(search, next, move);

		if (out < 0)
			return NULL;
		next = bms_del_member(next, out);
	}
	result = copy_state(search, state);
	set_chosen(search, result, prune(search, next));
	grow(search, result, true);
	return result;
}

static State *
improve(Search *search, State *state)
{
	double		least = 1e-9 * sk_select_value(search->problem);

	for (int pass = 0; pass < MAX_PASSES; pass++)
	{
		bool		better = false;

		for (int i = 0; i < search->n; i++)
		{
			State	   *next;

			if (bms_is_subset(search->moves[i].set, state->chosen))
				continue;
			if (is_late(search->problem))
				return state;
			next = force(search, state, search->moves[i].set);
			if (next == NULL)
				continue;
			if (change(search, state->chosen, next->chosen) > least)
			{
				free_state(state);
				state = next;
				better = true;
			}
			else
				free_state(next);
		}
		if (!better)
			break;
	}
	return state;
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

/* The choice, in the current memory context. */
Bitmapset *
sk_select(SkProblem *problem)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit selection",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Search		search = {problem, NULL, 0, NULL, 0, 0};
	State	   *by_size;
	State	   *by_gain;
	Bitmapset  *chosen;

	if (!isinf(problem->budget))
		search.size_price = SHARE_OF_BUDGET / Max(problem->budget, BLCKSZ);
	else
		search.size_price = SHARE_OF_TABLES / Max(problem->table_bytes, BLCKSZ);
	search.size_price *= sk_select_value(problem);
	find_moves(&search);
	by_size = first_state(&search);
	by_gain = copy_state(&search, by_size);
	grow(&search, by_size, true);
	set_chosen(&search, by_size, prune(&search, bms_copy(by_size->chosen)));
	grow(&search, by_gain, false);
	set_chosen(&search, by_gain, prune(&search, bms_copy(by_gain->chosen)));
	if (change(&search, by_size->chosen, by_gain->chosen) > 0)
		by_size = by_gain;
	chosen = drop_small(&search, improve(&search, by_size)->chosen);
	MemoryContextSwitchTo(old);
	chosen = bms_copy(chosen);
	MemoryContextDelete(context);
	return chosen;
}
