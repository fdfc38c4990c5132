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

#include "audit/closed.h"
#include "audit/committed.h"
#include "audit/expire.h"
#include "audit/granted.h"
#include "audit/keep.h"
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
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/array.h"
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
	SkAuditKeep *keep;			/* what is kept for another time */
	const char *archive;		/* schema for partitions; NULL: drop them */
	int64		max_rows;		/* to delete singly */
	List	   *months;			/* to make */
	List	   *ended;			/* OIDs of partitions to drop */
	List	   *kept;			/* those that have events that are kept */
	List	   *taken;			/* those whose name is in use in the archive */
	List	   *indexed;		/* names of partitions, and what was done */
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

/*
 * Who is about to hold events, or to have them kept longer, is waited for; and whoever
 * comes later finds what is left.
 */
static void
lock_what_is_kept(void)
{
	lock_by_chance(sk_audit_log_relid("audit_holds"), ShareLock);
	lock_by_chance(sk_audit_log_relid("audit_retained"), ShareLock);
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

/* Partitions whose time is over, and what of them has to stay */
static void
plan_ended(Maintenance *m)
{
	ListCell   *lc;

	m->ended = m->kept = m->taken = NIL;
	if (m->retain == NULL)
		return;
	foreach(lc, sk_audit_partition_ended(m->before))
	{
		if (m->keep->any && sk_audit_expire_has_kept(m->keep, lfirst_oid(lc)))
			m->kept = lappend_oid(m->kept, lfirst_oid(lc));
		else if (m->archive != NULL &&
				 sk_audit_partition_is_name_taken(lfirst_oid(lc), m->archive))
			m->taken = lappend_oid(m->taken, lfirst_oid(lc));
		else
			m->ended = lappend_oid(m->ended, lfirst_oid(lc));
	}
}

static void
plan(Maintenance *m)
{
	m->months = sk_audit_partition_missing(m->premake);
	plan_ended(m);
}

static bool
has_plan(const Maintenance *m)
{
	return m->months != NIL || m->ended != NIL;
}

static void
report_deleted(Maintenance *m, const char *partition, uint64 deleted)
{
	if (deleted == 0)
		return;
	m->removed = true;
	report(m->rsinfo, partition, psprintf("rows deleted: " UINT64_FORMAT, deleted));
}

/*
 * Remove single events: those that are too old in the default partition and in those that
 * have to stay, and those of tables that have a time of their own in all.  What is to be
 * archived as a whole is left alone, in the default partition, too: it gets a month.
 */
static void
remove_events(Maintenance *m)
{
	bool		old = m->retain != NULL && m->archive == NULL;
	List	   *partitions = NIL;
	List	   *expired_list;
	bool		more;
	ListCell   *lc;

	if (!m->keep->any)
	{
		if (old)
			report_deleted(m, "audit_event_default", sk_audit_partition_empty_default(m->before));
		return;
	}
	plan_ended(m);
	if (old)
		partitions = lappend_oid(list_copy(m->kept), sk_audit_log_relid("audit_event_default"));
	expired_list = sk_audit_expire_events(m->keep, old ? m->before : DT_NOBEGIN, partitions,
										  m->max_rows, &more);
	foreach(lc, expired_list)
	{
		const SkAuditExpired *expired = lfirst(lc);

		report_deleted(m, get_rel_name(expired->partition), expired->rows);
	}
	if (more)
		report(m->rsinfo, "audit_event", "more rows to delete");
}

/* What takes long, while everybody goes on */
static void
prepare(Maintenance *m)
{
	ListCell   *lc;

	remove_events(m);
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
drop_partition(ReturnSetInfo *rsinfo, Oid relid, const char *archive)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	if (!ConditionalLockRelationOid(relid, AccessExclusiveLock))
	{
		report(rsinfo, name, "busy");
		return;
	}
	if (archive != NULL)
	{
		sk_audit_partition_archive(relid, archive);
		report(rsinfo, name, "archived");
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
		drop_partition(m->rsinfo, lfirst_oid(lc), m->archive);
	m->removed |= m->ended != NIL;
}

/* Are there events that are too old? */
static bool
removes_events(const Maintenance *m)
{
	return !sk_audit_partition_is_default_empty() ||
		sk_audit_partition_ended(m->before) != NIL;
}

/* A table that has a time of its own, and since when it is complete then */
typedef struct KeptTable
{
	int64		rel_id;
	TimestampTz since;
} KeptTable;

static bool
is_listed(List *tables, int64 rel_id)
{
	ListCell   *lc;

	foreach(lc, tables)
	{
		if (((KeptTable *) lfirst(lc))->rel_id == rel_id)
			return true;
	}
	return false;
}

/* Those of which events may go now.  Before they have gone, it is known since when. */
static List *
kept_tables(const SkAuditKeep *keep)
{
	Datum	   *rel_ids;
	Datum	   *befores;
	int			count;
	List	   *tables = NIL;

	deconstruct_array(DatumGetArrayTypeP(keep->rel_ids), INT8OID, 8, FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &rel_ids, NULL, &count);
	deconstruct_array(DatumGetArrayTypeP(keep->befores), TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &befores, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		int64		rel_id = DatumGetInt64(rel_ids[i]);
		TimestampTz before = DatumGetTimestampTz(befores[i]);
		KeptTable  *table;

		if (TIMESTAMP_NOT_FINITE(before) || is_listed(tables, rel_id))
			continue;
		table = palloc(sizeof(KeptTable));
		table->rel_id = rel_id;
		table->since = sk_audit_retention_end(before);
		tables = lappend(tables, table);
	}
	return tables;
}

/* Record since when the log is complete, if any have gone. */
static void
record(const Maintenance *m, List *tables)
{
	ListCell   *lc;

	if (!m->removed)
		return;
	if (m->complete_since != 0)
		sk_audit_retention_record(m->complete_since, m->keep->rel_ids);
	foreach(lc, tables)
	{
		const KeptTable *table = lfirst(lc);

		if (sk_audit_retention_since(table->rel_id) < table->since)
			sk_audit_retention_record_table(table->since, table->rel_id);
	}
}

static void
maintain(void *arg)
{
	Maintenance *m = arg;
	List	   *tables;
	ListCell   *lc;

	lock_what_is_kept();
	m->keep = sk_audit_keep_read(oldest_transaction());
	if (m->retain != NULL)
		m->before = end_of_retention(m->retain);
	if (m->retain != NULL && removes_events(m))
		m->complete_since = sk_audit_retention_end(m->before);
	tables = kept_tables(m->keep);
	sk_audit_granted_forget_gone();
	prepare(m);
	if (has_plan(m))
		finish(m);
	foreach(lc, m->taken)
		report(m->rsinfo, get_rel_name(lfirst_oid(lc)), "not archived, the name is in use");
	record(m, tables);
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

/* The server will forget when transactions were committed. */
static void
keep_times(Maintenance *m)
{
	uint64		kept = sk_audit_committed_keep();

	if (kept > 0)
		report(m->rsinfo, "audit_event", psprintf("commit times kept: " UINT64_FORMAT, kept));
}

/*
 * Indexes of partitions that are over.  A partition that somebody has locked gets
 * them next time.  This is done first, since it takes long, while nobody is kept from
 * anything; and it is not undone if a lock cannot be had for the rest.
 */
static void
index_closed(void *arg)
{
	Maintenance *m = arg;
	TimestampTz kept = m->retain != NULL ? end_of_retention(m->retain) : DT_NOBEGIN;
	ListCell   *lc;

	foreach(lc, sk_audit_closed_without_indexes(kept, oldest_transaction()))
	{
		Oid			relid = lfirst_oid(lc);
		bool		locked = ConditionalLockRelationOid(relid, ShareLock);

		if (locked)
			sk_audit_closed_make_indexes(relid);
		m->indexed = lappend(m->indexed, get_rel_name(relid));
		m->indexed = lappend(m->indexed, locked ? "indexed" : "busy");
	}
}

static void
index_or_undo(Maintenance *m)
{
	ErrorData  *failure = sk_guard_try(index_closed, m, is_busy);

	if (failure == NULL)
		return;
	FreeErrorData(failure);
	m->indexed = NIL;
}

static void
report_indexed(Maintenance *m)
{
	for (int i = 0; i < list_length(m->indexed); i += 2)
		report(m->rsinfo, list_nth(m->indexed, i), list_nth(m->indexed, i + 1));
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
		index_or_undo(m);
		keep_times(m);
		maintain_or_undo(m);
		report_indexed(m);
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

/* The schema to which partitions go; not ours, of which the log is a part. */
static const char *
archive_argument(char *schema)
{
	if (strcmp(schema, SK_SCHEMA) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be another schema than \"%s\"",
						"archive", SK_SCHEMA)));
	sk_audit_partition_check_archive(schema);
	return schema;
}

/*
 * schemakit.audit_maintain(premake interval, retain interval, force boolean,
 *		archive text, max_rows bigint)
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
	if (!PG_ARGISNULL(3))
		m.archive = archive_argument(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	m.max_rows = sk_arg_max_rows(fcinfo, 4);
	PreventCommandIfReadOnly("audit_maintain()");
	InitMaterializedSRF(fcinfo, 0);
	maintain_as_owner(&m);
	return (Datum) 0;
}
