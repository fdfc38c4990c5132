/*-------------------------------------------------------------------------
 *
 * audit/mask.h
 *	  Hashes in place of masked values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_MASK_H
#define SK_AUDIT_MASK_H

#include "utils/jsonb.h"
#include "utils/relcache.h"

extern uint8 *sk_audit_mask_secret(Relation root, int64 rel_id,
								   const char *group);
extern void sk_audit_mask_hash(const uint8 *secret, JsonbValue *value);

#endif							/* SK_AUDIT_MASK_H */
