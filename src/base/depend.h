/*-------------------------------------------------------------------------
 *
 * base/depend.h
 *	  What depends on an object, and whose rules are among it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_DEPEND_H
#define SK_DEPEND_H

#include "nodes/parsenodes.h"

extern List *sk_depend_rows(Oid classid, Oid objectid);
extern Oid	sk_depend_view_of_rule(Oid rule);
extern Oid	sk_depend_read_view(Oid rule, Query **query);

#endif							/* SK_DEPEND_H */
