/*-------------------------------------------------------------------------
 *
 * audit/log_statement.h
 *	  Rows put into the log by INSERT.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_LOG_STATEMENT_H
#define SK_AUDIT_LOG_STATEMENT_H

/* A statement of ours writes to the log, in this very call. */
extern bool sk_audit_log_statement_running;

extern void sk_audit_log_statement_insert(Oid owner, Oid tableid, Oid leaf,
										  int natts, Datum *values,
										  bool *nulls);

#endif							/* SK_AUDIT_LOG_STATEMENT_H */
