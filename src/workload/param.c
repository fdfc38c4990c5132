/*-------------------------------------------------------------------------
 *
 * workload/param.c
 *	  What a statement's parameters are used for.
 *
 * Seen while the statement is planned without values: each table's conditions
 * come by when views are expanded and subqueries pulled up, and say which column
 * or expression a parameter is compared with, and how.  Its statistics are kept,
 * for workload/param_value.c to choose from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "workload/param.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

/* ----------
 * What parameters are used for
 * ----------
 */
static SkParamUse *
use_of(SkParams *params, const Param *param)
{
	if (param->paramkind != PARAM_EXTERN || param->paramid < 1 ||
		param->paramid > params->n)
		return NULL;
	return &params->uses[param->paramid - 1];
}

static void
mark(SkParams *params, Node *node, SkParamKind kind)
{
	SkParamUse *use;

	while (node != NULL && (IsA(node, RelabelType) || IsA(node, FuncExpr)))
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (list_length(((FuncExpr *) node)->args) == 1)
			node = linitial(((FuncExpr *) node)->args);
		else
			return;
	}
	if (node == NULL || !IsA(node, Param))
		return;
	use = use_of(params, (Param *) node);
	if (use != NULL)
		use->kind = kind;
}

/* LIMIT and OFFSET, and text search configurations, wherever they are. */
static bool
mark_walker(Node *node, void *arg)
{
	SkParams   *params = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		mark(params, ((Query *) node)->limitCount, SK_PARAM_LIMIT);
		mark(params, ((Query *) node)->limitOffset, SK_PARAM_OFFSET);
		return query_tree_walker((Query *) node, mark_walker, arg, 0);
	}
	if (IsA(node, Param) && ((Param *) node)->paramtype == REGCONFIGOID)
		mark(params, node, SK_PARAM_CONFIG);
	return expression_tree_walker(node, mark_walker, arg);
}

/*
 * "types" are those of $1 and so on; "rows" is how many rows the statement
 * returns each time, or less than 0.  If "readable_only", no value is used that
 * the current user may not read.
 */
SkParams *
sk_param_begin(List *queries, int ntypes, const Oid *types, double rows,
			   bool readable_only)
{
	SkParams   *params = palloc0(sizeof(SkParams));
	ListCell   *lc;

	params->context = CurrentMemoryContext;
	params->n = ntypes;
	params->types = types;
	params->uses = palloc0((ntypes + 1) * sizeof(SkParamUse));
	params->rows = rows;
	params->readable_only = readable_only;
	foreach(lc, queries)
		mark_walker(lfirst(lc), params);
	return params;
}

static bool
params_walker(Node *node, List **found)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		*found = lappend(*found, node);
	return expression_tree_walker(node, params_walker, found);
}

static List *
params_of(Node *node)
{
	List	   *found = NIL;

	(void) params_walker(node, &found);
	return found;
}

static bool
may_read(Oid relid, Node *key)
{
	List	   *vars = pull_var_clause(key, 0);
	ListCell   *lc;

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	foreach(lc, vars)
	{
		if (pg_attribute_aclcheck(relid, ((Var *) lfirst(lc))->varattno,
								  GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

static SkParamKind
kind_of_operator(Oid opno)
{
	switch (get_oprrest(opno))
	{
		case F_EQSEL:
			return SK_PARAM_EQUAL;
		case F_SCALARGTSEL:
		case F_SCALARGESEL:
			return SK_PARAM_LOWER;
		case F_SCALARLTSEL:
		case F_SCALARLESEL:
			return SK_PARAM_UPPER;
		case F_ICLIKESEL:
			return SK_PARAM_INFIX;
		case F_LIKESEL:
		case F_PREFIXSEL:
			return SK_PARAM_PATTERN;
		case F_REGEXEQSEL:
		case F_ICREGEXEQSEL:
			return SK_PARAM_REGEX;
		case F_CONTSEL:
		case F_MATCHINGSEL:
		case F_ARRAYCONTSEL:
		case F_TSMATCHSEL:
			return SK_PARAM_CONTAINED;
		default:
			return SK_PARAM_UNKNOWN;
	}
}

typedef struct Seen
{
	SkParams   *params;
	PlannerInfo *root;
	RelOptInfo *rel;
	Oid			relid;
} Seen;

static void
record(Seen *seen, const Param *param, SkParamKind kind, Node *key, SkColumnValues *values,
	   int i)
{
	SkParamUse *use = use_of(seen->params, param);
	bool		member = seen->rel->reloptkind != RELOPT_BASEREL;
	MemoryContext old;

	/* a partitioned table knows more than its partitions */
	if (use == NULL || (use->kind != SK_PARAM_UNKNOWN && !(use->member && !member)))
		return;
	old = MemoryContextSwitchTo(seen->params->context);
	use->kind = kind;
	use->values = values;
	use->key = copyObject(key);
	use->relids = bms_copy(seen->rel->relids);
	use->i = i;
	use->member = member;
	MemoryContextSwitchTo(old);
}

static SkColumnValues *
values_of(Seen *seen, Node *key)
{
	VariableStatData var;
	SkColumnValues *values = NULL;
	MemoryContext old;

	if (seen->params->readable_only && !may_read(seen->relid, key))
		return NULL;
	examine_variable(seen->root, key, 0, &var);
	old = MemoryContextSwitchTo(seen->params->context);
	values = sk_column_values_read(&var);
	MemoryContextSwitchTo(old);
	ReleaseVariableStats(var);
	return values;
}

/* Can a parameter of this type be a bound of a key of that type by itself? */
static bool
is_comparable(Oid param, Oid key)
{
	char		category_p;
	char		category_k;
	bool		preferred;

	get_type_category_preferred(param, &category_p, &preferred);
	get_type_category_preferred(key, &category_k, &preferred);
	return category_p == category_k;
}

static void
record_bound(Seen *seen, SkParamKind kind, Node *key, Node *other, SkColumnValues *values)
{
	List	   *found = params_of(other);
	bool		main = false;
	ListCell   *lc;

	foreach(lc, found)
	{
		Param	   *param = lfirst(lc);

		if (!main && is_comparable(param->paramtype, exprType(key)))
		{
			record(seen, param, kind, key, values, 0);
			main = true;
		}
		else if (param->paramtype == INTERVALOID)
			record(seen, param, main || kind == SK_PARAM_UPPER ? SK_PARAM_DISTANCE : SK_PARAM_AGO, key, values, 0);
		else if (sk_column_values_is_number(param->paramtype))
			record(seen, param, SK_PARAM_DISTANCE, key, values, 0);
	}
}

static void
record_pattern(Seen *seen, SkParamKind kind, Node *key, Node *other, SkColumnValues *values)
{
	List	   *found = params_of(other);
	ListCell   *lc;

	foreach(lc, found)
		record(seen, lfirst(lc), lc == list_head(found) ? kind : SK_PARAM_WILDCARD,
			   key, values, list_length(found));
}

static void
see_operator(Seen *seen, Oid opno, Node *left, Node *right)
{
	SkParamKind kind;
	SkColumnValues *values;
	ListCell   *lc;
	int			i = 0;

	if (!bms_equal(pull_varnos(seen->root, left), seen->rel->relids))
	{
		Node	   *swap = left;

		left = right;
		right = swap;
		opno = get_commutator(opno);
	}
	if (!OidIsValid(opno) ||
		!bms_equal(pull_varnos(seen->root, left), seen->rel->relids) ||
		params_of(left) != NIL || params_of(right) == NIL)
		return;
	kind = kind_of_operator(opno);
	if (kind == SK_PARAM_UNKNOWN)
		return;
	values = values_of(seen, left);
	if (kind == SK_PARAM_LOWER || kind == SK_PARAM_UPPER)
		record_bound(seen, kind, left, right, values);
	else if (kind == SK_PARAM_PATTERN || kind == SK_PARAM_INFIX ||
			 kind == SK_PARAM_REGEX)
		record_pattern(seen, kind, left, right, values);
	else
	{
		foreach(lc, params_of(right))
			record(seen, lfirst(lc), kind, left, values, i++);
	}
}

static bool
clause_walker(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, RestrictInfo))
		return clause_walker((Node *) ((RestrictInfo *) node)->clause, arg);
	if (IsA(node, OpExpr) && list_length(((OpExpr *) node)->args) == 2)
		see_operator(arg, ((OpExpr *) node)->opno,
					 linitial(((OpExpr *) node)->args),
					 lsecond(((OpExpr *) node)->args));
	if (IsA(node, ScalarArrayOpExpr))
		see_operator(arg, ((ScalarArrayOpExpr *) node)->opno,
					 linitial(((ScalarArrayOpExpr *) node)->args),
					 lsecond(((ScalarArrayOpExpr *) node)->args));
	return expression_tree_walker(node, clause_walker, arg);
}

/* Called for each table of the statement while it is planned without values. */
void
sk_param_observe(SkParams *params, PlannerInfo *root, RelOptInfo *rel,
				 RangeTblEntry *rte)
{
	Seen		seen = {params, root, rel, rte->relid};
	ListCell   *lc;

	if (params->n == 0 || rte->rtekind != RTE_RELATION)
		return;
	foreach(lc, rel->baserestrictinfo)
		(void) clause_walker(lfirst(lc), &seen);
}

/* Does the share change anything? */
bool
sk_param_is_adjustable(const SkParams *params)
{
	for (int i = 0; i < params->n; i++)
	{
		switch (params->uses[i].kind)
		{
			case SK_PARAM_EQUAL:
			case SK_PARAM_LOWER:
			case SK_PARAM_UPPER:
			case SK_PARAM_DISTANCE:
			case SK_PARAM_AGO:
			case SK_PARAM_PATTERN:
				if (params->uses[i].values != NULL)
					return true;
				break;
			default:
				break;
		}
	}
	return false;
}
