/*-------------------------------------------------------------------------
 *
 * sk_audit_partition.c
 *	  The audit log's partitions: made ahead, and dropped when their time is
 *	  over.
 *
 * There is one for each month (of UTC), named audit_event_p2026_11.  What
 * finds none goes to the default partition, and is moved when its month gets
 * one: no write ever waits for maintenance to be done.
 *
 * Maintenance waits for writers no longer than a second, for while it waits
 * they wait behind it; it then says "busy", and the next run will do it.  A
 * partition is dropped only if no running transaction began before its end:
 * one that did may still want to write there.
 *
 * All is done as the log's owner, under fixed settings, so the caller's
 * search_path has no say.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schemakit.h"
#include "sk_arg.h"
#include "sk_audit_log.h"
#include "sk_audit_partition.h"
#include "sk_audit_protect.h"
#include "sk_compat.h"
#include "sk_guc.h"
#include "sk_spi.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define LOCK_WAIT_MS	1000

/* The log's tables, and the indexes that each partition gets. */
typedef struct LogTable
{
	const char *name;
	const char *indexes[3];
} LogTable;

static const LogTable log_tables[] = {
	{"audit_event", {
			"CREATE INDEX %s_key_hash_idx ON schemakit.%s (key_hash)",
			"CREATE INDEX %s_time_idx ON schemakit.%s USING brin (txn_id, at, changed_at) WITH (autosummarize = on)",
			NULL
	}},
	{"audit_txn", {
			"CREATE INDEX %s_txn_id_idx ON schemakit.%s (txn_id)",
			"CREATE INDEX %s_xid_idx ON schemakit.%s (xid)",
			NULL
	}},
};

/* A month: its name and bounds, as text in ISO format with time zone. */
typedef struct Month
{
	char	   *name;
	char	   *from;
	char	   *until;
} Month;

/* What is told of one partition; rsinfo NULL: nobody asks. */
static void
report(ReturnSetInfo *rsinfo, const char *partition, const char *action)
{
	Datum		values[2];
	bool		nulls[2] = {false};

	if (rsinfo == NULL)
		return;
	values[0] = CStringGetTextDatum(partition);
	values[1] = CStringGetTextDatum(action);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static uint64
run(int expected, const char *sql)
{
	return sk_spi_execute(sql, 0, NULL, NULL, expected, NULL);
}


/*-------------------------------------------------------------------------
 * Locks
 *-------------------------------------------------------------------------
 */

/* Lock the relation, but do not make others wait behind us for long. */
static bool
lock_soon(Oid relid, LOCKMODE lockmode)
{
	TimestampTz give_up = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													  LOCK_WAIT_MS);

	while (!ConditionalLockRelationOid(relid, lockmode))
	{
		if (GetCurrentTimestamp() >= give_up)
			return false;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(10 * 1000);
	}
	return true;
}

/*
 * Lock the relation, with others waiting behind us: those who hold a lock now
 * may go on for a second, no longer.
 */
static bool
lock_in_line(Oid relid, LOCKMODE lockmode)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool locked = false;
	int			nestlevel;

	if (ConditionalLockRelationOid(relid, lockmode))
		return true;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		nestlevel = NewGUCNestLevel();
		if (LockTimeout == 0 || LockTimeout > LOCK_WAIT_MS)
			(void) set_config_option("lock_timeout", "1s", PGC_USERSET,
									 PGC_S_SESSION, GUC_ACTION_SAVE, true,
									 0, false);
		LockRelationOid(relid, lockmode);
		AtEOXact_GUC(true, nestlevel);
		ReleaseCurrentSubTransaction();
		locked = true;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (edata->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
			edata->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
			ReThrowError(edata);
		FreeErrorData(edata);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return locked;
}

/* When did the oldest running transaction of this database begin? */
static TimestampTz
oldest_transaction(void)
{
	TimestampTz oldest = GetCurrentTimestamp();
	int			count = pgstat_fetch_stat_numbackends();

	for (int i = 1; i <= count; i++)
	{
		LocalPgBackendStatus *status = pgstat_get_local_beentry_by_index(i);

		if (status != NULL && status->backendStatus.st_procpid > 0 &&
			status->backendStatus.st_databaseid == MyDatabaseId &&
			status->backendStatus.st_xact_start_timestamp != 0)
			oldest = Min(oldest, status->backendStatus.st_xact_start_timestamp);
	}
	return oldest;
}


/*-------------------------------------------------------------------------
 * Making partitions
 *-------------------------------------------------------------------------
 */

/*
 * The months that have no partition: from the current one until the given
 * interval is over, and with "fallback" those of rows in the default partition.
 */
static List *
missing_months(const LogTable *table, Interval *premake, bool fallback)
{
	static const Oid types[] = {INTERVALOID};
	Datum		value = IntervalPGetDatum(premake);
	MemoryContext context = CurrentMemoryContext;
	List	   *months = NIL;
	char	   *moved = fallback
		? psprintf(" UNION SELECT date_trunc('month', at AT TIME ZONE 'UTC') FROM schemakit.%s_default WHERE isfinite(at)",
				   table->name)
		: "";
	char	   *sql = psprintf("SELECT to_char(m, '\"p\"YYYY_MM'), m::text || '+00', (m + '1 month')::text || '+00'"
							   " FROM (SELECT generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),"
							   " (now() + $1) AT TIME ZONE 'UTC', '1 month')%s) AS s(m)"
							   " WHERE to_regclass(format('schemakit.%%I', '%s_' || to_char(m, '\"p\"YYYY_MM'))) IS NULL ORDER BY m",
							   moved, table->name);

	SPI_connect();
	if (SPI_execute_with_args(sql, 1, (Oid *) types, &value, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list months");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		Month	   *month = palloc(sizeof(Month));
		char	  **fields[] = {&month->name, &month->from, &month->until};

		for (int f = 0; f < 3; f++)
			*fields[f] = SPI_getvalue(SPI_tuptable->vals[i],
									  SPI_tuptable->tupdesc, f + 1);
		months = lappend(months, month);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return months;
}

/* Nobody but the owner may do anything, whatever ALTER DEFAULT PRIVILEGES. */
static void
revoke_all(const char *partition)
{
	run(SPI_OK_UTILITY, psprintf("DO $do$DECLARE r text; BEGIN"
								 " FOR r IN SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END"
								 " FROM pg_class c, aclexplode(c.relacl) a"
								 " WHERE c.oid = 'schemakit.%s'::regclass AND a.grantee <> c.relowner"
								 " LOOP EXECUTE 'REVOKE ALL ON schemakit.%s FROM ' || r; END LOOP; END$do$",
								 partition, partition));
}

/* Rows of the month that went to the default partition; how many? */
static uint64
move_rows(const LogTable *table, const char *partition, const Month *month)
{
	return run(SPI_OK_INSERT,
			   psprintf("WITH moved AS (DELETE FROM schemakit.%s_default WHERE at >= '%s' AND at < '%s' RETURNING *)"
						" INSERT INTO schemakit.%s SELECT * FROM moved",
						table->name, month->from, month->until, partition));
}

static void
make_partition(ReturnSetInfo *rsinfo, const LogTable *table, const Month *month)
{
	char	   *partition = psprintf("%s_%s", table->name, month->name);
	uint64		moved;

	run(SPI_OK_UTILITY, psprintf("CREATE TABLE schemakit.%s (LIKE schemakit.%s)",
								 partition, table->name));
	revoke_all(partition);
	moved = move_rows(table, partition, month);
	for (const char *const *index = table->indexes; *index; index++)
		run(SPI_OK_UTILITY, psprintf(*index, partition, partition));
	run(SPI_OK_UTILITY, psprintf("CREATE TRIGGER audit_protect_truncate BEFORE TRUNCATE ON schemakit.%s"
								 " FOR EACH STATEMENT EXECUTE FUNCTION schemakit.audit_protect()",
								 partition));
	run(SPI_OK_UTILITY, psprintf("ALTER TABLE schemakit.%s ATTACH PARTITION schemakit.%s FOR VALUES FROM ('%s') TO ('%s')",
								 table->name, partition, month->from, month->until));
	report(rsinfo, partition, moved == 0 ? "created"
		   : psprintf("created, rows moved: " UINT64_FORMAT, moved));
}

static Datum
as_timestamptz(const char *text)
{
	return DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/*
 * Is a part of the month somebody's own partition already?  Those who divide
 * the log otherwise see to it themselves.
 */
static bool
is_taken(const LogTable *table, const Month *month)
{
	Relation	rel = table_open(sk_audit_log_relid(table->name), AccessShareLock);
	PartitionDesc partdesc = RelationGetPartitionDesc(rel, true);
	PartitionBoundInfo bounds = partdesc->boundinfo;
	TimestampTz from = DatumGetTimestampTz(as_timestamptz(month->from));
	TimestampTz until = DatumGetTimestampTz(as_timestamptz(month->until));
	bool		taken = false;

	for (int i = 0; partdesc->nparts > 0 && i < bounds->ndatums; i++)
	{
		/* a bound is the end of the partition that its index names */
		TimestampTz end = bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE
			? DatumGetTimestampTz(bounds->datums[i][0]) : DT_NOEND;
		TimestampTz begin = i > 0 && bounds->kind[i - 1][0] == PARTITION_RANGE_DATUM_VALUE
			? DatumGetTimestampTz(bounds->datums[i - 1][0]) : DT_NOBEGIN;

		taken |= bounds->indexes[i] >= 0 && begin < until && from < end;
	}
	table_close(rel, NoLock);
	return taken;
}

/* One maintenance at a time; writers mind only if they use the default. */
static bool
lock_table(ReturnSetInfo *rsinfo, const LogTable *table)
{
	char	   *fallback = psprintf("%s_default", table->name);

	if (lock_soon(sk_audit_log_relid(table->name), ShareUpdateExclusiveLock) &&
		lock_soon(sk_audit_log_relid(fallback), AccessExclusiveLock))
		return true;
	report(rsinfo, table->name, "busy");
	return false;
}

static bool
is_empty(const char *table)
{
	return run(SPI_OK_SELECT, psprintf("SELECT FROM schemakit.%s LIMIT 1", table)) == 0;
}

/* "ahead": nothing but what can be made without moving rows */
static void
make_partitions(ReturnSetInfo *rsinfo, Interval *premake, bool ahead)
{
	for (size_t i = 0; i < lengthof(log_tables); i++)
	{
		const LogTable *table = &log_tables[i];
		ListCell   *lc;

		if (missing_months(table, premake, !ahead) == NIL ||
			(ahead && !is_empty(psprintf("%s_default", table->name))) ||
			!lock_table(rsinfo, table))
			continue;
		/* asked again now that nobody else makes them */
		foreach(lc, missing_months(table, premake, !ahead))
		{
			if (!is_taken(table, lfirst(lc)))
				make_partition(rsinfo, table, lfirst(lc));
		}
	}
}


/*-------------------------------------------------------------------------
 * Dropping partitions
 *-------------------------------------------------------------------------
 */

/* The table's partitions that end before that time. */
static List *
ended_partitions(Oid relid, TimestampTz before)
{
	Relation	table = table_open(relid, AccessShareLock);
	PartitionDesc partdesc = RelationGetPartitionDesc(table, true);
	PartitionBoundInfo bounds = partdesc->boundinfo;
	List	   *ended = NIL;

	for (int i = 0; partdesc->nparts > 0 && i < bounds->ndatums; i++)
	{
		int			part = bounds->indexes[i];

		/* a bound is the end of the partition that its index names */
		if (part >= 0 && bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE &&
			DatumGetTimestampTz(bounds->datums[i][0]) <= before)
			ended = lappend_oid(ended, partdesc->oids[part]);
	}
	table_close(table, NoLock);
	return ended;
}

static void
drop_partition(ReturnSetInfo *rsinfo, Oid tableid, Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (!lock_in_line(tableid, AccessExclusiveLock) ||
		!lock_in_line(relid, AccessExclusiveLock))
	{
		report(rsinfo, name, "busy");
		return;
	}
	run(SPI_OK_UTILITY, psprintf("DROP TABLE %s",
								 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
															name)));
	report(rsinfo, name, "dropped");
}

static void
empty_default(ReturnSetInfo *rsinfo, const LogTable *table, TimestampTz before)
{
	uint64		deleted = run(SPI_OK_DELETE,
							  psprintf("DELETE FROM schemakit.%s_default WHERE at < '%s'",
									   table->name, timestamptz_to_str(before)));

	if (deleted > 0)
		report(rsinfo, psprintf("%s_default", table->name),
			   psprintf("rows deleted: " UINT64_FORMAT, deleted));
}

static void
drop_partitions(ReturnSetInfo *rsinfo, Interval *retain)
{
	TimestampTz before = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
																 TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
																 IntervalPGetDatum(retain)));

	before = Min(before, oldest_transaction());
	for (size_t i = 0; i < lengthof(log_tables); i++)
	{
		Oid			relid = sk_audit_log_relid(log_tables[i].name);
		ListCell   *lc;

		empty_default(rsinfo, &log_tables[i], before);
		foreach(lc, ended_partitions(relid, before))
			drop_partition(rsinfo, relid, lfirst_oid(lc));
	}
}


/*-------------------------------------------------------------------------
 * The whole
 *-------------------------------------------------------------------------
 */

/* Without "rsinfo" nobody asked: only what is quickly done. */
static void
maintain(ReturnSetInfo *rsinfo, Interval *premake, Interval *retain)
{
	Relation	table = table_open(sk_audit_log_relid("audit_event"),
								   AccessShareLock);
	Oid			owner = table->rd_rel->relowner;
	int			nestlevel = sk_guc_pin();
	Oid			role;
	int			sec_context;

	table_close(table, NoLock);
	GetUserIdAndSecContext(&role, &sec_context);
	SetUserIdAndSecContext(owner, sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	sk_audit_protect_off = true;
	PG_TRY();
	{
		make_partitions(rsinfo, premake, rsinfo == NULL);
		if (retain != NULL)
			drop_partitions(rsinfo, retain);
	}
	PG_FINALLY();
	{
		sk_audit_protect_off = false;
	}
	PG_END_TRY();
	SetUserIdAndSecContext(role, sec_context);
	sk_guc_unpin(nestlevel);
}

/*
 * Partitions for now and the next three months, if that can be done at once: no
 * rows have to be moved, and nobody is writing to the default partition.
 */
void
sk_audit_partition_ensure(void)
{
	Interval	premake = {.month = 3};

	maintain(NULL, &premake, NULL);
}

static Interval *
positive_interval(FunctionCallInfo fcinfo, int arg, const char *name)
{
	Interval	zero = {0};
	Datum		value = PG_GETARG_DATUM(arg);

	if (DatumGetBool(DirectFunctionCall2(interval_lt, value,
										 IntervalPGetDatum(&zero))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", name),
				 errhint("Write an interval like '3 months'.")));
	return DatumGetIntervalP(value);
}

/*
 * schemakit.audit_maintain(premake interval, retain interval)
 *		RETURNS SETOF (partition text, action text)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_maintain);
Datum
schemakit_audit_maintain(PG_FUNCTION_ARGS)
{
	Interval   *premake;
	Interval   *retain = NULL;

	sk_arg_reject_null(fcinfo, 0, "premake");
	premake = positive_interval(fcinfo, 0, "premake");
	if (!PG_ARGISNULL(1))
		retain = positive_interval(fcinfo, 1, "retain");
	PreventCommandIfReadOnly("audit_maintain()");
	InitMaterializedSRF(fcinfo, 0);
	maintain((ReturnSetInfo *) fcinfo->resultinfo, premake, retain);
	return (Datum) 0;
}
