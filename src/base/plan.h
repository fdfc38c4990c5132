/*-------------------------------------------------------------------------
 *
 * base/plan.h
 *	  Statements that are prepared once and executed again and again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_PLAN_H
#define SK_PLAN_H

#include "executor/spi.h"
#include "nodes/pg_list.h"

/*
 * Returns the statement as names are now, and leaves the OIDs of the tables that
 * it names in *relids.
 */
typedef char *(*SkPlanText) (void *arg, List **relids);

/* All zeros before its first use */
typedef struct SkPlan
{
	SPIPlanPtr	plan;
	List	   *queries;		/* of the plan, whose tables these are */
	List	   *tables;
	List	   *lockmodes;
} SkPlan;

extern void sk_plan_init(void);
extern char *sk_plan_constant(void *text, List **relids);
extern SPIPlanPtr sk_plan_once(SkPlanText make_text, void *arg, int nargs,
							   const Oid *types, int options);
extern SPIPlanPtr sk_plan_get(SkPlan *kept, SkPlanText make_text, void *arg,
							  int nargs, const Oid *types, int options);
extern void sk_plan_free(SkPlan *kept);

#endif							/* SK_PLAN_H */
