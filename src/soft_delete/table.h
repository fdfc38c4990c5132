/*-------------------------------------------------------------------------
 *
 * soft_delete/table.h
 *	  The triggers of a table with soft delete.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_TABLE_H
#define SK_SOFT_DELETE_TABLE_H

#include "commands/trigger.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* Set while soft_delete_enable() adds the column: no rule applies then. */
extern bool sk_soft_table_by_hand;

extern const Trigger *sk_soft_table_trigger(Relation rel);
extern void sk_soft_table_make_trigger(Relation rel, List *args, char fires_when);
extern void sk_soft_table_make_triggers(Relation rel, const char *col, char fires_when);
extern void sk_soft_table_drop_triggers(Relation rel, const char *function);
extern void sk_soft_table_protect(Relation rel, bool protect);
extern bool sk_soft_table_is_protected(Relation rel);
extern void sk_soft_table_note_view(Relation rel);

#endif							/* SK_SOFT_DELETE_TABLE_H */
