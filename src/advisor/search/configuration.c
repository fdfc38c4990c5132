/*-------------------------------------------------------------------------
 *
 * advisor/search/configuration.c
 *	  A choice of indexes, and what others would gain.
 *
 * Of the cost table only that much is looked at as can matter: what a query saves
 * with some candidates, unless it saves as much with fewer of them.  The candidates
 * of each query are numbered, so that those it needs and those it has are bits of a
 * word.  A choice keeps what each query has and saves, so what a change is worth is
 * found by looking at the queries that have to do with what changes, and at no
 * others.
 *
 * A choice changes by moves: sets of candidates that one plan uses together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/configuration.h"

#include "advisor/search/cost_table.h"

#include "miscadmin.h"

#include <math.h>

/*
 * What space is worth, as a fraction of all value: little where there is a budget
 * for it, or else so much for each byte that indexes as large as all tables must
 * save a twentieth.
 */
#define SHARE_OF_BUDGET 1e-4
#define SHARE_OF_TABLES 0.05

/* Candidates of one query that are looked at. */
#define MAX_BITS 64

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

/* ----------
 * What queries save
 * ----------
 */
static int
by_cost(const ListCell *a, const ListCell *b)
{
	const SkCostEntry *x = lfirst(a);
	const SkCostEntry *y = lfirst(b);

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return bms_num_members(x->used) - bms_num_members(y->used);
}

/* Is there one that costs no more, and needs no other candidates? */
static bool
is_dominated(List *entries, const Bitmapset *used)
{
	ListCell   *lc;

	foreach(lc, entries)
	{
		if (bms_is_subset(((SkCostEntry *) lfirst(lc))->used, used))
			return true;
	}
	return false;
}

/* The entries that matter, those of the least cost first. */
static List *
entries_of(const SkSearch *search, const SkQuery *query)
{
	List	   *sorted = list_copy(query->costs);
	List	   *result = NIL;
	Bitmapset  *members = NULL;
	ListCell   *lc;

	list_sort(sorted, by_cost);
	foreach(lc, sorted)
	{
		const SkCostEntry *entry = lfirst(lc);
		Bitmapset  *all;

		if (entry->cost >= query->cost || bms_is_empty(entry->used) ||
			!bms_is_subset(entry->used, search->problem->usable) ||
			is_dominated(result, entry->used))
			continue;
		all = bms_union(members, entry->used);
		if (bms_num_members(all) > MAX_BITS)
			continue;
		members = all;
		result = lappend(result, (void *) entry);
	}
	return result;
}

static void
add_part(SkParts *parts, int place, uint64 bits)
{
	if (parts->n % 16 == 0)
		parts->parts = parts->n == 0 ? palloc(16 * sizeof(SkPart)) :
			repalloc(parts->parts, (parts->n + 16) * sizeof(SkPart));
	parts->parts[parts->n].place = place;
	parts->parts[parts->n++].bits = bits;
}

static void
find_terms(SkSearch *search, const SkQuery *query, int place, List *entries)
{
	SkTerms    *terms = &search->terms[place];
	Bitmapset  *members = NULL;
	ListCell   *lc;
	int			id = -1;
	uint64		bit = 1;

	terms->terms = palloc((list_length(entries) + 1) * sizeof(SkTerm));
	foreach(lc, entries)
	{
		const SkCostEntry *entry = lfirst(lc);

		members = bms_add_members(members, entry->used);
		terms->terms[terms->n].need = 0;
		terms->terms[terms->n++].saved = query->entry.value *
			(1 - entry->cost / query->cost);
	}
	while ((id = bms_next_member(members, id)) >= 0)
	{
		int			i = 0;

		add_part(&search->parts[id], place, bit);
		foreach(lc, entries)
		{
			if (bms_is_member(id, ((SkCostEntry *) lfirst(lc))->used))
				terms->terms[i].need |= bit;
			i++;
		}
		bit <<= 1;
	}
}

static double
saved_with(const SkTerms *terms, uint64 has)
{
	for (int i = 0; i < terms->n; i++)
	{
		if ((terms->terms[i].need & ~has) == 0)
			return terms->terms[i].saved;
	}
	return 0;
}

/* ----------
 * Moves
 * ----------
 */

/* Moves that there are, by the hash values of their sets. */
#define BUCKETS 1024

/* The parts of its members, by query. */
static void
find_parts(const SkSearch *search, SkMove *move, uint64 *bits)
{
	for (int i = 0; i < move->n; i++)
	{
		const SkParts *parts = &search->parts[move->ids[i]];

		for (int k = 0; k < parts->n; k++)
			bits[parts->parts[k].place] |= parts->parts[k].bits;
	}
	for (int i = 0; i < move->n; i++)
	{
		const SkParts *parts = &search->parts[move->ids[i]];

		for (int k = 0; k < parts->n; k++)
		{
			int			place = parts->parts[k].place;

			if (bits[place] != 0)
				add_part(&move->parts, place, bits[place]);
			bits[place] = 0;
		}
	}
}

/* Not those of which one makes another redundant. */
static bool
is_consistent(const SkProblem *problem, const Bitmapset *set)
{
	int			id = -1;

	while ((id = bms_next_member(set, id)) >= 0)
	{
		if (bms_overlap(problem->wider[id], set))
			return false;
	}
	return true;
}

static void
add_move(SkSearch *search, List **buckets, uint64 *bits, Bitmapset *set)
{
	List	  **bucket = &buckets[bms_hash_value(set) % BUCKETS];
	ListCell   *lc;
	SkMove	   *move;
	int			id = -1;

	foreach(lc, *bucket)
	{
		if (bms_equal(lfirst(lc), set))
			return;
	}
	if (!is_consistent(search->problem, set))
		return;
	*bucket = lappend(*bucket, set);
	if (search->n % 256 == 0)
		search->moves = search->n == 0 ? palloc(256 * sizeof(SkMove)) :
			repalloc(search->moves, (search->n + 256) * sizeof(SkMove));
	move = &search->moves[search->n++];
	memset(move, 0, sizeof(SkMove));
	while ((id = bms_next_member(set, id)) >= 0)
		move->ids[move->n++] = id;
	find_parts(search, move, bits);
}

static void
find_moves(SkSearch *search, List *entries)
{
	List	  **buckets = palloc0(BUCKETS * sizeof(List *));
	uint64	   *bits = palloc0((search->nqueries + 1) * sizeof(uint64));
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, entries)
	{
		foreach(lc2, (List *) lfirst(lc))
		{
			Bitmapset  *used = ((SkCostEntry *) lfirst(lc2))->used;
			int			id = -1;

			CHECK_FOR_INTERRUPTS();
			while ((id = bms_next_member(used, id)) >= 0)
				add_move(search, buckets, bits, bms_make_singleton(id));
			if (bms_num_members(used) <= SK_MAX_MOVE)
				add_move(search, buckets, bits, bms_copy(used));
		}
	}
}

/* Get ready to look for a choice; with "any_size", space is worth nothing. */
SkSearch *
sk_configuration_search(SkProblem *problem, bool any_size)
{
	SkSearch   *search = palloc0(sizeof(SkSearch));
	List	   *entries = NIL;
	ListCell   *lc;

	search->problem = problem;
	if (any_size)
		search->size_price = 0;
	else if (!isinf(problem->budget))
		search->size_price = SHARE_OF_BUDGET / Max(problem->budget, BLCKSZ);
	else
		search->size_price = SHARE_OF_TABLES / Max(problem->table_bytes, BLCKSZ);
	search->size_price *= sk_configuration_value(problem);

	search->nqueries = list_length(problem->queries);
	search->terms = palloc0((search->nqueries + 1) * sizeof(SkTerms));
	search->parts = palloc0((problem->n + 1) * sizeof(SkParts));
	foreach(lc, problem->queries)
	{
		const SkQuery *query = lfirst(lc);
		List	   *those = NIL;

		if (query->entry.sqlerrcode == 0 && query->cost > 0)
			those = entries_of(search, query);
		find_terms(search, query, foreach_current_index(lc), those);
		entries = lappend(entries, those);
	}
	find_moves(search, entries);
	return search;
}

/* ----------
 * Choices
 * ----------
 */
SkConfiguration *
sk_configuration_make(const SkSearch *search, const Bitmapset *chosen)
{
	SkConfiguration *choice = palloc0(sizeof(SkConfiguration));
	int			id = -1;

	choice->chosen = palloc0((search->problem->n + 1) * sizeof(bool));
	choice->ids = palloc0((search->problem->n + 1) * sizeof(int));
	choice->has = palloc0((search->nqueries + 1) * sizeof(uint64));
	choice->saved = palloc0((search->nqueries + 1) * sizeof(double));
	while ((id = bms_next_member(chosen, id)) >= 0)
		sk_configuration_add(search, choice, id);
	return choice;
}

void
sk_configuration_copy(const SkSearch *search, SkConfiguration *to,
					  const SkConfiguration *from)
{
	memcpy(to->chosen, from->chosen, search->problem->n * sizeof(bool));
	memcpy(to->ids, from->ids, from->n * sizeof(int));
	memcpy(to->has, from->has, search->nqueries * sizeof(uint64));
	memcpy(to->saved, from->saved, search->nqueries * sizeof(double));
	to->n = from->n;
	to->bytes = from->bytes;
	to->value = from->value;
}

void
sk_configuration_free(SkConfiguration *choice)
{
	pfree(choice->chosen);
	pfree(choice->ids);
	pfree(choice->has);
	pfree(choice->saved);
	pfree(choice);
}

Bitmapset *
sk_configuration_set(const SkSearch *search, const SkConfiguration *choice)
{
	Bitmapset  *result = NULL;

	for (int i = 0; i < choice->n; i++)
		result = bms_add_member(result, choice->ids[i]);
	return result;
}

static double
price_of(const SkSearch *search, int id)
{
	return search->problem->write[id] +
		search->size_price * search->problem->bytes[id];
}

void
sk_configuration_add(const SkSearch *search, SkConfiguration *choice, int id)
{
	const SkParts *parts = &search->parts[id];
	int			at = choice->n;

	if (choice->chosen[id])
		return;
	for (; at > 0 && choice->ids[at - 1] > id; at--)
		choice->ids[at] = choice->ids[at - 1];
	choice->ids[at] = id;
	choice->chosen[id] = true;
	choice->n++;
	choice->bytes += search->problem->bytes[id];
	choice->value -= price_of(search, id);
	for (int i = 0; i < parts->n; i++)
	{
		int			place = parts->parts[i].place;
		double		saved;

		choice->has[place] |= parts->parts[i].bits;
		saved = saved_with(&search->terms[place], choice->has[place]);
		choice->value += saved - choice->saved[place];
		choice->saved[place] = saved;
	}
}

void
sk_configuration_remove(const SkSearch *search, SkConfiguration *choice, int id)
{
	const SkParts *parts = &search->parts[id];
	int			at = 0;

	if (!choice->chosen[id])
		return;
	while (choice->ids[at] != id)
		at++;
	choice->n--;
	for (; at < choice->n; at++)
		choice->ids[at] = choice->ids[at + 1];
	choice->chosen[id] = false;
	choice->bytes -= search->problem->bytes[id];
	choice->value += price_of(search, id);
	for (int i = 0; i < parts->n; i++)
	{
		int			place = parts->parts[i].place;
		double		saved;

		choice->has[place] &= ~parts->parts[i].bits;
		saved = saved_with(&search->terms[place], choice->has[place]);
		choice->value += saved - choice->saved[place];
		choice->saved[place] = saved;
	}
}

bool
sk_configuration_fits(const SkProblem *problem, const SkConfiguration *choice)
{
	return choice->n <= problem->max_indexes && choice->bytes <= problem->budget;
}

/* What a move gains, as long as nothing is removed. */
double
sk_configuration_added(const SkSearch *search, const SkConfiguration *choice,
					   const SkMove *move)
{
	double		gain = 0;

	for (int i = 0; i < move->n; i++)
	{
		if (!choice->chosen[move->ids[i]])
			gain -= price_of(search, move->ids[i]);
	}
	for (int i = 0; i < move->parts.n; i++)
	{
		const SkPart *part = &move->parts.parts[i];
		const SkTerms *terms = &search->terms[part->place];

		/* no more than the best of its terms */
		if (choice->saved[part->place] >= terms->terms[0].saved)
			continue;
		gain += saved_with(terms, choice->has[part->place] | part->bits) -
			choice->saved[part->place];
	}
	return gain;
}

/* What is lost without a member. */
double
sk_configuration_loss(const SkSearch *search, const SkConfiguration *choice, int id)
{
	const SkParts *parts = &search->parts[id];
	double		loss = -price_of(search, id);

	for (int i = 0; i < parts->n; i++)
	{
		int			place = parts->parts[i].place;

		if (choice->saved[place] > 0)
			loss += choice->saved[place] -
				saved_with(&search->terms[place],
						   choice->has[place] & ~parts->parts[i].bits);
	}
	return loss;
}
