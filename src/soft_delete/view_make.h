/*-------------------------------------------------------------------------
 *
 * soft_delete/view_make.h
 *	  Views of live rows are made, and kept like their tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_VIEW_MAKE_H
#define SK_SOFT_DELETE_VIEW_MAKE_H

#include "soft_delete/view.h"

#include "commands/trigger.h"
#include "utils/relcache.h"

extern char *sk_soft_view_make_default_name(const char *table);
extern void sk_soft_view_make_find_name(Relation rel, const Trigger *trigger,
										char **schema, char **name);
extern void sk_soft_view_make_note_name(Relation rel, const Trigger *trigger, Oid viewid);
extern Oid	sk_soft_view_make(Relation rel, const char *col,
							  const char *schema, const char *name);
extern Oid	sk_soft_view_make_bare(Relation rel, const char *col,
								   const char *schema, const char *name,
								   const char *options);
extern void sk_soft_view_make_cover(Oid viewid);
extern void sk_soft_view_make_set_owner(Oid viewid, Oid owner);
extern void sk_soft_view_make_check_name(Oid viewid, const char *schema,
										 const char *name);
extern void sk_soft_view_make_set_name(Oid viewid, const char *schema,
									   const char *name);
extern char *sk_soft_view_make_options(Relation view);
extern bool sk_soft_view_make_is_complete(Relation rel, const SkLiveView *live);
extern bool sk_soft_view_make_is_fresh(Relation rel, Oid viewid, const SkLiveView *live);
extern void sk_soft_view_make_refresh(Relation rel, Oid viewid);

#endif							/* SK_SOFT_DELETE_VIEW_MAKE_H */
