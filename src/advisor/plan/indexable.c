/*-------------------------------------------------------------------------
 *
 * advisor/plan/indexable.c
 *	  What a statement asks of one table.
 *
 * Looked at while the statement is planned, not in its text: views are expanded
 * then, subqueries pulled up, outer joins reduced, equal columns known to be
 * equal, and each condition is where it can be used.  What an index could serve
 * is told by operator families, as the planner does it.
 *
 * The statement is planned without values of parameters: constants that are
 * seen here are the statement's own, or a view's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/indexable.h"

#include "advisor/plan/columns.h"
#include "advisor/plan/support.h"
#include "base/compat.h"
#include "index/opclass.h"
#include "index/stats.h"

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "rewrite/rewriteManip.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include <math.h>

/* For BRIN: how large a table, and how much in order its rows. */
#define BRIN_PAGES 4096
#define BRIN_CORRELATION 0.9

/* A column with so few values says what state a row is in. */
#define MAX_STATES 20

typedef struct Seen
{
	PlannerInfo *root;
	RelOptInfo *rel;
	SkIndexable *access;
} Seen;

/* ----------
 * Keys
 * ----------
 */
static bool
is_of(const Seen *seen, Node *node)
{
	return bms_equal(pull_varnos(seen->root, node), seen->rel->relids);
}

static Node *
strip(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

static bool
params_walker(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	return IsA(node, Param) || expression_tree_walker(node, params_walker, arg);
}

static bool
has_params(Node *node)
{
	return params_walker(node, NULL);
}

/* Those, and whole rows, are nothing for an index to be on. */
static bool
has_system_columns(const Seen *seen, Node *node)
{
	Bitmapset  *columns = NULL;

	pull_varattnos(node, seen->rel->relid, &columns);
	return bms_next_member(columns, -1) <= -FirstLowInvalidHeapAttributeNumber;
}

/* Can it be a column of an index? */
static bool
is_key(const Seen *seen, Node *node)
{
	if (IsA(node, Var))
		return ((Var *) node)->varattno > 0 &&
			(Index) ((Var *) node)->varno == seen->rel->relid;
	return is_of(seen, node) && !has_system_columns(seen, node) &&
		!contain_mutable_functions(node) && !contain_subplans(node) && !contain_agg_clause(node) &&
		!has_params(node);
}

static SkIndexKey *
make_key(const Seen *seen, Node *node, Oid opclass, Oid collation, int16 option)
{
	SkIndexKey *key = palloc0(sizeof(SkIndexKey));

	SkStatColumn column;

	node = strip(node);
	sk_index_stats_column(seen->root, node, NULL, 0, &column);
	if (!type_is_collatable(exprType(node)))
		collation = InvalidOid;
	else if (!OidIsValid(collation))
		collation = exprCollation(node);
	sk_index_set_key(key, sk_columns_expr(seen->rel, node), opclass, collation, option);
	key->distinct = column.distinct;
	return key;
}

static bool
same_key(const SkIndexKey *a, const SkIndexKey *b)
{
	return a->opclass == b->opclass && a->collation == b->collation &&
		equal(a->expr, b->expr);
}

/* Those with more values come first: they tell more. */
static void
add_key(List **list, SkIndexKey *key)
{
	ListCell   *lc;
	int			at = 0;

	foreach(lc, *list)
	{
		if (same_key(lfirst(lc), key))
			return;
		if (((SkIndexKey *) lfirst(lc))->distinct >= key->distinct)
			at = foreach_current_index(lc) + 1;
	}
	*list = list_insert_nth(*list, at, key);
}

static bool
add_method(Seen *seen, Node *key, Oid opno, Oid am)
{
	CatCList   *list = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(opno));
	bool		found = false;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_amop form = (Form_pg_amop) GETSTRUCT(&list->members[i]->tuple);
		SkIndexableOther *other;
		Oid			opclass;

		if (form->amopmethod != am || form->amoppurpose != AMOP_SEARCH)
			continue;
		opclass = sk_index_opclass_in(am, form->amopfamily, exprType(key));
		if (!OidIsValid(opclass))
			continue;
		other = palloc(sizeof(SkIndexableOther));
		other->am = am;
		other->key = *make_key(seen, key, opclass, InvalidOid, 0);
		seen->access->other = lappend(seen->access->other, other);
		found = true;
	}
	ReleaseSysCacheList(list);
	return found;
}

static void
add_brin(Seen *seen, Node *key, Oid collation)
{
	Oid			opclass = GetDefaultOpClass(exprType(key), BRIN_AM_OID);
	SkStatColumn column;

	if (!OidIsValid(opclass) || seen->rel->pages < BRIN_PAGES || !IsA(key, Var))
		return;
	sk_index_stats_column(seen->root, key, NULL, 0, &column);
	if (fabs(column.correlation) >= BRIN_CORRELATION)
		add_key(&seen->access->brin,
				make_key(seen, key, opclass, collation, 0));
}

/* ----------
 * Conditions
 * ----------
 */
static void
add_comparison(Seen *seen, Node *key, Oid opno, Oid collation, bool known)
{
	SkIndexable *access = seen->access;
	int			strategy;
	Oid			opclass = sk_index_opclass_btree(key, opno, &strategy);

	if (OidIsValid(opclass))
	{
		SkIndexKey *made = make_key(seen, key, opclass, collation, 0);

		if (strategy == BTEqualStrategyNumber)
			add_key(known ? &access->equal : &access->join, made);
		else
			add_key(&access->range, made);
		if (strategy != BTEqualStrategyNumber)
			add_brin(seen, key, collation);
		return;
	}
	switch (get_oprrest(opno))
	{
		case F_LIKESEL:
		case F_REGEXEQSEL:
		case F_PREFIXSEL:
			opclass = sk_index_opclass_for_like(exprType(key), collation);
			if (OidIsValid(opclass))
				add_key(&access->pattern,
						make_key(seen, key, opclass, collation, 0));
			break;
		default:
			break;
	}
	if (!add_method(seen, key, opno, GIN_AM_OID))
		(void) add_method(seen, key, opno, GIST_AM_OID);
}

static void
see_operator(Seen *seen, Oid opno, Oid collation, Node *left, Node *right)
{
	left = strip(left);
	right = strip(right);
	if (is_key(seen, left) &&
		!bms_is_member(seen->rel->relid, pull_varnos(seen->root, right)))
		add_comparison(seen, left, opno, collation,
					   bms_is_empty(pull_varnos(seen->root, right)));
	opno = get_commutator(opno);
	if (OidIsValid(opno) && is_key(seen, right) &&
		!bms_is_member(seen->rel->relid, pull_varnos(seen->root, left)))
		add_comparison(seen, right, opno, collation,
					   bms_is_empty(pull_varnos(seen->root, left)));
}

/* A function may say itself which operators of an index serve it. */
static void
see_function(Seen *seen, FuncExpr *func)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (!OidIsValid(get_func_support(func->funcid)))
		return;
	foreach(lc, func->args)
	{
		Node	   *key = strip(lfirst(lc));
		List	   *others = list_delete_nth_cell(list_copy(func->args),
												  foreach_current_index(lc));

		if (!is_key(seen, key) ||
			bms_is_member(seen->rel->relid, pull_varnos(seen->root, (Node *) others)))
			continue;
		foreach(lc2, sk_support_opclasses(seen->root, seen->rel, func,
										  foreach_current_index(lc), key))
		{
			SkIndexableOther *other = palloc(sizeof(SkIndexableOther));

			other->am = sk_index_opclass_method(lfirst_oid(lc2));
			other->key = *make_key(seen, key, lfirst_oid(lc2), func->inputcollid, 0);
			seen->access->other = lappend(seen->access->other, other);
		}
	}
}

static void
see_null_test(Seen *seen, NullTest *test)
{
	Node	   *key = strip((Node *) test->arg);
	Oid			opclass;

	if (!is_key(seen, key) || test->nulltesttype != IS_NULL)
		return;
	opclass = sk_index_opclass_default(exprType(key));
	if (OidIsValid(opclass))
		add_key(&seen->access->equal,
				make_key(seen, key, opclass, InvalidOid, 0));
}

/* A boolean is compared with true or false where it stands alone. */
static void
see_boolean(Seen *seen, Node *key)
{
	Oid			opclass;

	key = strip(key);
	if (exprType(key) != BOOLOID || !is_key(seen, key))
		return;
	opclass = GetDefaultOpClass(BOOLOID, BTREE_AM_OID);
	add_key(&seen->access->equal, make_key(seen, key, opclass, InvalidOid, 0));
}

/* Look at a condition and, for OR and the like, at its arms. */
static void
see_clause(Seen *seen, Node *clause)
{
	ListCell   *lc;

	if (clause == NULL)
		return;
	switch (nodeTag(clause))
	{
		case T_RestrictInfo:
			see_clause(seen, (Node *) ((RestrictInfo *) clause)->clause);
			break;
		case T_BoolExpr:
			foreach(lc, ((BoolExpr *) clause)->args)
				see_clause(seen, lfirst(lc));
			break;
		case T_OpExpr:
			{
				OpExpr	   *op = (OpExpr *) clause;

				if (list_length(op->args) == 2)
					see_operator(seen, op->opno, op->inputcollid,
								 linitial(op->args), lsecond(op->args));
				break;
			}
		case T_ScalarArrayOpExpr:
			{
				ScalarArrayOpExpr *op = (ScalarArrayOpExpr *) clause;
				Node	   *key = strip(linitial(op->args));

				if (op->useOr && is_key(seen, key) &&
					!bms_is_member(seen->rel->relid,
								   pull_varnos(seen->root, lsecond(op->args))))
					add_comparison(seen, key, op->opno, op->inputcollid, true);
				break;
			}
		case T_FuncExpr:
			see_function(seen, (FuncExpr *) clause);
			break;
		case T_NullTest:
			see_null_test(seen, (NullTest *) clause);
			break;
		case T_BooleanTest:
			see_boolean(seen, (Node *) ((BooleanTest *) clause)->arg);
			break;
		case T_Var:
			see_boolean(seen, clause);
			break;
		default:
			break;
	}
}

/*
 * Is it a comparison with one of a few values, like a status?  Others are
 * examples: an index for the one user that a statement asks for is not wanted.
 * What is not equal to one of them is told by a partial index only.
 */
static bool
is_state(Seen *seen, OpExpr *op)
{
	Node	   *key;
	Oid			opclass;
	SkStatColumn column;
	int			strategy;
	bool		unequal = false;

	if (list_length(op->args) != 2 || !IsA(lsecond(op->args), Const))
		return false;
	key = strip(linitial(op->args));
	if (!is_key(seen, key))
		return false;
	opclass = sk_index_opclass_btree(key, op->opno, &strategy);
	if (!OidIsValid(opclass) && OidIsValid(get_negator(op->opno)))
	{
		opclass = sk_index_opclass_btree(key, get_negator(op->opno), &strategy);
		unequal = true;
	}
	if (!OidIsValid(opclass) || strategy != BTEqualStrategyNumber)
		return false;
	sk_index_stats_column(seen->root, key, NULL, 0, &column);
	if (!column.known || column.distinct > MAX_STATES)
		return false;
	if (unequal)
		add_key(&seen->access->unequal, make_key(seen, key, opclass, op->inputcollid, 0));
	return true;
}

/* Conditions that hold for each row that the statement reads here. */
static void
add_condition(Seen *seen, Node *clause)
{
	if (has_params(clause) || !is_of(seen, clause) ||
		contain_mutable_functions(clause) || contain_subplans(clause))
		return;
	switch (nodeTag(clause))
	{
		case T_NullTest:
		case T_BooleanTest:
		case T_Var:
			break;
		case T_OpExpr:
			if (is_state(seen, (OpExpr *) clause))
				break;
			return;
		case T_BoolExpr:
			if (((BoolExpr *) clause)->boolop == NOT_EXPR)
				break;
			return;
		default:
			return;
	}
	seen->access->conditions = lappend(seen->access->conditions,
									   sk_columns_expr(seen->rel, clause));
}

/* Columns that are equal to another table's: each may drive the join. */
static void
see_equivalences(Seen *seen)
{
	ListCell   *lc;

	foreach(lc, seen->root->eq_classes)
	{
		EquivalenceClass *ec = lfirst_node(EquivalenceClass, lc);
		ListCell   *lc2;

		if (ec->ec_has_const || ec->ec_has_volatile || ec->ec_merged ||
			!bms_overlap(ec->ec_relids, seen->rel->relids) ||
			bms_membership(ec->ec_relids) != BMS_MULTIPLE)
			continue;
		foreach(lc2, ec->ec_members)
		{
			EquivalenceMember *em = lfirst_node(EquivalenceMember, lc2);
			Node	   *key = strip((Node *) em->em_expr);
			Oid			opclass;

			if (em->em_is_const || !is_key(seen, key))
				continue;
			opclass = sk_index_opclass_default(exprType(key));
			if (OidIsValid(opclass) &&
				list_member_oid(ec->ec_opfamilies, get_opclass_family(opclass)))
				add_key(&seen->access->join,
						make_key(seen, key, opclass, ec->ec_collation, 0));
		}
	}
}

/* ----------
 * Orders
 * ----------
 */
static SkIndexKey *
order_key(Seen *seen, PathKey *pathkey)
{
	ListCell   *lc;

	foreach(lc, pathkey->pk_eclass->ec_members)
	{
		EquivalenceMember *em = lfirst_node(EquivalenceMember, lc);
		Node	   *key = strip((Node *) em->em_expr);
		Oid			opclass;
		int16		option = 0;

		if (em->em_is_const || !is_key(seen, key))
			continue;
		opclass = sk_index_opclass_default(exprType(key));
		if (!OidIsValid(opclass) ||
			get_opclass_family(opclass) != pathkey->pk_opfamily)
			continue;
		if (sk_is_descending(pathkey))
			option |= INDOPTION_DESC;
		if (pathkey->pk_nulls_first)
			option |= INDOPTION_NULLS_FIRST;
		return make_key(seen, key, opclass, pathkey->pk_eclass->ec_collation,
						option);
	}
	return NULL;
}

/* An index can be read backward: let its first key be in the usual order. */
static void
turn_forward(List *keys)
{
	ListCell   *lc;

	if (((SkIndexKey *) linitial(keys))->option !=
		(INDOPTION_DESC | INDOPTION_NULLS_FIRST))
		return;
	foreach(lc, keys)
		((SkIndexKey *) lfirst(lc))->option ^=
		INDOPTION_DESC | INDOPTION_NULLS_FIRST;
}

static void
see_order(Seen *seen, List *pathkeys)
{
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, pathkeys)
	{
		SkIndexKey *key = order_key(seen, lfirst_node(PathKey, lc));

		if (key == NULL)
			break;
		keys = lappend(keys, key);
	}
	if (keys == NIL)
		return;
	turn_forward(keys);
	seen->access->orders = lappend(seen->access->orders, keys);
}

/*
 * What the statement that is being planned asks of a table; NULL if nothing
 * that an index could serve.  In the current memory context.
 */
SkIndexable *
sk_indexable_of(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	SkIndexable *access = palloc0(sizeof(SkIndexable));
	Seen		seen = {root, rel, access};
	SkColumns	read = {0};
	ListCell   *lc;

	access->relid = rte->relid;
	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *info = lfirst_node(RestrictInfo, lc);

		see_clause(&seen, (Node *) info->clause);
		add_condition(&seen, (Node *) info->clause);
	}
	foreach(lc, rel->joininfo)
		see_clause(&seen, lfirst(lc));
	see_equivalences(&seen);
	see_order(&seen, root->query_pathkeys);
	if (root->sort_pathkeys != root->query_pathkeys)
		see_order(&seen, root->sort_pathkeys);
	if (root->distinct_pathkeys != root->query_pathkeys)
		see_order(&seen, root->distinct_pathkeys);
	sk_columns_see(&read, rel, rte, access->conditions);
	access->needed = read.needed;
	access->besides = read.besides;
	access->unknown = read.unknown;
	access->all_columns = read.all_columns;
	return access;
}
