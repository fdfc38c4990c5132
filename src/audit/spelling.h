/*-------------------------------------------------------------------------
 *
 * audit/spelling.h
 *	  Keys that are equal, but are written differently in the log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SPELLING_H
#define SK_AUDIT_SPELLING_H

#include "audit/reader.h"

extern bool sk_audit_spelling_is_same(const SkAuditReader *reader, AttrNumber attnum);
extern bool sk_audit_spelling_is_one(const SkAuditReader *reader, AttrNumber attnum);
extern List *sk_audit_spelling_list(const SkAuditReader *reader, JsonbValue *key);
extern Datum sk_audit_spelling_hashes(const SkAuditReader *reader,
									  List *spellings, bool with_table);

#endif							/* SK_AUDIT_SPELLING_H */
