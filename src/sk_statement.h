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

extern List *sk_statement_analyze(const char *text);

#endif							/* SK_STATEMENT_H */
