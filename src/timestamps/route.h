/*-------------------------------------------------------------------------
 *
 * timestamps/route.h
 *	  Is a row accepted with its new time by the partition that it moves to?
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_ROUTE_H
#define SK_TIMESTAMPS_ROUTE_H

#include "access/attnum.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

typedef struct SkRoute SkRoute;

extern SkRoute *sk_route_make(MemoryContext context, Relation rel,
							  AttrNumber attnum, bool in_keys);
extern bool sk_route_accepts(SkRoute *route, TupleTableSlot *old,
							 TupleTableSlot *new, Datum stamp);

#endif							/* SK_TIMESTAMPS_ROUTE_H */
