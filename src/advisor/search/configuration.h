/*-------------------------------------------------------------------------
 *
 * advisor/search/configuration.h
 *	  A choice of indexes, and what others would gain.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SEARCH_CONFIGURATION_H
#define SK_ADVISOR_SEARCH_CONFIGURATION_H

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

typedef struct SkProblem
{
	List	   *queries;		/* SkQuery */
	int			n;				/* candidates */
	Bitmapset  *usable;
	const double *bytes;		/* of each */
	const double *write;		/* what each costs, in the queries' unit of
								 * value */
	int			max_indexes;
	double		budget;			/* bytes; infinity: none */
	double		table_bytes;	/* of all tables that candidates are for */
	double		min_benefit;	/* of each, as a fraction of all value */
	TimestampTz deadline;		/* 0: none */
	bool		late;			/* set when it has passed */
} SkProblem;

/* Indexes that are worth adding at once. */
typedef struct SkMove
{
	Bitmapset  *set;
	List	   *queries;		/* SkQuery that it has to do with */
	int			stamp;			/* see sk_choice_set() */
} SkMove;

typedef struct SkSearch
{
	SkProblem  *problem;
	SkMove	   *moves;
	int			n;
	List	  **touched;		/* SkQuery, by the candidates in their plans */
	List	  **moves_of;		/* numbers of moves, by the queries' places */
	double		size_price;		/* of a byte */
	int			stamp;
} SkSearch;

/* A choice, and what each move would gain then. */
typedef struct SkChoice
{
	Bitmapset  *chosen;
	double	   *gain;
} SkChoice;

extern double sk_choice_value(const SkProblem *problem);
extern double sk_choice_gain(const SkProblem *problem, const Bitmapset *chosen);
extern SkSearch *sk_choice_search(SkProblem *problem);
extern SkChoice *sk_choice_first(const SkSearch *search);
extern SkChoice *sk_choice_copy(const SkSearch *search, const SkChoice *choice);
extern void sk_choice_free(SkChoice *choice);
extern void sk_choice_set(SkSearch *search, SkChoice *choice, Bitmapset *chosen);
extern double sk_choice_change(const SkSearch *search, const Bitmapset *from,
							   const Bitmapset *to);
extern double sk_choice_loss(const SkSearch *search, const Bitmapset *chosen,
							 int id);
extern double sk_choice_bytes(const SkProblem *problem, const Bitmapset *set);
extern bool sk_choice_fits(const SkProblem *problem, const Bitmapset *chosen);
extern List *sk_choice_queries(const SkSearch *search, const Bitmapset *set);

#endif							/* SK_ADVISOR_SEARCH_CONFIGURATION_H */
