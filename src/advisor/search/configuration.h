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
	double		least_gain;		/* of each, in the queries' unit of value */
	TimestampTz deadline;		/* 0: none */
	bool		late;			/* set when it has passed */
} SkProblem;

/* Indexes that are worth adding at once. */
typedef struct SkMove
{
	Bitmapset  *set;
	List	   *queries;		/* SkQuery that it has to do with */
	int			stamp;			/* see sk_configuration_set() */
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
typedef struct SkConfiguration
{
	Bitmapset  *chosen;
	double	   *gain;
} SkConfiguration;

extern double sk_configuration_value(const SkProblem *problem);
extern double sk_configuration_gain(const SkProblem *problem, const Bitmapset *chosen);
extern SkSearch *sk_configuration_search(SkProblem *problem);
extern SkConfiguration *sk_configuration_first(const SkSearch *search);
extern SkConfiguration *sk_configuration_copy(const SkSearch *search, const SkConfiguration *choice);
extern void sk_configuration_free(SkConfiguration *choice);
extern void sk_configuration_set(SkSearch *search, SkConfiguration *choice, Bitmapset *chosen);
extern double sk_configuration_change(const SkSearch *search, const Bitmapset *from,
									  const Bitmapset *to);
extern double sk_configuration_loss(const SkSearch *search, const Bitmapset *chosen,
									int id);
extern double sk_configuration_bytes(const SkProblem *problem, const Bitmapset *set);
extern bool sk_configuration_fits(const SkProblem *problem, const Bitmapset *chosen);
extern List *sk_configuration_queries(const SkSearch *search, const Bitmapset *set);

#endif							/* SK_ADVISOR_SEARCH_CONFIGURATION_H */
