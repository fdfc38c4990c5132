/*-------------------------------------------------------------------------
 *
 * soft_delete/view_follow.h
 *	  Views of live rows that follow their tables through DDL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_VIEW_FOLLOW_H
#define SK_SOFT_DELETE_VIEW_FOLLOW_H

#include "attach/feature.h"

#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

extern void sk_soft_view_follow_init(void);
extern void sk_soft_view_follow_before(Relation rel, const SkTableChange *change,
									   const Trigger *trigger);
extern List *sk_soft_view_follow_trigger(Oid relid, char *fires_when);
extern void sk_soft_view_follow_after(Relation rel);
extern bool sk_soft_view_follow_owes(Oid relid);
extern List *sk_soft_view_follow_owed(const Node *stmt);
extern void sk_soft_view_follow_forget(Oid relid);
extern void sk_soft_view_follow_grant(const GrantStmt *stmt, Oid relid);

#endif							/* SK_SOFT_DELETE_VIEW_FOLLOW_H */
