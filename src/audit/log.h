/*-------------------------------------------------------------------------
 *
 * audit/log.h
 *	  The tables of the audit log: where they are, and rows put into them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_LOG_H
#define SK_AUDIT_LOG_H

#include "audit/log_columns.h"

#include "datatype/timestamp.h"

typedef enum SkAuditLog
{
	SK_AUDIT_LOG_EVENT,
	SK_AUDIT_LOG_SHAPE
} SkAuditLog;

/* A statement of ours writes to the log, in this very call. */
extern bool sk_audit_log_writing;

extern void sk_audit_log_init(void);
extern Oid	sk_audit_log_relid(const char *name);
extern Oid	sk_audit_log_owner(void);
extern Oid	sk_audit_log_direct_leaf(SkAuditLog log, TimestampTz at);
extern void sk_audit_log_insert(SkAuditLog log, TimestampTz at,
								Datum *values, bool *nulls);
extern Oid	sk_audit_log_leaf(SkAuditLog log, TimestampTz at);
extern void sk_audit_log_load(SkAuditLog log, TimestampTz at,
							  Datum *values, bool *nulls);

#endif							/* SK_AUDIT_LOG_H */
