/*-------------------------------------------------------------------------
 *
 * audit/maintain.c
 *	  Maintenance of the audit log: partitions are made ahead, and dropped when
 *	  their time is over.
 *
 * What takes long is done while everybody goes on: new partitions are filled
 * and indexed before they become partitions.  Only then are locks taken that
 * keep others away.  The first of them is waited for in line, so that it is had at
 * some time however many writers there are; for the others we only ask again and
 * again, so that nobody who holds one and waits for us can be in a deadlock.  Each
 * is waited for no longer than a second; if that is not enough all is undone and the
 * answer is "busy": the next run will do it.
 *
 * A partition is dropped only if no running transaction began before its end:
 * one that did may still want to write there.
 *
 * All is done as the log's owner, under fixed settings, so the caller's
 * search_path has no say.
 *
 * Only audit_maintain() does any of this, which ordinary roles may not call.  What
 * they may call, as audit_enable(), must not lock the log more strongly than an
 * event does: it may be part of a transaction that stays open.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/granted.h"
#include "audit/log.h"
#include "audit/partition.h"
#include "audit/protect.h"
#include "audit/retention.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/rights.h"
#include "base/spi.h"
#include "schemakit.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define LOCK_WAIT_MS	1000

typedef struct Maintenance
{
	ReturnSetInfo *rsinfo;
	Interval   *premake;
	Interval   *retain;			/* NULL: forever */
	TimestampTz before;			/* what began earlier is too old */
	TimestampTz complete_since; /* if that is removed */
	bool		removed;		/* have any been? */
	List	   *months;			/* to make */
	List	   *ended;			/* OIDs of partitions to drop */
} Maintenance;

/* What is reported about one partition. */
static void
report(ReturnSetInfo *rsinfo, const char *partition, const char *action)
{
	Datum		values[2];
	bool		nulls[2] = {false};

	values[0] = CStringGetTextDatum(partition);
	values[1] = CStringGetTextDatum(action);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}


/*-------------------------------------------------------------------------
 * Locks
 *-------------------------------------------------------------------------
 */

/* Lock the relation, without making others wait behind us. */
static void
lock_by_chance(Oid relid, LOCKMODE lockmode)
{
	TimestampTz give_up = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													  LOCK_WAIT_MS);

	while (!ConditionalLockRelationOid(relid, lockmode))
	{
		if (GetCurrentTimestamp() >= give_up)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("could not obtain lock on relation \"%s\"",
							get_rel_name(relid)),
					 errhint("Try again.")));
		CHECK_FOR_INTERRUPTS();
		pg_usleep(10 * 1000);
	}
}

/* Lock the relation when it is our turn. */
static void
lock_in_line(Oid relid, LOCKMODE lockmode)
{
	int			nestlevel = NewGUCNestLevel();

	if (LockTimeout == 0 || LockTimeout > LOCK_WAIT_MS)
		(void) set_config_option("lock_timeout", "1s", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	LockRelationOid(relid, lockmode);
	AtEOXact_GUC(true, nestlevel);
}


/*-------------------------------------------------------------------------
 * What is to be done
 *-------------------------------------------------------------------------
 */

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


/* What began before that time is no longer kept. */
static TimestampTz
end_of_retention(Interval *retain)
{
	Datum		now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	Datum		before = DirectFunctionCall2(timestamptz_mi_interval, now,
											 IntervalPGetDatum(retain));

	return Min(DatumGetTimestampTz(before), oldest_transaction());
}

static void
plan(Maintenance *m)
{
	m->months = sk_audit_partition_missing(m->premake);
	m->ended = m->retain == NULL ? NIL : sk_audit_partition_ended(m->before);
}

static bool
has_plan(const Maintenance *m)
{
	return m->months != NIL || m->ended != NIL;
}

static void
empty_default(Maintenance *m)
{
	uint64		deleted = sk_audit_partition_empty_default(m->before);

	if (deleted == 0)
		return;
	m->removed = true;
	report(m->rsinfo, "audit_event_default",
		   psprintf("rows deleted: " UINT64_FORMAT, deleted));
}

/* What takes long, while everybody goes on */
static void
prepare(Maintenance *m)
{
	ListCell   *lc;

	if (m->retain != NULL)
		empty_default(m);
	plan(m);
	if (!has_plan(m))
		return;

	/* one maintenance at a time; what another one did is not done again */
	lock_by_chance(sk_audit_log_relid("audit_event"), ShareUpdateExclusiveLock);
	plan(m);
	foreach(lc, m->months)
		sk_audit_partition_prepare(lfirst(lc));
}

/* Keep everybody away from the default partition, or if need be from all. */
static void
lock_away(const Maintenance *m)
{
	Oid			fallback = sk_audit_log_relid("audit_event_default");

	lock_in_line(m->ended != NIL ? sk_audit_log_relid("audit_event") : fallback,
				 AccessExclusiveLock);
	lock_by_chance(fallback, AccessExclusiveLock);
}

/* Who reads it alone is not waited for: all others wait for us by now. */
static void
drop_partition(ReturnSetInfo *rsinfo, Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	if (!ConditionalLockRelationOid(relid, AccessExclusiveLock))
	{
		report(rsinfo, name, "busy");
		return;
	}
	sk_audit_partition_release(relid);
	sk_spi_execute(psprintf("DROP TABLE %s", quote_qualified_identifier(schema, name)),
				   0, NULL, NULL, SPI_OK_UTILITY, NULL);
	report(rsinfo, name, "dropped");
}

static void
attach_partition(ReturnSetInfo *rsinfo, SkLogMonth *month)
{
	sk_audit_partition_attach(month);
	report(rsinfo, month->partition, month->moved == 0 ? "created"
		   : psprintf("created, rows moved: " UINT64_FORMAT, month->moved));
}

static void
finish(Maintenance *m)
{
	ListCell   *lc;

	lock_away(m);
	foreach(lc, m->months)
		attach_partition(m->rsinfo, lfirst(lc));
	foreach(lc, m->ended)
		drop_partition(m->rsinfo, lfirst_oid(lc));
	m->removed |= m->ended != NIL;
}

/* Are there events that are too old? */
static bool
removes_events(const Maintenance *m)
{
	return !sk_audit_partition_is_default_empty() ||
		sk_audit_partition_ended(m->before) != NIL;
}

static void
maintain(void *arg)
{
	Maintenance *m = arg;

	if (m->retain != NULL)
		m->before = end_of_retention(m->retain);
	if (m->retain != NULL && removes_events(m))
		m->complete_since = sk_audit_retention_end(m->before);
	sk_audit_granted_forget_gone();
	prepare(m);
	if (has_plan(m))
		finish(m);
	if (m->removed && m->complete_since != 0)
		sk_audit_retention_record(m->complete_since);
}

/*
 * Is it an error that comes of others working with the log?  In a transaction
 * with one snapshot, rows that it does not see may keep a partition from being
 * attached.
 */
static bool
is_busy(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		edata->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		(edata->sqlerrcode == ERRCODE_CHECK_VIOLATION &&
		 IsolationUsesXactSnapshot());
}

/* As one that is done or undone as a whole */
static void
maintain_or_undo(Maintenance *m)
{
	ErrorData  *failure = sk_guard_try(maintain, m, is_busy);

	if (failure == NULL)
		return;
	FreeErrorData(failure);
	tuplestore_clear(m->rsinfo->setResult);
	report(m->rsinfo, "audit_event", "busy");
}

static void
maintain_as_owner(Maintenance *m)
{
	Oid			owner = sk_audit_log_owner();
	SkRights	saved;

	sk_rights_assume(owner, &saved);
	sk_audit_protect_off = true;
	PG_TRY();
	{
		maintain_or_undo(m);
	}
	PG_FINALLY();
	{
		sk_audit_protect_off = false;
	}
	PG_END_TRY();
	sk_rights_restore(&saved);
}

/*
 * The months ahead, each of which is a partition.  Years of them are a retention
 * in the wrong place, most likely.
 */
static Interval *
premake_argument(FunctionCallInfo fcinfo)
{
	static const Interval most = {.month = 12};
	Interval   *premake;

	sk_arg_reject_null(fcinfo, 0, "premake");
	premake = sk_arg_interval(fcinfo, 0, "premake");
	if (DatumGetBool(DirectFunctionCall2(interval_gt, IntervalPGetDatum(premake),
										 IntervalPGetDatum(&most))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be longer than one year", "premake"),
				 errhint("To keep events for some time, write retain => '2 years'.")));
	return premake;
}

/*
 * schemakit.audit_maintain(premake interval, retain interval, force boolean)
 *		RETURNS SETOF (partition text, action text)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_maintain);
Datum
schemakit_audit_maintain(PG_FUNCTION_ARGS)
{
	Maintenance m = {
		.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo,
	};

	sk_arg_reject_null(fcinfo, 2, "force");
	m.premake = premake_argument(fcinfo);
	if (!PG_ARGISNULL(1))
		m.retain = sk_arg_retention(fcinfo, 1, "retain", PG_GETARG_BOOL(2));
	PreventCommandIfReadOnly("audit_maintain()");
	InitMaterializedSRF(fcinfo, 0);
	maintain_as_owner(&m);
	return (Datum) 0;
}
