/*-------------------------------------------------------------------------
 *
 * audit/log_columns.h
 *	  The columns of the audit log's tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_LOG_COLUMNS_H
#define SK_AUDIT_LOG_COLUMNS_H

#define Natts_audit_event				23
#define Anum_audit_event_txn_id			1
#define Anum_audit_event_at				2
#define Anum_audit_event_changed_at		3
#define Anum_audit_event_key_hash		4
#define Anum_audit_event_n				5
#define Anum_audit_event_command		6
#define Anum_audit_event_shape_id		7
#define Anum_audit_event_carrier		8
#define Anum_audit_event_op				9
#define Anum_audit_event_key			10
#define Anum_audit_event_old			11
#define Anum_audit_event_new			12
#define Anum_audit_event_role			13
#define Anum_audit_event_session_role	14
#define Anum_audit_event_actor			15
#define Anum_audit_event_context		16
#define Anum_audit_event_application	17
#define Anum_audit_event_client			18
#define Anum_audit_event_pid			19
#define Anum_audit_event_query			20
#define Anum_audit_event_events			21
#define Anum_audit_event_origin			22
#define Anum_audit_event_origin_at		23

/*
 * An event that does not carry who acts ends here, as a row does that is older than
 * the columns that follow.
 */
#define Natts_audit_event_plain			Anum_audit_event_new

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

#endif							/* SK_AUDIT_LOG_COLUMNS_H */
