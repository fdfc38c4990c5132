/*-------------------------------------------------------------------------
 *
 * audit/names.h
 *	  Names in a table's shape that change without the table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_NAMES_H
#define SK_AUDIT_NAMES_H

#include "access/tupdesc.h"

/* Grows when any of them may have changed. */
extern uint64 sk_audit_names_changes;

extern void sk_audit_names_init(void);
extern void sk_audit_names_watch(TupleDesc tupdesc);

#endif							/* SK_AUDIT_NAMES_H */
