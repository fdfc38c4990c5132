/*-------------------------------------------------------------------------
 *
 * audit/since.c
 *	  The events that are to be taken back to know what a table was at some time.
 *
 * These are the events of transactions that were committed after the time.  Those
 * that began after it are in the partitions from the time on.  Those that had begun by
 * then have a commit event that says when they ended, found by its index; or they are
 * a statement of one event, which has none because it was over soon (audit/commit.c).
 *
 * The events of a row are few, and found by its key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/since.h"
#include "audit/commit.h"
#include "audit/committed.h"
#include "audit/event.h"
#include "audit/key_hash.h"
#include "audit/merge.h"
#include "audit/options.h"
#include "audit/spelling.h"
#include "audit/state.h"
#include "base/array.h"
#include "base/compat.h"
#include "base/plan.h"
#include "base/receive.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* The columns of queries, in this order */
#define EVENT "key_hash, changed_at, txn_id, command, n, shape_id, op, key, old"
#define EVENT_WITH_NEW EVENT ", new"

static Datum
document_at(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? (Datum) 0 : slot->tts_values[column];
}

static void
check_truncate(const SkAuditPast *past, int32 shape_id)
{
	const SkAuditShape *shape = sk_audit_reader_shape(past->reader, shape_id);

	if (!sk_audit_options_parse(shape->options)->truncate_rows)
		sk_audit_undo_refuse(past, "The table was truncated since then, and its rows were not recorded.",
							 "Use truncate_rows => true to record them.");
}

static void
receive_event(void *arg, TupleTableSlot *slot)
{
	SkAuditPast *past = arg;
	SkAuditMergeEvent event;
	Datum	   *values;

	slot_getallattrs(slot);
	values = slot->tts_values;
	event.op = DatumGetChar(values[6]);
	event.shape_id = DatumGetInt32(values[5]);
	if (event.op == SK_AUDIT_TRUNCATE)
		check_truncate(past, event.shape_id);
	if (event.op == SK_AUDIT_TRUNCATE || event.op == SK_AUDIT_BASELINE ||
		event.op == SK_AUDIT_STATE)
		return;
	event.key_hash = slot->tts_isnull[0] ? 0 : DatumGetInt64(values[0]);
	event.changed_at = DatumGetTimestampTz(values[1]);
	event.txn_id = DatumGetInt64(values[2]);
	event.command = DatumGetInt32(values[3]);
	event.n = DatumGetInt32(values[4]);
	event.key = document_at(slot, 7);
	event.old = document_at(slot, 8);
	event.new = past->reader->nkeys > 0 ? (Datum) 0 : document_at(slot, 9);
	if (past->reader->nkeys == 0 || DatumGetPointer(event.key) != NULL)
		sk_audit_merge_event(past, &event);
}


/*-------------------------------------------------------------------------
 * Of a row
 *-------------------------------------------------------------------------
 */

static const char events_of_row_query[] =
"WITH e AS MATERIALIZED (SELECT " EVENT ", at FROM schemakit.audit_event"
" WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1)"
" AND key_hash OPERATOR(pg_catalog.=) ANY ($3))"
" SELECT " EVENT " FROM e"
" WHERE changed_at OPERATOR(pg_catalog.>) $2 OR at OPERATOR(pg_catalog.<=) $2"
" AND (schemakit.internal_audit_committed_at(e.txn_id) OPERATOR(pg_catalog.>) $2 OR EXISTS (SELECT FROM schemakit.audit_event AS c WHERE c.events IS NOT NULL AND c.role IS NOT NULL AND c.carrier IS NOT NULL"
" AND c.txn_id OPERATOR(pg_catalog.=) e.txn_id AND c.at OPERATOR(pg_catalog.=) e.at"
" AND c.changed_at OPERATOR(pg_catalog.>) $2 OFFSET 0))";

/* To plan takes longer than to read, and values decide nothing. */
static void
read_events_of_row(SkAuditPast *past)
{
	static const Oid types[] = {INT4ARRAYOID, TIMESTAMPTZOID, INT8ARRAYOID};
	static SkPlan plan;
	Datum		values[] = {
		sk_audit_reader_shape_ids(past->reader),
		TimestampTzGetDatum(past->at),
		sk_audit_spelling_hashes(past->reader, past->spellings, true),
	};

	sk_receive_of_plan(sk_plan_get(&plan, sk_plan_constant, (void *) events_of_row_query,
								   lengthof(types), types, CURSOR_OPT_GENERIC_PLAN),
					   lengthof(types), types, values, receive_event, past);
}


/*-------------------------------------------------------------------------
 * Of a table
 *-------------------------------------------------------------------------
 */

static const char running_query[] =
"SELECT txn_id, at FROM schemakit.audit_event WHERE events IS NOT NULL"
" AND at OPERATOR(pg_catalog.<=) $1 AND changed_at OPERATOR(pg_catalog.>) $1";

#define EVENTS_QUERY(event) \
"SELECT " event " FROM schemakit.audit_event" \
" WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1) AND changed_at OPERATOR(pg_catalog.>) $2" \
" AND at OPERATOR(pg_catalog.>) $3 AND txn_id OPERATOR(pg_catalog.<>) ALL ($4)"

#define RUNNING_EVENTS_QUERY(event) \
"SELECT " event " FROM schemakit.audit_event WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1)" \
" AND at OPERATOR(pg_catalog.=) ANY ($3) AND txn_id OPERATOR(pg_catalog.=) ANY ($2)"

/* Transactions that had begun by then, and ended later */
typedef struct Running
{
	int64	   *txn_ids;
	TimestampTz *ats;
	int			count;
	int			size;
} Running;

static void
receive_running(void *arg, TupleTableSlot *slot)
{
	Running    *running = arg;

	slot_getallattrs(slot);
	if (running->count == running->size)
	{
		running->size *= 2;
		running->txn_ids = repalloc(running->txn_ids, sizeof(int64) * running->size);
		running->ats = repalloc(running->ats, sizeof(TimestampTz) * running->size);
	}
	running->txn_ids[running->count] = DatumGetInt64(slot->tts_values[0]);
	running->ats[running->count++] = DatumGetTimestampTz(slot->tts_values[1]);
}

/* An array of int8, or of timestamptz, which is stored alike */
static Datum
make_array(const int64 *values, int count, Oid type)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		datums[i] = Int64GetDatum(values[i]);
	return sk_array_of(datums, count, type);
}

/* As int8 and timestamptz arrays; a static plan would be one for any time. */
static bool
find_running(const SkAuditPast *past, Datum *txn_ids, Datum *ats)
{
	static const Oid types[] = {TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(past->at)};
	Running		running = {.size = 64};

	running.txn_ids = palloc(sizeof(int64) * running.size);
	running.ats = palloc(sizeof(TimestampTz) * running.size);
	sk_receive_of_plan(sk_plan_once(sk_plan_constant, (void *) running_query,
									lengthof(types), types, 0),
					   lengthof(types), types, values, receive_running, &running);
	sk_audit_committed_late(sk_audit_reader_shape_ids(past->reader), past->at,
							receive_running, &running);
	*txn_ids = make_array(running.txn_ids, running.count, INT8OID);
	*ats = make_array(running.ats, running.count, TIMESTAMPTZOID);
	return running.count > 0;
}

/* The time before which a transaction has a commit event if it ended after "at" */
static TimestampTz
before(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at) || at < MIN_TIMESTAMP + SK_AUDIT_COMMIT_SOON)
		return at;
	return at - SK_AUDIT_COMMIT_SOON;
}

/* What the queries of a table have in common */
typedef struct Bounds
{
	Datum		values[4];		/* of EVENTS_QUERY() */
	Datum		running[3];		/* of RUNNING_EVENTS_QUERY() */
	bool		any_running;
} Bounds;

static const Oid events_types[] = {INT4ARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8ARRAYOID};
static const Oid running_types[] = {INT4ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID};

static void
find_bounds(const SkAuditPast *past, Bounds *bounds)
{
	bounds->any_running = find_running(past, &bounds->running[1], &bounds->running[2]);
	bounds->values[0] = bounds->running[0] = sk_audit_reader_shape_ids(past->reader);
	bounds->values[1] = TimestampTzGetDatum(past->at);
	bounds->values[2] = TimestampTzGetDatum(before(past->at));
	bounds->values[3] = bounds->running[1];
}

static void
receive_planned(const char *query, int nargs, const Oid *types, const Datum *values,
				SkReceive receive, void *arg)
{
	sk_receive_of_plan(sk_plan_once(sk_plan_constant, (void *) query, nargs, types, 0),
					   nargs, types, values, receive, arg);
}

static void
read_all_events(SkAuditPast *past)
{
	bool		has_key = past->reader->nkeys > 0;
	Bounds		bounds;

	find_bounds(past, &bounds);
	receive_planned(has_key ? EVENTS_QUERY(EVENT) : EVENTS_QUERY(EVENT_WITH_NEW),
					lengthof(events_types), events_types, bounds.values,
					receive_event, past);
	if (bounds.any_running)
		receive_planned(has_key ? RUNNING_EVENTS_QUERY(EVENT)
						: RUNNING_EVENTS_QUERY(EVENT_WITH_NEW),
						lengthof(running_types), running_types, bounds.running,
						receive_event, past);
}

/* The query, for events that are about all rows or have one of the documents in "old" */
static void
receive_containing(const SkAuditPast *past, const char *query, int nargs,
				   const Oid *types, const Datum *values, List *documents, int limit,
				   SkReceive receive, void *arg)
{
	int			count = nargs + 1 + list_length(documents);
	Oid		   *all_types = palloc(sizeof(Oid) * count);
	Datum	   *all_values = palloc(sizeof(Datum) * count);
	StringInfoData buf;
	ListCell   *lc;

	memcpy(all_types, types, sizeof(Oid) * nargs);
	memcpy(all_values, values, sizeof(Datum) * nargs);
	all_types[nargs] = INT8OID;
	all_values[nargs++] = UInt64GetDatum(sk_audit_key_hash_of(NULL, 0, past->reader->rel_id));
	initStringInfo(&buf);
	appendStringInfo(&buf, "%s AND (key_hash OPERATOR(pg_catalog.=) $%d", query, nargs);
	foreach(lc, documents)
	{
		all_types[nargs] = JSONBOID;
		all_values[nargs++] = PointerGetDatum(lfirst(lc));
		appendStringInfo(&buf, " OR old OPERATOR(pg_catalog.@>) $%d", nargs);
	}
	appendStringInfo(&buf, ") LIMIT %d", limit);
	receive_planned(buf.data, nargs, all_types, all_values, receive, arg);
}

typedef struct Keys
{
	SkAuditPast *past;
	int			count;			/* of events that the query has returned */
	SkReceive	receive;
	void	   *arg;
} Keys;

static void
receive_key(void *arg, TupleTableSlot *slot)
{
	Keys	   *keys = arg;

	keys->count++;
	slot_getallattrs(slot);
	if (DatumGetChar(slot->tts_values[2]) == SK_AUDIT_TRUNCATE)
		check_truncate(keys->past, DatumGetInt32(slot->tts_values[0]));
	else if (!slot->tts_isnull[1])
		keys->receive(keys->arg, slot);
}

/*
 * Call "receive" for the shape and key of each event since then that has one of the
 * documents in "old", and some others.  False if there are "limit" of them or more: then
 * not all are received.
 */
bool
sk_audit_since_keys(SkAuditPast *past, List *documents, int limit, SkReceive receive,
					void *arg)
{
	Keys		keys = {.past = past,.receive = receive,.arg = arg};
	Bounds		bounds;
	SkRights	saved;

	sk_audit_reader_begin(&saved);
	find_bounds(past, &bounds);
	receive_containing(past, EVENTS_QUERY("shape_id, key, op"), lengthof(events_types),
					   events_types, bounds.values, documents, limit, receive_key, &keys);
	if (bounds.any_running)
		receive_containing(past, RUNNING_EVENTS_QUERY("shape_id, key, op"),
						   lengthof(running_types), running_types, bounds.running,
						   documents, limit, receive_key, &keys);
	sk_rights_restore(&saved);
	return keys.count < limit;
}

/*
 * Put all events since then into past->merge.
 */
void
sk_audit_since_read(SkAuditPast *past)
{
	SkRights	saved;

	sk_audit_reader_begin(&saved);
	if (past->key != NULL)
		read_events_of_row(past);
	else
		read_all_events(past);
	sk_rights_restore(&saved);
}
