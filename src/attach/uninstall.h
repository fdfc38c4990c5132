/*-------------------------------------------------------------------------
 *
 * attach/uninstall.h
 *	  Commands that drop the extension.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_UNINSTALL_H
#define SK_ATTACH_UNINSTALL_H

#include "nodes/nodes.h"

extern void sk_uninstall_before(const Node *stmt);

#endif							/* SK_ATTACH_UNINSTALL_H */
