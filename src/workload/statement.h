/*-------------------------------------------------------------------------
 *
 * workload/statement.h
 *	  Statements, from their text to what the planner takes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_WORKLOAD_STATEMENT_H
#define SK_WORKLOAD_STATEMENT_H

#include "workload/analysis.h"

extern SkStatement *sk_statement_make(const char *source, SkNames names);
extern List *sk_statement_analyze(SkStatement *statement);

#endif							/* SK_WORKLOAD_STATEMENT_H */
