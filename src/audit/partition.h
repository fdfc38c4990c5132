/*-------------------------------------------------------------------------
 *
 * audit/partition.h
 *	  The audit log's partitions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_PARTITION_H
#define SK_AUDIT_PARTITION_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

/* A month: its name and bounds, as text in ISO format with time zone. */
typedef struct SkLogMonth
{
	char	   *name;
	char	   *from;
	char	   *until;
	char	   *partition;		/* the table that is to become one */
	uint64		moved;			/* rows of the default partition */
} SkLogMonth;

/* A partition, and of which time its events are */
typedef struct SkAuditLeaf
{
	Oid			relid;
	TimestampTz from;
	TimestampTz until;			/* and not later */
} SkAuditLeaf;

/* An index of a partition, which is called partition_name_idx */
typedef struct SkAuditIndex
{
	const char *name;
	const char *statement;		/* with the index and the partition */
} SkAuditIndex;

/* Those that each has from the beginning */
#define SK_AUDIT_PARTITION_INDEXES	4
extern const SkAuditIndex sk_audit_partition_indexes[SK_AUDIT_PARTITION_INDEXES];

extern List *sk_audit_partition_leaves(void);
extern bool sk_audit_partition_is_month(Oid relid);
extern List *sk_audit_partition_missing(Interval *premake);
extern void sk_audit_partition_prepare(SkLogMonth *month);
extern void sk_audit_partition_attach(SkLogMonth *month);
extern void sk_audit_partition_restore(const char *name, const char *bounds);
extern void sk_audit_partition_granted(Oid relid);
extern void sk_audit_partition_release(Oid relid);
extern void sk_audit_partition_archive(Oid relid, const char *schema);
extern void sk_audit_partition_check_archive(const char *schema);
extern bool sk_audit_partition_is_name_taken(Oid relid, const char *schema);
extern List *sk_audit_partition_ended(TimestampTz before);
extern uint64 sk_audit_partition_empty_default(TimestampTz before);
extern bool sk_audit_partition_is_default_empty(void);

#endif							/* SK_AUDIT_PARTITION_H */
