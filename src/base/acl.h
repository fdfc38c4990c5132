/*-------------------------------------------------------------------------
 *
 * base/acl.h
 *	  Access control lists.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ACL_H
#define SK_ACL_H

#include "access/attnum.h"
#include "utils/acl.h"

extern Acl *sk_acl_read(Oid relid, AttrNumber attnum);
extern void sk_acl_write(Oid relid, AttrNumber attnum, Acl *acl, Oid owner);

#endif							/* SK_ACL_H */
