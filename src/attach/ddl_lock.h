/*-------------------------------------------------------------------------
 *
 * attach/ddl_lock.h
 *	  Tables that a command is about to change are locked before.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_DDL_LOCK_H
#define SK_ATTACH_DDL_LOCK_H

#include "nodes/parsenodes.h"

extern bool sk_ddl_lock_reached(Oid relid);
extern List *sk_ddl_lock_tables(const Node *stmt, List *names);

#endif							/* SK_ATTACH_DDL_LOCK_H */
