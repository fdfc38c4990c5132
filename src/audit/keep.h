/*-------------------------------------------------------------------------
 *
 * audit/keep.h
 *	  For how long the events of a table are kept, and which are held.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_KEEP_H
#define SK_AUDIT_KEEP_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* The tables that have a time of their own, by their shapes; and what is held. */
typedef struct SkAuditKeep
{
	bool		any;			/* is there anything of the kind? */
	Datum		shape_ids;		/* int4[] */
	Datum		befores;		/* timestamptz[]: what began earlier may go */
	Datum		rel_ids;		/* bigint[]: of each of these shapes */
	Datum		hashes;			/* bigint[]: the keys of held rows */
	TimestampTz last;			/* the last of befores */
} SkAuditKeep;

extern SkAuditKeep *sk_audit_keep_read(TimestampTz oldest);

#endif							/* SK_AUDIT_KEEP_H */
