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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/running.h"
#include "base/compat.h"
#include "base/spi.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "catalog/pg_type.h"
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
 * Tell who asks for a time that is not over for all.
 */
void
sk_audit_running_notice(const char *table, TimestampTz at)
{
	if (!is_any_running(at) && !is_any_prepared(at))
		return;
	ereport(NOTICE,
			(errmsg("what table \"%s\" was at that time is not final yet", table),
			 errdetail("A transaction that had begun by then has not ended."),
			 errhint("Query it again when no transaction is running that began before %s.",
					 timestamptz_to_str(at))));
}
