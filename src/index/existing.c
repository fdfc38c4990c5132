/*-------------------------------------------------------------------------
 *
 * index/existing.c
 *	  The indexes that tables have.
 *
 * Each table is looked up once.  What is known is a list that the caller keeps, NIL
 * at first, in a memory context that lives as long.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/existing.h"

#include "index/compare.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

typedef struct Existing
{
	Oid			relid;
	List	   *indexes;		/* SkIndex, those that can be used */
	List	   *broken;			/* those whose build goes on, or has failed */
} Existing;

static void
read_indexes(Existing *existing)
{
	Relation	rel = relation_open(existing->relid, AccessShareLock);
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Oid			indexid = lfirst_oid(lc);
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
		bool		valid;

		if (!HeapTupleIsValid(tuple))
			continue;
		valid = ((Form_pg_index) GETSTRUCT(tuple))->indisvalid;
		ReleaseSysCache(tuple);
		if (valid)
			existing->indexes = lappend(existing->indexes, sk_index_of_catalog(indexid));
		else if (get_rel_relkind(indexid) == RELKIND_INDEX)
			existing->broken = lappend(existing->broken, sk_index_of_catalog(indexid));
	}
	relation_close(rel, AccessShareLock);
}

static Existing *
look_up(List **known, MemoryContext context, Oid relid)
{
	MemoryContext old;
	Existing   *existing;
	ListCell   *lc;

	foreach(lc, *known)
	{
		existing = lfirst(lc);
		if (existing->relid == relid)
			return existing;
	}
	old = MemoryContextSwitchTo(context);
	existing = palloc0(sizeof(Existing));
	existing->relid = relid;
	read_indexes(existing);
	*known = lappend(*known, existing);
	MemoryContextSwitchTo(old);
	return existing;
}

/*
 * Those indexes of a table (SkIndex) that can be used.
 */
List *
sk_index_existing_list(List **known, MemoryContext context, Oid relid)
{
	return look_up(known, context, relid)->indexes;
}

/*
 * Is there an index that makes this one redundant, or would if its build had not
 * failed?  That one is to be rebuilt, and not to be tried again under another name.
 */
bool
sk_index_existing_covers(List **known, MemoryContext context, const SkIndex *index)
{
	const Existing *existing = look_up(known, context, index->relid);
	ListCell   *lc;

	foreach(lc, existing->indexes)
	{
		const SkIndex *other = lfirst(lc);

		/* one that is there for rows to be unique is no shorter way to some */
		if (other->unique && other->predicate == NIL && index->predicate != NIL)
			continue;
		if (sk_index_compare_covers(other, index))
			return true;
	}
	foreach(lc, existing->broken)
	{
		if (sk_index_compare_covers(lfirst(lc), index))
			return true;
	}
	return false;
}
