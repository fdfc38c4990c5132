/*-------------------------------------------------------------------------
 *
 * audit/version_row.h
 *	  The versions of one row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_VERSION_ROW_H
#define SK_AUDIT_VERSION_ROW_H

#include "audit/version.h"

extern void sk_audit_version_row_put(SkAuditVersions *versions, List *events,
									 const SkAuditVersionLive *live);

#endif							/* SK_AUDIT_VERSION_ROW_H */
