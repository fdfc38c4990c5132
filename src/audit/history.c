/*-------------------------------------------------------------------------
 *
 * audit/history.c
 *	  schemakit.audit_history(): the history of a row.
 *
 * A row's history is that of its key, and continues under another one when an
 * update changes the key: backwards to where the row was made, forwards to
 * where it was deleted.
 *
 * The log has a partition for each month, and to plan a statement on all of them
 * takes longer than to find the few events of a row: plans are kept, without the
 * values of parameters, which decide nothing here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/event.h"
#include "audit/gap.h"
#include "audit/key_hash.h"
#include "audit/readable.h"
#include "audit/reader.h"
#include "audit/spelling.h"
#include "audit/state.h"
#include "base/arg.h"
#include "base/array.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/plan.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

/* An event of the history, and where it leads to. */
typedef struct HistoryEvent
{
	uint64		key_hash;
	int64		txn_id;
	int32		n;
	int32		command;
	TimestampTz changed_at;
	char		op;
	JsonbValue *other_key;		/* of an update that changed the key */
} HistoryEvent;

typedef struct History
{
	SkAuditReader *reader;
	List	   *events;
} History;


/*-------------------------------------------------------------------------
 * The history of a row
 *-------------------------------------------------------------------------
 */

/*
 * The order of what happened to one row: a transaction that changes it waits
 * for the one that did before.
 */
static int
compare(const HistoryEvent *a, const HistoryEvent *b)
{
	if (a->txn_id != b->txn_id)
	{
		if (a->changed_at != b->changed_at)
			return a->changed_at < b->changed_at ? -1 : 1;
		return a->txn_id < b->txn_id ? -1 : 1;
	}
	if (a->command != b->command)
		return a->command < b->command ? -1 : 1;
	return (a->n > b->n) - (a->n < b->n);
}

static int
in_order(const ListCell *a, const ListCell *b)
{
	return compare(lfirst(a), lfirst(b));
}

static bool
is_known(const History *history, const HistoryEvent *event)
{
	ListCell   *lc;

	foreach(lc, history->events)
	{
		if (compare(lfirst(lc), event) == 0)
			return true;
	}
	return false;
}

static Datum
value_of(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
						 isnull);
}

/* The key in a document, and below it what another one says of its columns */
static JsonbValue *
read_key(const History *history, const SkAuditShape *shape, Jsonb *key, Jsonb *over)
{
	JsonbValue *values = palloc0(sizeof(JsonbValue) * history->reader->tupdesc->natts);

	sk_audit_reader_values(history->reader, shape, key, values);
	if (over != NULL)
		sk_audit_reader_values(history->reader, shape, over, values);
	return sk_audit_reader_key_of(history->reader, values);
}

static Jsonb *
document(uint64 row, int column)
{
	bool		isnull;
	Datum		value = value_of(row, column, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

/*
 * Read one row of key_events(); NULL if it is about another key than that, if one is
 * asked for.
 */
static HistoryEvent *
read_event(const History *history, uint64 row, const char *identity,
		   uint64 key_hash)
{
	HistoryEvent *event = palloc0(sizeof(HistoryEvent));
	const SkAuditShape *shape;
	Jsonb	   *key;
	bool		isnull;

	shape = sk_audit_reader_shape(history->reader,
								  DatumGetInt32(value_of(row, 6, &isnull)));
	key = document(row, 7);
	if (identity != NULL &&
		strcmp(sk_audit_reader_identity(read_key(history, shape, key, NULL),
										history->reader->nkeys, true),
			   identity) != 0)
		return NULL;
	event->key_hash = key_hash;
	event->txn_id = DatumGetInt64(value_of(row, 1, &isnull));
	event->n = DatumGetInt32(value_of(row, 2, &isnull));
	event->command = DatumGetInt32(value_of(row, 3, &isnull));
	event->changed_at = DatumGetTimestampTz(value_of(row, 4, &isnull));
	event->op = DatumGetChar(value_of(row, 5, &isnull));
	if (event->op == SK_AUDIT_NEW_KEY && document(row, 8) != NULL)
		event->other_key = read_key(history, shape, key, document(row, 8));
	else if (event->op == SK_AUDIT_OLD_KEY)
		event->other_key = read_key(history, shape, document(row, 9), NULL);
	return event;
}

/*
 * All events that are filed under the key, in their order.  If that is NULL: those that
 * are about the table.
 */
static List *
key_events(const History *history, const JsonbValue *key)
{
	static const Oid types[] = {INT4ARRAYOID, INT8OID};
	static const char events_query[] =
		"SELECT txn_id, n, command, changed_at, op, shape_id, key, old, new"
		" FROM schemakit.audit_event WHERE key_hash OPERATOR(pg_catalog.=) $2"
		" AND shape_id OPERATOR(pg_catalog.=) ANY ($1)";
	static SkPlan plan;
	const SkAuditReader *reader = history->reader;
	uint64		hash = sk_audit_key_hash_of(key, key ? reader->nkeys : 0, reader->rel_id);
	char	   *identity = key ? sk_audit_reader_identity(key, reader->nkeys, true) : NULL;
	MemoryContext context = CurrentMemoryContext;
	List	   *events = NIL;
	Datum		values[2];
	SkRights	saved;

	values[0] = sk_audit_reader_shape_ids(reader);
	values[1] = UInt64GetDatum(hash);
	sk_audit_reader_begin(&saved);
	SPI_connect();
	if (SPI_execute_plan(sk_plan_get(&plan, sk_plan_constant, (void *) events_query, 2, types,
									 CURSOR_OPT_GENERIC_PLAN),
						 values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read events");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		HistoryEvent *event = read_event(history, i, identity, hash);

		if (event != NULL)
			events = lappend(events, event);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sk_rights_restore(&saved);
	list_sort(events, in_order);
	return events;
}

/*
 * Of what one command did to keys, only the other half of the event itself is
 * about the same row: others may have swapped their keys with it.
 */
static bool
is_about_another(const HistoryEvent *event, const HistoryEvent *from)
{
	return event->txn_id == from->txn_id &&
		event->command == from->command &&
		event->n != from->n + 1 && event->n != from->n - 1;
}

static void add_before(History *history, const HistoryEvent *from);
static void add_after(History *history, const HistoryEvent *from);

/* Add an event, and what it leads to in that direction, once. */
static void
add_event(History *history, HistoryEvent *event, bool before, bool after)
{
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	if (is_known(history, event))
		return;
	history->events = lappend(history->events, event);
	if (before && event->op == SK_AUDIT_NEW_KEY)
		add_before(history, event);
	if (after && event->op == SK_AUDIT_OLD_KEY)
		add_after(history, event);
}

/* What the row was under its former key, back to where it got that. */
static void
add_before(History *history, const HistoryEvent *from)
{
	List	   *events;

	if (from->other_key == NULL)
		return;
	events = key_events(history, from->other_key);
	for (int i = list_length(events) - 1; i >= 0; i--)
	{
		HistoryEvent *event = list_nth(events, i);

		if (compare(event, from) >= 0 || is_about_another(event, from))
			continue;
		add_event(history, event, true, false);
		if (event->op == SK_AUDIT_INSERT || event->op == SK_AUDIT_NEW_KEY)
			break;
	}
}

/* What became of the row under its new key, up to where it lost that. */
static void
add_after(History *history, const HistoryEvent *from)
{
	ListCell   *lc;

	foreach(lc, key_events(history, from->other_key))
	{
		HistoryEvent *event = lfirst(lc);

		if (compare(event, from) <= 0 || is_about_another(event, from))
			continue;
		add_event(history, event, false, true);
		if (event->op == SK_AUDIT_DELETE || event->op == SK_AUDIT_OLD_KEY)
			break;
	}
}

/*
 * What commands meant for the recording of the table's changes, since the row's first
 * event
 */
static void
add_states(History *history)
{
	const HistoryEvent *first;
	ListCell   *lc;

	/* a table has none before its second shape (shape.c) */
	if (history->events == NIL || list_length(history->reader->shapes) < 2)
		return;
	list_sort(history->events, in_order);
	first = linitial(history->events);
	foreach(lc, key_events(history, NULL))
	{
		HistoryEvent *event = lfirst(lc);

		if (event->op == SK_AUDIT_STATE && compare(event, first) > 0)
			history->events = lappend(history->events, event);
	}
}

static List *
find_history(SkAuditReader *reader, JsonbValue *key)
{
	History		history = {.reader = reader};
	ListCell   *lc;
	ListCell   *lce;

	foreach(lc, sk_audit_spelling_list(reader, key))
	{
		foreach(lce, key_events(&history, lfirst(lc)))
			add_event(&history, lfirst(lce), true, true);
	}
	add_states(&history);
	list_sort(history.events, in_order);
	return history.events;
}


/*-------------------------------------------------------------------------
 * Rows of schemakit.audit_log
 *-------------------------------------------------------------------------
 */

/* Return what the query returns. */
static void
put_result(ReturnSetInfo *rsinfo)
{
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
}

static void
put_events(ReturnSetInfo *rsinfo, List *events, bool all)
{
	static const Oid types[] = {INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, BOOLOID};
	static const char log_query[] =
		"SELECT " SK_AUDIT_READABLE_COLUMNS("$4") " FROM schemakit.audit_log AS l"
		" JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3))"
		" WITH ORDINALITY AS w(key_hash, txn_id, n, i)"
		" ON l.key_hash OPERATOR(pg_catalog.=) w.key_hash"
		" AND l.txn_id OPERATOR(pg_catalog.=) w.txn_id AND l.n OPERATOR(pg_catalog.=) w.n"
		" WHERE l.key_hash OPERATOR(pg_catalog.=) ANY ($1) ORDER BY w.i";
	static SkPlan plan;
	int			count = list_length(events);
	Datum	   *columns[3];
	Datum		values[4];
	int			i = 0;
	ListCell   *lc;
	SkRights	saved;

	for (int c = 0; c < 3; c++)
		columns[c] = palloc(sizeof(Datum) * Max(count, 1));
	foreach(lc, events)
	{
		const HistoryEvent *event = lfirst(lc);

		columns[0][i] = UInt64GetDatum(event->key_hash);
		columns[1][i] = Int64GetDatum(event->txn_id);
		columns[2][i++] = Int32GetDatum(event->n);
	}
	values[0] = sk_array_of(columns[0], count, INT8OID);
	values[1] = sk_array_of(columns[1], count, INT8OID);
	values[2] = sk_array_of(columns[2], count, INT4OID);
	values[3] = BoolGetDatum(all);
	sk_audit_reader_begin(&saved);
	SPI_connect();
	if (SPI_execute_plan(sk_plan_get(&plan, sk_plan_constant, (void *) log_query, 4,
									 types, CURSOR_OPT_GENERIC_PLAN),
						 values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_log");
	put_result(rsinfo);
	SPI_finish();
	sk_rights_restore(&saved);
}

/*
 * schemakit.audit_history(rel regclass, key jsonb)
 *		RETURNS SETOF schemakit.audit_log
 */
PG_FUNCTION_INFO_V1(schemakit_audit_history);
Datum
schemakit_audit_history(PG_FUNCTION_ARGS)
{
	SkAuditReader *reader;
	JsonbValue *key;
	List	   *events;
	int			nestlevel;

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 1, "key");
	InitMaterializedSRF(fcinfo, 0);
	reader = sk_audit_reader_open(PG_GETARG_OID(0));
	key = sk_audit_reader_key(reader, PG_GETARG_JSONB_P(1));
	sk_audit_gap_notice(reader);
	nestlevel = sk_guc_pin();
	events = find_history(reader, key);
	put_events((ReturnSetInfo *) fcinfo->resultinfo, events, reader->all);
	sk_guc_unpin(nestlevel);
	return (Datum) 0;
}
