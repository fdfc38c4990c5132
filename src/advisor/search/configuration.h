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

/* Indexes that are added at once. */
#define SK_MAX_MOVE 4

typedef struct SkProblem
{
	List	   *queries;		/* SkQuery */
	int			n;				/* candidates */
	Bitmapset  *usable;
	Bitmapset  *blamed;			/* not usable, since they make a statement
								 * slower */
	Bitmapset **wider;			/* those that make each one redundant */
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

/* What a query saves with some of its candidates, one bit each */
typedef struct SkTerm
{
	uint64		need;
	double		saved;
} SkTerm;

typedef struct SkTerms
{
	int			n;
	SkTerm	   *terms;			/* what saves most first */
} SkTerms;

/* The bits that candidates have in a query. */
typedef struct SkPart
{
	int			place;			/* of the query */
	uint64		bits;
} SkPart;

typedef struct SkParts
{
	int			n;
	SkPart	   *parts;
} SkParts;

/* Indexes that are worth adding at once. */
typedef struct SkMove
{
	int			n;
	int			ids[SK_MAX_MOVE];
	SkParts		parts;
} SkMove;

typedef struct SkSearch
{
	SkProblem  *problem;
	int			nqueries;
	SkTerms    *terms;			/* of each query */
	SkParts    *parts;			/* of each candidate */
	SkMove	   *moves;
	int			n;				/* of them */
	double		size_price;		/* of a byte */
} SkSearch;

/* A choice. */
typedef struct SkConfiguration
{
	bool	   *chosen;			/* of each candidate */
	int			n;				/* of those that are, */
	int		   *ids;			/* in their order */
	double		bytes;
	uint64	   *has;			/* which of its candidates each query has, */
	double	   *saved;			/* and what it saves */
	double		value;			/* what all save, less what the indexes cost */
} SkConfiguration;

extern double sk_configuration_value(const SkProblem *problem);
extern double sk_configuration_gain(const SkProblem *problem, const Bitmapset *chosen);
extern double sk_configuration_bytes(const SkProblem *problem, const Bitmapset *set);
extern SkSearch *sk_configuration_search(SkProblem *problem, bool any_size);
extern SkConfiguration *sk_configuration_make(const SkSearch *search,
											  const Bitmapset *chosen);
extern void sk_configuration_copy(const SkSearch *search, SkConfiguration *to,
								  const SkConfiguration *from);
extern void sk_configuration_free(SkConfiguration *choice);
extern Bitmapset *sk_configuration_set(const SkSearch *search,
									   const SkConfiguration *choice);
extern void sk_configuration_add(const SkSearch *search, SkConfiguration *choice, int id);
extern void sk_configuration_remove(const SkSearch *search, SkConfiguration *choice,
									int id);
extern bool sk_configuration_fits(const SkProblem *problem, const SkConfiguration *choice);
extern double sk_configuration_added(const SkSearch *search,
									 const SkConfiguration *choice, const SkMove *move);
extern double sk_configuration_loss(const SkSearch *search,
									const SkConfiguration *choice, int id);

#endif							/* SK_ADVISOR_SEARCH_CONFIGURATION_H */
