/*-------------------------------------------------------------------------
 *
 * advisor/plan/indexable.h
 *	  What a statement asks of one table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_INDEXABLE_H
#define SK_ADVISOR_PLAN_INDEXABLE_H

#include "index/index.h"

#include "nodes/pathnodes.h"

/*
 * Keys are SkIndexKeys.  All expressions have varno 1 for the table.
 */
typedef struct SkIndexable
{
	Oid			relid;
	List	   *equal;			/* compared with something known */
	List	   *range;			/* between bounds */
	List	   *join;			/* equal to another table's column */
	List	   *pattern;		/* by LIKE: in the order of characters */
	List	   *orders;			/* Lists of keys, with directions */
	List	   *other;			/* of other access methods: SkIndexableOther */
	List	   *unequal;		/* not equal to one of a few values */
	List	   *brin;			/* ranges of what is in the order of rows */
	List	   *conditions;		/* without parameters, for partial indexes */
	Bitmapset  *needed;			/* columns that are read at all, */
	Bitmapset  *besides;		/* and for more than the conditions */
	AttrNumber	unknown;		/* a column in a condition without statistics,
								 * or 0 */
	bool		all_columns;	/* whole rows, or system columns */
} SkIndexable;

typedef struct SkIndexableOther
{
	SkIndexKey	key;
	Oid			am;
} SkIndexableOther;

extern SkIndexable *sk_indexable_of(PlannerInfo *root, RelOptInfo *rel,
									RangeTblEntry *rte);

#endif							/* SK_ADVISOR_PLAN_INDEXABLE_H */
