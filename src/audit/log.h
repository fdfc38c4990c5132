/*-------------------------------------------------------------------------
 *
 * audit/log.h
 *	  The tables of the audit log: where they are, and rows put into them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_LOG_H
#define SK_AUDIT_LOG_H

#include "datatype/timestamp.h"

typedef enum SkAuditLog
{
	SK_AUDIT_LOG_EVENT,
	SK_AUDIT_LOG_TXN,
	SK_AUDIT_LOG_SHAPE
} SkAuditLog;

#define Natts_audit_event				12
#define Anum_audit_event_txn_id			1
#define Anum_audit_event_at				2
#define Anum_audit_event_changed_at		3
#define Anum_audit_event_key_hash		4
#define Anum_audit_event_n				5
#define Anum_audit_event_command		6
#define Anum_audit_event_shape_id		7
#define Anum_audit_event_context		8
#define Anum_audit_event_op				9
#define Anum_audit_event_key			10
#define Anum_audit_event_old			11
#define Anum_audit_event_new			12

#define Natts_audit_txn					12
#define Anum_audit_txn_txn_id			1
#define Anum_audit_txn_n				2
#define Anum_audit_txn_at				3
#define Anum_audit_txn_xid				4
#define Anum_audit_txn_session_role		5
#define Anum_audit_txn_role				6
#define Anum_audit_txn_actor			7
#define Anum_audit_txn_context			8
#define Anum_audit_txn_application		9
#define Anum_audit_txn_client			10
#define Anum_audit_txn_pid				11
#define Anum_audit_txn_query			12

#define Natts_audit_shape				18
#define Anum_audit_shape_shape_id		1
#define Anum_audit_shape_rel_id			2
#define Anum_audit_shape_recorded_at	3
#define Anum_audit_shape_cluster		4
#define Anum_audit_shape_relid			5
#define Anum_audit_shape_schema_name	6
#define Anum_audit_shape_table_name		7
#define Anum_audit_shape_owner			8
#define Anum_audit_shape_owner_name		9
#define Anum_audit_shape_key			10
#define Anum_audit_shape_columns		11
#define Anum_audit_shape_options		12
#define Anum_audit_shape_covered		13
#define Anum_audit_shape_dropped		14
#define Anum_audit_shape_reason			15
#define Anum_audit_shape_role			16
#define Anum_audit_shape_soft_delete	17
#define Anum_audit_shape_parents		18

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
