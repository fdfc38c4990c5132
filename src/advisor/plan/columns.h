/*-------------------------------------------------------------------------
 *
 * advisor/plan/columns.h
 *	  Which columns of a table a statement reads.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_COLUMNS_H
#define SK_ADVISOR_PLAN_COLUMNS_H

#include "nodes/pathnodes.h"

typedef struct SkColumns
{
	Bitmapset  *needed;			/* columns that are read at all, */
	Bitmapset  *besides;		/* and for more than the conditions */
	AttrNumber	unknown;		/* a column in a condition without statistics,
								 * or 0 */
	bool		all_columns;	/* whole rows, or system columns */
} SkColumns;

extern Node *sk_columns_expr(const RelOptInfo *rel, Node *node);
extern void sk_columns_see(SkColumns *read, const RelOptInfo *rel, const RangeTblEntry *rte,
						   List *conditions);

#endif							/* SK_ADVISOR_PLAN_COLUMNS_H */
