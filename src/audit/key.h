/*-------------------------------------------------------------------------
 *
 * audit/key.h
 *	  The columns by which events of a table's rows are found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_KEY_H
#define SK_AUDIT_KEY_H

#include "audit/options.h"

#include "utils/relcache.h"

extern List *sk_audit_key_of(Relation root, const SkAuditOptions *options);

#endif							/* SK_AUDIT_KEY_H */
