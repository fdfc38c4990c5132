/*-------------------------------------------------------------------------
 *
 * audit/watch.h
 *	  Is the audit log protected?
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_WATCH_H
#define SK_AUDIT_WATCH_H

#include "nodes/pg_list.h"

extern List *sk_audit_watch_troubles(void);

#endif							/* SK_AUDIT_WATCH_H */
