/*-------------------------------------------------------------------------
 *
 * soft_delete/immediate.h
 *	  Deferred constraints of tables, immediate for a while.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_IMMEDIATE_H
#define SK_SOFT_DELETE_IMMEDIATE_H

#include "nodes/pg_list.h"

extern List *sk_soft_immediate_begin(List *relids);
extern void sk_soft_immediate_end(List *constraints);

#endif							/* SK_SOFT_DELETE_IMMEDIATE_H */
