/*-------------------------------------------------------------------------
 *
 * audit/log_place.h
 *	  Where a row of the log goes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_LOG_PLACE_H
#define SK_AUDIT_LOG_PLACE_H

#include "datatype/timestamp.h"
#include "utils/relcache.h"

typedef struct SkAuditLogPlace
{
	bool		known;			/* or it may be another by now */
	Oid			table;
	Oid			leaf;			/* the table itself if it has no partitions;
								 * invalid: nowhere */
	TimestampTz from;			/* of which times that is true */
	TimestampTz until;			/* not included, unless there is no end */
} SkAuditLogPlace;

extern void sk_audit_log_place_find(SkAuditLogPlace *place, Relation table,
									TimestampTz at);
extern bool sk_audit_log_place_is_for(const SkAuditLogPlace *place,
									  TimestampTz at);

#endif							/* SK_AUDIT_LOG_PLACE_H */
