/*-------------------------------------------------------------------------
 *
 * attach/partition.h
 *	  Tables that become partitions, and partitions that become tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_PARTITION_H
#define SK_ATTACH_PARTITION_H

#include "nodes/parsenodes.h"

extern void sk_partition_before_attach(const RangeVar *parent,
									   const PartitionCmd *cmd);
extern Oid	sk_partition_after_detach(Oid parentid, const PartitionCmd *cmd);

#endif							/* SK_ATTACH_PARTITION_H */
