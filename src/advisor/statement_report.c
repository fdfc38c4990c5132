/*-------------------------------------------------------------------------
 *
 * advisor/statement_report.c
 *	  What the advice is for each statement, and why there is none.
 *
 * Texts are those that pg_stat_statements shows to the caller, or that the caller has
 * given: what it hides has no text here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/statement_report.h"

#include "advisor/refusal.h"
#include "advisor/search/cost_table.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

/* Longer texts are cut off, */
#define MOST_TEXT 1000

/* and more statements are not told of. */
#define MOST_STATEMENTS 50

static void
append_text(StringInfo buf, const char *text)
{
	int			length = strlen(text);
	char	   *clipped;

	if (length <= MOST_TEXT)
	{
		escape_json(buf, text);
		return;
	}
	length = pg_mbcliplen(text, length, MOST_TEXT);
	clipped = psprintf("%.*s...", length, text);
	escape_json(buf, clipped);
}

/* What tells a statement from others, and its text, as members of a JSON object. */
void
sk_advice_statement_report_name(StringInfo buf, const SkAdvice *advice, const SkQuery *query)
{
	if (query->foreign_key != NULL)
	{
		appendStringInfoString(buf, "\"foreign_key\": ");
		escape_json(buf, query->foreign_key);
		return;
	}
	appendStringInfo(buf, "\"%s\": " INT64_FORMAT ", \"statement\": ",
					 advice->workload->measured ? "queryid" : "query",
					 query->entry.id);
	append_text(buf, query->entry.statement->source);
}

/* ----------
 * Why a statement gets nothing
 * ----------
 */

/* What is in "used", of which something was left out, and why; NULL if not known. */
static char *
describe_left_out(const SkAdvice *advice, const Bitmapset *used, double percent)
{
	ListCell   *lc;
	int			id = -1;

	while ((id = bms_next_member(used, id)) >= 0)
	{
		const SkCandidate *candidate = advice->pool->candidate[id];

		foreach(lc, advice->refused)
		{
			const SkRefusal *refusal = lfirst(lc);

			if (refusal->index == candidate->index)
				return psprintf("\"%s\" would save %.0f %% of its cost, but was left out: %s",
								refusal->ddl, percent, refusal->reason);
		}
	}
	return NULL;
}

static const char *
describe_possible(const SkAdvice *advice, const SkQuery *query)
{
	const SkCostEntry *least = sk_cost_table_least(query);
	double		percent = query->cost > 0 ? 100 * (1 - least->cost / query->cost) : 0;
	char	   *left_out;

	if (percent < 100 * SK_COST_TOLERANCE)
		return "no index would make it noticeably cheaper";
	left_out = describe_left_out(advice, least->used, percent);
	if (left_out != NULL)
		return left_out;
	return psprintf("an index could save up to %.0f %% of its cost, but is worth less than what is advised, or than what it costs in writes and space",
					percent);
}

static const char *
describe_used(const SkQuery *query)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, query->indexes)
	{
		char	   *name = get_rel_name(lfirst_oid(lc));

		if (name != NULL)
			appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? ", " : "", name);
	}
	return buf.len == 0 ? "no index can serve its conditions, joins or order" :
		psprintf("it uses what exists: %s; no other index can serve it", buf.data);
}

static const char *
reason_for(const SkAdvice *advice, const SkQuery *query)
{
	if (query->entry.sqlerrcode != 0)
		return psprintf("it was not planned: %s", query->entry.reason);
	if (query->accesses == NIL && query->command == CMD_INSERT)
		return "it only writes";
	if (query->accesses == NIL)
		return "it reads no table for which advice was requested";
	if (!advice->options.create && !advice->options.replace)
		return "actions has neither \"create\" nor \"replace\"";
	if (query->least_saving >= query->cost)
		return "it is so fast that no index would save a noticeable time";
	if (bms_is_empty(query->candidates))
		return describe_used(query);
	if (query->planned == NIL && advice->out_of_time)
		return "time_budget was over before it was planned with other indexes";
	return describe_possible(advice, query);
}

/* ----------
 * Statements
 * ----------
 */

/* The ranks of what helps a statement, and its cost then. */
static List *
ranks_for(const SkAdvice *advice, const SkQuery *query, double *cost)
{
	List	   *ranks = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	*cost = query->cost;
	foreach(lc, advice->items)
	{
		const SkAdviceItem *item = lfirst(lc);

		foreach(lc2, item->helped)
		{
			const SkHelped *help = lfirst(lc2);

			if (help->query != query)
				continue;
			ranks = lappend_int(ranks, foreach_current_index(lc) + 1);
			*cost = help->cost;
		}
	}
	return ranks;
}

static void
append_statement(StringInfo buf, const SkAdvice *advice, const SkQuery *query)
{
	double		cost;
	List	   *ranks = ranks_for(advice, query, &cost);
	ListCell   *lc;

	appendStringInfoChar(buf, '{');
	sk_advice_statement_report_name(buf, advice, query);
	if (advice->workload->measured)
		appendStringInfo(buf, ", \"ms_per_day\": %.10g", query->entry.value);
	else
		appendStringInfo(buf, ", \"weight\": %.10g", query->entry.calls);
	if (query->entry.sqlerrcode == 0)
		appendStringInfo(buf, ", \"cost_before\": %.10g, \"cost_after\": %.10g",
						 query->cost, cost);
	appendStringInfoString(buf, ", \"ranks\": [");
	foreach(lc, ranks)
		appendStringInfo(buf, "%s%d", lc == list_head(ranks) ? "" : ", ", lfirst_int(lc));
	appendStringInfoString(buf, "], \"reason\": ");
	escape_json(buf, ranks == NIL ? reason_for(advice, query) :
				cost > query->cost ? "it gets more expensive" : "it is helped");
	appendStringInfoChar(buf, '}');
}

/* The statements with most time, and what the advice is for each. */
void
sk_advice_statement_report(StringInfo buf, const SkAdvice *advice)
{
	int			n = 0;
	ListCell   *lc;

	appendStringInfoString(buf, ", \"statements\": [");
	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->foreign_key != NULL || query->entry.statement->utility)
			continue;
		if (n++ == MOST_STATEMENTS)
			break;
		if (n > 1)
			appendStringInfoString(buf, ", ");
		append_statement(buf, advice, query);
	}
	appendStringInfoChar(buf, ']');
}
