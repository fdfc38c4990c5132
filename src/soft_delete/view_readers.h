/*-------------------------------------------------------------------------
 *
 * soft_delete/view_readers.h
 *	  Users' views that read a view of live rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_VIEW_READERS_H
#define SK_SOFT_DELETE_VIEW_READERS_H

#include "nodes/pg_list.h"

extern bool sk_soft_view_readers_find(Oid viewid, List **readers);
extern void sk_soft_view_readers_store(List *readers);

#endif							/* SK_SOFT_DELETE_VIEW_READERS_H */
