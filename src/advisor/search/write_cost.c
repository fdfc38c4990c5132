/*-------------------------------------------------------------------------
 *
 * advisor/search/write_cost.c
 *	  The overhead of an index when rows are written.
 *
 * The planner's costs say nothing of that.  Each row that is inserted is an
 * entry in each index of its table.  A row that is updated is one, too, unless
 * the update is a heap-only one: then no index is touched, but that takes that
 * no index has a column which changes.  So an index on a column that is often
 * updated makes all indexes of the table be written.  (Measured: an update of
 * 25,000 rows took 73 ms, and 289 ms with one of three other indexes on the
 * changed column.)
 *
 * How many rows are written is known from the workload's statements and from
 * the table's statistics; which columns, from the statements only.  An entry
 * costs what descending the tree costs, and pages that are not in the cache.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/search/write_cost.h"

#include "advisor/plan/query.h"
#include "base/compat.h"
#include "index/compare.h"

#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include <math.h>

/* Milliseconds of a planner's unit, where the workload does not tell. */
#define DEFAULT_UNIT 0.005
#define LEAST_UNIT 0.0005
#define MOST_UNIT 0.1

/* A dead entry must be removed by VACUUM: a part of what it costs to make it. */
#define VACUUM_SHARE 0.3

struct SkWrites
{
	List	   *queries;		/* SkQuery */
	double		unit;			/* of value, for each unit of the planner */
	double		days;			/* of the table statistics, or 0 */
};

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* What a unit of the planner takes, by the statements that were measured. */
static double
median_unit(List *queries)
{
	double	   *units = palloc((list_length(queries) + 1) * sizeof(double));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, queries)
	{
		const SkQuery *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->cost >= 100)
			units[n++] = query->entry.value / query->entry.calls / query->cost;
	}
	if (n < 3)
		return DEFAULT_UNIT;
	qsort(units, n, sizeof(double), compare_doubles);
	return Min(Max(units[n / 2], LEAST_UNIT), MOST_UNIT);
}

/* How long the tables' statistics were gathered, or 0 if nobody knows. */
static double
days_of_table_statistics(void)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		reset;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(MyDatabaseId);
	fcinfo->args[0].isnull = false;
	reset = pg_stat_get_db_stat_reset_time(fcinfo);
	if (fcinfo->isnull)
		return 0;
	return Max(GetCurrentStatementStartTimestamp() - DatumGetTimestampTz(reset), 0) /
		(double) USECS_PER_DAY;
}

/*
 * To be called when the statements have been planned.  If they were measured,
 * their time tells what a unit of the planner is.
 */
SkWrites *
sk_write_cost_collect(List *queries, bool measured)
{
	SkWrites   *writes = palloc0(sizeof(SkWrites));

	writes->queries = queries;
	writes->unit = 1;
	if (!measured)
		return writes;
	writes->unit = median_unit(queries);
	writes->days = days_of_table_statistics();
	return writes;
}

/* What a planner's unit is worth in the workload's unit of value. */
double
sk_write_cost_unit(const SkWrites *writes)
{
	return writes->unit;
}

/* ----------
 * Rows
 * ----------
 */
typedef int64 (*Counter) (Oid relid);

#define COUNTER(name, function) \
static int64 \
name(Oid relid) \
{ \
	return DatumGetInt64(DirectFunctionCall1(function, ObjectIdGetDatum(relid))); \
}

COUNTER(count_inserted, pg_stat_get_tuples_inserted)
COUNTER(count_updated, pg_stat_get_tuples_updated)
COUNTER(count_deleted, pg_stat_get_tuples_deleted)
COUNTER(count_hot, pg_stat_get_tuples_hot_updated)

/* Summed up over partitions. */
static double
count(Oid relid, Counter counter)
{
	double		sum = 0;
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return counter(relid);
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		sum += counter(lfirst_oid(lc));
	return sum;
}

/* Rows that the workload writes, each day or all in all. */
static double
rows_by(const SkWrites *writes, Oid relid, CmdType command,
		const SkIndex *changes)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, writes->queries)
	{
		const SkQuery *query = lfirst(lc);
		int			attnum = -1;

		if (query->target != relid || query->command != command)
			continue;
		if (changes == NULL)
			rows += query->changes * query->entry.calls;
		while (changes != NULL &&
			   (attnum = bms_next_member(query->changed, attnum)) >= 0)
		{
			if (sk_index_compare_reads(changes, attnum))
			{
				rows += query->changes * query->entry.calls;
				break;
			}
		}
	}
	return rows;
}

static double
rows_of(const SkWrites *writes, Oid relid, CmdType command, Counter counter)
{
	double		rows = rows_by(writes, relid, command, NULL);

	if (writes->days > 0)
		rows = Max(rows, count(relid, counter) / writes->days);
	return rows;
}

/* Rows that are deleted from a table, each day or all in all. */
double
sk_write_cost_deletes(const SkWrites *writes, Oid relid)
{
	return rows_of(writes, relid, CMD_DELETE, count_deleted);
}

/* Rows that UPDATEs change one of these columns of, each day or all in all. */
double
sk_write_cost_changes(const SkWrites *writes, Oid relid, const AttrNumber *columns,
					  int n)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, writes->queries)
	{
		const SkQuery *query = lfirst(lc);

		for (int i = 0; i < n; i++)
		{
			if (query->target == relid && query->command == CMD_UPDATE &&
				bms_is_member(columns[i], query->changed))
			{
				rows += query->changes * query->entry.calls;
				break;
			}
		}
	}
	return rows;
}

/* ----------
 * Entries
 * ----------
 */

/* An entry, in the planner's units. */
static double
entry_cost(double pages, int height, double entries)
{
	double		missed = Max(1 - effective_cache_size / Max(pages, 1), 0);

	if (height < 0)
		height = (int) ceil(log(Max(pages, 1)) / log(100));
	return entries * (cpu_index_tuple_cost +
					  (height + 1) * 50 * cpu_operator_cost +
					  missed * random_page_cost);
}

static bool
is_changed_already(const SkWrites *writes, Oid relid, List *existing)
{
	ListCell   *lc;

	foreach(lc, existing)
	{
		if (rows_by(writes, relid, CMD_UPDATE, lfirst(lc)) > 0)
			return true;
	}
	return false;
}

/*
 * What a new index costs, in the workload's unit of value, besides those that
 * its table has (SkIndex).
 */
double
sk_write_cost(const SkWrites *writes, SkHypothetical *what, List *existing)
{
	const SkIndex *index = what->index;
	double		pages = sk_whatif_pages(what);
	double		fraction = what->sized ? what->size.fraction : 1;
	double		entry = entry_cost(pages, what->sized ? what->size.height : -1,
								   what->sized ? what->size.entries : 1);
	double		other = entry_cost(pages, -1, 1);
	double		updated = rows_of(writes, index->relid, CMD_UPDATE, count_updated);
	double		counted = count(index->relid, count_updated);
	double		hot = counted > 0 ? count(index->relid, count_hot) / counted : 0.5;
	double		changing = Min(rows_by(writes, index->relid, CMD_UPDATE, index), updated);
	double		cost;

	if (index->am == BRIN_AM_OID)
		entry = cpu_index_tuple_cost;
	cost = rows_of(writes, index->relid, CMD_INSERT, count_inserted) * entry +
		rows_of(writes, index->relid, CMD_DELETE, count_deleted) * entry * VACUUM_SHARE;

	/* what changes a column of this index writes it; of the others, some do */
	cost += changing * entry + (updated - changing) * (1 - hot) * entry;
	if (changing > 0 && !SK_SUMMARIZES(index->am) &&
		!is_changed_already(writes, index->relid, existing))
		cost += changing * hot * list_length(existing) * other;
	return cost * fraction * writes->unit;
}
