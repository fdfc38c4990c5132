/*-------------------------------------------------------------------------
 *
 * advisor/functions.c
 *	  advise_indexes() and advise_indexes_report().
 *
 * Both take the same arguments and make the same advice; one tells what to do,
 * the other what was looked at and what not.  All of it happens in a
 * subtransaction that is rolled back, so that no lock remains.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/coverage.h"
#include "advisor/ddl.h"
#include "advisor/note.h"
#include "advisor/options.h"
#include "advisor/report.h"
#include "advisor/run.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/table.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include <math.h>

enum
{
	COL_RANK,
	COL_STEP,
	COL_ACTION,
	COL_TABLE_NAME,
	COL_DDL,
	COL_UNDO_DDL,
	COL_METHOD,
	COL_EST_BYTES,
	COL_BENEFIT,
	COL_WRITE,
	COL_GAIN,
	COL_QUERIES,
	COL_REPLACES,
	COL_CONFIDENCE,
	COL_REASON,
	NCOLUMNS
};

static const char *const action_names[] = {"create", "replace", "reindex", "drop", "statistics"};

/* ----------
 * Rows
 * ----------
 */
typedef struct Call
{
	SkGuarded	work;
	SkAdviceOptions options;
	ReturnSetInfo *rsinfo;		/* for rows */
	StringInfoData report;
} Call;

static Datum
oid_array(List *oids)
{
	Datum	   *elems = palloc((list_length(oids) + 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, oids)
		elems[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	return PointerGetDatum(construct_array(elems, n, REGCLASSOID, sizeof(Oid),
										   true, TYPALIGN_INT));
}

/* What is said about the whole of an item, at its first step. */
static void
set_item(const SkAdvice *advice, const SkAdviceItem *item, Datum *values,
		 bool *nulls)
{
	double		total = sk_advice_coverage_value(advice);
	double		gain = item->benefit - item->write;

	values[COL_EST_BYTES] = Int64GetDatum((int64) item->bytes);
	values[COL_BENEFIT] = Float8GetDatum(item->benefit);
	values[COL_WRITE] = Float8GetDatum(item->write);
	nulls[COL_BENEFIT] = nulls[COL_WRITE] = !advice->workload->measured;
	values[COL_GAIN] = Float8GetDatum(total > 0 ? 100 * gain / total : 0);
	values[COL_QUERIES] = sk_advice_report_helped(advice, item);
	values[COL_REPLACES] = oid_array(item->replaced);
	values[COL_CONFIDENCE] = CStringGetTextDatum(item->confidence);
	values[COL_REASON] = CStringGetTextDatum(item->reason);
}

typedef struct Writing
{
	const SkAdviceItem *item;
	List	  **names;
	List	   *steps;
	const char *method;
} Writing;

static void
write_steps(void *arg)
{
	Writing    *writing = arg;

	writing->steps = sk_advice_ddl(writing->item, writing->names);
	if (writing->item->index != NULL)
		writing->method = get_am_name(writing->item->index->am);
}

static void
return_item(Call *call, const SkAdvice *advice, const SkAdviceItem *item,
			int rank, List **names)
{
	Writing		writing = {item, names, NIL, NULL};
	ErrorData  *failure = sk_guard_rehearse(write_steps, &writing);
	const char *table = failure == NULL ? NULL : sk_table_told_name(item->relid);
	int			n = 0;
	ListCell   *lc;

	if (table != NULL)
		ereport(NOTICE,
				(errmsg("advice on table \"%s\" was left out: %s",
						table, failure->message)));
	if (failure != NULL)
		return;
	foreach(lc, writing.steps)
	{
		const SkAdviceStep *step = lfirst(lc);
		Datum		values[NCOLUMNS] = {0};
		bool		nulls[NCOLUMNS] = {0};

		values[COL_RANK] = Int32GetDatum(rank);
		values[COL_STEP] = Int32GetDatum(++n);
		values[COL_ACTION] = CStringGetTextDatum(action_names[item->action]);
		values[COL_TABLE_NAME] = ObjectIdGetDatum(step->relid);
		values[COL_DDL] = CStringGetTextDatum(step->ddl);
		nulls[COL_UNDO_DDL] = step->undo == NULL;
		if (step->undo != NULL)
			values[COL_UNDO_DDL] = CStringGetTextDatum(step->undo);
		nulls[COL_METHOD] = writing.method == NULL;
		if (writing.method != NULL)
			values[COL_METHOD] = CStringGetTextDatum(writing.method);
		if (n == 1)
			set_item(advice, item, values, nulls);
		else
			memset(nulls + COL_EST_BYTES, true, NCOLUMNS - COL_EST_BYTES);
		tuplestore_putvalues(call->rsinfo->setResult, call->rsinfo->setDesc,
							 values, nulls);
	}
}

static void
return_rows(void *arg)
{
	Call	   *call = arg;
	SkAdvice   *advice = sk_advice_run(&call->options);
	List	   *names = NIL;
	int			rank = 0;
	ListCell   *lc;

	foreach(lc, advice->items)
		return_item(call, advice, lfirst(lc), ++rank, &names);
	sk_advice_note_raise(advice);
}

static void
write_report(void *arg)
{
	Call	   *call = arg;

	sk_advice_report(&call->report, sk_advice_run(&call->options));
}

/* ----------
 * From SQL
 * ----------
 */
static void
do_call(void *arg)
{
	Call	   *call = arg;

	sk_guc_set_local("lock_timeout", SK_QUERY_LOCK_TIMEOUT);
	call->work(call);
}

static void
rehearse(SkGuarded work, Call *call)
{
	ErrorData  *error;

	call->work = work;
	error = sk_guard_rehearse(do_call, call);

	if (error != NULL)
		ReThrowError(error);
}

PG_FUNCTION_INFO_V1(schemakit_advise_indexes);
PG_FUNCTION_INFO_V1(schemakit_advise_indexes_text);
PG_FUNCTION_INFO_V1(schemakit_advise_indexes_report);
PG_FUNCTION_INFO_V1(schemakit_advise_indexes_report_text);

/* advise_indexes(queries text[], ...) returns table (...): see 50_advice.sql */
Datum
schemakit_advise_indexes(PG_FUNCTION_ARGS)
{
	Call		call;

	memset(&call, 0, sizeof(call));
	sk_advice_options_read(fcinfo, 0, &call.options);
	InitMaterializedSRF(fcinfo, 0);
	call.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	rehearse(return_rows, &call);
	return (Datum) 0;
}

/* The same with queries text */
Datum
schemakit_advise_indexes_text(PG_FUNCTION_ARGS)
{
	return sk_arg_call_with_text(fcinfo, 0, schemakit_advise_indexes);
}

/* advise_indexes_report(queries text[], ...) returns jsonb */
Datum
schemakit_advise_indexes_report(PG_FUNCTION_ARGS)
{
	Call		call;

	memset(&call, 0, sizeof(call));
	sk_advice_options_read(fcinfo, 0, &call.options);
	initStringInfo(&call.report);
	rehearse(write_report, &call);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(call.report.data));
}

/* The same with queries text */
Datum
schemakit_advise_indexes_report_text(PG_FUNCTION_ARGS)
{
	return sk_arg_call_with_text(fcinfo, 0, schemakit_advise_indexes_report);
}
