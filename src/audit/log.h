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
#include "audit/log_index.h"

#include "datatype/timestamp.h"
#include "utils/relcache.h"

typedef enum SkAuditLog
{
	SK_AUDIT_LOG_EVENT,
	SK_AUDIT_LOG_SHAPE
} SkAuditLog;

extern void sk_audit_log_init(void);
extern Oid	sk_audit_log_relid(const char *name);
extern Oid	sk_audit_log_owner(void);
extern Relation sk_audit_log_open(SkAuditLog log, TimestampTz at);
extern TupleDesc sk_audit_log_plain(TimestampTz at);
extern void sk_audit_log_insert_many(Relation leaf, TupleTableSlot **slots,
									 int count, CommandId cid);
extern void sk_audit_log_insert(SkAuditLog log, TimestampTz at,
								Datum *values, bool *nulls);
extern Oid	sk_audit_log_leaf(SkAuditLog log, TimestampTz at);

#endif							/* SK_AUDIT_LOG_H */
