/*-------------------------------------------------------------------------
 *
 * workload/analysis.c
 *	  One try to analyze a statement.
 *
 * The parser asks hooks what a parameter is, what type it shall have, and what a
 * name is that it does not know.  Ours remember where parameters are and which
 * types the context gives them, whether or not the try succeeds.
 *
 * Nothing is told to other extensions (post_parse_analyze_hook): a statement
 * that is only looked at must not be counted by pg_stat_statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "workload/analysis.h"

#include "base/compat.h"
#include "base/guard.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define MAX_PARAMS 32767

/* The parameter that stands for a constant in quotes */
#define CONSTANT	(MAX_PARAMS + 1)


/* ----------
 * The parser's hooks
 * ----------
 */
static void
grow(SkAnalysis *analysis, int n)
{
	if (n <= analysis->nparams)
		return;
	if (n > MAX_PARAMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("statement has too many parameters")));
	analysis->types = analysis->types ?
		repalloc(analysis->types, n * sizeof(Oid)) : palloc(n * sizeof(Oid));
	analysis->locations = analysis->locations ?
		repalloc(analysis->locations, n * sizeof(int)) : palloc(n * sizeof(int));
	for (int i = analysis->nparams; i < n; i++)
	{
		analysis->types[i] = InvalidOid;
		analysis->locations[i] = -1;
	}
	analysis->nparams = n;
}

static Node *
make_param(SkAnalysis *analysis, int number, int location)
{
	Param	   *param = makeNode(Param);

	grow(analysis, number);
	if (!OidIsValid(analysis->types[number - 1]))
		analysis->types[number - 1] = UNKNOWNOID;
	if (location >= 0)
		analysis->locations[number - 1] = location;
	param->paramkind = PARAM_EXTERN;
	param->paramid = number;
	param->paramtype = analysis->types[number - 1];
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(param->paramtype);
	param->location = location;
	return (Node *) param;
}

static Node *
make_constant(int location)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = CONSTANT;
	param->paramtype = UNKNOWNOID;
	param->paramtypmod = -1;
	param->location = location;
	return (Node *) param;
}

static Node *
on_param(ParseState *pstate, ParamRef *ref)
{
	if (ref->number == CONSTANT && ((SkAnalysis *) pstate->p_ref_hook_state)->statement->unread)
		return make_constant(ref->location);
	if (ref->number < 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("there is no parameter $%d", ref->number)));
	return make_param(pstate->p_ref_hook_state, ref->number, ref->location);
}

static Node *
set_type(Param *param, Oid type)
{
	param->paramtype = type;
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(type);
	return (Node *) param;
}

/* What a parameter is compared with tells its type. */
static Node *
on_coerce(ParseState *pstate, Param *param, Oid type, int32 typmod,
		  int location)
{
	SkAnalysis *analysis = pstate->p_ref_hook_state;
	Oid		   *known;

	if (param->paramkind != PARAM_EXTERN || param->paramtype != UNKNOWNOID)
		return NULL;
	if (param->paramid == CONSTANT)
		return set_type(param, type);
	known = &analysis->types[param->paramid - 1];
	if (*known == UNKNOWNOID)
		*known = type;
	else if (*known != type)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("inconsistent types deduced for parameter $%d",
						param->paramid),
				 errdetail("%s versus %s", format_type_be(*known),
						   format_type_be(type)),
				 parser_errposition(pstate, param->location)));
	return set_type(param, type);
}

/* Is it a column of a table of the statement, whose name is just not right? */
static bool
names_table(ParseState *pstate, const ColumnRef *ref)
{
	int			levels_up;

	return list_length(ref->fields) > 1 &&
		refnameNamespaceItem(pstate, NULL, strVal(linitial(ref->fields)), -1,
							 &levels_up) != NULL;
}

/* A name that is no column: a variable of the function that it is from. */
static Node *
on_column(ParseState *pstate, ColumnRef *ref, Node *var)
{
	SkAnalysis *analysis = pstate->p_ref_hook_state;
	char	   *name;
	ListCell   *lc;
	int			i = 0;

	if (var != NULL || IsA(llast(ref->fields), A_Star) ||
		(analysis->statement->variables_guessed && names_table(pstate, ref)))
		return NULL;
	name = NameListToString(ref->fields);
	foreach(lc, analysis->names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			break;
		i++;
	}
	if (lc == NULL)
		analysis->names = lappend(analysis->names, name);
	analysis->statement->guessed = true;
	return make_param(analysis, analysis->statement->nparams + i + 1,
					  ref->location);
}

/* ----------
 * One try
 * ----------
 */
static RawStmt *
unwrap(RawStmt *raw)
{
	Node	   *inner = NULL;

	switch (nodeTag(raw->stmt))
	{
		case T_ExplainStmt:
			inner = ((ExplainStmt *) raw->stmt)->query;
			break;
		case T_CreateTableAsStmt:
			inner = ((CreateTableAsStmt *) raw->stmt)->query;
			break;
		case T_DeclareCursorStmt:
			inner = ((DeclareCursorStmt *) raw->stmt)->query;
			break;
		case T_CopyStmt:
			inner = ((CopyStmt *) raw->stmt)->query;
			break;
		case T_PrepareStmt:
			inner = ((PrepareStmt *) raw->stmt)->query;
			break;
		default:
			return raw;
	}
	if (inner == NULL)
		return raw;
	raw->stmt = inner;
	return unwrap(raw);
}

/* SELECT ... INTO makes a table, or sets variables of a function. */
static void
forget_into(Node *stmt)
{
	SelectStmt *select = (SelectStmt *) stmt;

	if (!IsA(stmt, SelectStmt))
		return;
	while (select->op != SETOP_NONE)
		select = select->larg;
	select->intoClause = NULL;
}

static bool
is_planned(const Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
			return true;
		default:
			return sk_is_merge(stmt);
	}
}

static void
reject_utility(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("statement is a utility command, which has no plan")));
}

/*
 * The statement that the text has, or that its command contains.  Raises an error
 * if it is one that is not planned.
 */
RawStmt *
sk_analysis_parse(SkStatement *statement)
{
	List	   *commands;
	RawStmt    *raw;

	if (statement->utility)
		reject_utility();
	commands = raw_parser(statement->text, RAW_PARSE_DEFAULT);
	if (commands == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("statement is empty")));
	if (list_length(commands) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("cannot plan several statements as one")));
	raw = unwrap(linitial_node(RawStmt, commands));
	forget_into(raw->stmt);
	statement->utility = !is_planned(raw->stmt);
	if (statement->utility)
		reject_utility();
	return raw;
}

/*
 * A parameter takes the place of each constant in quotes.  The parser reads such a
 * constant as soon as it knows the type, which checks domains in an array or in a row,
 * and runs what a range type has for its values.
 */
static bool
replace_walker(Node *node, void *arg)
{
	ParamRef   *ref = (ParamRef *) node;
	int			location;

	StaticAssertStmt(sizeof(ParamRef) <= sizeof(A_Const), "it does not take its place");
	if (node == NULL || IsA(node, TypeName))
		return false;
	if (!IsA(node, A_Const))
		return raw_expression_tree_walker(node, replace_walker, arg);
	if (nodeTag(&((A_Const *) node)->val) != T_String)
		return false;
	location = ((A_Const *) node)->location;
	ref->type = T_ParamRef;
	ref->number = CONSTANT;
	ref->location = location;
	return false;
}

static void
transform(SkAnalysis *analysis)
{
	SkStatement *statement = analysis->statement;
	RawStmt    *raw = copyObject(analysis->raw);
	ParseState *pstate = make_parsestate(NULL);
	Query	   *query;

	if (statement->unread)
		(void) replace_walker(raw->stmt, NULL);
	pstate->p_sourcetext = statement->text;
	pstate->p_ref_hook_state = analysis;
	pstate->p_paramref_hook = on_param;
	pstate->p_coerce_param_hook = on_coerce;
	if (statement->names == SK_NAMES_VARIABLES || statement->variables_guessed)
		pstate->p_post_columnref_hook = on_column;
	query = transformTopLevelStmt(pstate, raw);
	free_parsestate(pstate);
	analysis->queries = list_make1(query);
}

/* Begin again, with the types that the statement is known to have. */
static void
begin_try(SkAnalysis *analysis)
{
	SkStatement *statement = analysis->statement;

	analysis->nparams = 0;
	analysis->types = NULL;
	analysis->locations = NULL;
	analysis->names = NIL;
	analysis->queries = NIL;
	grow(analysis, statement->ntypes);
	for (int i = 0; i < statement->ntypes; i++)
		analysis->types[i] = statement->types[i];
}

/* Analyze the statement with the types that it is known to have. */
void
sk_analysis_run(SkAnalysis *analysis)
{
	begin_try(analysis);
	transform(analysis);
}

static void
note_position(void *arg)
{
	((SkAnalysis *) arg)->position = geterrposition();
}

/*
 * Functions that the caller is called by take an error's position for one in their
 * own text, and move it away; who is called last is asked first.
 */
static void
run(void *arg)
{
	ErrorContextCallback callback = {error_context_stack, note_position, arg};

	error_context_stack = &callback;
	sk_analysis_run(arg);
	error_context_stack = callback.previous;
}

/* An error that says something about the statement. */
static bool
is_about_statement(const ErrorData *edata)
{
	int			category = ERRCODE_TO_CATEGORY(edata->sqlerrcode);

	return category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		category == ERRCODE_DATA_EXCEPTION ||
		category == ERRCODE_FEATURE_NOT_SUPPORTED ||
		category == ERRCODE_INVALID_SCHEMA_NAME;
}

/*
 * The same; an error that says something about the statement is returned, with its
 * position in the statement.
 */
ErrorData *
sk_analysis_try(SkAnalysis *analysis)
{
	ErrorData  *error;

	analysis->position = 0;
	error = sk_guard_try(run, analysis, is_about_statement);
	if (error != NULL)
		error->cursorpos = analysis->position;
	return error;
}

/* Raise such an error, for those who have called to point to it where they will. */
void
sk_analysis_raise(ErrorData *error)
{
	if (error->internalpos > 0)
		error->cursorpos = 0;
	ReThrowError(error);
}
