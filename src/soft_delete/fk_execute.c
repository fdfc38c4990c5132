/*-------------------------------------------------------------------------
 *
 * soft_delete/fk_execute.c
 *	  Executing the statements across a foreign key.
 *
 * They are executed as the owner of the table that they are about, as those of
 * the server's own foreign keys, and like these queue what they trigger behind
 * what is triggered already.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/fk_execute.h"
#include "base/rights.h"
#include "base/spi.h"
#include "soft_delete/fk_query.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

static SPIPlanPtr
plan_of(SkSoftLink *link, SkSoftAction action)
{
	int			nstamps = action >= SK_SOFT_FIND ? 0
		: action == SK_SOFT_RESTAMP ? 2 : 1;

	if (link->plans[action] == NULL)
		link->plans[action] = sk_spi_keep(link->sql[action],
										  link->nkeys + nstamps, link->types, 0);
	return link->plans[action];
}

/*
 * In a transaction with one snapshot, rows that it does not see would be left
 * out: then it fails to be serialized, as for the server's own foreign keys.
 */
static void
execute(SPIPlanPtr plan, Datum *values, const char *nulls, long limit)
{
	Snapshot	latest = InvalidSnapshot;
	Snapshot	own = InvalidSnapshot;

	if (IsolationUsesXactSnapshot())
	{
		CommandCounterIncrement();
		latest = GetLatestSnapshot();
		own = GetTransactionSnapshot();
	}
	if (SPI_execute_snapshot(plan, values, nulls, latest, own, false, false, limit) < 0)
		elog(ERROR, "could not execute a statement of soft delete");
}

/*
 * Execute it, and leave SPI connected.
 */
void
sk_soft_fk_execute(SkSoftLink *link, SkSoftAction action, Datum *values, long limit)
{
	SkRights	saved;

	sk_rights_assume_for_key(link->owner, &saved);
	SPI_connect();
	execute(plan_of(link, action), values, NULL, limit);
	sk_rights_restore(&saved);
}

/*
 * Give the row, of a partition of the table or of itself, that stamp; none if it
 * is NULL.  False if it has not been done.
 */
bool
sk_soft_fk_execute_stamp(Oid relid, AttrNumber column, Oid partition, ItemPointer tid,
						 const Timestamp *stamp)
{
	Relation	rel = table_open(relid, RowExclusiveLock);
	char	   *sql = sk_soft_fk_query_stamp(rel, column);
	Oid			types[] = {OIDOID, TIDOID, get_atttype(relid, column)};
	Datum		values[] = {ObjectIdGetDatum(partition), PointerGetDatum(tid),
	stamp ? TimestampGetDatum(*stamp) : (Datum) 0};
	SkRights	saved;
	bool		done;

	sk_rights_assume_for_key(rel->rd_rel->relowner, &saved);
	SPI_connect();
	execute(SPI_prepare(sql, lengthof(types), types), values, stamp ? NULL : "  n", 0);
	done = SPI_processed > 0;
	SPI_finish();
	sk_rights_restore(&saved);
	table_close(rel, NoLock);
	return done;
}

/* The row's values of the key; false if one is null, so that it joins nothing */
bool
sk_soft_fk_execute_values(const SkSoftLink *link, TupleTableSlot *row, Datum *values)
{
	for (int i = 0; i < link->nkeys; i++)
	{
		bool		isnull;

		values[i] = slot_getattr(row, link->attnums[i], &isnull);
		if (isnull)
			return false;
	}
	return true;
}
