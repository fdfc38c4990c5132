/*-------------------------------------------------------------------------
 *
 * soft_delete/refusal.h
 *	  Errors about foreign keys between live rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_REFUSAL_H
#define SK_SOFT_DELETE_REFUSAL_H

#include "soft_delete/relation.h"

extern void sk_soft_refusal_deletion(Relation rel, const SkSoftLink *link,
									 const Datum *values);
extern void sk_soft_refusal_reference(Relation rel, const SkSoftLink *link,
									  const Datum *values);

#endif							/* SK_SOFT_DELETE_REFUSAL_H */
