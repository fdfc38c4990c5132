/*-------------------------------------------------------------------------
 *
 * audit/undo.c
 *	  What has happened to a table since some time, taken back: for each row
 *	  that events tell of, what they tell of its former self.
 *
 * A row with a key is what it is now, but for the columns that events since
 * then have changed: of those, the oldest old value.  A row that was deleted or
 * got another key meanwhile is in the event that says so; one that came
 * meanwhile was not there.  Rows without a key are told apart by what is in
 * them: of each content there were as many as there are, less those that came,
 * and those that went in addition; the order of the events does not matter.
 *
 * A transaction belongs to the past if its last change of the table does, so
 * that no transaction is seen half done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/undo.h"
#include "audit/event.h"
#include "audit/key_hash.h"
#include "audit/options.h"
#include "base/compat.h"
#include "base/plan.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FETCH_ROWS	1000

/*
 * Raise the error that the log cannot tell.
 */
void
sk_audit_undo_refuse(const SkAuditPast *past, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot determine the rows of table \"%s\" at %s",
					past->reader->label, timestamptz_to_str(past->at)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/*-------------------------------------------------------------------------
 * Rows that events tell of
 *-------------------------------------------------------------------------
 */

/* What tells a row apart from others, given its values */
char *
sk_audit_undo_identity(const SkAuditPast *past, const JsonbValue *values)
{
	const SkAuditReader *reader = past->reader;
	JsonbValue *content;
	int			count = 0;

	if (reader->nkeys > 0)
		return sk_audit_reader_identity(sk_audit_reader_key_of(reader, values),
										reader->nkeys, true);
	content = palloc(sizeof(JsonbValue) * Max(reader->tupdesc->natts, 1));
	for (int i = 0; i < reader->tupdesc->natts; i++)
	{
		if (past->shown[i])
			content[count++] = values[i];
	}
	return sk_audit_reader_identity(content, count, false);
}

/*
 * What events tell of a row; NULL if nothing.
 */
SkAuditPastRow *
sk_audit_undo_find(const SkAuditPast *past, const char *identity)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) identity,
										   strlen(identity), 0);
	SkAuditPastBucket *bucket = hash_search(past->buckets, &hash, HASH_FIND, NULL);
	SkAuditPastRow *row = bucket ? bucket->rows : NULL;

	while (row != NULL && strcmp(row->identity, identity) != 0)
		row = row->next;
	return row;
}

static SkAuditPastRow *
find_or_make_row(SkAuditPast *past, const char *identity)
{
	SkAuditPastRow *row = sk_audit_undo_find(past, identity);
	uint64		hash;
	bool		found;
	SkAuditPastBucket *bucket;
	MemoryContext old;

	if (row != NULL)
		return row;
	hash = hash_bytes_extended((const unsigned char *) identity,
							   strlen(identity), 0);
	bucket = hash_search(past->buckets, &hash, HASH_ENTER, &found);
	if (!found)
		bucket->rows = NULL;
	old = MemoryContextSwitchTo(past->context);
	row = palloc0(sizeof(SkAuditPastRow));
	row->identity = pstrdup(identity);
	row->values = palloc0(sizeof(JsonbValue) * Max(past->reader->tupdesc->natts, 1));
	row->known = palloc0(sizeof(bool) * Max(past->reader->tupdesc->natts, 1));
	row->shapes = palloc0(sizeof(SkAuditShape *) * Max(past->reader->tupdesc->natts, 1));
	MemoryContextSwitchTo(old);
	row->next = bucket->rows;
	bucket->rows = row;
	return row;
}

typedef struct Event
{
	char		op;
	const SkAuditShape *shape;
	Jsonb	   *key;
	Jsonb	   *old;
	Jsonb	   *new;
} Event;

/* The columns that nothing older has told take their values from "document". */
static void
take_values(SkAuditPast *past, SkAuditPastRow *row, const SkAuditShape *shape,
			Jsonb *document)
{
	int			natts = past->reader->tupdesc->natts;
	JsonbValue *values = palloc0(sizeof(JsonbValue) * Max(natts, 1));
	bool	   *known = palloc0(sizeof(bool) * Max(natts, 1));
	MemoryContext old = MemoryContextSwitchTo(past->context);
	Jsonb	   *copy = (Jsonb *) DatumGetPointer(datumCopy(JsonbPGetDatum(document), false, -1));

	MemoryContextSwitchTo(old);
	sk_audit_reader_values(past->reader, shape, copy, values, known);
	for (int i = 0; i < natts; i++)
	{
		if (known[i] && !row->known[i])
		{
			row->values[i] = values[i];
			row->known[i] = true;
			row->shapes[i] = shape;
		}
	}
}

static char *
identity_in(SkAuditPast *past, const SkAuditShape *shape, Jsonb *document)
{
	int			natts = past->reader->tupdesc->natts;
	JsonbValue *values = palloc0(sizeof(JsonbValue) * Max(natts, 1));
	bool	   *known = palloc0(sizeof(bool) * Max(natts, 1));

	sk_audit_reader_values(past->reader, shape, document, values, known);
	return sk_audit_undo_identity(past, values);
}

/* Take back an event of a row with a key; they come oldest first. */
static void
undo_keyed(SkAuditPast *past, const Event *event)
{
	SkAuditPastRow *row;

	if (event->key == NULL || event->op == SK_AUDIT_BASELINE)
		return;
	row = find_or_make_row(past, identity_in(past, event->shape, event->key));
	row->gone = event->op == SK_AUDIT_DELETE || event->op == SK_AUDIT_OLD_KEY;
	if (row->closed)
		return;
	switch (event->op)
	{
		case SK_AUDIT_INSERT:
		case SK_AUDIT_NEW_KEY:
			row->absent = true;
			row->closed = true;
			break;
		case SK_AUDIT_DELETE:
		case SK_AUDIT_OLD_KEY:
			row->complete = true;
			row->closed = true;
			break;
	}
	if (event->old != NULL && !row->absent)
		take_values(past, row, event->shape, event->old);
}

/* Take back an event of a row without key. */
static void
undo_keyless(SkAuditPast *past, const Event *event)
{
	SkAuditPastRow *row;

	if (event->op == SK_AUDIT_BASELINE || event->op == SK_AUDIT_TRUNCATE)
		return;
	if (event->old != NULL)
	{
		row = find_or_make_row(past, identity_in(past, event->shape, event->old));
		take_values(past, row, event->shape, event->old);
		row->surplus++;
	}
	if (event->new != NULL)
	{
		row = find_or_make_row(past, identity_in(past, event->shape, event->new));
		take_values(past, row, event->shape, event->new);
		row->surplus--;
	}
}


/*-------------------------------------------------------------------------
 * Events
 *-------------------------------------------------------------------------
 */

static Jsonb *
document_at(HeapTuple tuple, TupleDesc tupdesc, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, tupdesc, column, &isnull);

	return isnull ? NULL : DatumGetJsonbP(value);
}

static void
undo_event(SkAuditPast *past, HeapTuple tuple, TupleDesc tupdesc)
{
	bool		isnull;
	Event		event;

	event.op = DatumGetChar(SPI_getbinval(tuple, tupdesc, 6, &isnull));
	event.shape = sk_audit_reader_shape(past->reader,
										DatumGetInt32(SPI_getbinval(tuple, tupdesc, 5, &isnull)));
	event.key = document_at(tuple, tupdesc, 7);
	event.old = document_at(tuple, tupdesc, 8);
	event.new = document_at(tuple, tupdesc, 9);
	if (event.op == SK_AUDIT_TRUNCATE &&
		!sk_audit_options_parse(event.shape->options)->truncate_rows)
		sk_audit_undo_refuse(past, "The table was truncated since then, and its rows were not recorded.",
							 "Use truncate_rows => true to record them.");
	if (past->reader->nkeys > 0)
		undo_keyed(past, &event);
	else
		undo_keyless(past, &event);
}

/*
 * The events that are to be taken back, oldest first: those after the time,
 * and those of transactions that had begun and were committed after it.  For all of
 * a table, these are found by the time; for a row, by its few events.  Where one
 * command takes a key from a row and gives it to another, as rows swap theirs
 * under a deferrable constraint, the row that had it is the older one.
 */
/*
 * What is sorted by comes first, where it is found at once; undo_event() counts on this
 * order.
 */
#define EVENT "changed_at, txn_id, command, n, shape_id, op, key, old, new"

#define EVENTS_ORDER \
	" ORDER BY pg_catalog.max(changed_at) OVER (PARTITION BY txn_id), txn_id, command," \
	" op OPERATOR(pg_catalog.=) ANY ('{I,N}'::pg_catalog.\"char\"[]), n"

static const char events_query[] =
"SELECT " EVENT " FROM ("
"SELECT " EVENT " FROM schemakit.audit_event"
" WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1) AND changed_at OPERATOR(pg_catalog.>) $2"
" UNION ALL "
"SELECT " EVENT " FROM schemakit.audit_event"
" WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1)"
" AND changed_at OPERATOR(pg_catalog.<=) $2 AND at OPERATOR(pg_catalog.<=) $2"
" AND txn_id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT txn_id FROM schemakit.audit_event"
" WHERE events IS NOT NULL"
" AND at OPERATOR(pg_catalog.<=) $2 AND changed_at OPERATOR(pg_catalog.>) $2))"
") AS e" EVENTS_ORDER;

/*
 * The same for a row.  Its events are few, and found by the key alone: an index on
 * times would be read for many more.
 */
static const char events_of_row_query[] =
"WITH e AS MATERIALIZED (SELECT " EVENT ", at FROM schemakit.audit_event"
" WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1)"
" AND key_hash OPERATOR(pg_catalog.=) ANY ($3))"
" SELECT " EVENT " FROM e"
" WHERE changed_at OPERATOR(pg_catalog.>) $2 OR at OPERATOR(pg_catalog.<=) $2"
" AND EXISTS (SELECT FROM schemakit.audit_event AS c WHERE c.events IS NOT NULL AND c.role IS NOT NULL AND c.carrier IS NOT NULL"
" AND c.txn_id OPERATOR(pg_catalog.=) e.txn_id AND c.at OPERATOR(pg_catalog.=) e.at"
" AND c.changed_at OPERATOR(pg_catalog.>) $2 OFFSET 0)"
EVENTS_ORDER;

/*
 * Run "each" on the rows that a query returns, in a context of their own.
 */
void
sk_audit_undo_for_each(SkAuditPast *past, Portal portal,
					   SkAuditEach each)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit row of the past",
												  ALLOCSET_DEFAULT_SIZES);

	for (SPI_cursor_fetch(portal, true, FETCH_ROWS); SPI_processed > 0;
		 SPI_cursor_fetch(portal, true, FETCH_ROWS))
	{
		SPITupleTable *rows = SPI_tuptable;
		MemoryContext old = MemoryContextSwitchTo(context);

		for (uint64 i = 0; i < rows->numvals; i++)
		{
			each(past, rows->vals[i], rows->tupdesc);
			MemoryContextReset(context);
		}
		MemoryContextSwitchTo(old);
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(context);
}

/* The hashes of the key that is asked for, and of all keys, as an int8 array */
static Datum
key_hashes(const SkAuditPast *past)
{
	Datum	   *hashes = palloc(sizeof(Datum) * (list_length(past->spellings) + 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, past->spellings)
		hashes[count++] = UInt64GetDatum(sk_audit_key_hash_of(lfirst(lc),
															  past->reader->nkeys,
															  past->reader->rel_id));
	hashes[count++] = UInt64GetDatum(sk_audit_key_hash_of(NULL, 0, past->reader->rel_id));
	return PointerGetDatum(construct_array(hashes, count, INT8OID, 8, true,
										   TYPALIGN_DOUBLE));
}

/*
 * Take back all events since then.
 */
void
sk_audit_undo_events(SkAuditPast *past)
{
	static const Oid types[] = {INT4ARRAYOID, TIMESTAMPTZOID, INT8ARRAYOID};
	Datum		values[3];
	static SkPlan plan_of_row;
	SPIPlanPtr	plan;
	SkRights	saved;

	values[0] = sk_audit_reader_shape_ids(past->reader);
	values[1] = TimestampTzGetDatum(past->at);
	if (past->key != NULL)
		values[2] = key_hashes(past);
	sk_audit_reader_begin(&saved);

	/*
	 * for a row, planning takes longer than reading, and values decide
	 * nothing
	 */
	if (past->key == NULL)
		plan = sk_plan_once(sk_plan_constant, (void *) events_query, 2, types, 0);
	else
		plan = sk_plan_get(&plan_of_row, sk_plan_constant, (void *) events_of_row_query,
						   3, types, CURSOR_OPT_GENERIC_PLAN);
	sk_audit_undo_for_each(past, SPI_cursor_open(NULL, plan, values, NULL, true),
						   undo_event);
	sk_rights_restore(&saved);
}
