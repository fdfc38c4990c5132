/*-------------------------------------------------------------------------
 *
 * sk_statement.h
 *	  Statements, from their text to what the planner takes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_STATEMENT_H
#define SK_STATEMENT_H

#include "nodes/pg_list.h"

typedef struct SkStatement
{
	const char *source;
	bool		nested;			/* names may be variables of a function */
	char	   *text;			/* repaired; NULL before that */
	int			nparams;		/* $n in the text */
	int			ntypes;			/* those, and variables */
	Oid		   *types;			/* of both, by their numbers */
	char	   *search_path;	/* that it needs; NULL: the session's */
	bool		utility;		/* it has no plan */
	bool		guessed;		/* types, variables or schemas were guessed */
	bool		resolved;		/* all of it was found out */
	MemoryContext context;		/* where that is kept */
} SkStatement;

extern SkStatement *sk_statement_make(const char *source, bool nested);
extern List *sk_statement_analyze(SkStatement *statement);

#endif							/* SK_STATEMENT_H */
