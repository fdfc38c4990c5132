/*-------------------------------------------------------------------------
 *
 * advisor/plan/columns.c
 *	  Which columns of a table a statement reads.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/columns.h"

#include "base/compat.h"

#include "access/sysattr.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/syscache.h"

/* A part of a clause as it is in an index: the table is number 1. */
Node *
sk_columns_expr(const RelOptInfo *rel, Node *node)
{
	node = copyObject(node);
	if (rel->relid != 1)
		ChangeVarNodes(node, rel->relid, 1, 0);
	sk_forget_nulling(node);
	return node;
}

static bool
has_statistics(const RangeTblEntry *rte, AttrNumber attnum)
{
	return SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(rte->relid),
								 Int16GetDatum(attnum), BoolGetDatum(rte->inh));
}

/* Columns of the table in expressions; what else there is makes all needed. */
static Bitmapset *
columns_of(SkColumns *read, const RelOptInfo *rel, Node *exprs)
{
	Bitmapset  *attnos = NULL;
	Bitmapset  *columns = NULL;
	int			i = -1;

	pull_varattnos(exprs, rel->relid, &attnos);
	while ((i = bms_next_member(attnos, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;

		if (attnum <= 0)
			read->all_columns = true;
		else
			columns = bms_add_member(columns, attnum);
	}
	return columns;
}

/* Which columns of a table are read, and for what; conditions are known. */
void
sk_columns_see(SkColumns *read, const RelOptInfo *rel, const RangeTblEntry *rte,
			   List *conditions)
{
	ListCell   *lc;
	int			attnum = -1;

	foreach(lc, rel->baserestrictinfo)
	{
		Node	   *clause = (Node *) lfirst_node(RestrictInfo, lc)->clause;
		Bitmapset  *columns = columns_of(read, rel, clause);

		read->needed = bms_add_members(read->needed, columns);
		if (!list_member(conditions, sk_columns_expr(rel, clause)))
			read->besides = bms_add_members(read->besides, columns);
	}
	while ((attnum = bms_next_member(read->needed, attnum)) >= 0)
	{
		if (!has_statistics(rte, attnum))
			read->unknown = attnum;
	}
	read->besides = bms_add_members(read->besides,
									columns_of(read, rel, (Node *) rel->reltarget->exprs));
	read->needed = bms_add_members(read->needed, read->besides);
}
