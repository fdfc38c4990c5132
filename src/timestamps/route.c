/*-------------------------------------------------------------------------
 *
 * timestamps/route.c
 *	  Is a row accepted with its new time by the partition that it moves to?
 *
 * An UPDATE of the columns that decide over the partition moves the row: the
 * trigger fires on the partition that the row leaves, and the constraints of
 * another one apply.  Which one that is, the server finds out after the trigger has
 * fired, so it is found out here in the same way.
 *
 * It locks nothing that the server does not lock a moment later, in the same mode and
 * order.  The search begins at the topmost table of which this transaction has
 * the lock of an UPDATE: either the statement names it or one below it; and a row
 * that has no place below the table that the statement names makes it fail anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/route.h"
#include "base/compat.h"
#include "base/table.h"
#include "base/tuple.h"
#include "timestamps/known.h"
#include "timestamps/trial.h"

#include "access/attmap.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

/* A partitioned table on the way, with its key in terms of the partition we are in */
typedef struct Level
{
	Oid			relid;
	int			nkeys;
	AttrNumber *attnums;		/* 0 for an expression */
	List	   *exprs;			/* ExprStates */
} Level;

/* A partition to which rows move */
typedef struct Destination
{
	Oid			relid;
	bool		has_obstacle;
	SkTrial    *trial;			/* or NULL */
	AttrMap    *map;			/* from our columns to those of the partition */
	TupleTableSlot *slot;
} Destination;

struct SkRoute
{
	MemoryContext context;
	Oid			relid;			/* the partition we are in */
	TupleDesc	tupdesc;
	char	   *col;
	bool		in_keys;		/* the column is maintained also in keys */
	Bitmapset  *deciding;		/* columns, offset as in mention.c */
	Oid			top;
	List	   *levels;
	List	   *destinations;
	ExprContext *econtext;
};


/*-------------------------------------------------------------------------
 * The way
 *-------------------------------------------------------------------------
 */

/* The columns on which it depends whether a row belongs to the partition. */
static Bitmapset *
deciding_columns(Relation rel)
{
	Bitmapset  *columns = NULL;

	pull_varattnos((Node *) RelationGetPartitionQual(rel), 1, &columns);
	return columns;
}

static Oid
topmost_updated(Relation rel)
{
	Oid			top = InvalidOid;
	ListCell   *lc;

	foreach(lc, get_partition_ancestors(RelationGetRelid(rel)))
	{
		if (sk_table_have_lock(lfirst_oid(lc), RowExclusiveLock))
			top = lfirst_oid(lc);
	}
	return top;
}

/*
 * What rows that leave the partition have to do with, in a context that lives as
 * long as it is used.  NULL if rows cannot leave it.  The table is being updated.
 */
SkRoute *
sk_route_make(MemoryContext context, Relation rel, AttrNumber attnum, bool in_keys)
{
	Oid			top = rel->rd_rel->relispartition ? topmost_updated(rel) : InvalidOid;
	MemoryContext old;
	SkRoute    *route;

	if (!OidIsValid(top))
		return NULL;
	old = MemoryContextSwitchTo(context);
	route = palloc0(sizeof(SkRoute));
	route->context = context;
	route->relid = RelationGetRelid(rel);
	route->tupdesc = CreateTupleDescCopy(RelationGetDescr(rel));
	route->col = pstrdup(NameStr(TupleDescAttr(route->tupdesc, attnum - 1)->attname));
	route->in_keys = in_keys;
	route->deciding = deciding_columns(rel);
	route->top = top;
	MemoryContextSwitchTo(old);
	return route;
}

static bool
may_leave(const SkRoute *route, TupleTableSlot *old, TupleTableSlot *new)
{
	int			member = -1;

	while ((member = bms_next_member(route->deciding, member)) >= 0)
	{
		int			i = member + FirstLowInvalidHeapAttributeNumber - 1;

		if (i >= 0 &&
			!sk_tuple_same_value(TupleDescAttr(route->tupdesc, i),
								 old->tts_values[i], old->tts_isnull[i],
								 new->tts_values[i], new->tts_isnull[i]))
			return true;
	}
	return false;
}

/* An expression of a partitioned table in terms of our columns */
static ExprState *
prepare_key(Expr *expr, const AttrMap *map)
{
	bool		whole_row;
	Node	   *ours = map_variable_attnos((Node *) expr, 1, 0, map, InvalidOid, &whole_row);

	return ExecInitExpr(expression_planner((Expr *) ours), NULL);
}

static Level *
make_level(SkRoute *route, Relation parent)
{
	MemoryContext old = MemoryContextSwitchTo(route->context);
	PartitionKey key = RelationGetPartitionKey(parent);
	AttrMap    *map = build_attrmap_by_name(route->tupdesc, RelationGetDescr(parent), false);
	Level	   *level = palloc0(sizeof(Level));
	ListCell   *lc;

	level->relid = RelationGetRelid(parent);
	level->nkeys = key->partnatts;
	level->attnums = palloc0(key->partnatts * sizeof(AttrNumber));
	for (int i = 0; i < key->partnatts; i++)
	{
		if (key->partattrs[i] != InvalidAttrNumber)
			level->attnums[i] = map->attnums[key->partattrs[i] - 1];
	}
	foreach(lc, key->partexprs)
		level->exprs = lappend(level->exprs, prepare_key(copyObject(lfirst(lc)), map));
	route->levels = lappend(route->levels, level);
	MemoryContextSwitchTo(old);
	return level;
}

static Level *
get_level(SkRoute *route, Relation parent)
{
	ListCell   *lc;

	foreach(lc, route->levels)
	{
		Level	   *level = lfirst(lc);

		if (level->relid == RelationGetRelid(parent))
			return level;
	}
	return make_level(route, parent);
}

static void
compute_key(SkRoute *route, const Level *level, TupleTableSlot *row,
			Datum *values, bool *isnull)
{
	ListCell   *lc = list_head(level->exprs);

	for (int i = 0; i < level->nkeys; i++)
	{
		if (level->attnums[i] != InvalidAttrNumber)
		{
			values[i] = row->tts_values[level->attnums[i] - 1];
			isnull[i] = row->tts_isnull[level->attnums[i] - 1];
			continue;
		}
		values[i] = ExecEvalExprSwitchContext(lfirst(lc), route->econtext, &isnull[i]);
		lc = lnext(level->exprs, lc);
	}
}

static bool
has_null(const bool *isnull, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (isnull[i])
			return true;
	}
	return false;
}

static int
search_bounds(PartitionKey key, PartitionBoundInfo bounds, Datum *values, bool *isnull)
{
	bool		equal = false;
	int			offset;
	uint64		hash;

	switch (key->strategy)
	{
		case PARTITION_STRATEGY_HASH:
			hash = compute_partition_hash_value(key->partnatts, key->partsupfunc,
												key->partcollation, values, isnull);
			return bounds->indexes[hash % bounds->nindexes];
		case PARTITION_STRATEGY_LIST:
			if (isnull[0])
				return bounds->null_index;
			offset = partition_list_bsearch(key->partsupfunc, key->partcollation,
											bounds, values[0], &equal);
			return offset >= 0 && equal ? bounds->indexes[offset] : -1;
		case PARTITION_STRATEGY_RANGE:
			if (has_null(isnull, key->partnatts))
				return -1;
			offset = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
												   bounds, key->partnatts, values, &equal);
			return bounds->indexes[offset + 1];
	}
	return -1;
}

/*
 * The partition of a partitioned table that the row belongs to, or InvalidOid.  The
 * same ones are there for the server, which in these isolation levels sees those
 * that are being detached.
 */
static Oid
next_table(SkRoute *route, Oid parentid, TupleTableSlot *row)
{
	Relation	parent = table_open(parentid, parentid == route->top ? NoLock : RowExclusiveLock);
	PartitionDesc desc = RelationGetPartitionDesc(parent, !IsolationUsesXactSnapshot());
	PartitionKey key = RelationGetPartitionKey(parent);
	Datum		values[PARTITION_MAX_KEYS];
	bool		isnull[PARTITION_MAX_KEYS];
	int			index = -1;
	Oid			next;

	if (desc->nparts > 0)
	{
		compute_key(route, get_level(route, parent), row, values, isnull);
		index = search_bounds(key, desc->boundinfo, values, isnull);
		if (index < 0)
			index = desc->boundinfo->default_index;
	}
	next = index < 0 ? InvalidOid : desc->oids[index];
	table_close(parent, NoLock);
	return next;
}

/* The partition that the row moves to, or InvalidOid if there is none. */
static Oid
find_leaf(SkRoute *route, TupleTableSlot *row)
{
	Oid			relid = route->top;

	ResetExprContext(route->econtext);
	route->econtext->ecxt_scantuple = row;
	while (OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		relid = next_table(route, relid, row);
	return relid;
}


/*-------------------------------------------------------------------------
 * Its end
 *-------------------------------------------------------------------------
 */

/*
 * Of a foreign table, nobody here knows the keys.  The column has the same name in
 * all partitions.
 */
static void
examine(const SkRoute *route, Relation rel, Destination *there)
{
	AttrNumber	attnum = sk_tuple_column(RelationGetDescr(rel), route->col);
	const SkKnown *known;

	there->has_obstacle = rel->rd_rel->relkind != RELKIND_RELATION;
	if (there->has_obstacle)
		return;
	known = sk_known_column(rel, attnum);
	there->has_obstacle = known->has_obstacle && !route->in_keys;
	there->trial = sk_trial_make(route->context, rel, attnum, known->tests, NIL);
	if (there->trial == NULL)
		return;
	there->map = build_attrmap_by_name(route->tupdesc, RelationGetDescr(rel), false);
	there->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(rel)),
										   &TTSOpsVirtual);
}

static Destination *
make_destination(SkRoute *route, Oid relid)
{
	Relation	rel = table_open(relid, RowExclusiveLock);
	MemoryContext old = MemoryContextSwitchTo(route->context);
	Destination *there = palloc0(sizeof(Destination));

	there->relid = relid;
	examine(route, rel, there);
	route->destinations = lappend(route->destinations, there);
	MemoryContextSwitchTo(old);
	table_close(rel, NoLock);
	return there;
}

static Destination *
get_destination(SkRoute *route, Oid relid)
{
	ListCell   *lc;

	foreach(lc, route->destinations)
	{
		Destination *there = lfirst(lc);

		if (there->relid == relid)
			return there;
	}
	return make_destination(route, relid);
}

/*
 * If the new row, all of whose columns are in the slots' arrays as are those of the
 * old one, moves to another partition: is it accepted there with that time?
 */
bool
sk_route_accepts(SkRoute *route, TupleTableSlot *old, TupleTableSlot *new, Datum stamp)
{
	Oid			relid;
	Destination *there;

	if (!may_leave(route, old, new))
		return true;
	if (route->econtext == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(route->context);

		route->econtext = CreateStandaloneExprContext();
		MemoryContextSwitchTo(before);
	}
	relid = find_leaf(route, new);
	if (!OidIsValid(relid) || relid == route->relid)
		return true;
	there = get_destination(route, relid);
	if (there->has_obstacle || there->trial == NULL)
		return !there->has_obstacle;
	return sk_trial_passes(there->trial,
						   execute_attr_map_slot(there->map, new, there->slot), stamp);
}
