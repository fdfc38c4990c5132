/*-------------------------------------------------------------------------
 *
 * base/receive.h
 *	  Rows of statements, one by one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_RECEIVE_H
#define SK_RECEIVE_H

#include "executor/spi.h"
#include "executor/tuptable.h"

typedef void (*SkReceive) (void *arg, TupleTableSlot *slot);

extern void sk_receive_of_plan(SPIPlanPtr plan, int nargs, const Oid *types,
							   const Datum *values, SkReceive receive, void *arg);
extern void sk_receive_of_query(const char *sql, int nargs, const Oid *types,
								const Datum *values, const char *nulls,
								SkReceive receive, void *arg);

#endif							/* SK_RECEIVE_H */
