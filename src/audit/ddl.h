/*-------------------------------------------------------------------------
 *
 * audit/ddl.h
 *	  Commands that would change the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_DDL_H
#define SK_AUDIT_DDL_H

#include "nodes/nodes.h"

extern void sk_audit_ddl_check(const Node *stmt);

#endif							/* SK_AUDIT_DDL_H */
