/*-------------------------------------------------------------------------
 *
 * index/opclass.h
 *	  Operator classes for what a statement does with a key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_OPCLASS_H
#define SK_INDEX_OPCLASS_H

#include "nodes/nodes.h"

extern Oid	sk_index_opclass_method(Oid opclass);
extern Oid	sk_index_opclass_default(Oid type);
extern Oid	sk_index_opclass_btree(Node *key, Oid opno, int *strategy);
extern Oid	sk_index_opclass_for_like(Oid type, Oid collation);
extern Oid	sk_index_opclass_in(Oid am, Oid family, Oid type);

#endif							/* SK_INDEX_OPCLASS_H */
