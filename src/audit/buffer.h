/*-------------------------------------------------------------------------
 *
 * audit/buffer.h
 *	  Events of a statement, put into the log several at once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_BUFFER_H
#define SK_AUDIT_BUFFER_H

#include "datatype/timestamp.h"

extern void sk_audit_buffer_init(void);
extern void sk_audit_buffer_insert(TimestampTz at, Datum *values, bool *nulls);
extern void sk_audit_buffer_flush(void);

#endif							/* SK_AUDIT_BUFFER_H */
