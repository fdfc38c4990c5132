/*-------------------------------------------------------------------------
 *
 * base/deferred.h
 *	  What is deferred now, and deferred constraints made immediate for a while.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_DEFERRED_H
#define SK_DEFERRED_H

#include "nodes/pg_list.h"
#include "utils/reltrigger.h"

extern bool sk_deferred_is(const Trigger *trigger);
extern List *sk_deferred_suspend(Oid relid);
extern void sk_deferred_resume(List *constraints);

#endif							/* SK_DEFERRED_H */
