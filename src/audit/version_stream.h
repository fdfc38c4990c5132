/*-------------------------------------------------------------------------
 *
 * audit/version_stream.h
 *	  What versions are found from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_VERSION_STREAM_H
#define SK_AUDIT_VERSION_STREAM_H

#include "audit/version.h"

extern void sk_audit_version_stream_sort(SkAuditVersions *versions);
extern void sk_audit_version_stream_open(SkAuditVersions *versions);
extern void sk_audit_version_stream_next_live(SkAuditVersions *versions);
extern void sk_audit_version_stream_next_event(SkAuditVersions *versions);
extern void sk_audit_version_stream_take_along(SkAuditVersions *versions);

#endif							/* SK_AUDIT_VERSION_STREAM_H */
