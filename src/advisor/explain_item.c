/*-------------------------------------------------------------------------
 *
 * advisor/explain_item.c
 *	  Plans before and after a recommendation: advise_indexes_explain().
 *
 * Nothing is kept between calls: the advice is made again from the same arguments, which
 * gives the same advice as long as nothing has changed.  So it works from any session, and
 * on a standby; the command that is explained is part of the result.
 *
 * A plan is made and printed as the role as which the advice was made.  That may be the
 * owner of a table, for what a foreign key asks, who may read more than the caller: such a
 * plan has no values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/ddl.h"
#include "advisor/options.h"
#include "advisor/plan/explain.h"
#include "advisor/run.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/table.h"
#include "index/deparse.h"

#include "catalog/pg_inherits.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

enum
{
	COL_DDL,
	COL_QUERYID,
	COL_STATEMENT,
	COL_BEFORE,
	COL_AFTER,
	NCOLUMNS
};

typedef struct Call
{
	int			rank;
	SkAdviceOptions options;
	ReturnSetInfo *rsinfo;
	SkWhatIf	after;			/* when all of the advice is followed */
	SkAdviceItem *item;
	char	   *ddl;			/* its first command */
} Call;

/* ----------
 * The advice
 * ----------
 */
static void
follow(SkWhatIf *after, const SkAdviceItem *item, List **names)
{
	List	   *hidden = list_copy(item->replaced);
	ListCell   *lc;

	if (item->action <= SK_ADVICE_REPLACE)
	{
		char	   *name;

		sk_table_hold(item->relid);
		name = sk_index_deparse_name(item->index, *names);
		*names = lappend(*names, name);
		after->indexes = lappend(after->indexes, sk_whatif_index(item->index, name));
	}
	else if (item->action == SK_ADVICE_DROP)
		hidden = lappend_oid(hidden, item->index->oid);
	foreach(lc, hidden)
		after->hidden = list_concat(after->hidden,
									find_all_inheritors(lfirst_oid(lc), NoLock, NULL));
}

static void
follow_all(Call *call, const SkAdvice *advice)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, advice->items)
		follow(&call->after, lfirst(lc), &names);
}

/* The first command of the recommendation, with the names that it has in the advice. */
static char *
command_of(const SkAdvice *advice, const SkAdviceItem *wanted)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, advice->items)
	{
		List	   *steps = sk_advice_ddl(lfirst(lc), &names);

		if (lfirst(lc) == wanted && steps != NIL)
			return ((SkAdviceStep *) linitial(steps))->ddl;
	}
	return NULL;
}

/* ----------
 * Plans
 * ----------
 */
typedef struct Plans
{
	const Call *call;
	const SkQuery *query;
	MemoryContext context;		/* of the texts */
	char	   *before;
	char	   *after;
} Plans;

static void
explain(SkRun *run, void *arg)
{
	Plans	   *plans = arg;
	static const SkWhatIf nothing;
	SkStatement *statement = plans->query->entry.statement;
	bool		with_values = plans->query->foreign_key == NULL;
	char	   *before = sk_explain_text(statement, sk_query_trees(run), &nothing, with_values);
	char	   *after = sk_explain_text(statement, sk_query_trees(run), &plans->call->after, with_values);

	plans->before = MemoryContextStrdup(plans->context, before);
	plans->after = MemoryContextStrdup(plans->context, after);
}

static void
return_plans(const Call *call, const SkQuery *query)
{
	Plans		plans = {call, query, CurrentMemoryContext, NULL, NULL};
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {0};

	/* it has been planned before; if that fails now there are no plans */
	(void) sk_query_run(unconstify(SkQuery *, query), explain, &plans);
	values[COL_DDL] = CStringGetTextDatum(call->ddl);
	nulls[COL_QUERYID] = query->foreign_key != NULL;
	values[COL_QUERYID] = Int64GetDatum(query->entry.id);
	values[COL_STATEMENT] = CStringGetTextDatum(query->entry.statement->source);
	nulls[COL_BEFORE] = plans.before == NULL;
	nulls[COL_AFTER] = plans.after == NULL;
	if (plans.before != NULL)
		values[COL_BEFORE] = CStringGetTextDatum(plans.before);
	if (plans.after != NULL)
		values[COL_AFTER] = CStringGetTextDatum(plans.after);
	tuplestore_putvalues(call->rsinfo->setResult, call->rsinfo->setDesc, values, nulls);
}

/* A recommendation that helps no statement of the workload has a row, too. */
static void
return_command(const Call *call)
{
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {false, true, true, true, true};

	values[COL_DDL] = CStringGetTextDatum(call->ddl);
	tuplestore_putvalues(call->rsinfo->setResult, call->rsinfo->setDesc, values, nulls);
}

static void
return_rows(void *arg)
{
	Call	   *call = arg;
	SkAdvice   *advice;
	ListCell   *lc;

	sk_guc_set_local("lock_timeout", SK_QUERY_LOCK_TIMEOUT);
	advice = sk_advice_run(&call->options);
	if (call->rank > list_length(advice->items))
	{
		ereport(NOTICE,
				(errmsg_plural("there is %d recommendation, and none of rank %d",
							   "there are %d recommendations, and none of rank %d",
							   list_length(advice->items), list_length(advice->items),
							   call->rank)));
		return;
	}
	call->item = list_nth(advice->items, call->rank - 1);
	call->ddl = command_of(advice, call->item);
	follow_all(call, advice);
	if (call->item->helped == NIL)
		return_command(call);
	foreach(lc, call->item->helped)
		return_plans(call, ((SkHelped *) lfirst(lc))->query);
}

PG_FUNCTION_INFO_V1(schemakit_advise_indexes_explain);
PG_FUNCTION_INFO_V1(schemakit_advise_indexes_explain_text);

/* advise_indexes_explain(rank int, queries text[], ...) returns table (...) */
Datum
schemakit_advise_indexes_explain(PG_FUNCTION_ARGS)
{
	Call		call;
	ErrorData  *error;

	memset(&call, 0, sizeof(call));
	sk_arg_reject_null(fcinfo, 0, "rank");
	call.rank = PG_GETARG_INT32(0);
	if (call.rank < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive", "rank")));
	sk_advice_options_read(fcinfo, 1, &call.options);
	InitMaterializedSRF(fcinfo, 0);
	call.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	error = sk_guard_rehearse(return_rows, &call);
	if (error != NULL)
		ReThrowError(error);
	return (Datum) 0;
}

/* The same with queries text */
Datum
schemakit_advise_indexes_explain_text(PG_FUNCTION_ARGS)
{
	return sk_arg_call_with_text(fcinfo, 1, schemakit_advise_indexes_explain);
}
