/*-------------------------------------------------------------------------
 *
 * timestamps/trial.c
 *	  Would a row be accepted with its new time?
 *
 * Constraints of the table or of the column's domain may forbid a time, as may
 * policies and views, and expressions of generated columns and of indexes may fail with it.
 * A row that would not be accepted keeps its time, so that the UPDATE goes through
 * as it does without us.
 *
 * What is tried here is what the server evaluates for the same row a moment later:
 * it runs as the same role, with the same settings.  What may raise an error, or
 * change something, is run in a subtransaction that is rolled back.  Most tables
 * have nothing to try, and most others a comparison, which can do neither.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/trial.h"
#include "base/compat.h"
#include "base/guard.h"
#include "timestamps/mention.h"

#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rowsecurity.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* What is asked of an expression's value */
typedef enum Demand
{
	MUST_COMPUTE,				/* that there is no error */
	MUST_NOT_BE_NULL,			/* and that it is not null */
	MUST_NOT_BE_FALSE,			/* as of a CHECK constraint */
	MUST_STAY_TRUE,				/* as of a policy or view, if it was true
								 * before */
} Demand;

typedef struct Test
{
	Demand		demand;
	Expr	   *expr;			/* ready to be compiled if it is calm */
	bool		calm;			/* it can neither fail nor change anything */
	ExprState  *state;
} Test;

struct SkTrial
{
	MemoryContext context;
	AttrNumber	attnum;
	List	   *tests;
	Oid			domain;			/* of the column, if it has constraints */
	DomainConstraintRef constraints;
	ExprContext *econtext;
	bool		prepared;
	bool		calm;
};

/* What is needed while the tests are collected */
typedef struct Collection
{
	Relation	rel;
	Bitmapset  *columns;
	List	   *tests;
} Collection;


/*-------------------------------------------------------------------------
 * What is to be tried
 *-------------------------------------------------------------------------
 */

static bool
may_raise_error(Oid function, void *arg)
{
	return !get_func_leakproof(function);
}

static bool
wild_walker(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, may_raise_error, NULL) ||
		IsA(node, CoerceToDomain))
		return true;
	return expression_tree_walker(node, wild_walker, arg);
}

/* Can it neither fail nor change anything, whoever runs it? */
static bool
is_calm(Node *expr)
{
	return !wild_walker(expr, NULL);
}

/*
 * Generated columns are not computed yet when the trigger fires: their expressions
 * stand for them.
 */
static Node *
inline_generated(Node *node, Collection *all)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		const Var  *var = (Var *) node;

		if (var->varattno > 0 &&
			TupleDescAttr(RelationGetDescr(all->rel), var->varattno - 1)->attgenerated)
			return sk_mention_generation(all->rel, var->varattno);
		return copyObject(node);
	}
	return expression_tree_mutator(node, inline_generated, all);
}

/*
 * The expression may be the relation cache's, or live as long as the row.  What is
 * kept of it is a copy, since mutators copy no constants.
 */
static void
add_test(Collection *all, Node *expr, Demand demand)
{
	Test	   *test = palloc0(sizeof(Test));

	test->demand = demand;
	test->expr = (Expr *) inline_generated(copyObject(expr), all);
	test->calm = is_calm((Node *) test->expr);
	if (test->calm)
		test->expr = expression_planner(test->expr);
	all->tests = lappend(all->tests, test);
}

static void
add_checks(Collection *all)
{
	const TupleConstr *constr = RelationGetDescr(all->rel)->constr;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		Node	   *expr = stringToNode(constr->check[i].ccbin);

		if (sk_check_is_enforced(&constr->check[i]) &&
			sk_mention_found(expr, all->columns))
			add_test(all, expr, MUST_NOT_BE_FALSE);
	}
}

static void
add_generated(Collection *all)
{
	TupleDesc	tupdesc = RelationGetDescr(all->rel);

	for (int i = 0; tupdesc->constr != NULL && i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		Node	   *expr;

		if (!attr->attgenerated || !sk_mention_has_column(all->columns, attr->attnum))
			continue;
		expr = sk_mention_generation(all->rel, attr->attnum);
		if (attr->attnotnull)
			add_test(all, expr, MUST_NOT_BE_NULL);
		else if (!is_calm(expr))
			add_test(all, expr, MUST_COMPUTE);
	}
}

static void
add_part_of_index(Collection *all, Node *expr)
{
	if (sk_mention_found(expr, all->columns) && !is_calm(expr))
		add_test(all, expr, MUST_COMPUTE);
}

/* Its expressions are a list, its predicate is one expression. */
static void
add_index(Collection *all, HeapTuple tuple)
{
	ListCell   *lc;

	foreach(lc, (List *) sk_mention_stored(tuple, INDEXRELID, Anum_pg_index_indexprs))
		add_part_of_index(all, lfirst(lc));
	add_part_of_index(all, sk_mention_stored(tuple, INDEXRELID, Anum_pg_index_indpred));
}

static void
add_indexes(Collection *all)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(all->rel))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		add_index(all, tuple);
		ReleaseSysCache(tuple);
	}
}

static void
add_condition(Collection *all, Expr *expr)
{
	if (expr != NULL && sk_mention_found((Node *) expr, all->columns))
		add_test(all, (Node *) expr, MUST_STAY_TRUE);
}

/* Those with subqueries are for timestamps/obstacle.c. */
static void
add_policies(Collection *all)
{
	ListCell   *lc;

	if (all->rel->rd_rsdesc == NULL)
		return;
	foreach(lc, all->rel->rd_rsdesc->policies)
	{
		const RowSecurityPolicy *policy = lfirst(lc);

		if (policy->hassublinks || !sk_mention_policy(policy, all->columns))
			continue;
		add_condition(all, policy->qual);
		add_condition(all, policy->with_check_qual);
	}
}

/*
 * What new times of the column have to be tried with, but for the constraints of
 * its domain, in the current memory context.
 */
List *
sk_trial_collect(Relation rel, AttrNumber attnum)
{
	Collection	all = {
		.rel = rel,
		.columns = sk_mention_columns(rel, attnum),
	};

	add_checks(&all);
	add_generated(&all);
	add_indexes(&all);
	add_policies(&all);
	return all.tests;
}

static Oid
constrained_domain(Relation rel, AttrNumber attnum)
{
	Oid			type = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid;

	return get_typtype(type) == TYPTYPE_DOMAIN && DomainHasConstraints(type, NULL)
		? type : InvalidOid;
}

static List *
copy_tests(List *tests)
{
	List	   *copies = NIL;
	ListCell   *lc;

	foreach(lc, tests)
	{
		Test	   *copy = palloc(sizeof(Test));

		*copy = *(const Test *) lfirst(lc);
		copy->expr = copyObject(copy->expr);
		copies = lappend(copies, copy);
	}
	return copies;
}

static List *
add_conditions(List *tests, Relation rel, AttrNumber attnum, List *conditions)
{
	Collection	all = {
		.rel = rel,
		.columns = sk_mention_columns(rel, attnum),
		.tests = tests,
	};
	ListCell   *lc;

	foreach(lc, conditions)
		add_condition(&all, lfirst(lc));
	return all.tests;
}

/*
 * The trial of new times by these tests, and by conditions that a row goes on to
 * fulfil if it does so now, in a context that lives at least as long as it is used;
 * NULL if they always pass.
 */
SkTrial *
sk_trial_make(MemoryContext context, Relation rel, AttrNumber attnum, List *tests,
			  List *conditions)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *all = add_conditions(copy_tests(tests), rel, attnum, conditions);
	Oid			domain = constrained_domain(rel, attnum);
	SkTrial    *trial = NULL;

	if (all != NIL || OidIsValid(domain))
	{
		trial = palloc0(sizeof(SkTrial));
		trial->context = context;
		trial->attnum = attnum;
		trial->tests = all;
		trial->domain = domain;
		trial->econtext = CreateStandaloneExprContext();
		trial->calm = !OidIsValid(domain);
		for (int i = 0; i < list_length(all); i++)
			trial->calm &= ((const Test *) list_nth(all, i))->calm;
	}
	MemoryContextSwitchTo(old);
	return trial;
}

/*
 * The CHECK constraints that may forbid a time, for status(); NULL if there are
 * none.
 */
char *
sk_trial_constraints(Relation rel, AttrNumber attnum)
{
	const TupleConstr *constr = RelationGetDescr(rel)->constr;
	Bitmapset  *columns = sk_mention_columns(rel, attnum);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		if (sk_mention_found(stringToNode(constr->check[i].ccbin), columns))
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
							 quote_identifier(constr->check[i].ccname));
	}
	return buf.len > 0 ? buf.data : NULL;
}


/*-------------------------------------------------------------------------
 * The trial
 *-------------------------------------------------------------------------
 */

/* A row in question, and what came of it. */
typedef struct Attempt
{
	SkTrial    *trial;
	TupleTableSlot *row;
	Datum		before;
	bool		before_isnull;
	Datum		stamp;
	bool		passes;
} Attempt;

/* To compile an expression can fail, too: its functions may be forbidden. */
static void
prepare(SkTrial *trial)
{
	MemoryContext old = MemoryContextSwitchTo(trial->context);
	ListCell   *lc;

	foreach(lc, trial->tests)
	{
		Test	   *test = lfirst(lc);

		if (!test->calm)
			test->expr = expression_planner(test->expr);
		test->state = ExecInitExpr(test->expr, NULL);
	}
	if (OidIsValid(trial->domain))
		InitDomainConstraintRef(trial->domain, &trial->constraints, trial->context, true);
	MemoryContextSwitchTo(old);
	trial->prepared = true;
}

static void
set_time(Attempt *attempt, Datum time, bool isnull)
{
	attempt->row->tts_values[attempt->trial->attnum - 1] = time;
	attempt->row->tts_isnull[attempt->trial->attnum - 1] = isnull;
}

static bool
is_true(SkTrial *trial, ExprState *state)
{
	bool		isnull;
	Datum		value = ExecEvalExprSwitchContext(state, trial->econtext, &isnull);

	return !isnull && DatumGetBool(value);
}

/* A policy that forbids the row anyway may be one of another role. */
static bool
stays_true(Attempt *attempt, ExprState *state)
{
	bool		was_true;

	if (is_true(attempt->trial, state))
		return true;
	set_time(attempt, attempt->before, attempt->before_isnull);
	was_true = is_true(attempt->trial, state);
	set_time(attempt, attempt->stamp, false);
	return !was_true;
}

static bool
passes_test(Attempt *attempt, const Test *test)
{
	SkTrial    *trial = attempt->trial;
	bool		isnull;

	switch (test->demand)
	{
		case MUST_NOT_BE_FALSE:
			return ExecCheck(test->state, trial->econtext);
		case MUST_STAY_TRUE:
			return stays_true(attempt, test->state);
		default:
			(void) ExecEvalExprSwitchContext(test->state, trial->econtext, &isnull);
			return !isnull || test->demand == MUST_COMPUTE;
	}
}

static bool
passes_domain(Attempt *attempt)
{
	SkTrial    *trial = attempt->trial;
	ListCell   *lc;

	trial->econtext->domainValue_datum = attempt->stamp;
	trial->econtext->domainValue_isNull = false;
	foreach(lc, trial->constraints.constraints)
	{
		const DomainConstraintState *constraint = lfirst(lc);

		if (constraint->constrainttype == DOM_CONSTRAINT_CHECK &&
			!ExecCheck(constraint->check_exprstate, trial->econtext))
			return false;
	}
	return true;
}

static void
make_attempt(void *arg)
{
	Attempt    *attempt = arg;
	SkTrial    *trial = attempt->trial;
	ListCell   *lc;

	if (!trial->prepared)
		prepare(trial);
	attempt->passes = !OidIsValid(trial->domain) || passes_domain(attempt);
	foreach(lc, trial->tests)
		attempt->passes = attempt->passes && passes_test(attempt, lfirst(lc));
}

/*
 * Would the row, all of whose columns are in the slot's arrays, be accepted with
 * that time?  The time is put into the arrays meanwhile, where expressions look
 * for it.
 */
bool
sk_trial_passes(SkTrial *trial, TupleTableSlot *row, Datum stamp)
{
	Attempt		attempt = {
		.trial = trial,
		.row = row,
		.before = row->tts_values[trial->attnum - 1],
		.before_isnull = row->tts_isnull[trial->attnum - 1],
		.stamp = stamp,
	};

	ResetExprContext(trial->econtext);
	trial->econtext->ecxt_scantuple = row;
	set_time(&attempt, stamp, false);
	if (trial->calm)
		make_attempt(&attempt);
	else if (sk_guard_rehearse(make_attempt, &attempt) != NULL)
		attempt.passes = false;
	set_time(&attempt, attempt.before, attempt.before_isnull);
	return attempt.passes;
}
