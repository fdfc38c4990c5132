/*-------------------------------------------------------------------------
 *
 * attach/rows.h
 *	  What commands do to rows without firing triggers for them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_ROWS_H
#define SK_ATTACH_ROWS_H

#include "nodes/pg_list.h"

extern void sk_rows_retyped(List *relids, List *commands);
extern void sk_rows_recomputed(List *relids, List *columns);
extern void sk_rows_renamed_value(Oid type);
extern void sk_rows_restructured(Oid relid);
extern void sk_rows_moved(Oid parentid, Oid childid, bool attached);
extern void sk_rows_dropped(void);

#endif							/* SK_ATTACH_ROWS_H */
