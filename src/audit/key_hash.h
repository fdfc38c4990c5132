/*-------------------------------------------------------------------------
 *
 * audit/key_hash.h
 *	  The number under which the events of a row are found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_KEY_HASH_H
#define SK_AUDIT_KEY_HASH_H

#include "audit/json.h"

extern uint64 sk_audit_key_hash_of(const JsonbValue *values, int nvalues,
								   int64 rel_id);
extern bool sk_audit_key_hash_of_stored(const SkJsonType *type, Datum value,
										int64 rel_id, uint64 *hash);

#endif							/* SK_AUDIT_KEY_HASH_H */
