/*-------------------------------------------------------------------------
 *
 * soft_delete/view_columns.h
 *	  The columns of a view of live rows, changed in place.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_VIEW_COLUMNS_H
#define SK_SOFT_DELETE_VIEW_COLUMNS_H

#include "attach/feature.h"
#include "soft_delete/view.h"

#include "utils/relcache.h"

extern bool sk_soft_view_columns_release(Relation rel, const SkLiveView *live,
										 const SkTableChange *change);
extern void sk_soft_view_columns_conform(Relation rel, Oid viewid,
										 const SkLiveView *live, bool add);
extern int	sk_soft_view_columns_count(Relation rel);

#endif							/* SK_SOFT_DELETE_VIEW_COLUMNS_H */
