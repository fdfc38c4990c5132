/*-------------------------------------------------------------------------
 *
 * advisor/plan/whatif.h
 *	  Plans as they would be with other indexes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_WHATIF_H
#define SK_ADVISOR_PLAN_WHATIF_H

#include "advisor/plan/join_order.h"
#include "advisor/plan/unlucky.h"
#include "index/size.h"

#include "nodes/params.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/* An index that does not exist, with what the planner has to know of it. */
typedef struct SkHypothetical
{
	const SkIndex *index;
	Oid			oid;			/* no object of the database has it */
	char	   *name;
	bool		sized;
	ErrorData  *error;			/* why it could not be made, or NULL */
	SkIndexSize size;			/* on a partitioned table: see
								 * sk_whatif_pages() */
	List	   *parts;			/* those of partitions, as they are asked for */
	bool		parts_sized;	/* all of them are known, */
	double		parts_pages;	/* and how large they are together */
	MemoryContext context;
} SkHypothetical;

/* Told of each relation of a query, when its conditions are known. */
typedef void (*SkWhatIfObserver) (PlannerInfo *root, RelOptInfo *rel,
								  RangeTblEntry *rte, void *arg);

typedef struct SkWhatIf
{
	List	   *indexes;		/* SkHypothetical */
	List	   *hidden;			/* OIDs of indexes that shall not be used */
	SkWhatIfObserver observer;
	void	   *arg;
	bool		strict;			/* an index that could not be made is an error */
	const SkUnlucky *unlucky;	/* how to plan, or NULL */
	SkJoinOrder *order;			/* gets the joins of the plan, or NULL */
	bool		known_joins;	/* only joins that it has, if there are any */
} SkWhatIf;

extern void sk_whatif_init(void);
extern SkHypothetical *sk_whatif_index(const SkIndex *index, char *name);
extern double sk_whatif_pages(SkHypothetical *index);
extern PlannedStmt *sk_whatif_plan(Query *query, const char *text,
								   ParamListInfo params, const SkWhatIf *whatif);
extern SkHypothetical *sk_whatif_find(List *indexes, Oid oid);

#endif							/* SK_ADVISOR_PLAN_WHATIF_H */
