/*-------------------------------------------------------------------------
 *
 * base/code.h
 *	  Whose code it is that the planner and the executor would run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_CODE_H
#define SK_CODE_H

#include "nodes/pg_list.h"

extern List *sk_code_of_expression(Node *expr);
extern List *sk_code_of_queries(List *queries);
extern List *sk_code_of_table(Oid relid);
extern bool sk_code_has_types(void);
extern char *sk_code_roles(List *owners);

#endif							/* SK_CODE_H */
