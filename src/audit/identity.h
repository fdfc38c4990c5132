/*-------------------------------------------------------------------------
 *
 * audit/identity.h
 *	  Which table of the log a table is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_IDENTITY_H
#define SK_AUDIT_IDENTITY_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

extern int64 sk_audit_identity_find(Relation rel);
extern int64 sk_audit_identity_find_shapes(Relation rel, List **shapes);
extern int64 sk_audit_identity_make(Relation rel);
extern bool sk_audit_identity_is_bound(Relation rel);
extern bool sk_audit_identity_is_restored(Relation rel);

#endif							/* SK_AUDIT_IDENTITY_H */
