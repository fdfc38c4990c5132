/*-------------------------------------------------------------------------
 *
 * advisor/plan/support.c
 *	  Which indexes serve a function, by its own word.
 *
 * A function can have a support function that the planner asks whether an index of
 * some operator family helps to find the rows for which it is true: starts_with() has
 * one, and most of PostGIS.  So it is asked about an index of each operator class that
 * the column could have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/support.h"

#include "index/opclass.h"

#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "utils/lsyscache.h"

static bool
serves(PlannerInfo *root, RelOptInfo *rel, FuncExpr *func, int arg, Oid opclass,
	   Oid collation)
{
	SupportRequestIndexCondition request = {0};
	IndexOptInfo *index = makeNode(IndexOptInfo);
	Oid			family = get_opclass_family(opclass);
	Oid			type = get_opclass_input_type(opclass);
	int			column = 0;

	index->rel = rel;
	index->relam = sk_index_opclass_method(opclass);
	index->ncolumns = index->nkeycolumns = 1;
	index->indexkeys = &column;
	index->indexcollations = &collation;
	index->opfamily = &family;
	index->opcintype = &type;
	request.type = T_SupportRequestIndexCondition;
	request.root = root;
	request.funcid = func->funcid;
	request.node = (Node *) func;
	request.indexarg = arg;
	request.index = index;
	request.indexcol = 0;
	request.opfamily = family;
	request.indexcollation = collation;
	request.lossy = true;
	return DatumGetPointer(OidFunctionCall1(get_func_support(func->funcid),
											PointerGetDatum(&request))) != NULL;
}

/* OIDs of operator classes of an index on the argument, which help the function. */
List *
sk_support_opclasses(PlannerInfo *root, RelOptInfo *rel, FuncExpr *func, int arg, Node *key)
{
	Oid			type = exprType(key);
	Oid			collation = exprCollation(key);
	Oid			opclasses[] = {
		sk_index_opclass_for_like(type, collation),
		GetDefaultOpClass(type, GIN_AM_OID),
		GetDefaultOpClass(type, GIST_AM_OID),
		GetDefaultOpClass(type, SPGIST_AM_OID)
	};
	List	   *result = NIL;

	for (size_t i = 0; i < lengthof(opclasses); i++)
	{
		if (OidIsValid(opclasses[i]) && serves(root, rel, func, arg, opclasses[i], collation))
			result = lappend_oid(result, opclasses[i]);
	}
	return result;
}
