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

extern char *sk_index_deparse_expr(Oid relid, Node *expr);
extern char *sk_index_deparse_definition(const SkIndex *index);
extern char *sk_index_deparse_command(const SkIndex *index);
extern char *sk_index_deparse_name(const SkIndex *index, List *taken);

#endif							/* SK_INDEX_DEPARSE_H */
