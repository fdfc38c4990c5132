/*-------------------------------------------------------------------------
 *
 * attach/truncate_trigger.h
 *	  TRUNCATE triggers on a table and its partitions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_TRUNCATE_TRIGGER_H
#define SK_ATTACH_TRUNCATE_TRIGGER_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

extern List *sk_truncate_trigger_tables(Relation rel);
extern bool sk_truncate_trigger_can_truncate(Relation rel);
extern void sk_truncate_trigger_one(Relation rel, const char *function, char fires_when);
extern void sk_truncate_trigger_all(Relation rel, const char *function, char fires_when);
extern void sk_truncate_trigger_end(Relation rel, const char *function);

#endif							/* SK_ATTACH_TRUNCATE_TRIGGER_H */
