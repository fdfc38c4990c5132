/*-------------------------------------------------------------------------
 *
 * audit/descendants.h
 *	  The tables that inherited from an audited table at some time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_DESCENDANTS_H
#define SK_AUDIT_DESCENDANTS_H

#include "audit/reader.h"

#include "datatype/timestamp.h"

extern List *sk_audit_descendants_at(const SkAuditReader *reader, TimestampTz at,
									 const char **refusal);

#endif							/* SK_AUDIT_DESCENDANTS_H */
