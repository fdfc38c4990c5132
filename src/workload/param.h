/*-------------------------------------------------------------------------
 *
 * workload/param.h
 *	  What a statement's parameters are used for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_WORKLOAD_PARAM_H
#define SK_WORKLOAD_PARAM_H

#include "workload/column_values.h"

#include "nodes/pathnodes.h"

/* What a parameter is used for. */
typedef enum SkParamKind
{
	SK_PARAM_UNKNOWN,
	SK_PARAM_EQUAL,
	SK_PARAM_LOWER,				/* the bound below a range */
	SK_PARAM_UPPER,				/* and above */
	SK_PARAM_DISTANCE,			/* added to or taken from a bound */
	SK_PARAM_AGO,				/* taken from the present, bound below */
	SK_PARAM_PATTERN,			/* of LIKE */
	SK_PARAM_INFIX,				/* of ILIKE */
	SK_PARAM_WILDCARD,			/* the rest of a pattern */
	SK_PARAM_REGEX,
	SK_PARAM_CONTAINED,			/* what an array, document, ... contains */
	SK_PARAM_LIMIT,
	SK_PARAM_OFFSET,
	SK_PARAM_CONFIG				/* of text search */
} SkParamKind;

/* ... and with what. */
typedef struct SkParamUse
{
	SkParamKind kind;
	SkColumnValues *values;		/* of what it is compared with, or NULL */
	Relids		relids;			/* that table, */
	Node	   *key;			/* and what of it */
	int			i;				/* of several in a list */
	bool		member;			/* seen at a partition or child */
} SkParamUse;

typedef struct SkParams
{
	MemoryContext context;
	int			n;
	const Oid  *types;
	SkParamUse *uses;
	double		rows;			/* that the statement returns, or < 0 */
	bool		readable_only;
} SkParams;

extern SkParams *sk_param_begin(List *queries, int ntypes, const Oid *types,
								double rows, bool readable_only);
extern void sk_param_observe(SkParams *params, PlannerInfo *root,
							 RelOptInfo *rel, RangeTblEntry *rte);
extern bool sk_param_is_adjustable(const SkParams *params);

#endif							/* SK_WORKLOAD_PARAM_H */
