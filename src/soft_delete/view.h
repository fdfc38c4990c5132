/*-------------------------------------------------------------------------
 *
 * soft_delete/view.h
 *	  Views of the rows of a table that are not soft-deleted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_VIEW_H
#define SK_SOFT_DELETE_VIEW_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* The function of its trigger, and that of its condition */
#define SK_LIVE_VIEW_FUNCTION	"soft_delete_row"
#define SK_LIVE_VIEW_CONDITION	"is_live"

/*
 * How a column begins that the view keeps, as null, after the table has lost it, since
 * something depends on the view: as the server calls columns that it keeps
 */
#define SK_LOST_COLUMN			"........pg.dropped."

/* What a view of live rows says of itself. */
typedef struct SkLiveView
{
	Oid			viewid;			/* only if it was found, and not read */
	Oid			tableid;
	AttrNumber	column;			/* of the table: null in live rows */
	bool		plain;			/* as we make it: columns of the table, once */
	bool		covered;		/* has the trigger, as far as it was found */
	int			natts;			/* of the view */
	int			nlost;			/* of these, those that the table has lost */
	AttrNumber *attnums;		/* for each column of the view, the table's,
								 * or InvalidAttrNumber */
} SkLiveView;

extern bool sk_soft_view_read(Relation view, SkLiveView *live);
extern Oid	sk_soft_view_find(Oid tableid, SkLiveView *live);
extern Oid	sk_soft_view_followed(Oid tableid, SkLiveView *live);
extern List *sk_soft_view_list(Oid tableid);
extern bool sk_soft_view_is_covered(Oid viewid);
extern void sk_soft_view_give_up(void);

#endif							/* SK_SOFT_DELETE_VIEW_H */
