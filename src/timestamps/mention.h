/*-------------------------------------------------------------------------
 *
 * timestamps/mention.h
 *	  Which expressions depend on a column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_MENTION_H
#define SK_TIMESTAMPS_MENTION_H

#include "access/attnum.h"
#include "access/htup.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "rewrite/rowsecurity.h"
#include "utils/relcache.h"

extern Bitmapset *sk_mention_columns(Relation rel, AttrNumber attnum);
extern Bitmapset *sk_mention_columns_of(Relation rel, const Bitmapset *columns,
										Oid tableid);
extern bool sk_mention_has_column(const Bitmapset *columns, AttrNumber attnum);
extern bool sk_mention_found(Node *expr, const Bitmapset *columns);
extern bool sk_mention_policy(const RowSecurityPolicy *policy,
							  const Bitmapset *columns);
extern Node *sk_mention_stored(HeapTuple tuple, int cache, AttrNumber column);
extern Node *sk_mention_generation(Relation rel, AttrNumber attnum);

#endif							/* SK_TIMESTAMPS_MENTION_H */
