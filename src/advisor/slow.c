/*-------------------------------------------------------------------------
 *
 * advisor/slow.c
 *	  Statements that take longer than their plans say.
 *
 * Where a statement takes many times as long as its plan would cost in other statements,
 * the planner is wrong about it, and an index that would help looks useless.  The most
 * common cause is a LIMIT whose rows are rare or far away: so such a statement is planned
 * as if that were so.  If that does not explain the time, the caller is told what may.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "advisor/slow.h"

#include "advisor/search/write_cost.h"

#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"

/* So many times as long, and so many milliseconds a call */
#define MANY_TIMES 10
#define LEAST_MS 1

/* What is assumed instead explains the time if it is this part of it at least. */
#define EXPLAINED 0.2

static bool
is_primary_key(Oid indexid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	bool		is_primary = HeapTupleIsValid(tuple) &&
		((Form_pg_index) GETSTRUCT(tuple))->indisprimary;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return is_primary;
}

/*
 * Were the plan's indexes there when the time was measured?  A primary key was, as a
 * rule.  Another index that was scanned less often than the statement was called may have
 * come since, as one that was advised.
 */
static bool
had_indexes(const SkAdvice *advice, const SkQuery *query)
{
	double		calls = floor(query->entry.calls * advice->workload->days);
	ListCell   *lc;

	foreach(lc, query->indexes)
	{
		Datum		scans = DirectFunctionCall1(pg_stat_get_numscans, ObjectIdGetDatum(lfirst_oid(lc)));

		if (DatumGetInt64(scans) < calls && !is_primary_key(lfirst_oid(lc)))
			return false;
	}
	return true;
}

static void
look_at(const SkAdvice *advice, SkQuery *query)
{
	double		ms = query->entry.value / query->entry.calls;
	double		measured = ms / sk_write_cost_unit(advice->writes);
	double		before = query->cost;

	if (ms < LEAST_MS || measured < MANY_TIMES * before || !had_indexes(advice, query))
		return;
	query->slow = measured / before;
	if (sk_query_doubt(query, Max(measured * EXPLAINED, 2 * before)))
		query->least_saving *= query->cost / before;
}

/*
 * Find them, and plan them so that the plans tell what they cost.  What reads no table
 * takes the time of its functions.
 */
void
sk_advice_slow_find(SkAdvice *advice)
{
	ListCell   *lc;

	if (!advice->workload->measured)
		return;
	foreach(lc, advice->queries)
	{
		SkQuery    *query = lfirst(lc);

		if (query->entry.sqlerrcode == 0 && query->entry.calls > 0 && query->cost > 0 &&
			query->costs != NIL && query->accesses != NIL)
			look_at(advice, query);
	}
}
