/*-------------------------------------------------------------------------
 *
 * sk_select.h
 *	  Which indexes to make.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SELECT_H
#define SK_SELECT_H

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

extern Bitmapset *sk_select(SkProblem *problem);
extern double sk_select_gain(const SkProblem *problem, const Bitmapset *chosen);
extern double sk_select_value(const SkProblem *problem);

#endif							/* SK_SELECT_H */
