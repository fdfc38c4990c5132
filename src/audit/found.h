/*-------------------------------------------------------------------------
 *
 * audit/found.h
 *	  Events that audit_search() has found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_FOUND_H
#define SK_AUDIT_FOUND_H

#include "datatype/timestamp.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"

/* Where an event is in the order */
typedef struct SkAuditPlace
{
	TimestampTz at;
	int64		txn_id;
	int32		command;
	int32		n;
	int64		key_hash;
	bool		has_key;
} SkAuditPlace;

extern void sk_audit_found_put(List *places, bool all, ReturnSetInfo *rsinfo);

#endif							/* SK_AUDIT_FOUND_H */
