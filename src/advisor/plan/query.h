/*-------------------------------------------------------------------------
 *
 * advisor/plan/query.h
 *	  A statement of the workload, and what its plans cost.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_QUERY_H
#define SK_ADVISOR_PLAN_QUERY_H

#include "advisor/plan/candidate.h"
#include "workload/workload.h"

#include "nodes/params.h"

/* What a plan costs if at least these candidates are there. */
typedef struct SkCostEntry
{
	Bitmapset  *used;
	double		cost;
	bool		corrected;		/* the planner says less, see
								 * advisor/search/doubt.c */
} SkCostEntry;

/* What came out of planning with exactly these candidates, if the planner is wrong, too */
typedef struct SkVerdict
{
	Bitmapset  *set;
	Bitmapset  *used;
	double		cost;
	bool		uncertain;		/* as in SkQuery */
} SkVerdict;

typedef struct SkQuery
{
	SkWorkloadEntry entry;

	/* found out when it is planned for the first time */
	double		share;			/* see sk_param_values(), */
	ParamListInfo params;		/* and the values */
	double		cost;			/* with the indexes that exist */
	int			nodes;			/* kinds of nodes in that plan */
	ParamListInfo rare;			/* values that few rows have, if it has a
								 * LIMIT and values were guessed; else NULL */
	double		rare_cost;		/* with these, */
	double		scattered_cost; /* and with that assumption, see SkUnlucky;
								 * less than 0 if it cannot be told, 0: not
								 * known yet */
	double		skewed_cost;
	double		slow;			/* how many times as long as its plan's cost
								 * it takes, if that is many; else 0 */
	bool		pessimistic;	/* see sk_query_doubt() */
	bool		uncertain;		/* with that, the choice makes it slower */
	double		misfit;			/* rows that it returns for each that the
								 * planner expects; 1: not known */
	double		least_saving;	/* of cost; what saves less saves nothing */
	List	   *accesses;		/* SkIndexable */
	Bitmapset  *candidates;
	List	   *costs;			/* SkCostEntry, the one without candidates
								 * first */
	List	   *small;			/* SkCostEntry of what would save less than
								 * least_saving */
	List	   *planned;		/* SkCostEntry of all that was there, not what
								 * was used */
	List	   *verdicts;		/* SkVerdict */
	Bitmapset  *tried_chosen;	/* the last choice it was tried around, */
	Bitmapset  *tried_others;	/* and with what */
	SkJoinOrder order;			/* joins of its plans */
	List	   *indexes;		/* OIDs of the existing ones that it uses */
	CmdType		command;
	Oid			target;			/* of INSERT, UPDATE and DELETE, */
	Bitmapset  *changed;		/* columns that UPDATE changes, */
	double		changes;		/* and rows, each time */

	const char *foreign_key;	/* that it stands for, or NULL */
	const char *left_out;		/* the argument that left it out, or NULL */
} SkQuery;

typedef struct SkRun SkRun;
typedef void (*SkQueryWork) (SkRun *run, void *arg);

/* How long a lock is waited for. */
#define SK_QUERY_LOCK_TIMEOUT "100ms"

/* Counts the calls of the planner. */
extern int64 sk_query_planner_calls;

extern SkQuery *sk_query_make(const SkWorkloadEntry *entry);
extern bool sk_query_run(SkQuery *query, SkQueryWork work, void *arg);
extern double sk_query_plan(SkRun *run, const SkWhatIf *whatif, List **used);
extern List *sk_query_trees(const SkRun *run);
extern int	sk_query_nodes(const SkRun *run);
extern double sk_query_plan_rare(SkRun *run, const SkWhatIf *whatif, List **used);
extern bool sk_query_doubt(SkQuery *query, double cost);
extern bool sk_query_learn(SkQuery *query, SkPool *pool,
						   bool (*allowed) (Oid relid, void *arg), void *arg);

#endif							/* SK_ADVISOR_PLAN_QUERY_H */
