/*-------------------------------------------------------------------------
 *
 * audit/collide.h
 *	  Rows that are put back and hold unique values of each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_COLLIDE_H
#define SK_AUDIT_COLLIDE_H

#include "audit/reader.h"

#include "nodes/bitmapset.h"
#include "nodes/nodes.h"

extern char *sk_audit_collide_condition(const SkAuditReader *reader, const char *table,
										const Bitmapset *differ, char *const *former);
extern bool sk_audit_collide_is_deletable(Oid relid);
extern bool sk_audit_collide_has_rule(Oid relid, CmdType command);

#endif							/* SK_AUDIT_COLLIDE_H */
