/*-------------------------------------------------------------------------
 *
 * advisor/finding.c
 *	  Indexes to drop, or to rebuild.
 *
 * What the catalogs say of indexes that exist: they are duplicates, redundant, not
 * used for long, or invalid since their build failed.  An index that is more than a
 * way to find rows is never one to drop: one that makes rows unique or belongs to a
 * constraint, a replica identity, what CLUSTER goes by, or a part of a partitioned
 * index (which is looked at as a whole).  Nor is one that statements of the workload
 * would miss, or without which a foreign key had none.
 *
 * A duplicate, redundant or invalid index is found however small it is: it can only
 * cost.  That an index was not used is a guess, so it is told only where its table is
 * large enough for an index to be used at all.
 *
 * Statistics of use are this server's: a standby has its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/finding.h"

#include "advisor/bloat.h"
#include "advisor/foreign_key.h"
#include "advisor/scope.h"
#include "advisor/search/cost_table.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/table.h"
#include "index/compare.h"
#include "index/width.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include <ctype.h>

/* Reads of a table after which an index that none of them used is unused. */
#define LEAST_READS 100

/*
 * A smaller table is read as a whole, whatever indexes it has, so it does not tell
 * that one is of no use.
 */
#define LEAST_PAGES 16

/* What costs no more than this fraction more without an index costs the same. */
#define NOT_DEARER 0.001

typedef struct Found
{
	SkIndex    *index;
	char	   *name;
	List	   *members;		/* OIDs: itself, and those of partitions */
	List	   *parts;			/* SkIndex of each */
	bool		valid;
	bool		fixed;			/* never to be dropped */
	bool		open;			/* has values of any length */
	bool		partitioned;
	bool		part;			/* of a partitioned index: not to be dropped
								 * alone */
	double		bytes;
	double		scans;
	double		reads;			/* of its table, by any way */
	double		writes;
	double		days;			/* since the statistics begin */
	char	   *last_use;		/* NULL: none, or not known */
	bool		dropped;		/* is in the advice */
	bool		needed;			/* for one that was dropped since this does
								 * the same */
} Found;

/* What is counted for an index on a partitioned table is that of its partitions. */
static const char *const indexes_query =
"WITH RECURSIVE member (root, indexrelid) AS ("
" SELECT i.indexrelid, i.indexrelid FROM pg_catalog.pg_index AS i"
"  WHERE i.indislive AND i.indrelid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid"
" UNION ALL"
" SELECT m.root, h.inhrelid FROM member AS m"
"  JOIN pg_catalog.pg_inherits AS h ON h.inhparent OPERATOR(pg_catalog.=) m.indexrelid),"
" scanned AS ("
" SELECT i.indrelid, pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)) AS scans"
" FROM pg_catalog.pg_index AS i GROUP BY i.indrelid),"
" counted AS ("
" SELECT m.root, pg_catalog.sum(pg_catalog.pg_stat_get_numscans(m.indexrelid)) AS scans,"
"  pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indrelid) OPERATOR(pg_catalog.+) s.scans) AS reads,"
"  pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(i.indrelid) OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_tuples_updated(i.indrelid)) AS writes,"
"  pg_catalog.max(pg_catalog.to_jsonb(u) OPERATOR(pg_catalog.->>) 'last_idx_scan') AS last_use"
" FROM member AS m"
" JOIN pg_catalog.pg_index AS i ON i.indexrelid OPERATOR(pg_catalog.=) m.indexrelid"
" JOIN scanned AS s ON s.indrelid OPERATOR(pg_catalog.=) i.indrelid"
" LEFT JOIN pg_catalog.pg_stat_all_indexes AS u ON u.indexrelid OPERATOR(pg_catalog.=) m.indexrelid"
" GROUP BY m.root)"
" SELECT i.indexrelid, c.relname,"
" i.indisvalid AS valid,"
" n.scans::pg_catalog.float8, n.reads::pg_catalog.float8, n.writes::pg_catalog.float8,"
" pg_catalog.date_part('epoch', pg_catalog.now() OPERATOR(pg_catalog.-)"
"  coalesce(pg_catalog.pg_stat_get_db_stat_reset_time((SELECT d.oid FROM pg_catalog.pg_database AS d"
"   WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())), pg_catalog.pg_postmaster_start_time()))"
"  OPERATOR(pg_catalog./) 86400.0 AS days,"
" n.last_use"
" FROM pg_catalog.pg_index AS i"
" JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid"
" JOIN counted AS n ON n.root OPERATOR(pg_catalog.=) i.indexrelid"
" ORDER BY i.indrelid, i.indexrelid";

/* Is the index nothing but a way to find rows? */
static bool
is_plain(Oid indexid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Form_pg_index form;
	bool		plain;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	plain = !form->indisunique && !form->indisexclusion &&
		!form->indisreplident && !form->indisclustered &&
		!OidIsValid(getExtensionOfObject(RelationRelationId, form->indrelid));
	ReleaseSysCache(tuple);
	return plain && !OidIsValid(get_index_constraint(indexid)) &&
		!OidIsValid(getExtensionOfObject(RelationRelationId, indexid));
}

/* May it be dropped, and with it those of the partitions? */
bool
sk_advice_finding_may_drop(Oid indexid)
{
	ListCell   *lc;

	if (get_rel_relispartition(indexid))
		return false;
	foreach(lc, find_all_inheritors(indexid, NoLock, NULL))
	{
		if (!is_plain(lfirst_oid(lc)))
			return false;
	}
	return true;
}

static double
number(HeapTuple row, int i)
{
	bool		isnull;
	Datum		value = SPI_getbinval(row, SPI_tuptable->tupdesc, i, &isnull);

	return isnull ? 0 : DatumGetFloat8(value);
}

static bool
boolean(HeapTuple row, int i)
{
	bool		isnull;
	Datum		value = SPI_getbinval(row, SPI_tuptable->tupdesc, i, &isnull);

	return !isnull && DatumGetBool(value);
}

typedef struct Reading
{
	Oid			indexid;
	Found	   *found;
} Reading;

static void
read_index(void *arg)
{
	Reading    *reading = arg;
	Found	   *found = reading->found;
	ListCell   *lc;

	sk_table_hold(IndexGetRelation(reading->indexid, false));
	found->index = sk_index_of_catalog(reading->indexid);
	found->members = find_all_inheritors(reading->indexid, NoLock, NULL);
	foreach(lc, found->members)
	{
		Relation	rel = relation_open(lfirst_oid(lc), AccessShareLock);

		found->parts = lappend(found->parts, sk_index_of_catalog(lfirst_oid(lc)));
		if (rel->rd_rel->relkind == RELKIND_INDEX)
			found->bytes += (double) RelationGetNumberOfBlocks(rel) * BLCKSZ;
		relation_close(rel, AccessShareLock);
	}
	found->fixed = !sk_advice_finding_may_drop(reading->indexid);
	found->partitioned = get_rel_relkind(reading->indexid) == RELKIND_PARTITIONED_INDEX;
	found->part = get_rel_relispartition(reading->indexid);
	found->open = sk_index_width_is_open(found->index);
}

/* NULL if the index, or its table, is locked or gone. */
static Found *
read_found(HeapTuple row, Oid indexid)
{
	Found	   *found = palloc0(sizeof(Found));
	Reading		reading = {indexid, found};

	if (sk_guard_rehearse(read_index, &reading) != NULL)
		return NULL;
	found->name = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);
	found->name = pstrdup(found->name);
	found->valid = boolean(row, 3);
	found->scans = number(row, 4);
	found->reads = number(row, 5);
	found->writes = number(row, 6);
	found->days = number(row, 7);
	found->last_use = SPI_getvalue(row, SPI_tuptable->tupdesc, 8);
	return found;
}

static List *
list_indexes(SkAdvice *advice)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;

	SPI_connect();
	if (SPI_execute(indexes_query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read indexes");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		Oid			indexid = DatumGetObjectId(SPI_getbinval(row,
															 SPI_tuptable->tupdesc,
															 1, &isnull));
		MemoryContext old = MemoryContextSwitchTo(context);
		Found	   *found = NULL;

		if (sk_advice_scope_is_users(advice, IndexGetRelation(indexid, true)))
			found = read_found(row, indexid);
		if (found != NULL)
			result = lappend(result, found);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

/* ----------
 * What must not be lost
 * ----------
 */

static bool
shares_member(List *a, List *b)
{
	ListCell   *lc;

	foreach(lc, a)
	{
		if (list_member_oid(b, lfirst_oid(lc)))
			return true;
	}
	return false;
}

/*
 * Would a statement of the workload get slower without these indexes, by more than it
 * may?  Else "dearer" are those that get slower at all (SkHelped).
 */
static bool
is_missed(SkAdvice *advice, List *hidden, List **dearer)
{
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		SkQuery    *query = lfirst(lc);
		Bitmapset  *used;
		SkHelped   *help;
		double		cost;

		if (query->entry.sqlerrcode != 0 ||
			!shares_member(query->indexes, hidden))
			continue;
		if (!sk_cost_table_verify(query, advice->pool, NULL, hidden, &cost, &used) ||
			cost > query->cost * (1 + advice->options.max_regression))
			return true;
		if (cost <= query->cost * (1 + NOT_DEARER))
			continue;
		help = palloc(sizeof(SkHelped));
		help->query = query;
		help->cost = cost;
		*dearer = lappend(*dearer, help);
	}
	return false;
}

static bool
is_used(SkAdvice *advice, List *members)
{
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		if (shares_member(((SkQuery *) lfirst(lc))->indexes, members))
			return true;
	}
	return false;
}

/*
 * Is there a foreign key that only this index serves?  Those of partitions count:
 * a partition may have one by itself, or an index for its part of one.
 */
static bool
serves_key(List *keys, List *all, const Found *found)
{
	List	   *rest = NIL;
	ListCell   *lc;

	foreach(lc, all)
	{
		Found	   *other = lfirst(lc);

		if (!list_member_oid(found->members, other->index->oid) &&
			!other->dropped && other->valid)
			rest = list_concat(rest, other->parts);
	}
	foreach(lc, keys)
	{
		SkForeignKey *key = lfirst(lc);

		if (sk_advice_foreign_key_is_served(key, found->parts) &&
			!sk_advice_foreign_key_is_served(key, rest))
			return true;
	}
	return false;
}

/* ----------
 * Findings
 * ----------
 */
static SkAdviceItem *
add_item(SkAdvice *advice, SkAdviceAction action, Found *found,
		 const char *confidence, char *reason)
{
	SkAdviceItem *item = palloc0(sizeof(SkAdviceItem));

	item->action = action;
	item->relid = found->index->relid;
	item->index = found->index;
	item->bytes = action == SK_ADVICE_DROP ? -found->bytes : 0;
	item->confidence = confidence;
	item->reason = reason;
	advice->items = lappend(advice->items, item);
	found->dropped = action == SK_ADVICE_DROP;
	return item;
}

/* Of two duplicates, the one that cannot be dropped stays, then the older one. */
static bool
goes_before(const Found *a, const Found *b)
{
	if (a->fixed != b->fixed)
		return b->fixed;
	return a->index->oid > b->index->oid;
}

static void
find_covered(SkAdvice *advice, List *all, Found *found)
{
	ListCell   *lc;

	if (found->fixed || !found->valid)
		return;
	foreach(lc, all)
	{
		Found	   *other = lfirst(lc);
		SkAdviceItem *item;
		List	   *dearer = NIL;
		bool		same;

		if (other == found || other->dropped || !other->valid ||
			!sk_index_compare_covers(other->index, found->index))
			continue;
		same = sk_index_compare_covers(found->index, other->index);
		if (same && !goes_before(found, other))
			continue;
		if (!same && (other->bytes > SK_INDEX_TIMES_LARGER * found->bytes ||
					  is_missed(advice, found->members, &dearer)))
			continue;
		item = add_item(advice, SK_ADVICE_DROP, found, same ? "high" : "medium",
						psprintf(same ?
								 "index \"%s\" is a duplicate of index \"%s\"" :
								 "index \"%s\" is redundant: index \"%s\" can be used in its place",
								 found->name, other->name));
		item->helped = dearer;
		other->needed = true;
		return;
	}
}

static void
find_unused(SkAdvice *advice, List *keys, List *all, Found *found)
{
	if (found->fixed || !found->valid || found->dropped || found->needed || found->scans > 0 ||
		found->last_use != NULL || found->days < sk_guc_advice_unused_days ||
		sk_advice_scope_table_bytes(advice, found->index->relid) <
		LEAST_PAGES * BLCKSZ ||
		found->reads < LEAST_READS || is_used(advice, found->members) ||
		serves_key(keys, all, found))
		return;
	add_item(advice, SK_ADVICE_DROP, found,
			 found->days >= 2 * sk_guc_advice_unused_days ? "medium" : "low",
			 psprintf("index \"%s\" has not been used for %.1f days, in which its table was read %.0f times and %.0f rows were written; look at the standbys as well, which have statistics of their own",
					  found->name, found->days, found->reads, found->writes));
}

/* Has REINDEX CONCURRENTLY, which failed, given it this name? */
static bool
is_left_behind(const char *name)
{
	size_t		length = strlen(name);

	while (length > 0 && isdigit((unsigned char) name[length - 1]))
		length--;
	return length > strlen("_ccnew") &&
		(strncmp(name + length - strlen("_ccnew"), "_ccnew", strlen("_ccnew")) == 0 ||
		 strncmp(name + length - strlen("_ccold"), "_ccold", strlen("_ccold")) == 0);
}

/*
 * Does anybody hold a lock on the table as those do who build an index?  Of
 * progress, only their role and few others are told.
 */
static bool
is_being_built(const Found *found)
{
	LOCKTAG		tag;
	int			count;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, found->index->relid);
	(void) GetLockConflicts(&tag, ShareUpdateExclusiveLock, &count);
	return count > 0;
}

/*
 * An invalid index can be rebuilt if that cannot fail: rows may not
 * be unique, an expression may have no value, a value may be too long.
 */
static void
find_invalid(SkAdvice *advice, Found *found)
{
	bool		again = !found->index->unique &&
		!sk_index_has_expression(found->index) && found->index->predicate == NIL &&
		!found->open;

	if (found->valid || found->partitioned || RecoveryInProgress() ||
		is_being_built(found))
		return;
	if (is_left_behind(found->name) && advice->options.drop)
		add_item(advice, SK_ADVICE_DROP, found, "high",
				 psprintf("index \"%s\" was left behind by a failed REINDEX CONCURRENTLY",
						  found->name));
	else if (again && advice->options.reindex)
		add_item(advice, SK_ADVICE_REINDEX, found, "high",
				 psprintf("index \"%s\" is invalid because its build failed: it has the overhead of an index, and cannot be used",
						  found->name));
	else if (!again && !found->part && advice->options.drop)
		add_item(advice, SK_ADVICE_DROP, found, "medium",
				 psprintf("index \"%s\" is invalid because its build failed: it has the overhead of an index, and cannot be used; correct the rows that it cannot contain, and create it again",
						  found->name));
}

/* An index that is much larger than it would be if it were built again. */
static void
find_bloat(SkAdvice *advice, Found *found)
{
	double		won;

	if (!found->valid || found->dropped || found->partitioned || RecoveryInProgress() ||
		(won = sk_advice_bloat_won(found->index, found->bytes)) <= 0 ||
		is_being_built(found))
		return;
	add_item(advice, SK_ADVICE_REINDEX, found, "medium",
			 psprintf("index \"%s\" takes %.0f MB, and would take about %.0f MB if it were built again",
					  found->name, found->bytes / (1024 * 1024),
					  (found->bytes - won) / (1024 * 1024)))->bytes = -won;
}

/* What goes for what is advised is not found again. */
static void
mark_replaced(const SkAdvice *advice, List *all)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, advice->items)
	{
		foreach(lc2, all)
		{
			Found	   *found = lfirst(lc2);

			if (list_member_oid(((SkAdviceItem *) lfirst(lc))->replaced,
								found->index->oid))
				found->dropped = true;
		}
	}
}

/* Add indexes to drop and to rebuild to the advice. */
void
sk_advice_finding_collect(SkAdvice *advice)
{
	List	   *all = list_indexes(advice);
	List	   *keys = sk_advice_foreign_key_all();
	ListCell   *lc;

	mark_replaced(advice, all);
	foreach(lc, all)
		find_invalid(advice, lfirst(lc));
	foreach(lc, all)
	{
		if (advice->options.drop)
			find_covered(advice, all, lfirst(lc));
	}
	foreach(lc, all)
	{
		if (advice->options.drop)
			find_unused(advice, keys, all, lfirst(lc));
	}
	foreach(lc, all)
	{
		if (advice->options.reindex)
			find_bloat(advice, lfirst(lc));
	}
}
