/*-------------------------------------------------------------------------
 *
 * workload/statement.c
 *	  Statements, from their text to what the planner takes.
 *
 * A text of pg_stat_statements has lost constants, with their types, the names
 * of PL/pgSQL's variables, which look like columns, and the search_path.  All of
 * that is guessed here, by trying: an error tells what is missing and where.
 * What was found is kept, so that a statement is analyzed at once the next time.
 *
 * SkAnalysis locks the statement's tables and may set search_path: the caller
 * runs it in a subtransaction and rolls that back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "workload/statement.h"

#include "base/compat.h"
#include "base/guc.h"
#include "workload/repair.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/scansup.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include <ctype.h>

/* Types that a lost constant may have had, likely ones first. */
static const Oid guesses[] = {
	INT4OID, INTERVALOID, TIMESTAMPTZOID, NUMERICOID, TEXTOID, DATEOID,
	FLOAT8OID, TEXTARRAYOID, INT4ARRAYOID, JSONBOID, BOOLOID, REGCONFIGOID
};

/* How much guessing one statement is worth. */
#define MAX_TRIES 500
#define MAX_NEAR 8
#define MAX_PARAMS 32000
#define FAR 1000000				/* characters */

/* ----------
 * Guessing
 * ----------
 */
/* Variables that are found are parameters, whose types may be guessed, too. */
static ErrorData *
try_once(SkAnalysis *analysis)
{
	SkStatement *statement = analysis->statement;
	ErrorData  *error = sk_analysis_try(analysis);

	if (analysis->nparams <= statement->ntypes)
		return error;
	statement->types = repalloc(statement->types, analysis->nparams * sizeof(Oid));
	while (statement->ntypes < analysis->nparams)
		statement->types[statement->ntypes++] = InvalidOid;
	return error;
}

/* Has the context told the type?  What is text may just not be known. */
static bool
is_resolved(const SkAnalysis *analysis, int i)
{
	Oid			type = analysis->types[i];

	return OidIsValid(type) && type != UNKNOWNOID && type != TEXTOID;
}

/* The parameters next to an error; those with types last, if "unknown_first". */
static int
near_params(const SkAnalysis *analysis, int cursorpos, bool unknown_first,
			int *near, int most)
{
	int			n = 0;
	bool	   *taken = palloc0(analysis->nparams * sizeof(bool));

	while (n < most)
	{
		int			best = -1;
		int			best_distance = INT_MAX;

		for (int i = 0; i < analysis->nparams &&
			 i < analysis->statement->ntypes; i++)
		{
			int			distance;

			if (taken[i] || analysis->locations[i] < 0)
				continue;
			distance = abs(pg_mbstrlen_with_len(analysis->statement->text,
												analysis->locations[i]) + 1 -
						   cursorpos);
			if (unknown_first && is_resolved(analysis, i))
				distance += FAR;
			if (distance < best_distance)
			{
				best = i;
				best_distance = distance;
			}
		}
		if (best < 0)
			break;
		taken[best] = true;
		near[n++] = best;
	}
	pfree(taken);
	return n;
}

/* Does an error have to do with this parameter, and not with another one? */
static bool
is_about(const SkAnalysis *analysis, const ErrorData *error, int param)
{
	int			nearest;

	return error->cursorpos <= 0 ||
		near_params(analysis, error->cursorpos, false, &nearest, 1) == 0 ||
		nearest == param;
}

/*
 * Give one of the parameters next to an error a type, so that all errors go
 * away; or else the first one for which another error comes, that has to do with
 * another parameter.  Returns the error that is left.
 */
static ErrorData *
guess_type(SkAnalysis *analysis, ErrorData *error, int *tries)
{
	SkStatement *statement = analysis->statement;
	int			near[MAX_NEAR];
	int			n = near_params(analysis, error->cursorpos, true, near, MAX_NEAR);
	ErrorData  *best = NULL;
	int			best_param = 0;
	Oid			best_type = InvalidOid;

	for (int i = 0; i < n; i++)
	{
		Oid			before = statement->types[near[i]];

		for (size_t g = 0; g < lengthof(guesses) && ++*tries < MAX_TRIES; g++)
		{
			ErrorData  *left;

			statement->types[near[i]] = guesses[g];
			left = try_once(analysis);
			if (left == NULL)
				return NULL;
			if (best == NULL && left->cursorpos != error->cursorpos &&
				!is_about(analysis, left, near[i]))
			{
				best = left;
				best_param = near[i];
				best_type = guesses[g];
			}
		}
		statement->types[near[i]] = before;

		/* the next error is for the next call: there may be many */
		if (best != NULL)
			break;
	}
	if (best == NULL)
	{
		*tries = MAX_TRIES;
		return error;
	}
	statement->types[best_param] = best_type;
	return try_once(analysis);
}

/* The name that an error points to, if it is a plain one. */
static char *
name_at(const SkStatement *statement, int cursorpos)
{
	const char *p = statement->text;
	int			len = 0;

	for (int i = 1; i < cursorpos && *p != '\0'; i++)
		p += pg_mblen(p);
	if (*p == '"')
	{
		const char *end = strchr(p + 1, '"');

		return end == NULL || end[1] == '.' ? NULL :
			pnstrdup(p + 1, end - p - 1);
	}
	while (isalnum((unsigned char) p[len]) || p[len] == '_' ||
		   IS_HIGHBIT_SET(p[len]))
		len++;
	if (len == 0 || p[len] == '.')
		return NULL;
	return downcase_identifier(p, len, false, false);
}

/* Schemas that have a relation of this name, which the role may use. */
static List *
schemas_with(const char *relname)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_class_relname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(relname));
	scan = systable_beginscan(pg_class, ClassNameNspIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			schema = ((Form_pg_class) GETSTRUCT(tuple))->relnamespace;

		if (!isAnyTempNamespace(schema) && schema != PG_TOAST_NAMESPACE &&
			object_aclcheck(NamespaceRelationId, schema, GetUserId(),
							ACL_USAGE) == ACLCHECK_OK)
			result = list_append_unique_oid(result, schema);
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	list_sort(result, list_oid_cmp);
	return result;
}

/*
 * A table that is not found may be in a schema that the session which ran the
 * statement had in its search_path.  True if there is one to try.
 */
static bool
guess_schema(SkAnalysis *analysis, const ErrorData *error)
{
	SkStatement *statement = analysis->statement;
	char	   *name = name_at(statement, error->cursorpos);
	List	   *schemas;
	char	   *schema;
	StringInfoData path;

	if (name == NULL)
		return false;
	schemas = schemas_with(name);
	if (schemas == NIL ||
		list_member_oid(fetch_search_path(true), linitial_oid(schemas)))
		return false;
	schema = get_namespace_name(linitial_oid(schemas));
	if (schema == NULL)
		return false;
	initStringInfo(&path);
	appendStringInfo(&path, "%s%s%s", namespace_search_path,
					 namespace_search_path[0] == '\0' ? "" : ", ",
					 quote_identifier(schema));
	statement->search_path = path.data;
	statement->guessed = true;
	sk_guc_set_local("search_path", path.data);
	return true;
}

/*
 * Who copies a statement out of a function leaves the names of its variables in
 * it.  True if names that are not found were not taken for such yet.
 */
static bool
guess_variables(SkStatement *statement, const ErrorData *error)
{
	if (statement->names != SK_NAMES_GUESSED || statement->variables_guessed ||
		(error->sqlerrcode != ERRCODE_UNDEFINED_COLUMN &&
		 error->sqlerrcode != ERRCODE_UNDEFINED_TABLE))
		return false;
	statement->variables_guessed = true;
	return true;
}

static bool
is_about_types(const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_AMBIGUOUS_FUNCTION:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_INDETERMINATE_DATATYPE:
		case ERRCODE_AMBIGUOUS_PARAMETER:
		case ERRCODE_DATATYPE_MISMATCH:
		case ERRCODE_CANNOT_COERCE:
		case ERRCODE_WRONG_OBJECT_TYPE:
			return error->cursorpos > 0;
		default:
			return false;
	}
}

/* Analyze until it succeeds, or raise the error that came first. */
static void
find_out(SkAnalysis *analysis)
{
	SkStatement *statement = analysis->statement;
	ErrorData  *first = NULL;
	ErrorData  *error = try_once(analysis);
	int			tries = 0;

	while (error != NULL)
	{
		if (first == NULL)
			first = error;
		CHECK_FOR_INTERRUPTS();
		if (error->sqlerrcode == ERRCODE_UNDEFINED_TABLE &&
			guess_schema(analysis, error))
			error = try_once(analysis);
		else if (guess_variables(statement, error))
		{
			error = try_once(analysis);
			first = NULL;
		}
		else if (is_about_types(error) && tries < MAX_TRIES &&
				 analysis->nparams > 0)
		{
			error = guess_type(analysis, error, &tries);
			statement->guessed = true;
		}
		else
			sk_analysis_raise(first);
		if (error != NULL && tries >= MAX_TRIES)
			sk_analysis_raise(first);
	}
}

/* Keep the types that were found; what nothing says anything about is text. */
static void
keep_types(SkAnalysis *analysis)
{
	SkStatement *statement = analysis->statement;

	statement->ntypes = analysis->nparams;
	statement->types = palloc((analysis->nparams + 1) * sizeof(Oid));
	for (int i = 0; i < analysis->nparams; i++)
	{
		Oid			type = analysis->types[i];

		statement->types[i] = !OidIsValid(type) || type == UNKNOWNOID ?
			TEXTOID : type;
	}
}

/* ----------
 * From outside
 * ----------
 */

/*
 * What is found out about the statement goes to the memory context that is current
 * now.
 */
SkStatement *
sk_statement_make(const char *source, SkNames names)
{
	SkStatement *statement = palloc0(sizeof(SkStatement));

	statement->source = source;
	statement->names = names;
	statement->context = CurrentMemoryContext;
	return statement;
}

static void
resolve(SkAnalysis *analysis)
{
	SkStatement *statement = analysis->statement;
	MemoryContext old;
	ListCell   *lc;

	find_out(analysis);
	old = MemoryContextSwitchTo(statement->context);
	keep_types(analysis);
	statement->text = pstrdup(statement->text);
	if (statement->search_path != NULL)
		statement->search_path = pstrdup(statement->search_path);
	foreach(lc, analysis->names)
		statement->variables = lappend(statement->variables, pstrdup(lfirst(lc)));
	MemoryContextSwitchTo(old);
	statement->resolved = true;
}

/*
 * The queries that the planner gets for a statement: none, one, or several if
 * there are rules.  Raises an error if the statement cannot be planned.
 */
List *
sk_statement_analyze(SkStatement *statement)
{
	SkAnalysis	analysis = {0};

	analysis.statement = statement;
	if (!statement->resolved)
	{
		statement->text = sk_repair_text(statement->source, &statement->nparams,
										 &statement->utility);
		if (statement->nparams > MAX_PARAMS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("statement has too many parameters")));
		statement->ntypes = statement->nparams;
		statement->types = palloc0((statement->ntypes + 1) * sizeof(Oid));
	}
	else if (statement->search_path != NULL)
		sk_guc_set_local("search_path", statement->search_path);
	analysis.raw = sk_analysis_parse(statement);
	if (!statement->resolved)
		resolve(&analysis);
	sk_analysis_run(&analysis);
	return QueryRewrite(linitial(analysis.queries));
}
