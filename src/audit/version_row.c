/*-------------------------------------------------------------------------
 *
 * audit/version_row.c
 *	  The versions of one row: what it is, with its events taken back one transaction
 *	  after the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/version_row.h"
#include "audit/event.h"
#include "audit/past.h"
#include "base/guc.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

static SkAuditVersionPeriod *
period_at(SkAuditVersions *versions, TimestampTz at)
{
	int			i = versions->nperiods - 1;

	while (i > 0 && versions->periods[i].since > at)
		i--;
	return &versions->periods[i];
}

static int32
number_of(const SkAuditReader *reader, int i)
{
	ListCell   *lc;

	foreach(lc, reader->current->columns)
	{
		const SkAuditShapeColumn *column = lfirst(lc);

		if (column->attnum == i + 1)
			return column->id;
	}
	return 0;
}

/*
 * Go on in the period of that time, which is the same or an earlier one.  A column that
 * was another one then has no value that later events tell.
 */
static void
enter_period(SkAuditVersions *versions, TimestampTz at)
{
	SkAuditVersionPeriod *period = period_at(versions, at);

	for (int i = 0; period != versions->period && i < sk_audit_version_natts(versions); i++)
	{
		if (number_of(period->past.reader, i) != number_of(versions->period->past.reader, i))
			versions->state.known[i] = false;
	}
	versions->period = period;
}

/* What the event says the row was, over what later ones have said */
static void
take_values(SkAuditVersions *versions, const SkAuditVersionEvent *event)
{
	const SkAuditReader *reader = versions->period->past.reader;
	const SkAuditShape *shape = sk_audit_reader_shape(reader, event->shape_id);
	SkAuditDocument document;
	JsonbValue	value;
	AttrNumber	attnum;

	sk_audit_document_begin(&document, reader->names, shape, event->old);
	while ((attnum = sk_audit_document_next(&document, &value)) != InvalidAttrNumber)
	{
		versions->state.values[attnum - 1] = value;
		versions->state.known[attnum - 1] = true;
		versions->state.shapes[attnum - 1] = shape;
	}
}

static void
forget(SkAuditVersions *versions, bool exists)
{
	versions->exists = exists;
	versions->base = NULL;
	versions->state.complete = exists;
	memset(versions->state.known, 0, sizeof(bool) * sk_audit_version_natts(versions));
}

static void
take_back(SkAuditVersions *versions, const SkAuditVersionEvent *event)
{
	switch (event->op)
	{
		case SK_AUDIT_INSERT:
		case SK_AUDIT_NEW_KEY:
			forget(versions, false);
			return;
		case SK_AUDIT_DELETE:
		case SK_AUDIT_OLD_KEY:
			forget(versions, true);
			break;
	}
	if (event->old != NULL)
		take_values(versions, event);
}

/* The row as it is known, at a time of the period */
static Datum
make_row(SkAuditVersions *versions, TimestampTz at)
{
	SkAuditPast *past = &versions->period->past;
	int			natts = sk_audit_version_natts(versions);
	Datum	   *values = palloc0(sizeof(Datum) * Max(natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(natts, 1));
	int			nestlevel;

	memset(nulls, true, sizeof(bool) * natts);
	if (versions->base != NULL)
	{
		memcpy(values, versions->base->values, sizeof(Datum) * natts);
		memcpy(nulls, versions->base->nulls, sizeof(bool) * natts);
	}
	past->at = at;
	past->local_at = DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp,
														   TimestampTzGetDatum(at)));
	nestlevel = sk_guc_pin();
	sk_audit_past_put(past, &versions->state, values, nulls);
	sk_guc_unpin(nestlevel);
	return versions->made;
}

/* A version that lies in the period, or a part of one that began earlier */
static void
add_version(SkAuditVersions *versions, TimestampTz since, TimestampTz until, const SkAuditVersionEvent *event)
{
	SkAuditVersion *next = versions->found == NIL ? NULL : llast(versions->found);
	SkAuditVersion *version;

	if (since >= until || since > versions->to_at || until <= versions->from_at)
		return;
	version = palloc(sizeof(SkAuditVersion));
	version->since = since;
	version->until = until;
	version->event = event;
	version->row = make_row(versions, since);
	if (next != NULL && next->since == until && next->event == NULL &&
		DatumGetBool(FunctionCall2(&versions->same_image, version->row, next->row)))
	{
		next->since = since;
		next->event = event;
	}
	else
		versions->found = lappend(versions->found, version);
}

/* The row as it is known was valid since then; "event" has made it, if that is known. */
static void
find_versions(SkAuditVersions *versions, TimestampTz since, TimestampTz until, const SkAuditVersionEvent *event)
{
	for (;;)
	{
		TimestampTz begin = Max(since, versions->period->since);

		if (versions->exists)
			add_version(versions, begin, until, begin == since ? event : NULL);
		if (begin == since)
			return;
		until = begin;
		enter_period(versions, until - 1);
	}
}

/* Events tell of a row that is there now, or is not. */
static void
check_accounted(SkAuditVersions *versions, const SkAuditVersionLive *live, const SkAuditVersionEvent *latest)
{
	if (live != NULL && latest != NULL &&
		(latest->op == SK_AUDIT_DELETE || latest->op == SK_AUDIT_OLD_KEY))
		sk_audit_undo_refuse(&versions->periods[versions->nperiods - 1].past,
							 psprintf("The table has a row %s that does not follow from its events.",
									  sk_audit_past_key_now(&versions->periods[0].past,
															live->values, live->nulls)),
							 "Its key may not be unique, or rows were changed without events.  Query schemakit.audit_log instead.");
}

static void
begin_row(SkAuditVersions *versions, const SkAuditVersionLive *live)
{
	int			natts = Max(sk_audit_version_natts(versions), 1);

	memset(&versions->state, 0, sizeof(SkAuditPastRow));
	versions->state.values = palloc0(sizeof(JsonbValue) * natts);
	versions->state.known = palloc0(sizeof(bool) * natts);
	versions->state.shapes = palloc0(sizeof(SkAuditShape *) * natts);
	versions->period = &versions->periods[versions->nperiods - 1];
	versions->exists = live != NULL;
	versions->base = live;
	versions->found = NIL;
}

static void
put_version(const SkAuditVersions *versions, const SkAuditVersion *version)
{
	const SkAuditVersionEvent *event = version->event;
	bool		has_actor = event != NULL && event->actor != NULL;
	Datum		values[5] = {0};
	bool		nulls[5] = {false};

	values[0] = TimestampTzGetDatum(version->since);
	nulls[1] = version->until == DT_NOEND;
	values[1] = TimestampTzGetDatum(version->until);
	nulls[2] = event == NULL;
	if (event != NULL)
		values[2] = CStringGetTextDatum(psprintf("%c", event->op == SK_AUDIT_NEW_KEY
												 ? SK_AUDIT_UPDATE : event->op));
	nulls[3] = !has_actor;
	if (has_actor)
		values[3] = CStringGetTextDatum(event->actor);
	values[4] = version->row;
	tuplestore_putvalues(versions->rsinfo->setResult, versions->rsinfo->setDesc, values, nulls);
}

/* Return what was found, the oldest version first. */
static void
end_row(const SkAuditVersions *versions)
{
	for (int i = list_length(versions->found) - 1; i >= 0; i--)
		put_version(versions, list_nth(versions->found, i));
}

/*
 * One row: the events of it, the latest first, and the row itself, if it is there.
 */
void
sk_audit_version_row_put(SkAuditVersions *versions, List *events, const SkAuditVersionLive *live)
{
	int			count = list_length(events);
	TimestampTz until = DT_NOEND;
	int			i = 0;

	check_accounted(versions, live, events == NIL ? NULL : linitial(events));
	begin_row(versions, live);
	while (i < count && until > versions->from_at)
	{
		const SkAuditVersionEvent *latest = list_nth(events, i);

		if (latest->ended_at < versions->since)
			break;
		find_versions(versions, latest->ended_at, until, latest);
		until = latest->ended_at;
		enter_period(versions, until - 1);
		for (; i < count && ((SkAuditVersionEvent *) list_nth(events, i))->txn_id == latest->txn_id; i++)
			take_back(versions, list_nth(events, i));
	}
	find_versions(versions, versions->since, until, NULL);
	end_row(versions);
}
