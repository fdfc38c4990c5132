/*-------------------------------------------------------------------------
 *
 * audit/running.c
 *	  Transactions that may yet become part of the past.
 *
 * The server makes a transaction visible some time after the last of its events:
 * when the WAL is on disk, on a standby, or with COMMIT PREPARED.  So what is told of
 * a time is final when no transaction runs any more that did so then.  What
 * autovacuum does changes no rows.
 *
 * A standby does not know since when transactions run on the primary.  There, it is final
 * when a transaction has been replayed that was committed later.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/running.h"
#include "audit/commit.h"
#include "base/compat.h"
#include "base/spi.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "catalog/pg_type.h"
#include "common/controldata_utils.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/backend_status.h"
#include "utils/timestamp.h"

/* Does another session run a transaction that began before then and has written? */
static bool
is_any_running(TimestampTz at)
{
	int			count = pgstat_fetch_stat_numbackends();

	for (int i = 1; i <= count; i++)
	{
		const LocalPgBackendStatus *status = pgstat_get_local_beentry_by_index(i);

		if (status != NULL &&
			status->backendStatus.st_databaseid == MyDatabaseId &&
			status->backendStatus.st_procpid != MyProcPid &&
			status->backendStatus.st_backendType != B_AUTOVAC_WORKER &&
			status->backendStatus.st_xact_start_timestamp != 0 &&
			status->backendStatus.st_xact_start_timestamp <= at &&
			TransactionIdIsValid(status->backend_xid))
			return true;
	}
	return false;
}

static bool
is_any_prepared(TimestampTz at)
{
	static const Oid types[] = {TIMESTAMPTZOID};
	Datum		value = TimestampTzGetDatum(at);

	return max_prepared_xacts > 0 &&
		sk_spi_execute("SELECT FROM pg_catalog.pg_prepared_xacts AS p"
					   " WHERE p.prepared OPERATOR(pg_catalog.<=) $1"
					   " AND p.database OPERATOR(pg_catalog.=) pg_catalog.current_database()"
					   " LIMIT 1", 1, types, &value, SPI_OK_SELECT, NULL) > 0;
}

/*
 * On a standby: all that was committed before has been replayed.  If nothing has been since
 * it was started, that is so of what was committed before the checkpoint it began with.
 */
static TimestampTz
replayed_until(void)
{
	bool		crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	TimestampTz until = Max(GetLatestXTime(),
							crc_ok ? time_t_to_timestamptz(control->checkPointCopy.time) : 0);

	pfree(control);
	return until;
}

static void
tell(const char *table, const char *detail, const char *hint)
{
	ereport(NOTICE,
			(errmsg("what table \"%s\" was at that time is not final yet", table),
			 errdetail_internal("%s", detail), errhint("%s", hint)));
}

/*
 * Tell who asks for a time that is not over for all.  The end of time is what there is now.
 */
void
sk_audit_running_notice(const char *table, TimestampTz at)
{
	if (at != DT_NOEND && at > GetCurrentTimestamp())
		tell(table, "It is in the future.", "Query it again later.");
	else if (RecoveryInProgress() && at != DT_NOEND)
	{
		TimestampTz until = replayed_until();

		/* the only event of a transaction may be older than its commit */
		if (until - SK_AUDIT_COMMIT_SOON <= at)
			tell(table,
				 psprintf("The last transaction that this standby has replayed was committed at %s.",
						  timestamptz_to_str(until)),
				 "Query it again when later ones have been replayed, or on the primary.");
	}
	else if (is_any_running(at) || is_any_prepared(at))
		tell(table, "A transaction that had begun by then has not ended.",
			 psprintf("Query it again when no transaction is running that began before %s.",
					  timestamptz_to_str(at)));
}
