/*-------------------------------------------------------------------------
 *
 * sk_statement.c
 *	  Statements, from their text to what the planner takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_statement.h"

#include "sk_compat.h"

#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"

List *
sk_statement_analyze(const char *text)
{
	List	   *commands = raw_parser(text, RAW_PARSE_DEFAULT);
	ParseState *pstate = make_parsestate(NULL);
	Query	   *query;

	pstate->p_sourcetext = text;

	query = transformTopLevelStmt(pstate, linitial_node(RawStmt, commands));
	free_parsestate(pstate);
	return QueryRewrite(query);
}
