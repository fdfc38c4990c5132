/*-------------------------------------------------------------------------
 *
 * audit/versions.c
 *	  schemakit.audit_versions(): what rows were, and when.
 *
 * A version is valid from the commit of the transaction that made it until that of the
 * one that changed it again: for every time, the versions that are valid then are what
 * audit_as_of() returns.  What a transaction has changed twice has one version.
 *
 * Both the events and the rows that are there now are sorted by the hash of the key, and
 * gone through together, so memory is needed for one row with all that happened to it.
 * Of each row, events are taken back from the latest one on.
 *
 * Which columns can be told, and which column it was then that events name, depends on
 * the time (told.c).  So for each shape of the table there is a period, with what is
 * known of it.  A version is looked at in each period, and ends with it if it looks
 * different in the next one, as when a column was added.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/version.h"
#include "audit/as_of.h"
#include "audit/committed.h"
#include "audit/descendants.h"
#include "audit/key_hash.h"
#include "audit/options.h"
#include "audit/past.h"
#include "audit/running.h"
#include "audit/spelling.h"
#include "audit/told.h"
#include "audit/version_row.h"
#include "audit/version_stream.h"
#include "base/arg.h"
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"


/*-------------------------------------------------------------------------
 * Periods
 *-------------------------------------------------------------------------
 */

/* What sk_audit_past_put() has made */
static void
receive(SkAuditPast *past, Datum *values, bool *nulls)
{
	((SkAuditVersionPeriod *) past)->versions->made =
		heap_copy_tuple_as_datum(heap_form_tuple(past->result, values, nulls), past->result);
}

static void
open_period(SkAuditVersions *versions, TimestampTz since, bool quiet)
{
	SkAuditVersionPeriod *period = &versions->periods[versions->nperiods++];

	memset(period, 0, sizeof(SkAuditVersionPeriod));
	period->versions = versions;
	period->since = since;
	period->past.quiet = quiet;
	period->past.receive = receive;
	sk_audit_as_of_open(&period->past, versions->relid, since, versions->rsinfo);
	period->past.result = period->past.reader->tupdesc;
	if (versions->parent != NULL)
	{
		sk_audit_past_map(&period->past, versions->parent);
		period->past.result = versions->parent->reader->tupdesc;
	}
}

/* The table was truncated without record of its rows: nothing is known of before. */
static void
look_at_truncation(SkAuditVersions *versions, const SkAuditReader *reader)
{
	static const Oid types[] = {INT4ARRAYOID, INT8OID};
	static const char query[] =
		"SELECT e.shape_id, " SK_AUDIT_COMMITTED_AT " FROM schemakit.audit_event AS e" SK_AUDIT_COMMITTED_JOIN
		" WHERE e.shape_id OPERATOR(pg_catalog.=) ANY ($1)"
		" AND e.key_hash OPERATOR(pg_catalog.=) $2 AND e.op OPERATOR(pg_catalog.=) 'T'";
	Datum		values[2];
	SkRights	saved;

	values[0] = sk_audit_reader_shape_ids(reader);
	values[1] = UInt64GetDatum(sk_audit_key_hash_of(NULL, 0, reader->rel_id));
	sk_audit_reader_begin(&saved);
	if (SPI_execute_with_args(query, 2, (Oid *) types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read events");
	sk_rights_restore(&saved);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	tupdesc = SPI_tuptable->tupdesc;
		bool		isnull;
		const SkAuditShape *shape =
			sk_audit_reader_shape(reader, DatumGetInt32(SPI_getbinval(tuple, tupdesc, 1, &isnull)));

		if (!sk_audit_options_parse(shape->options)->truncate_rows)
			versions->since = Max(versions->since,
								  DatumGetTimestampTz(SPI_getbinval(tuple, tupdesc, 2, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
check_key(const SkAuditReader *reader)
{
	if (reader->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no key", reader->label),
				 errdetail("Versions are those of a row, which the key identifies."),
				 errhint("Use schemakit.audit_as_of(), or query schemakit.audit_log.")));
}

/*
 * Raise the error that the log cannot tell, as audit_as_of() does.
 */
static void
refuse(SkAuditVersions *versions, TimestampTz at)
{
	SkAuditPast past = {0};

	sk_audit_as_of_open(&past, versions->relid, at, versions->rsinfo);
	sk_audit_undo_refuse(&past, "The table was truncated since then, and its rows were not recorded.",
						 "Use truncate_rows => true to record them.");
}

/* The first period tells what is not known in any. */
static void
open_periods(SkAuditVersions *versions)
{
	SkAuditReader *reader = sk_audit_reader_open(versions->relid);
	ListCell   *lc;

	check_key(reader);
	versions->since = sk_audit_told_since(reader);
	look_at_truncation(versions, reader);
	if (versions->parent == NULL &&
		(versions->since == DT_NOEND ||
		 (versions->from_at != DT_NOBEGIN && versions->from_at < versions->since)))
		refuse(versions, versions->since == DT_NOEND ? GetCurrentTimestamp() : versions->from_at);
	versions->periods = palloc(sizeof(SkAuditVersionPeriod) * (list_length(reader->shapes) + 1));
	open_period(versions, versions->since, false);
	foreach(lc, reader->shapes)
	{
		TimestampTz since = ((SkAuditShape *) lfirst(lc))->recorded_at;

		/*
		 * a transaction may have recorded several, of which the last one
		 * counts
		 */
		if (since > versions->periods[versions->nperiods - 1].since)
			open_period(versions, since, true);
	}
}

/*-------------------------------------------------------------------------
 * All rows
 *-------------------------------------------------------------------------
 */

static List *
take_identity(List **events, const char *identity)
{
	List	   *taken = NIL;
	List	   *left = NIL;
	ListCell   *lc;

	foreach(lc, *events)
	{
		SkAuditVersionEvent *event = lfirst(lc);

		if (strcmp(event->identity, identity) == 0)
			taken = lappend(taken, event);
		else
			left = lappend(left, event);
	}
	*events = left;
	return taken;
}

/* Is it the row that is asked for, if one is? */
static bool
is_asked_for(const SkAuditVersions *versions, const char *identity)
{
	const SkAuditPast *past = &versions->periods[0].past;
	ListCell   *lc;

	foreach(lc, past->spellings)
	{
		if (strcmp(identity, sk_audit_reader_identity(lfirst(lc), past->reader->nkeys, true)) == 0)
			return true;
	}
	return versions->key == NULL;
}

/* All rows whose keys have the same hash: nearly always that is one. */
static void
go_through_hash(SkAuditVersions *versions, uint64 hash)
{
	List	   *events = NIL;
	List	   *rows = NIL;
	ListCell   *lc;

	for (; versions->event != NULL && versions->event->hash == hash; sk_audit_version_stream_next_event(versions))
		events = lappend(events, versions->event);
	for (; versions->live != NULL && versions->live->hash == hash; sk_audit_version_stream_next_live(versions))
		rows = lappend(rows, versions->live);
	foreach(lc, rows)
	{
		SkAuditVersionLive *live = lfirst(lc);

		sk_audit_version_row_put(versions, take_identity(&events, live->identity), live);
	}
	while (events != NIL)
	{
		char	   *identity = ((SkAuditVersionEvent *) linitial(events))->identity;
		List	   *of_row = take_identity(&events, identity);

		if (is_asked_for(versions, identity))
			sk_audit_version_row_put(versions, of_row, NULL);
	}
}

static uint64
next_hash(const SkAuditVersions *versions)
{
	if (versions->event == NULL)
		return versions->live->hash;
	if (versions->live == NULL)
		return versions->event->hash;
	return (int64) versions->event->hash < (int64) versions->live->hash
		? versions->event->hash : versions->live->hash;
}

static void
go_through(SkAuditVersions *versions)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext other = AllocSetContextCreate(old, "schemakit versions of a row",
												ALLOCSET_DEFAULT_SIZES);

	versions->context = AllocSetContextCreate(old, "schemakit versions of a row",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(versions->context);
	sk_audit_version_stream_next_event(versions);
	sk_audit_version_stream_next_live(versions);
	while (versions->event != NULL || versions->live != NULL)
	{
		MemoryContext done = versions->context;

		CHECK_FOR_INTERRUPTS();
		go_through_hash(versions, next_hash(versions));
		MemoryContextSwitchTo(other);
		sk_audit_version_stream_take_along(versions);
		MemoryContextReset(done);
		versions->context = other;
		other = done;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(other);
	MemoryContextDelete(versions->context);
}

/* Values are converted with the rights with which rows are read, see live.c. */
static void
go_through_as_reader(SkAuditVersions *versions)
{
	const SkAuditReader *reader = sk_audit_version_reader(versions);
	bool		as_owner = sk_audit_reader_as_owner(reader);
	SkRights	saved;

	if (as_owner)
		sk_rights_assume_to_read(reader->owner, &saved);
	go_through(versions);
	if (as_owner)
		sk_rights_restore(&saved);
}

static void
tell(const SkAuditVersions *versions)
{
	SkAuditPast *past = &versions->periods[0].past;

	for (int i = 1; i < versions->nperiods; i++)
	{
		past->withheld |= versions->periods[i].past.withheld;
		past->digests |= versions->periods[i].past.digests;
	}
	sk_audit_past_tell(past);
}

static void
return_versions(SkAuditVersions *versions)
{
	SkAuditPast *first;
	SkAuditPast *last;

	SPI_connect();
	open_periods(versions);
	first = &versions->periods[0].past;
	last = &versions->periods[versions->nperiods - 1].past;
	if (versions->key != NULL)
	{
		first->key = last->key = sk_audit_reader_key(first->reader, versions->key);
		first->spellings = sk_audit_spelling_list(first->reader, first->key);
	}
	if (versions->to_at != DT_NOEND)
		sk_audit_running_notice(first->reader->label, versions->to_at);
	fmgr_info(F_RECORD_IMAGE_EQ, &versions->same_image);
	sk_audit_version_stream_sort(versions);
	sk_audit_version_stream_open(versions);
	go_through_as_reader(versions);
	SPI_cursor_close(versions->portal);
	ExecDropSingleTupleTableSlot(versions->slot);
	tuplesort_end(versions->sort);
	tell(versions);
	if (versions->parent == NULL)
	{
		const char *refusal;
		ListCell   *lc;

		foreach(lc, sk_audit_descendants_at(first->reader, DT_NOEND, &refusal))
		{
			SkAuditVersions child = {
				.relid = lfirst_oid(lc),
				.parent = first,
				.rsinfo = versions->rsinfo,
				.key = versions->key,
				.from_at = versions->from_at,
				.to_at = versions->to_at,
			};

			return_versions(&child);
		}
		if (refusal != NULL)
			sk_audit_undo_refuse(first, refusal, "Query schemakit.audit_log instead.");
	}
	SPI_finish();
}

static TimestampTz
time_argument(FunctionCallInfo fcinfo, int arg, TimestampTz none)
{
	return PG_ARGISNULL(arg) ? none : PG_GETARG_TIMESTAMPTZ(arg);
}

/*
 * schemakit.audit_versions(rel anyelement, key jsonb, from_at timestamptz, to_at timestamptz)
 *		RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, op text, actor text,
 *			version anyelement)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_versions);
Datum
schemakit_audit_versions(PG_FUNCTION_ARGS)
{
	SkAuditVersions versions = {
		.relid = sk_audit_as_of_table(fcinfo, "audit_versions"),
		.key = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1),
		.from_at = time_argument(fcinfo, 2, DT_NOBEGIN),
		.to_at = time_argument(fcinfo, 3, DT_NOEND),
	};

	if (versions.from_at > versions.to_at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be later than \"%s\"", "from_at", "to_at")));
	InitMaterializedSRF(fcinfo, 0);
	versions.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	return_versions(&versions);
	return (Datum) 0;
}

/*
 * schemakit.audit_versions(rel text, ...) RETURNS void
 *
 * Who gives the name of a table is told how to give its type.
 */
PG_FUNCTION_INFO_V1(schemakit_audit_versions_name);
Datum
schemakit_audit_versions_name(PG_FUNCTION_ARGS)
{
	sk_audit_as_of_refuse_type("audit_versions",
							   PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}
