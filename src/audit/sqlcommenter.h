/*-------------------------------------------------------------------------
 *
 * audit/sqlcommenter.h
 *	  What a client says in a comment of its statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SQLCOMMENTER_H
#define SK_AUDIT_SQLCOMMENTER_H

extern char *sk_audit_sqlcommenter_value(const char *text, int location,
										 int length, const char *key);

#endif							/* SK_AUDIT_SQLCOMMENTER_H */
