/*-------------------------------------------------------------------------
 *
 * sk_audit_partition.h
 *	  The audit log's partitions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_PARTITION_H
#define SK_AUDIT_PARTITION_H

extern void sk_audit_partition_ensure(void);

#endif							/* SK_AUDIT_PARTITION_H */
