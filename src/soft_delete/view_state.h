/*-------------------------------------------------------------------------
 *
 * soft_delete/view_state.h
 *	  Views of live rows, taken away and put back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_VIEW_STATE_H
#define SK_SOFT_DELETE_VIEW_STATE_H

#include "utils/relcache.h"

/* A view that was taken away, as it was. */
typedef struct SkLiveState SkLiveState;

extern bool sk_soft_view_state_can_drop(Oid viewid);
extern void sk_soft_view_state_drop(Oid viewid);
extern SkLiveState *sk_soft_view_state_save(Oid viewid);
extern Oid	sk_soft_view_state_restore(Relation rel, const SkLiveState *state);
extern Oid	sk_soft_view_state_refresh(Relation rel, Oid viewid);

#endif							/* SK_SOFT_DELETE_VIEW_STATE_H */
