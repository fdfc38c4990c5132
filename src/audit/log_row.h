/*-------------------------------------------------------------------------
 *
 * audit/log_row.h
 *	  The stored form of an event that does not carry who acts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_LOG_ROW_H
#define SK_AUDIT_LOG_ROW_H

#include "access/htup.h"
#include "access/tupdesc.h"

extern HeapTuple sk_audit_log_row_form(TupleDesc plain, Datum *values, bool *nulls);

#endif							/* SK_AUDIT_LOG_ROW_H */
