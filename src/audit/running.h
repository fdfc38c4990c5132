/*-------------------------------------------------------------------------
 *
 * audit/running.h
 *	  Transactions that may yet become part of the past.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_RUNNING_H
#define SK_AUDIT_RUNNING_H

#include "datatype/timestamp.h"

extern void sk_audit_running_notice(const char *table, TimestampTz at);

#endif							/* SK_AUDIT_RUNNING_H */
