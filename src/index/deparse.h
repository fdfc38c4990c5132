/*-------------------------------------------------------------------------
 *
 * index/deparse.h
 *	  Indexes as SQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_DEPARSE_H
#define SK_INDEX_DEPARSE_H

#include "index/index.h"

extern char *sk_index_text_expr(Oid relid, Node *expr);
extern char *sk_index_text_definition(const SkIndex *index);
extern char *sk_index_text_name(const SkIndex *index, List *taken);

#endif							/* SK_INDEX_DEPARSE_H */
