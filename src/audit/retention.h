/*-------------------------------------------------------------------------
 *
 * audit/retention.h
 *	  From when on the audit log is complete.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_RETENTION_H
#define SK_AUDIT_RETENTION_H

#include "datatype/timestamp.h"

extern TimestampTz sk_audit_retention_since(int64 rel_id);
extern TimestampTz sk_audit_retention_end(TimestampTz before);
extern void sk_audit_retention_record(TimestampTz since, Datum kept);
extern void sk_audit_retention_record_table(TimestampTz since, int64 rel_id);

#endif							/* SK_AUDIT_RETENTION_H */
