/*-------------------------------------------------------------------------
 *
 * advisor/plan/candidate.c
 *	  Indexes that might help.
 *
 * From what a statement asks of a table follow the keys that an index could
 * have: columns compared with something known first, then what a join brings,
 * then one range or the order of the result.  Which of them is best is for the
 * planner to say, so several arrangements are made.  Those that a plan uses are
 * refined afterwards: with the other columns that the statement reads, and for
 * those rows only that all conditions leave.  Indexes that two statements want
 * are merged.
 *
 * What an existing index does already is no candidate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/candidate.h"

#include "base/guard.h"
#include "base/guc.h"
#include "base/trust.h"
#include "index/compare.h"
#include "index/deparse.h"
#include "index/existing.h"
#include "index/stats.h"

#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Of one table in one statement. */
#define MAX_CANDIDATES	40
#define MAX_INCLUDED	8

/* Included columns may take that part of a row: an index is no second table. */
#define INCLUDED_SHARE	0.33
#define LEAST_INCLUDED_WIDTH 16

/* A condition that leaves more rows makes no partial index. */
#define MAX_PARTIAL_FRACTION 0.9

/* "max_bytes": what is larger is no candidate. */
SkPool *
sk_candidate_pool(int max_width, double max_bytes)
{
	SkPool	   *pool = palloc0(sizeof(SkPool));

	pool->context = CurrentMemoryContext;
	pool->max_width = max_width;
	pool->max_bytes = max_bytes;
	pool->allocated = 64;
	pool->candidate = palloc(pool->allocated * sizeof(SkCandidate *));
	return pool;
}

double
sk_candidate_bytes(const SkCandidate *candidate)
{
	return sk_whatif_pages(candidate->what) * BLCKSZ;
}

/* The indexes that a table has, and that can be used. */
List *
sk_candidate_existing(SkPool *pool, Oid relid)
{
	return sk_index_existing_list(&pool->existing, pool->context, relid);
}

typedef struct Reading
{
	const char *ddl;
	const SkIndex *index;
	bool		same;
} Reading;

static void
read_back(void *arg)
{
	Reading    *reading = arg;
	const SkIndex *index = reading->index;
	int			nestlevel = sk_guc_pin();
	SkIndex    *read = sk_index_parse(reading->ddl);

	sk_guc_unpin(nestlevel);
	reading->same = read->nkeys == index->nkeys &&
		equal(read->predicate, index->predicate);
	for (int i = 0; i < index->nkeys && reading->same; i++)
		reading->same = read->keys[i].opclass == index->keys[i].opclass &&
			read->keys[i].collation == index->keys[i].collation &&
			equal(read->keys[i].expr, index->keys[i].expr);
}

/*
 * Does the text mean the index?  Expressions come out of the planner, which does
 * not keep all that was written: collations that made no difference to a column
 * may make one to what it is a part of.
 */
static bool
can_be_written(const SkIndex *index, const char *ddl)
{
	Reading		reading = {ddl, index, false};

	if (!sk_index_has_expression(index) && index->predicate == NIL)
		return true;
	return sk_guard_rehearse(read_back, &reading) == NULL && reading.same;
}

/* Put an index into the pool, unless it is there; "ids" gets its number. */
static Bitmapset *
add(SkPool *pool, SkIndex *index, Bitmapset *ids)
{
	MemoryContext old;
	SkCandidate *candidate;
	char	   *definition = sk_index_deparse_definition(index);
	char	   *ddl;

	for (int i = 0; i < pool->n; i++)
	{
		candidate = pool->candidate[i];
		if (candidate->index->relid == index->relid &&
			strcmp(candidate->definition, definition) == 0)
			return bms_add_member(ids, i);
	}
	if (sk_index_existing_covers(&pool->existing, pool->context, index))
		return ids;
	ddl = sk_index_deparse_command(index);
	if (!can_be_written(index, ddl))
		return ids;

	old = MemoryContextSwitchTo(pool->context);
	if (pool->n == pool->allocated)
	{
		pool->allocated *= 2;
		pool->candidate = repalloc(pool->candidate,
								   pool->allocated * sizeof(SkCandidate *));
	}
	candidate = palloc0(sizeof(SkCandidate));
	candidate->id = pool->n;
	candidate->index = sk_index_copy(index);
	candidate->definition = pstrdup(definition);
	candidate->ddl = pstrdup(ddl);
	candidate->what = sk_whatif_index(candidate->index, NULL);
	pool->candidate[pool->n++] = candidate;
	MemoryContextSwitchTo(old);
	return bms_add_member(ids, candidate->id);
}

/* The bytes of a row on average, or a guess. */
static double
row_width(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		width = 100;

	if (!HeapTupleIsValid(tuple))
		return width;
	if (((Form_pg_class) GETSTRUCT(tuple))->reltuples > 0)
		width = (double) ((Form_pg_class) GETSTRUCT(tuple))->relpages * BLCKSZ /
			((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return width;
}

/* Include these columns, which are read; NULL if they are too many. */
static SkIndex *
with_columns(const SkIndex *index, const SkIndexable *access,
			 const Bitmapset *columns)
{
	SkIndex    *result = sk_index_copy(index);
	int			attnum = -1;
	double		width = 0;
	double		most = Max(row_width(index->relid) * INCLUDED_SHARE,
						   LEAST_INCLUDED_WIDTH);

	if (access->all_columns || index->am != BTREE_AM_OID)
		return NULL;
	result->include = repalloc(result->include,
							   (index->ninclude + MAX_INCLUDED + 1) * sizeof(AttrNumber));
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		int32		bytes = get_attavgwidth(index->relid, attnum);

		if (sk_index_compare_has_column(result, attnum))
			continue;
		if (bytes <= 0)
			bytes = get_typavgwidth(get_atttype(index->relid, attnum), -1);
		width += bytes;
		if (result->ninclude == MAX_INCLUDED || width > most)
			return NULL;
		result->include[result->ninclude++] = attnum;
	}
	return result->ninclude > index->ninclude ? result : NULL;
}

/* ----------
 * From what a statement asks for
 * ----------
 */
typedef struct Generator
{
	SkPool	   *pool;
	const SkIndexable *access;
	Bitmapset  *ids;
	int			n;
} Generator;

/* A key twice says nothing new. */
static List *
distinct_keys(List *keys, int most)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, keys)
	{
		SkIndexKey *key = lfirst(lc);

		foreach(lc2, result)
		{
			if (equal(((SkIndexKey *) lfirst(lc2))->expr, key->expr))
				break;
		}
		if (lc2 == NULL && list_length(result) < most)
			result = lappend(result, key);
	}
	return result;
}

static SkIndex *
make_index(const Generator *gen, Oid am, List *keys)
{
	SkIndex    *index = palloc0(sizeof(SkIndex));
	ListCell   *lc;

	keys = distinct_keys(keys, gen->pool->max_width);
	index->relid = gen->access->relid;
	index->am = am;
	index->keys = palloc((list_length(keys) + 1) * sizeof(SkIndexKey));
	foreach(lc, keys)
		index->keys[index->nkeys++] = *(SkIndexKey *) lfirst(lc);
	return index;
}

/* With all columns that are read, if those are not too many. */
static void
add_covering(Generator *gen, List *keys)
{
	SkIndex    *wide = with_columns(make_index(gen, BTREE_AM_OID, keys),
									gen->access, gen->access->needed);

	if (wide != NULL && gen->n++ < MAX_CANDIDATES)
		gen->ids = add(gen->pool, wide, gen->ids);
}

static void
add_index(Generator *gen, Oid am, List *keys)
{
	SkIndex    *index = make_index(gen, am, keys);

	if (index->nkeys == 0 || gen->n++ >= MAX_CANDIDATES)
		return;
	if (!sk_index_existing_covers(&gen->pool->existing, gen->pool->context, index))
		gen->ids = add(gen->pool, index, gen->ids);
	else if (am == BTREE_AM_OID)
		/* there is such an index, but it may not have all that is read */
		add_covering(gen, keys);
}

static void
add_each(Generator *gen, List *before, List *keys, List *after)
{
	ListCell   *lc;

	foreach(lc, keys)
		add_index(gen, BTREE_AM_OID,
				  list_concat(lappend(list_copy(before), lfirst(lc)), after));
}

/* "keys" in turn: each of the first three may come first. */
static List *
rotated(List *keys, int first)
{
	List	   *result = list_make1(list_nth(keys, first));
	ListCell   *lc;

	foreach(lc, keys)
	{
		if (foreach_current_index(lc) != first)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

static void
add_equalities(Generator *gen)
{
	const SkIndexable *access = gen->access;

	for (int i = 0; i < list_length(access->equal) && i < 3; i++)
	{
		List	   *keys = rotated(access->equal, i);

		add_index(gen, BTREE_AM_OID, keys);
		add_each(gen, keys, access->range, NIL);
	}
	if (list_length(access->equal) > 1)
	{
		add_each(gen, NIL, access->equal, NIL);
		for (int i = 0; i < list_length(access->equal) && i < 3; i++)
			add_each(gen, list_make1(list_nth(access->equal, i)),
					 access->range, NIL);
	}
}

static void
add_orders(Generator *gen)
{
	const SkIndexable *access = gen->access;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, access->orders)
	{
		List	   *order = lfirst(lc);
		List	   *keys;

		add_index(gen, BTREE_AM_OID, order);
		if (access->equal == NIL)
			continue;
		keys = list_concat(list_copy(access->equal), order);
		add_index(gen, BTREE_AM_OID, keys);
		add_covering(gen, keys);
		if (list_length(access->equal) == 1)
			continue;
		foreach(lc2, access->equal)
			add_index(gen, BTREE_AM_OID, lcons(lfirst(lc2), list_copy(order)));
	}
}

static void
add_joins(Generator *gen)
{
	const SkIndexable *access = gen->access;
	ListCell   *lc;

	foreach(lc, access->join)
	{
		List	   *join = list_make1(lfirst(lc));

		add_index(gen, BTREE_AM_OID, join);
		if (access->equal != NIL)
		{
			add_index(gen, BTREE_AM_OID,
					  list_concat(list_copy(join), access->equal));
			add_index(gen, BTREE_AM_OID,
					  list_concat(list_copy(access->equal), join));
		}
		add_each(gen, join, access->range, NIL);
	}
	if (list_length(access->join) > 1)
	{
		add_index(gen, BTREE_AM_OID, access->join);
		add_index(gen, BTREE_AM_OID, rotated(access->join, 1));
	}
}

static SkIndex *with_conditions(SkPool *pool, const SkIndex *index, List *conditions);

static void
add_partial(Generator *gen, List *keys)
{
	SkIndex    *index = with_conditions(gen->pool, make_index(gen, BTREE_AM_OID, keys),
										gen->access->conditions);

	if (index != NULL && gen->n++ < MAX_CANDIDATES)
		gen->ids = add(gen->pool, index, gen->ids);
}

/* No key of an index serves what is not equal to a value: its predicate does. */
static void
add_unequal(Generator *gen)
{
	ListCell   *lc;

	if (gen->access->unequal == NIL)
		return;
	foreach(lc, gen->access->orders)
		add_partial(gen, lfirst(lc));
	add_partial(gen, gen->access->unequal);
}

/* The candidates for one table of one statement. */
Bitmapset *
sk_candidate_generate(SkPool *pool, const SkIndexable *access, Bitmapset *ids)
{
	Generator	gen = {pool, access, ids, 0};
	ListCell   *lc;

	add_equalities(&gen);
	add_joins(&gen);
	add_each(&gen, NIL, access->range, NIL);
	add_each(&gen, NIL, access->pattern, NIL);
	if (access->equal != NIL)
		add_each(&gen, access->equal, access->pattern, NIL);
	add_orders(&gen);
	add_unequal(&gen);
	foreach(lc, access->other)
	{
		SkIndexableOther *other = lfirst(lc);

		add_index(&gen, other->am, list_make1(&other->key));
	}
	foreach(lc, access->brin)
		add_index(&gen, BRIN_AM_OID, list_make1(lfirst(lc)));
	return gen.ids;
}

/* ----------
 * From candidates that are used
 * ----------
 */

/* Does a condition fix a key, so that it orders nothing? */
static bool
is_fixed(const SkIndexKey *key, List *conditions)
{
	ListCell   *lc;

	foreach(lc, conditions)
	{
		Node	   *clause = lfirst(lc);

		if (IsA(clause, NullTest) &&
			((NullTest *) clause)->nulltesttype == IS_NULL &&
			equal(((NullTest *) clause)->arg, key->expr))
			return true;
		if (equal(clause, key->expr) ||
			(is_notclause(clause) && equal(get_notclausearg(clause), key->expr)))
			return true;
		if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2 &&
			IsA(lsecond(((OpExpr *) clause)->args), Const) &&
			equal(linitial(((OpExpr *) clause)->args), key->expr) &&
			get_op_opfamily_strategy(((OpExpr *) clause)->opno,
									 key->opfamily) == BTEqualStrategyNumber)
			return true;
	}
	return false;
}

/* An index must have a key: what tells rows apart, if there is such. */
static void
set_any_key(SkPool *pool, SkIndex *index)
{
	ListCell   *lc;

	foreach(lc, sk_candidate_existing(pool, index->relid))
	{
		const SkIndex *existing = lfirst(lc);

		if (existing->unique && existing->am == BTREE_AM_OID &&
			existing->keys[0].attnum != InvalidAttrNumber)
		{
			index->keys[0] = existing->keys[0];
			return;
		}
	}
}

/* Only for rows that the conditions leave; NULL if those are most. */
static SkIndex *
with_conditions(SkPool *pool, const SkIndex *index, List *conditions)
{
	SkIndex    *result;
	int			n = 0;

	if (conditions == NIL || index->predicate != NIL ||
		get_rel_relkind(index->relid) == RELKIND_PARTITIONED_TABLE)
		return NULL;
	if (sk_index_stats_fraction(sk_index_stats_root(index->relid), conditions) >
		MAX_PARTIAL_FRACTION)
		return NULL;
	result = sk_index_copy(index);
	result->predicate = sk_index_normalize_predicate((Node *) make_ands_explicit(copyObject(conditions)));
	for (int i = 0; i < index->nkeys; i++)
	{
		if (!is_fixed(&result->keys[i], conditions))
			result->keys[n++] = result->keys[i];
	}

	result->nkeys = Max(n, 1);
	if (n == 0)
		set_any_key(pool, result);
	return result;
}

/* Better ones for the same statement; "access" is to the candidate's table. */
Bitmapset *
sk_candidate_refine(SkPool *pool, const SkIndexable *access,
					const SkCandidate *candidate, Bitmapset *ids)
{
	const SkIndex *index = candidate->index;
	SkIndex    *wide = with_columns(index, access, access->needed);
	SkIndex    *partial = with_conditions(pool, index, access->conditions);
	ListCell   *lc;

	if (wide != NULL)
		ids = add(pool, wide, ids);
	if (partial != NULL)
	{
		ids = add(pool, partial, ids);

		/* its rows are known to satisfy the conditions */
		wide = with_columns(partial, access, access->besides);
		if (wide != NULL)
			ids = add(pool, wide, ids);
	}
	if (list_length(access->conditions) < 2)
		return ids;
	foreach(lc, access->conditions)
	{
		partial = with_conditions(pool, index, list_make1(lfirst(lc)));
		if (partial != NULL)
			ids = add(pool, partial, ids);
	}
	return ids;
}

/* Statements of others may have brought it, whose code is not run then. */
static bool
is_trusted(const SkIndex *index)
{
	for (int i = 0; i < index->nkeys; i++)
	{
		if (!sk_trust_expression(index->keys[i].expr))
			return false;
	}
	return sk_trust_expression((Node *) index->predicate);
}

/*
 * One index instead of two, where one has the keys that the other begins with:
 * the longer keys, and what both include.
 */
Bitmapset *
sk_candidate_merge(SkPool *pool, const SkCandidate *a, const SkCandidate *b,
				   Bitmapset *ids)
{
	const SkIndex *wide = a->index->nkeys >= b->index->nkeys ? a->index : b->index;
	const SkIndex *narrow = wide == a->index ? b->index : a->index;
	SkIndex    *keys;
	SkIndex    *merged;

	if (wide->relid != narrow->relid || wide->am != BTREE_AM_OID ||
		narrow->am != BTREE_AM_OID || (wide->ninclude == 0 && narrow->ninclude == 0) ||
		!equal(wide->predicate, narrow->predicate) ||
		!is_trusted(wide) || !is_trusted(narrow))
		return ids;
	keys = sk_index_copy(narrow);
	keys->ninclude = 0;
	if (!sk_index_compare_covers(wide, keys))
		return ids;
	merged = sk_index_copy(wide);
	merged->include = repalloc(merged->include,
							   (wide->ninclude + narrow->ninclude + 1) * sizeof(AttrNumber));
	for (int i = 0; i < narrow->ninclude; i++)
	{
		if (!sk_index_compare_has_column(merged, narrow->include[i]))
			merged->include[merged->ninclude++] = narrow->include[i];
	}
	if (merged->ninclude > MAX_INCLUDED)
		return ids;
	return add(pool, merged, ids);
}
