/*-------------------------------------------------------------------------
 *
 * soft_delete/defer.h
 *	  Foreign keys between live rows that are checked later.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_DEFER_H
#define SK_SOFT_DELETE_DEFER_H

#include "soft_delete/relation.h"

extern void sk_soft_defer_init(void);
extern bool sk_soft_defer(Relation rel, const SkSoftLink *link,
						  const Datum *values, bool referenced);

#endif							/* SK_SOFT_DELETE_DEFER_H */
