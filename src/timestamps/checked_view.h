/*-------------------------------------------------------------------------
 *
 * timestamps/checked_view.h
 *	  Views WITH CHECK OPTION through which a table is updated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_CHECKED_VIEW_H
#define SK_TIMESTAMPS_CHECKED_VIEW_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

extern List *sk_checked_view_readers(Oid relid);
extern bool sk_checked_view_has_option(Oid viewid);
extern List *sk_checked_view_conditions(Relation rel, List *views, bool *unclear);

#endif							/* SK_TIMESTAMPS_CHECKED_VIEW_H */
