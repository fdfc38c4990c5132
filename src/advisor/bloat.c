/*-------------------------------------------------------------------------
 *
 * advisor/bloat.c
 *	  Indexes that are larger than they would be if they were built now.
 *
 * What an index would take is estimated from the statistics of its table, as for an index
 * that does not exist.  That is done only where the estimate is good: for b-trees on columns
 * that have statistics, which are not old.  A b-tree into which values come in no order is
 * two thirds full, and is no larger than it has to be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/bloat.h"

#include "advisor/plan/whatif.h"
#include "base/guard.h"
#include "base/table.h"

#include "catalog/pg_am.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include <math.h>

/* It must be so many times as large as estimated, and so many bytes larger. */
#define MANY_TIMES 2
#define LEAST_WON (1024.0 * 1024)

/* If more than this part of a table has changed, its statistics are old. */
#define MUCH_CHANGED 0.1

static bool
has_statistics(const SkIndex *index)
{
	double		rows = sk_table_rows(index->relid);
	Datum		changed = DirectFunctionCall1(pg_stat_get_mod_since_analyze,
											  ObjectIdGetDatum(index->relid));

	if (rows < 0 || DatumGetInt64(changed) > MUCH_CHANGED * rows)
		return false;
	for (int i = 0; i < index->nkeys; i++)
	{
		if (index->keys[i].attnum <= 0 ||
			!SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(index->relid),
								   Int16GetDatum(index->keys[i].attnum), BoolGetDatum(false)))
			return false;
	}
	for (int i = 0; i < index->ninclude; i++)
	{
		if (!SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(index->relid),
								   Int16GetDatum(index->include[i]), BoolGetDatum(false)))
			return false;
	}
	return true;
}

typedef struct Estimate
{
	const SkIndex *index;
	double		bytes;
} Estimate;

static void
estimate(void *arg)
{
	Estimate   *work = arg;

	sk_table_hold(work->index->relid);
	if (has_statistics(work->index))
		work->bytes = sk_whatif_pages(sk_whatif_index(work->index, NULL)) * BLCKSZ;
}

/*
 * The bytes that would be won if an index of so many were built again; 0 if they are few, or
 * if that cannot be told.  It is no index on a partitioned table.
 */
double
sk_advice_bloat_won(const SkIndex *index, double bytes)
{
	Estimate	work = {index, INFINITY};

	if (index->am != BTREE_AM_OID || bytes < LEAST_WON)
		return 0;
	(void) sk_guard_rehearse(estimate, &work);
	if (bytes < MANY_TIMES * work.bytes || bytes - work.bytes < LEAST_WON)
		return 0;
	return bytes - work.bytes;
}
