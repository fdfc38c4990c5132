/*-------------------------------------------------------------------------
 *
 * index/existing.h
 *	  The indexes that tables have.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_EXISTING_H
#define SK_INDEX_EXISTING_H

#include "index/index.h"

extern List *sk_index_existing_list(List **known, MemoryContext context, Oid relid);
extern bool sk_index_existing_covers(List **known, MemoryContext context,
									 const SkIndex *index);

#endif							/* SK_INDEX_EXISTING_H */
