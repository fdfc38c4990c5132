/*-------------------------------------------------------------------------
 *
 * workload/analysis.h
 *	  One try to analyze a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_WORKLOAD_ANALYSIS_H
#define SK_WORKLOAD_ANALYSIS_H

#include "nodes/parsenodes.h"
#include "utils/elog.h"

/* What a name may be that is no column */
typedef enum SkNames
{
	SK_NAMES_COLUMNS,			/* a mistake */
	SK_NAMES_GUESSED,			/* a variable, if all else fails */
	SK_NAMES_VARIABLES			/* a variable of the function that it is from */
} SkNames;

typedef struct SkStatement
{
	const char *source;
	SkNames		names;
	char	   *text;			/* repaired; NULL before that */
	int			nparams;		/* $n in the text */
	int			ntypes;			/* those, and variables */
	Oid		   *types;			/* of both, by their numbers */
	char	   *search_path;	/* that it needs; NULL: the session's */
	bool		utility;		/* it has no plan */
	bool		guessed;		/* types, variables or schemas were guessed */
	bool		variables_guessed;	/* names that are no columns are variables */
	List	   *variables;		/* their names */
	bool		resolved;		/* all of it was found out */
	bool		unread;			/* constants in quotes are parameters */
	MemoryContext context;		/* where that is kept */
} SkStatement;

/* Analysis as it goes on: what the parser's hooks work on. */
typedef struct SkAnalysis
{
	SkStatement *statement;
	RawStmt    *raw;
	int			nparams;
	Oid		   *types;			/* UNKNOWNOID until it is known */
	int		   *locations;		/* where a parameter is, or -1 */
	int			position;		/* of the last error */
	List	   *names;			/* of variables, after the parameters */
	List	   *queries;		/* the result */
} SkAnalysis;

extern RawStmt *sk_analysis_parse(SkStatement *statement);
extern void sk_analysis_run(SkAnalysis *analysis);
extern ErrorData *sk_analysis_try(SkAnalysis *analysis);
extern void sk_analysis_raise(ErrorData *error);

#endif							/* SK_WORKLOAD_ANALYSIS_H */
