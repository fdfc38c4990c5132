/*-------------------------------------------------------------------------
 *
 * advisor/plan/explain.c
 *	  EXPLAIN as if other indexes existed: explain_with_indexes().
 *
 * Nothing is executed, and nothing is made.  The statement is planned as the
 * caller, with the caller's rights, in a subtransaction that is rolled back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/explain.h"

#include "advisor/plan/whatif.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/table.h"
#include "index/deparse.h"
#include "workload/param_value.h"
#include "workload/statement.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include <math.h>

/* The indexes that a plan which is being printed may have. */
static List *explained;
static explain_get_index_name_hook_type next_index_name_hook;

static const char *
index_name(Oid oid)
{
	SkHypothetical *index = sk_whatif_find(explained, oid);

	if (index != NULL)
		return index->name;
	return next_index_name_hook ? next_index_name_hook(oid) : NULL;
}

void
sk_explain_init(void)
{
	next_index_name_hook = explain_get_index_name_hook;
	explain_get_index_name_hook = index_name;
}

static void
print_plan(PlannedStmt *plan, ExplainState *es, const char *text,
		   ParamListInfo params, List *indexes)
{
	List	   *outer = explained;
	instr_time	planning;

	INSTR_TIME_SET_ZERO(planning);
	PG_TRY();
	{
		explained = indexes;
		sk_explain_plan(plan, es, text, params, &planning);
	}
	PG_FINALLY();
	{
		explained = outer;
	}
	PG_END_TRY();
}

static List *
parse_indexes(ArrayType *array)
{
	List	   *result = NIL;
	List	   *names = NIL;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		SkIndex    *index;
		char	   *name;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("an index must not be null")));
		index = sk_index_parse(TextDatumGetCString(elems[i]));
		name = sk_index_deparse_name(index, names);
		names = lappend(names, name);
		result = lappend(result, sk_whatif_index(index, name));
	}
	return result;
}

/* The indexes, each with those of partitions that are its parts. */
static List *
read_hidden(ArrayType *array)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, sk_arg_oids(array))
	{
		Oid			oid = lfirst_oid(lc);
		char		relkind = get_rel_relkind(oid);

		if (relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is not an index",
							DatumGetCString(DirectFunctionCall1(regclassout,
																ObjectIdGetDatum(oid))))));
		result = list_concat(result, find_all_inheritors(oid, NoLock, NULL));
	}
	return result;
}

static void
return_lines(ReturnSetInfo *rsinfo, char *text)
{
	for (char *line = text; line != NULL && *line != '\0';)
	{
		char	   *end = strchr(line, '\n');
		Datum		value;
		bool		isnull = false;

		if (end != NULL)
			*end++ = '\0';
		value = CStringGetTextDatum(line);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
		line = end;
	}
}

/* ----------
 * The statement
 * ----------
 */
typedef struct Work
{
	const char *source;
	ArrayType  *indexes;
	SkWhatIf	whatif;
	SkStatement *statement;
	SkParams   *params;			/* while they are looked at */
	ExplainState *es;
} Work;

static void
observe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, void *arg)
{
	sk_param_observe(((Work *) arg)->params, root, rel, rte);
}

/*
 * Values for parameters, as the advisor takes them; a plan shows them, so only
 * those that the caller may read.
 */
static ParamListInfo
bind_params(Work *work, List *queries)
{
	SkWhatIf	observed = work->whatif;
	ListCell   *lc;

	if (work->statement->ntypes == 0)
		return NULL;
	observed.observer = observe;
	observed.arg = work;
	work->params = sk_param_begin(queries, work->statement->ntypes,
								  work->statement->types, -1, true);
	foreach(lc, queries)
		(void) sk_whatif_plan(lfirst(lc), work->statement->text, NULL, &observed);
	return sk_param_values(work->params, -1);
}

static void
print_plans(Work *work, List *queries, ParamListInfo params)
{
	ListCell   *lc;

	foreach(lc, queries)
	{
		PlannedStmt *plan = sk_whatif_plan(lfirst(lc), work->statement->text,
										   params, &work->whatif);

		print_plan(plan, work->es, work->statement->text, params,
				   work->whatif.indexes);
		if (lnext(queries, lc) != NULL)
			ExplainSeparatePlans(work->es);
	}
}

/*
 * The plans of a statement that is analyzed already, under an assumption, as the current
 * role.  Its parameters have values that this role may read, unless they are to have none.
 */
char *
sk_explain_text(SkStatement *statement, List *queries, const SkWhatIf *whatif,
				bool with_values)
{
	Work		work = {0};

	work.whatif = *whatif;
	work.statement = statement;
	work.es = NewExplainState();
	work.es->costs = true;
	ExplainBeginOutput(work.es);
	print_plans(&work, queries, with_values ? bind_params(&work, queries) : NULL);
	ExplainEndOutput(work.es);
	return work.es->str->data;
}

/* What was repaired has other positions. */
static void
point_into_query(void *arg)
{
	const SkStatement *statement = ((Work *) arg)->statement;

	if (statement->text !=NULL)
		sk_arg_point_into_text(statement->text);
}

static void
explain(void *arg)
{
	Work	   *work = arg;
	List	   *queries;
	ErrorContextCallback callback = {error_context_stack, point_into_query, work};

	work->whatif.indexes = parse_indexes(work->indexes);
	work->statement = sk_statement_make(work->source, SK_NAMES_COLUMNS);
	error_context_stack = &callback;
	queries = sk_statement_analyze(work->statement);
	error_context_stack = callback.previous;
	print_plans(work, queries, bind_params(work, queries));
}

PG_FUNCTION_INFO_V1(schemakit_explain_with_indexes);
PG_FUNCTION_INFO_V1(schemakit_explain_with_indexes_text);
PG_FUNCTION_INFO_V1(schemakit_estimate_index_size);

/*
 * explain_with_indexes(query text, indexes text[], hide regclass[] = '{}')
 * returns setof text
 */
Datum
schemakit_explain_with_indexes(PG_FUNCTION_ARGS)
{
	Work		work;
	ErrorData  *error;

	sk_arg_reject_null(fcinfo, 0, "query");
	sk_arg_reject_null(fcinfo, 1, "indexes");
	sk_arg_reject_null(fcinfo, 2, "hide");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);

	memset(&work, 0, sizeof(work));
	work.source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	work.indexes = PG_GETARG_ARRAYTYPE_P(1);
	work.whatif.hidden = read_hidden(PG_GETARG_ARRAYTYPE_P(2));
	work.whatif.strict = true;
	work.es = NewExplainState();
	work.es->costs = true;
	ExplainBeginOutput(work.es);
	error = sk_guard_rehearse(explain, &work);
	if (error != NULL)
		ReThrowError(error);
	ExplainEndOutput(work.es);
	return_lines((ReturnSetInfo *) fcinfo->resultinfo, work.es->str->data);
	return (Datum) 0;
}

/* The same with indexes text */
Datum
schemakit_explain_with_indexes_text(PG_FUNCTION_ARGS)
{
	return sk_arg_call_with_text(fcinfo, 1, schemakit_explain_with_indexes);
}

static ErrorData *
first_error(const SkHypothetical *index)
{
	ListCell   *lc;

	foreach(lc, index->parts)
	{
		if (((SkHypothetical *) lfirst(lc))->error != NULL)
			return ((SkHypothetical *) lfirst(lc))->error;
	}
	return index->error;
}

typedef struct Estimate
{
	const char *ddl;
	double		pages;
} Estimate;

static void
estimate(void *arg)
{
	Estimate   *work = arg;
	SkIndex    *index = sk_index_parse(work->ddl);
	AclResult	result = pg_class_aclcheck(index->relid, GetUserId(), ACL_SELECT);
	SkHypothetical *what = sk_whatif_index(index, NULL);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(get_rel_relkind(index->relid)),
					   sk_table_present_name(index->relid));
	work->pages = sk_whatif_pages(what);
	if (isinf(work->pages))
		ReThrowError(first_error(what));
}

/* estimate_index_size(index text) returns bigint: bytes */
Datum
schemakit_estimate_index_size(PG_FUNCTION_ARGS)
{
	Estimate	work = {text_to_cstring(PG_GETARG_TEXT_PP(0)), 0};
	ErrorData  *error = sk_guard_rehearse(estimate, &work);

	if (error != NULL)
		ReThrowError(error);
	PG_RETURN_INT64((int64) (work.pages * BLCKSZ));
}
