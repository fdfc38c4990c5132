/*-------------------------------------------------------------------------
 *
 * advisor/note.c
 *	  What a caller should know of the advice.
 *
 * The report has all of it.  advise_indexes() raises a NOTICE for what is missing, for
 * statements that could not be planned, and for why there is no advice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/note.h"

#include "advisor/coverage.h"
#include "advisor/refusal.h"
#include "advisor/scope.h"
#include "base/guard.h"
#include "base/table.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include <math.h>

/* More statements that could not be planned are counted only. */
#define MOST_NAMED 5

/* If this part of the measured time was not planned, the caller is told. */
#define MUCH_TIME 0.1

/* If more than this part of a table has changed, its statistics are old. */
#define MUCH_CHANGED 0.2

#define HINT_SKIPPED "See \"skipped\" in the result of advise_indexes_report()."

/* ----------
 * What is missing
 * ----------
 */
static int
by_id(const ListCell *a, const ListCell *b)
{
	int64		x = ((SkQuery *) lfirst(a))->entry.id;
	int64		y = ((SkQuery *) lfirst(b))->entry.id;

	return x < y ? -1 : x > y;
}

static List *
add(List *notes, char *message, char *hint)
{
	SkNote	   *note = palloc(sizeof(SkNote));

	note->message = message;
	note->hint = hint;
	return lappend(notes, note);
}

/* Tables may have been dropped since the statements were planned, or columns. */
static List *
add_unknown_statistics(List *notes, const SkIndexable *access)
{
	const char *table = sk_table_told_name(access->relid);
	const char *column = get_attname(access->relid, access->unknown, true);

	if (table == NULL || column == NULL ||
		!OidIsValid(get_atttype(access->relid, access->unknown)))
		return notes;
	if (!sk_advice_scope_is_analyzed(access->relid))
		return add(notes, psprintf("table \"%s\" has never been analyzed", table),
				   "Run ANALYZE on it.");
	return add(notes, psprintf("column \"%s\" of table \"%s\" has no statistics",
							   column, table),
			   "Run ANALYZE on the table.");
}

static List *
add_unknown(List *notes, const SkAdvice *advice)
{
	List	   *unknown = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, advice->queries)
	{
		foreach(lc2, ((SkQuery *) lfirst(lc))->accesses)
		{
			const SkIndexable *access = lfirst(lc2);

			if (list_member_oid(unknown, access->relid) ||
				access->unknown == InvalidAttrNumber)
				continue;
			unknown = lappend_oid(unknown, access->relid);
			notes = add_unknown_statistics(notes, access);
		}
	}
	return notes;
}

/* "a", "b"; not all, if they are many. */
static char *
quoted_names(List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
	{
		int			n = foreach_current_index(lc);

		if (n == MOST_NAMED)
		{
			appendStringInfo(&buf, ", and %d more", list_length(names) - n);
			break;
		}
		appendStringInfo(&buf, "%s\"%s\"", n > 0 ? ", " : "", (char *) lfirst(lc));
	}
	return buf.data;
}

static List *
add_variables(List *notes, const SkAdvice *advice)
{
	List	   *queries = list_copy(advice->queries);
	int			n = 0;
	ListCell   *lc;

	list_sort(queries, by_id);
	foreach(lc, queries)
	{
		const SkQuery *query = lfirst(lc);
		List	   *names = query->entry.statement->variables;

		if (query->entry.sqlerrcode == 0 && names != NIL &&
			query->entry.statement->variables_guessed && n++ < MOST_NAMED)
			notes = add(notes,
						psprintf(ngettext("query " INT64_FORMAT " was planned with a variable for %s",
										  "query " INT64_FORMAT " was planned with variables for %s",
										  list_length(names)),
								 query->entry.id, quoted_names(names)),
						"No table of the statement has such a column.");
	}
	if (n > MOST_NAMED)
		notes = add(notes,
					psprintf(ngettext("%d more query was planned with variables",
									  "%d more queries were planned with variables",
									  n - MOST_NAMED), n - MOST_NAMED), NULL);
	return notes;
}

/* The table of a statement that changed most since it was analyzed, if that is much */
static Oid
changed_table(const SkQuery *query)
{
	ListCell   *lc;

	foreach(lc, query->accesses)
	{
		Oid			relid = ((SkIndexable *) lfirst(lc))->relid;
		double		changes = DatumGetInt64(DirectFunctionCall1(pg_stat_get_mod_since_analyze,
																ObjectIdGetDatum(relid)));

		if (changes > MUCH_CHANGED * Max(sk_table_rows(relid), 1))
			return relid;
	}
	return InvalidOid;
}

/* A command for statistics on columns that are compared together, or NULL */
static char *
statistics_for(const SkQuery *query)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, query->accesses)
	{
		const SkIndexable *access = lfirst(lc);
		StringInfoData columns;
		const char *table = sk_table_told_name(access->relid);
		int			n = 0;

		initStringInfo(&columns);
		foreach(lc2, access->equal)
		{
			AttrNumber	attnum = ((SkIndexKey *) lfirst(lc2))->attnum;
			const char *name = attnum > 0 ? get_attname(access->relid, attnum, true) : NULL;

			if (name != NULL)
				appendStringInfo(&columns, "%s%s", n++ > 0 ? ", " : "", quote_identifier(name));
		}
		if (n > 1 && table != NULL)
			return psprintf("CREATE STATISTICS ON %s FROM %s", columns.data, quote_identifier(table));
	}
	return NULL;
}

/* What takes much longer than its plan says, and what may help. */
static List *
add_slow(List *notes, const SkAdvice *advice)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);
		char	   *message;
		char	   *command;
		const char *table;

		if (query->slow == 0 || query->entry.sqlerrcode != 0 || ++n > MOST_NAMED)
			continue;
		message = psprintf("statement " INT64_FORMAT " takes %.0f times as long as the cost of its plan says",
						   query->entry.id, query->slow);
		if (OidIsValid(changed_table(query)) &&
			(table = sk_table_told_name(changed_table(query))) != NULL)
			notes = add(notes, message,
						psprintf("Many rows of table \"%s\" have changed since the last ANALYZE. Run ANALYZE on it.", table));
		else if (query->pessimistic)
			notes = add(notes, message,
						"It was planned as if its LIMIT saved nothing, and values for parameters were rare.");
		else if ((command = statistics_for(query)) != NULL)
			notes = add(notes, message,
						psprintf("If its conditions depend on each other, run: %s; then ANALYZE.", command));
		else
			notes = add(notes, message,
						"EXPLAIN (ANALYZE) shows which number of rows was not expected.");
	}
	return notes;
}

static List *
add_young(List *notes, double minutes)
{
	return add(notes, minutes <= 1 ?
			   pstrdup("statement statistics cover only the last minute") :
			   psprintf("statement statistics cover only the last %.0f minutes", minutes),
			   "Ask for advice again when they cover a usual day.");
}

/* What was not looked at, and how much more it could be worth at most */
static List *
add_out_of_time(List *notes, const SkAdvice *advice)
{
	double		value = sk_advice_coverage_value(advice);
	int			n = 0;
	ListCell   *lc;

	if (!advice->out_of_time)
		return notes;
	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 ?
			query->planned == NIL && !bms_is_empty(query->candidates) :
			query->left_out != NULL && strcmp(query->left_out, "time_budget") == 0)
			n++;
	}
	return add(notes,
			   psprintf(ngettext("the search was stopped by time_budget: %d query was not planned with other indexes, and of the others up to %.1f %% of the workload might be saved besides",
								 "the search was stopped by time_budget: %d queries were not planned with other indexes, and of the others up to %.1f %% of the workload might be saved besides",
								 n), n,
						value > 0 ? 100 * Max(advice->attainable - advice->achieved, 0) / value : 0),
			   "Raise time_budget.");
}

/* What is missing for good advice (SkNote). */
List *
sk_advice_note_list(const SkAdvice *advice)
{
	const SkWorkload *workload = advice->workload;
	List	   *notes = NIL;
	double		least;
	int			too_large = sk_advice_refusal_too_large(advice, &least);

	if (workload->missing != NULL)
		return add(NIL, psprintf("no statements are known: %s", workload->missing),
				   "Install pg_stat_statements, or give the statements as \"queries\".");
	if (workload->measured && workload->entries == NIL)
		notes = add(notes, "pg_stat_statements has no statements of this database", NULL);
	else if (workload->measured && workload->days < SK_ADVICE_LEAST_DAYS)
		notes = add_young(notes, ceil(workload->days * 24 * 60));
	if (workload->hidden > 0)
		notes = add(notes, psprintf("%.0f statements of other roles cannot be read",
									workload->hidden),
					"Grant pg_read_all_stats to the role that asks for advice.");
	if (workload->lost > 0)
		notes = add(notes, psprintf("pg_stat_statements has discarded statements %.0f times",
									workload->lost),
					"Raise pg_stat_statements.max.");
	if (too_large > 0)
		notes = add(notes, psprintf(ngettext("%d index was not tried, since it is larger than storage_budget: it takes %.0f bytes",
											 "%d indexes were not tried, since each is larger than storage_budget: the smallest takes %.0f bytes",
											 too_large), too_large, least),
					NULL);
	notes = add_unknown(add_variables(add_out_of_time(notes, advice), advice), advice);
	return add_slow(notes, advice);
}

/* ----------
 * Statements that could not be planned
 * ----------
 */
static void
raise_left_out(const SkAdvice *advice, const char *argument)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->left_out != NULL && strcmp(query->left_out, argument) == 0)
			n++;
	}
	if (n > 0)
		ereport(NOTICE,
				(errmsg_plural("%d query was left out because of \"%s\"",
							   "%d queries were left out because of \"%s\"",
							   n, n, argument)));
}

typedef struct Named
{
	const char *text;
	char	   *literal;		/* of an array with the table that it names */
} Named;

static void
read_name(void *arg)
{
	Named	   *named = arg;
	Oid			relid = DatumGetObjectId(DirectFunctionCall1(regclassin,
															 CStringGetDatum(named->text)));
	char		relkind = get_rel_relkind(relid);
	Datum		elem = ObjectIdGetDatum(relid);

	if (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
		relkind == RELKIND_MATVIEW)
		named->literal = quote_literal_cstr(OidOutputFunctionCall(F_ARRAY_OUT,
																  PointerGetDatum(construct_array(&elem, 1, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT))));
}

/* Who gives the name of a table as a query wants advice for it. */
static char *
table_named_by(const SkQuery *query)
{
	Named		named = {query->entry.statement->source, NULL};

	if (query->entry.sqlerrcode != ERRCODE_SYNTAX_ERROR)
		return NULL;
	(void) sk_guard_rehearse(read_name, &named);
	return named.literal;
}

/* Of those that were given each is named, up to some. */
static void
raise_given(const SkAdvice *advice)
{
	List	   *queries = list_copy(advice->queries);
	int			n = 0;
	ListCell   *lc;

	list_sort(queries, by_id);
	foreach(lc, queries)
	{
		const SkQuery *query = lfirst(lc);
		bool		utility = query->entry.statement->utility;
		char	   *table;

		if (query->foreign_key != NULL || query->left_out != NULL ||
			(query->entry.sqlerrcode == 0 && !utility) || ++n > MOST_NAMED)
			continue;
		table = table_named_by(query);
		ereport(NOTICE,
				(errmsg("could not plan query " INT64_FORMAT ": %s", query->entry.id,
						utility ? "it is a utility statement" : query->entry.reason),
				 table == NULL ? 0 :
				 errhint("To advise for a table, write tables => %s.", table)));
	}
	if (n > MOST_NAMED)
		ereport(NOTICE,
				(errmsg_plural("could not plan %d more query",
							   "could not plan %d more queries",
							   n - MOST_NAMED, n - MOST_NAMED),
				 errhint(HINT_SKIPPED)));
	raise_left_out(advice, "max_queries");
	raise_left_out(advice, "time_budget");
}

/* Of those that were measured, only whether much of the time is theirs. */
static void
raise_measured(const SkAdvice *advice)
{
	SkCoverage	coverage = sk_advice_coverage(advice);
	double		rest = coverage.total_ms - coverage.planned_ms;
	const char *reason = NULL;
	double		most = 0;
	ListCell   *lc;

	if (coverage.total_ms <= 0 || rest < MUCH_TIME * coverage.total_ms)
		return;
	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 || query->entry.statement->utility ||
			query->entry.total_ms <= most)
			continue;
		most = query->entry.total_ms;
		reason = query->entry.reason;
	}
	ereport(NOTICE,
			(errmsg("statements with %.0f %% of the measured time could not be planned",
					100 * rest / coverage.total_ms),
			 reason == NULL ? 0 :
			 errdetail("The slowest of them: %s.", reason),
			 errhint(HINT_SKIPPED)));
}

/* ----------
 * Why there is no advice
 * ----------
 */
static bool
has_table(const SkAdvice *advice)
{
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->accesses != NIL)
			return true;
	}
	return false;
}

static double
gain_of_best(const SkAdvice *advice)
{
	return sk_advice_refusal_gain(linitial(advice->refused));
}

/* The index that would save most, and why it is not advised. */
static char *
describe_best(const SkAdvice *advice)
{
	const SkRefusal *best = linitial(advice->refused);
	double		gain = gain_of_best(advice);
	double		value = sk_advice_coverage_value(advice);

	if (gain <= 0 || value <= 0)
		return psprintf("\"%s\" was left out: %s.", best->ddl, best->reason);
	/* estimates: more digits than two would say what nobody knows */
	return psprintf(gain >= value / 10 ? "\"%s\" would save %.0f %% of the workload, but was left out: %s."
					: "\"%s\" would save %.2g %% of the workload, but was left out: %s.",
					best->ddl, 100 * gain / value, best->reason);
}

/* The index of a foreign key that a limit has left out, or NULL */
static const SkRefusal *
find_limited(const SkAdvice *advice)
{
	ListCell   *lc;

	foreach(lc, advice->refused)
	{
		const SkRefusal *refusal = lfirst(lc);

		if (refusal->limited)
			return refusal;
	}
	return NULL;
}

static void
raise_nothing(const SkAdvice *advice)
{
	const SkWorkload *workload = advice->workload;
	const SkRefusal *limited;
	double		least;
	const char *detail;

	if (!advice->options.create && !advice->options.replace)
	{
		if (advice->options.drop || advice->options.reindex)
			ereport(NOTICE, (errmsg("there is no index to drop or to rebuild")));
		if (advice->options.foreign_keys)
			ereport(NOTICE, (errmsg("there is no foreign key that needs an index")));
		if (advice->options.statistics)
			ereport(NOTICE, (errmsg("there are no statistics to collect")));
		return;
	}
	if (workload->missing != NULL || (workload->measured && workload->entries == NIL))
		return;
	if (workload->entries == NIL)
		detail = "No queries were given.";
	else if (sk_advice_coverage(advice).planned == 0)
		detail = "None of the statements could be planned.";
	else if (!has_table(advice) && (limited = find_limited(advice)) != NULL)
		detail = psprintf("\"%s\" was left out: %s.", limited->ddl, limited->reason);
	else if (!has_table(advice))
		detail = "The statements read none of the tables for which advice was requested.";
	else if (advice->refused != NIL && !isnan(gain_of_best(advice)))
		detail = describe_best(advice);
	else if (advice->out_of_time)
		detail = "The time allowed by \"time_budget\" was over before an index was found.";
	else if (sk_advice_refusal_too_large(advice, &least) > 0)
		detail = "The indexes that might help are larger than \"storage_budget\".";
	else if (sk_advice_coverage_fast(advice) == sk_advice_coverage(advice).planned)
		detail = psprintf("Each statement takes less than %g ms per call, and less than %.0f s per day.",
						  SK_ADVICE_LEAST_MS, advice->least_daily_ms / 1000);
	else if (workload->measured)
		detail = "No index would make a statement noticeably faster that is not fast already.";
	else
		detail = "No index would make a statement noticeably faster.";
	ereport(NOTICE,
			(errmsg("no index is advised"),
			 errdetail_internal("%s", detail),
			 errhint("Call advise_indexes_report() with the same arguments to see what was looked at.")));
}

/* Tell the caller what is missing, and which statements could not be planned. */
void
sk_advice_note_raise_missing(const SkAdvice *advice)
{
	ListCell   *lc;

	if (advice->workload->measured)
		raise_measured(advice);
	else
		raise_given(advice);
	foreach(lc, sk_advice_note_list(advice))
	{
		const SkNote *note = lfirst(lc);

		ereport(NOTICE,
				(errmsg_internal("%s", note->message),
				 note->hint == NULL ? 0 : errhint("%s", note->hint)));
	}
}

/* Tell the caller of advise_indexes() all that matters, as NOTICEs. */
void
sk_advice_note_raise(const SkAdvice *advice)
{
	sk_advice_note_raise_missing(advice);
	if (advice->items == NIL)
		raise_nothing(advice);
}
