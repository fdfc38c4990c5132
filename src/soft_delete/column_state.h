/*-------------------------------------------------------------------------
 *
 * soft_delete/column_state.h
 *	  What is said of a column of a view of live rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_COLUMN_STATE_H
#define SK_SOFT_DELETE_COLUMN_STATE_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

typedef struct SkColumnState SkColumnState;

extern List *sk_soft_column_state_labels(Oid viewid, AttrNumber attnum);
extern void sk_soft_column_state_set_labels(Oid viewid, AttrNumber attnum, List *labels);
extern SkColumnState *sk_soft_column_state_save(Oid viewid, AttrNumber attnum,
												AttrNumber table_attnum);
extern void sk_soft_column_state_restore(Relation rel, Oid viewid,
										 const SkColumnState *column);
extern void sk_soft_column_state_try(Relation rel, Oid viewid, const SkColumnState *column);

#endif							/* SK_SOFT_DELETE_COLUMN_STATE_H */
