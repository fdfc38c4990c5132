/*-------------------------------------------------------------------------
 *
 * audit/granted.h
 *	  To whom the history of a table was granted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_GRANTED_H
#define SK_AUDIT_GRANTED_H

#include "nodes/parsenodes.h"

#define Natts_audit_reader				8
#define Anum_audit_reader_relid			1
#define Anum_audit_reader_role			2
#define Anum_audit_reader_schema_name	3
#define Anum_audit_reader_table_name	4
#define Anum_audit_reader_role_name		5
#define Anum_audit_reader_restored		6
#define Anum_audit_reader_granted_by	7
#define Anum_audit_reader_granted_at	8

extern bool sk_audit_granted_role_exists(Oid role);
extern bool sk_audit_granted_to_user(Oid relid, bool restored);
extern void sk_audit_granted_forget_table(Oid relid);
extern void sk_audit_granted_forget_owned(const DropOwnedStmt *stmt);
extern void sk_audit_granted_forget_gone(void);

#endif							/* SK_AUDIT_GRANTED_H */
