/*-------------------------------------------------------------------------
 *
 * advisor/report.c
 *	  What advice was made from, and what was missing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/report.h"

#include "advisor/scope.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include <math.h>

/* Statistics of less time say little about a day. */
#define LEAST_DAYS (1.0 / 24)

/* The value of all statements that can be planned. */
double
sk_advice_report_total(const SkAdvice *advice)
{
	double		value = 0;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		if (((SkQuery *) lfirst(lc))->entry.sqlerrcode == 0)
			value += ((SkQuery *) lfirst(lc))->entry.value;
	}
	return value;
}

static void
append_number(StringInfo buf, const char *name, double value)
{
	if (isnan(value) || isinf(value))
		appendStringInfo(buf, "\"%s\": null", name);
	else
		appendStringInfo(buf, "\"%s\": %.10g", name, value);
}

/* The statements that an index helps, as jsonb. */
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
		if (help->query->foreign_key != NULL)
		{
			appendStringInfoString(&buf, "\"foreign_key\": ");
			escape_json(&buf, help->query->foreign_key);
		}
		else
			appendStringInfo(&buf, "\"%s\": " INT64_FORMAT,
							 advice->workload->measured ? "queryid" : "query",
							 help->query->entry.id);
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
		appendStringInfoChar(&buf, '}');
	}
	appendStringInfoChar(&buf, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data));
}

/* ----------
 * What is missing
 * ----------
 */
static char *
unknown_statistics(const SkIndexable *access)
{
	if (!sk_advice_scope_is_analyzed(access->relid))
		return psprintf("table \"%s\" was never analyzed",
						get_rel_name(access->relid));
	return psprintf("column \"%s\" of table \"%s\" has no statistics; run ANALYZE",
					get_attname(access->relid, access->unknown, false),
					get_rel_name(access->relid));
}

/* What is missing for good advice, as strings. */
List *
sk_advice_report_notes(const SkAdvice *advice)
{
	const SkWorkload *workload = advice->workload;
	List	   *notes = NIL;
	ListCell   *lc;
	List	   *unknown = NIL;

	if (workload->missing != NULL)
		return list_make1(psprintf("no statements are known: %s", workload->missing));
	if (workload->measured && workload->entries == NIL)
		notes = lappend(notes, "pg_stat_statements has no statements of this database");
	else if (workload->measured && workload->days < LEAST_DAYS)
		notes = lappend(notes, psprintf("statistics of statements are of the last %.0f minutes only",
										ceil(workload->days * 24 * 60)));
	if (workload->hidden > 0)
		notes = lappend(notes, psprintf("%.0f statements of other roles cannot be read; grant pg_read_all_stats",
										workload->hidden));
	if (workload->lost > 0)
		notes = lappend(notes, psprintf("pg_stat_statements has forgotten statements %.0f times; raise pg_stat_statements.max",
										workload->lost));
	foreach(lc, advice->queries)
	{
		ListCell   *lc2;

		foreach(lc2, ((SkQuery *) lfirst(lc))->accesses)
		{
			const SkIndexable *access = lfirst(lc2);

			if (list_member_oid(unknown, access->relid) ||
				access->unknown == InvalidAttrNumber)
				continue;
			unknown = lappend_oid(unknown, access->relid);
			notes = lappend(notes, unknown_statistics(access));
		}
	}
	return notes;
}

/* ----------
 * The report
 * ----------
 */
typedef struct Coverage
{
	double		statements;
	double		planned;
	double		total_ms;
	double		planned_ms;
	double		utility;
	double		utility_ms;
} Coverage;

static void
count_coverage(const SkAdvice *advice, Coverage *coverage)
{
	const SkWorkload *workload = advice->workload;
	ListCell   *lc;
	double		seen = 0;

	memset(coverage, 0, sizeof(Coverage));
	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->foreign_key != NULL)
			continue;
		seen++;
		if (query->entry.statement->utility)
		{
			coverage->utility++;
			coverage->utility_ms += query->entry.total_ms;
		}
		else if (query->entry.sqlerrcode == 0)
		{
			coverage->planned++;
			coverage->planned_ms += query->entry.total_ms;
		}
	}
	coverage->statements = (workload->measured ? workload->statements : seen) -
		coverage->utility;
	coverage->total_ms = workload->total_ms - coverage->utility_ms;
}

static void
append_coverage(StringInfo buf, const SkAdvice *advice)
{
	Coverage	coverage;

	count_coverage(advice, &coverage);
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
		appendStringInfo(buf, "%s{\"%s\": " INT64_FORMAT ", \"sqlstate\": \"%s\", \"reason\": ",
						 comma, advice->workload->measured ? "queryid" : "query",
						 query->entry.id, unpack_sql_state(query->entry.sqlerrcode));
		escape_json(buf, query->entry.reason);
		appendStringInfoChar(buf, '}');
		comma = ", ";
	}
	appendStringInfoChar(buf, ']');
}

static void
append_strings(StringInfo buf, const char *name, List *strings)
{
	ListCell   *lc;

	appendStringInfo(buf, ", \"%s\": [", name);
	foreach(lc, strings)
	{
		if (lc != list_head(strings))
			appendStringInfoString(buf, ", ");
		escape_json(buf, lfirst(lc));
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
	append_strings(buf, "not_advised", advice->refused);
	append_strings(buf, "notes", sk_advice_report_notes(advice));
	appendStringInfoString(buf, ", ");
	append_number(buf, "candidates", advice->pool->n);
	appendStringInfoString(buf, ", ");
	append_number(buf, "planner_calls", (double) sk_query_planner_calls);
	appendStringInfoString(buf, ", ");
	append_number(buf, "elapsed_ms",
				  (GetCurrentTimestamp() - advice->start) / 1000.0);
	appendStringInfo(buf, ", \"stopped_by\": \"%s\", ",
					 advice->out_of_time ? "time_budget" : "done");
	append_number(buf, "workload_before", sk_advice_report_total(advice));
	appendStringInfoString(buf, ", ");
	append_number(buf, "workload_after", sk_advice_report_total(advice) - advice->achieved);
	appendStringInfoString(buf, ", ");
	append_number(buf, "gap", advice->attainable > 0 ?
				  Max(1 - advice->achieved / advice->attainable, 0) : 0);
	if (advice->workload->measured && advice->workload->missing == NULL)
		appendStringInfo(buf, ", \"stats_age\": \"%.0f days %02d:%02d\"", floor(days),
						 (int) (fmod(days, 1) * 24), (int) (fmod(days * 24, 1) * 60));
	appendStringInfoChar(buf, '}');
}
