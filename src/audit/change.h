/*-------------------------------------------------------------------------
 *
 * audit/change.h
 *	  Statements of ours that change the log's tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_CHANGE_H
#define SK_AUDIT_CHANGE_H

extern uint64 sk_audit_change_execute(const char *sql, int nargs,
									  const Oid *types, const Datum *values,
									  int expected);

#endif							/* SK_AUDIT_CHANGE_H */
