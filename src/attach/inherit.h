/*-------------------------------------------------------------------------
 *
 * attach/inherit.h
 *	  Tables that inherit from others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_INHERIT_H
#define SK_ATTACH_INHERIT_H

#include "attach/feature.h"

extern List *sk_inherit_parents(Oid relid);
extern List *sk_inherit_children(Relation rel, LOCKMODE lockmode);
extern Oid	sk_inherit_covering_parent(Oid relid, const SkFeature *feature);
extern void sk_inherit_from_parents(Relation child, const SkFeature *feature);
extern void sk_inherit_to_children(Relation rel, const SkFeature *feature);

#endif							/* SK_ATTACH_INHERIT_H */
