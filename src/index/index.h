/*-------------------------------------------------------------------------
 *
 * index/index.h
 *	  What an index is, whether it exists or not.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_INDEX_INDEX_H
#define SK_INDEX_INDEX_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* A column that is a key: of the table, or an expression. */
typedef struct SkIndexKey
{
	AttrNumber	attnum;			/* 0 if it is an expression */
	Node	   *expr;			/* either way; its Vars have varno 1 */
	Oid			opclass;
	Oid			opfamily;
	Oid			opcintype;
	Oid			collation;
	int16		option;			/* INDOPTION_DESC, INDOPTION_NULLS_FIRST */
	double		distinct;		/* values, where somebody looked that up */
} SkIndexKey;

typedef struct SkIndex
{
	Oid			oid;			/* invalid if it does not exist */
	Oid			relid;			/* its table, which may be partitioned */
	Oid			am;
	char	   *name;			/* NULL if none was given */
	bool		unique;
	bool		nulls_not_distinct;
	int			nkeys;
	SkIndexKey *keys;
	int			ninclude;
	AttrNumber *include;		/* of the table */
	List	   *predicate;		/* implicitly ANDed; Vars have varno 1 */
	List	   *options;		/* DefElems of WITH */
	List	   *column_options; /* lists of a number and DefElems, of one that
								 * exists */
	Oid			tablespace;		/* that it names, or 0 */
} SkIndex;

extern SkIndex *sk_index_parse(const char *ddl);
extern SkIndex *sk_index_of_catalog(Oid indexid);
extern SkIndex *sk_index_for_partition(const SkIndex *index, Oid partition);
extern SkIndex *sk_index_copy(const SkIndex *index);
extern void sk_index_set_key(SkIndexKey *key, Node *expr, Oid opclass,
							 Oid collation, int16 option);
extern bool sk_index_has_expression(const SkIndex *index);
extern List *sk_index_normalize_predicate(Node *clause);

#endif							/* SK_INDEX_INDEX_H */
