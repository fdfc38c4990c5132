/*-------------------------------------------------------------------------
 *
 * advisor/report.c
 *	  What advice was made from, and what was missing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/report.h"

#include "advisor/coverage.h"
#include "advisor/note.h"
#include "advisor/refusal.h"
#include "advisor/service.h"
#include "advisor/statement_report.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include <math.h>

/* More indexes that are not advised are counted only. */
#define MOST_REFUSALS 50

static void
append_number(StringInfo buf, const char *name, double value)
{
	if (isnan(value) || isinf(value))
		appendStringInfo(buf, "\"%s\": null", name);
	else
		appendStringInfo(buf, "\"%s\": %.10g", name, value);
}

static void
append_services(StringInfo buf, const SkQuery *query, const SkAdviceItem *item)
{
	ListCell   *lc;
	const char *comma = "";

	appendStringInfoString(buf, ", \"serves\": [");
	foreach(lc, sk_advice_service_of(query, item->index))
	{
		appendStringInfo(buf, "%s\"%s\"", comma, (char *) lfirst(lc));
		comma = ", ";
	}
	appendStringInfoChar(buf, ']');
}

/* The statements that an index helps, or that miss one to drop, as jsonb. */
Datum
sk_advice_report_helped(const SkAdvice *advice, const SkAdviceItem *item)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	foreach(lc, item->helped)
	{
		const SkHelped *help = lfirst(lc);

		appendStringInfoString(&buf, lc == list_head(item->helped) ? "{" : ", {");
		sk_advice_statement_report_name(&buf, advice, help->query);
		appendStringInfoString(&buf, ", ");
		append_number(&buf, advice->workload->measured ? "calls_per_day" : "weight",
					  help->query->entry.calls);
		appendStringInfoString(&buf, ", ");
		if (advice->workload->measured)
		{
			append_number(&buf, "ms_per_day", help->query->entry.value);
			appendStringInfoString(&buf, ", ");
		}
		append_number(&buf, "cost_before", help->query->cost);
		appendStringInfoString(&buf, ", ");
		append_number(&buf, "cost_after", help->cost);
		if (item->index != NULL)
			append_services(&buf, help->query, item);
		appendStringInfoChar(&buf, '}');
	}
	appendStringInfoChar(&buf, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data));
}

/* ----------
 * The report
 * ----------
 */
static void
append_coverage(StringInfo buf, const SkAdvice *advice)
{
	SkCoverage	coverage = sk_advice_coverage(advice);

	appendStringInfoString(buf, "\"coverage\": {");
	append_number(buf, "statements", coverage.statements);
	appendStringInfoString(buf, ", ");
	append_number(buf, "planned", coverage.planned);
	appendStringInfoString(buf, ", ");
	append_number(buf, "total_ms", advice->workload->measured ? coverage.total_ms : NAN);
	appendStringInfoString(buf, ", ");
	append_number(buf, "planned_ms", advice->workload->measured ? coverage.planned_ms : NAN);
	appendStringInfoString(buf, ", ");
	append_number(buf, "utility", coverage.utility);
	appendStringInfoString(buf, "}");
}

static void
append_skipped(StringInfo buf, const SkAdvice *advice)
{
	const char *comma = "";
	ListCell   *lc;

	appendStringInfoString(buf, ", \"skipped\": [");
	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 || query->entry.statement->utility)
			continue;
		appendStringInfo(buf, "%s{", comma);
		sk_advice_statement_report_name(buf, advice, query);
		appendStringInfo(buf, ", \"sqlstate\": \"%s\", \"reason\": ",
						 unpack_sql_state(query->entry.sqlerrcode));
		escape_json(buf, query->entry.reason);
		if (advice->workload->measured)
		{
			appendStringInfoString(buf, ", ");
			append_number(buf, "ms_per_day", query->entry.value);
		}
		appendStringInfoChar(buf, '}');
		comma = ", ";
	}
	appendStringInfoChar(buf, ']');
}

/* In per cent of the workload, in milliseconds if it was measured, and in bytes. */
static void
append_refusal(StringInfo buf, const SkAdvice *advice, const SkRefusal *refusal)
{
	double		gain = sk_advice_refusal_gain(refusal);
	double		value = sk_advice_coverage_value(advice);

	appendStringInfoString(buf, "{\"index\": ");
	escape_json(buf, refusal->ddl);
	appendStringInfoString(buf, ", \"reason\": ");
	escape_json(buf, refusal->reason);
	appendStringInfoString(buf, ", ");
	append_number(buf, "est_bytes", refusal->bytes);
	appendStringInfoString(buf, ", ");
	append_number(buf, "workload_gain_pct", value > 0 ? 100 * gain / value : NAN);
	if (advice->workload->measured)
	{
		appendStringInfoString(buf, ", ");
		append_number(buf, "benefit_ms_per_day", refusal->benefit);
		appendStringInfoString(buf, ", ");
		append_number(buf, "write_ms_per_day", refusal->write);
	}
	appendStringInfoChar(buf, '}');
}

static void
append_not_advised(StringInfo buf, const SkAdvice *advice)
{
	int			n = 0;
	ListCell   *lc;

	appendStringInfoString(buf, ", \"not_advised\": [");
	foreach(lc, advice->refused)
	{
		if (n++ == MOST_REFUSALS)
			break;
		if (n > 1)
			appendStringInfoString(buf, ", ");
		append_refusal(buf, advice, lfirst(lc));
	}
	appendStringInfo(buf, "], \"not_advised_count\": %d, ",
					 list_length(advice->refused));
	append_number(buf, advice->workload->measured ? "min_gain_ms_per_day" : "min_gain_cost",
				  advice->least_gain);
}

static void
append_notes(StringInfo buf, const SkAdvice *advice)
{
	const char *comma = "";
	ListCell   *lc;

	appendStringInfoString(buf, ", \"notes\": [");
	foreach(lc, sk_advice_note_list(advice))
	{
		const SkNote *note = lfirst(lc);

		appendStringInfoString(buf, comma);
		escape_json(buf, note->hint == NULL ? note->message :
					psprintf("%s. %s", note->message, note->hint));
		comma = ", ";
	}
	appendStringInfoChar(buf, ']');
}

/* What was looked at, and what was not, as JSON. */
void
sk_advice_report(StringInfo buf, const SkAdvice *advice)
{
	double		days = advice->workload->days;

	appendStringInfoChar(buf, '{');
	append_coverage(buf, advice);
	append_skipped(buf, advice);
	sk_advice_statement_report(buf, advice);
	append_not_advised(buf, advice);
	append_notes(buf, advice);
	appendStringInfoString(buf, ", ");
	if (advice->workload->measured)
	{
		append_number(buf, "fast_statements", sk_advice_coverage_fast(advice));
		appendStringInfoString(buf, ", ");
	}
	append_number(buf, "candidates", advice->pool->n);
	appendStringInfoString(buf, ", ");
	append_number(buf, "planner_calls", (double) sk_query_planner_calls);
	appendStringInfoString(buf, ", ");
	append_number(buf, "elapsed_ms",
				  (GetCurrentTimestamp() - advice->start) / 1000.0);
	appendStringInfo(buf, ", \"stopped_by\": \"%s\", ",
					 advice->out_of_time ? "time_budget" : "done");
	append_number(buf, "workload_before", sk_advice_coverage_value(advice));
	appendStringInfoString(buf, ", ");
	append_number(buf, "workload_after", sk_advice_coverage_value(advice) - advice->achieved);
	appendStringInfoString(buf, ", ");
	append_number(buf, "gap", advice->attainable > 0 ?
				  Max(1 - advice->achieved / advice->attainable, 0) : 0);
	if (advice->workload->measured && advice->workload->missing == NULL)
		appendStringInfo(buf, ", \"stats_age\": \"%.0f days %02d:%02d\"", floor(days),
						 (int) (fmod(days, 1) * 24), (int) (fmod(days * 24, 1) * 60));
	appendStringInfoChar(buf, '}');
}
