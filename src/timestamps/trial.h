/*-------------------------------------------------------------------------
 *
 * timestamps/trial.h
 *	  Would a row be accepted with its new time?
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_TRIAL_H
#define SK_TIMESTAMPS_TRIAL_H

#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

typedef struct SkTrial SkTrial;

extern List *sk_trial_collect(Relation rel, AttrNumber attnum);
extern SkTrial *sk_trial_make(MemoryContext context, Relation rel,
							  AttrNumber attnum, List *tests,
							  List *conditions);
extern bool sk_trial_passes(SkTrial *trial, TupleTableSlot *row, Datum stamp);
extern char *sk_trial_constraints(Relation rel, AttrNumber attnum);

#endif							/* SK_TIMESTAMPS_TRIAL_H */
