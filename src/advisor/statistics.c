/*-------------------------------------------------------------------------
 *
 * advisor/statistics.c
 *	  Statistics that the planner lacks.
 *
 * Where a statement takes many times as long as its plan says (advisor/slow.c), and no index
 * of the advice helps it, the planner may not know enough: a table has changed much since it
 * was analyzed, or never was; or conditions on several columns of a table depend on each
 * other, which shows in the number of rows that the statement returns.  Then the cure is
 * ANALYZE, or CREATE STATISTICS on these columns.
 *
 * What is advised once and followed is not advised again: a table that was analyzed has not
 * changed, and columns that have statistics together get no others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/statistics.h"

#include "advisor/scope.h"
#include "base/guard.h"
#include "base/table.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/defrem.h"
#include "nodes/bitmapset.h"
#include "statistics/statistics.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* If more than this part of a table has changed, its statistics are old. */
#define MUCH_CHANGED 0.2

/* So many times as many rows as the planner expects, or as few */
#define MANY_TIMES 10

/* ----------
 * Items
 * ----------
 */

/* The columns of an item, as in a command. */
char *
sk_advice_statistics_columns(const SkAdviceItem *item)
{
	StringInfoData buf;
	int			attnum = -1;

	initStringInfo(&buf);
	while ((attnum = bms_next_member(item->columns, attnum)) >= 0)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier(get_attname(item->relid, attnum, false)));
	return buf.data;
}

/* A name for its statistics that is not taken, in the table's schema. */
char *
sk_advice_statistics_name(const SkAdviceItem *item)
{
	StringInfoData columns;
	int			attnum = -1;
	char	   *name;

	initStringInfo(&columns);
	while ((attnum = bms_next_member(item->columns, attnum)) >= 0)
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? "_" : "",
						 get_attname(item->relid, attnum, false));
	for (int i = 0;; i++)
	{
		name = makeObjectName(get_rel_name(item->relid), columns.data,
							  i == 0 ? "stat" : psprintf("stat%d", i));
		if (!SearchSysCacheExists2(STATEXTNAMENSP, CStringGetDatum(name),
								   ObjectIdGetDatum(get_rel_namespace(item->relid))))
			return name;
	}
}

/* The item for these columns of a table; it is added if it is new. */
static void
add(SkAdvice *advice, Oid relid, Bitmapset *columns, const SkQuery *query, char *reason)
{
	SkAdviceItem *item = NULL;
	SkHelped   *help = palloc(sizeof(SkHelped));
	ListCell   *lc;

	foreach(lc, advice->items)
	{
		SkAdviceItem *other = lfirst(lc);

		if (other->action == SK_ADVICE_STATISTICS && other->relid == relid &&
			bms_equal(other->columns, columns))
			item = other;
	}
	if (item == NULL)
	{
		item = palloc0(sizeof(SkAdviceItem));
		item->action = SK_ADVICE_STATISTICS;
		item->relid = relid;
		item->columns = columns;
		item->confidence = "medium";
		item->reason = reason;
		advice->items = lappend(advice->items, item);
	}
	help->query = query;
	help->cost = query->cost;
	item->helped = lappend(item->helped, help);
}

/* ----------
 * What is lacking
 * ----------
 */
static bool
is_stale(Oid relid)
{
	double		rows = sk_table_rows(relid);
	Datum		changed = DirectFunctionCall1(pg_stat_get_mod_since_analyze,
											  ObjectIdGetDatum(relid));

	return rows < 0 || DatumGetInt64(changed) > MUCH_CHANGED * Max(rows, 1);
}

/* Have these columns statistics together already? */
static bool
has_statistics(Oid relid, const Bitmapset *columns)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	bool		has = false;
	ListCell   *lc;

	foreach(lc, RelationGetStatExtList(rel))
	{
		HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(lfirst_oid(lc)));
		Bitmapset  *keys = NULL;
		Form_pg_statistic_ext form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_statistic_ext) GETSTRUCT(tuple);
		for (int i = 0; i < form->stxkeys.dim1; i++)
			keys = bms_add_member(keys, form->stxkeys.values[i]);
		has |= bms_is_subset(columns, keys);
		ReleaseSysCache(tuple);
	}
	relation_close(rel, NoLock);
	return has;
}

static bool
may_have_statistics(Oid relid, AttrNumber attnum)
{
	Oid			type = attnum > 0 ? get_atttype(relid, attnum) : InvalidOid;

	return OidIsValid(type) && get_attgenerated(relid, attnum) == '\0' &&
		OidIsValid(lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr);
}

/* The columns of a table that a statement compares with something */
static Bitmapset *
compared_columns(const SkIndexable *access)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, access->equal)
	{
		AttrNumber	attnum = ((SkIndexKey *) lfirst(lc))->attnum;

		if (may_have_statistics(access->relid, attnum) &&
			bms_num_members(columns) < STATS_MAX_DIMENSIONS)
			columns = bms_add_member(columns, attnum);
	}
	return columns;
}

typedef struct Look
{
	SkAdvice   *advice;
	const SkQuery *query;
	const SkIndexable *access;
	bool		stale;
	Bitmapset  *columns;
} Look;

static void
look_at(void *arg)
{
	Look	   *look = arg;
	Oid			relid = look->access->relid;
	Bitmapset  *columns;

	sk_table_hold(relid);
	look->stale = is_stale(relid);
	columns = compared_columns(look->access);
	if (bms_num_members(columns) > 1 && !has_statistics(relid, columns))
		look->columns = columns;
}

/* How many times as many rows, or as few, as the planner expects; 1 if not known */
static double
misfit_of(const SkQuery *query)
{
	return query->misfit >= 1 ? query->misfit : 1 / query->misfit;
}

static void
find(SkAdvice *advice, const SkQuery *query)
{
	ListCell   *lc;

	foreach(lc, query->accesses)
	{
		Look		look = {advice, query, lfirst(lc), false, NULL};
		Oid			relid = look.access->relid;
		const char *table;

		if (sk_guard_rehearse(look_at, &look) != NULL ||
			(table = sk_table_told_name(relid)) == NULL)
			continue;
		if (look.stale)
			add(advice, relid, NULL, query,
				psprintf("a statement takes %.0f times as long as the cost of its plan says, and %s",
						 query->slow,
						 sk_advice_scope_is_analyzed(relid) ?
						 psprintf("many rows of table \"%s\" have changed since the last ANALYZE", table) :
						 psprintf("table \"%s\" has never been analyzed", table)));
		else if (look.columns != NULL && misfit_of(query) >= MANY_TIMES)
			add(advice, relid, look.columns, query,
				psprintf("a statement takes %.0f times as long as the cost of its plan says, and returns %s rows as the planner expects: its conditions on table \"%s\" may depend on each other",
						 query->slow,
						 psprintf("%.0f times as %s", misfit_of(query), query->misfit > 1 ? "many" : "few"),
						 table));
	}
}

static bool
is_helped(const SkAdvice *advice, const SkQuery *query)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, advice->items)
	{
		const SkAdviceItem *item = lfirst(lc);

		foreach(lc2, item->helped)
		{
			if (item->action <= SK_ADVICE_REPLACE &&
				((SkHelped *) lfirst(lc2))->query == query)
				return true;
		}
	}
	return false;
}

/* Add what may make plans better that no index does. */
void
sk_advice_statistics_find(SkAdvice *advice)
{
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->slow > 0 && !is_helped(advice, query))
			find(advice, query);
	}
}
