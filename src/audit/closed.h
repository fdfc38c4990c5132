/*-------------------------------------------------------------------------
 *
 * audit/closed.h
 *	  Partitions of the audit log whose time is over, and their indexes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_CLOSED_H
#define SK_AUDIT_CLOSED_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

extern bool sk_audit_closed_has_indexes(Oid relid);
extern List *sk_audit_closed_without_indexes(TimestampTz from, TimestampTz before);
extern char *sk_audit_closed_trouble(Oid relid, bool is_over);
extern void sk_audit_closed_make_indexes(Oid relid);

#endif							/* SK_AUDIT_CLOSED_H */
