/*-------------------------------------------------------------------------
 *
 * audit/recorded.h
 *	  Shapes that the current transaction has recorded.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_RECORDED_H
#define SK_AUDIT_RECORDED_H

#include "datatype/timestamp.h"

/* Counts the transactions whose shapes are gone because they aborted. */
extern uint64 sk_audit_recorded_aborts;

extern void sk_audit_recorded_init(void);
extern void sk_audit_recorded_add(int32 shape_id);
extern bool sk_audit_recorded_any(void);
extern void sk_audit_recorded_commit(TimestampTz at);

#endif							/* SK_AUDIT_RECORDED_H */
