/*-------------------------------------------------------------------------
 *
 * audit/scan.h
 *	  Events of a partition that has no index to find them by.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SCAN_H
#define SK_AUDIT_SCAN_H

#include "datatype/timestamp.h"
#include "storage/block.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/* What is asked for; NULL: anything */
typedef struct SkAuditScan
{
	TimestampTz from;			/* when its transaction began, */
	TimestampTz until;			/* and not later */
	const char *ops;			/* operations, separated by commas */
	ArrayType  *shapes;			/* of int4 */
	text	   *actor;
	ArrayType  *columns;		/* of text: one of these is in "new" */
	Jsonb	   *value;			/* an object */
} SkAuditScan;

extern TimestampTz sk_audit_scan_time_of(Oid leaf, BlockNumber pages);
extern bool sk_audit_scan_run(Oid leaf, const SkAuditScan *scan, int most,
							  ItemPointer *tids, int *count);

#endif							/* SK_AUDIT_SCAN_H */
