/*-------------------------------------------------------------------------
 *
 * audit/undo.c
 *	  What has happened to rows since some time, taken back: for each row that
 *	  events tell of, what they tell of its former self.
 *
 * A row with a key is what it is now, but for the columns that events since
 * then have changed: of those, the oldest old value.  A row that was deleted or
 * got another key meanwhile is in the event that says so; one that came
 * meanwhile was not there.  Rows without a key are told apart by what is in
 * them: of each content there were as many as there are, less those that came,
 * and those that went in addition; the order of the events does not matter.
 *
 * Only the rows of one number are here at a time (audit/merge.c), mostly one.  Of a
 * row that has many events, only those are kept that tell something new.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/undo.h"
#include "audit/event.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

/* The rows of one number */
typedef struct SkAuditUndo
{
	MemoryContext context;		/* reset for the next ones */
	SkAuditPastRow *rows;
	SkAuditPastRow first;		/* whose arrays are used again */
	int			ncolumns;		/* that there are */
} SkAuditUndo;

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

/*
 * What tells a row without key apart from others, given its values
 */
char *
sk_audit_undo_content(const SkAuditPast *past, const JsonbValue *values)
{
	const SkAuditReader *reader = past->reader;
	JsonbValue *content = palloc(sizeof(JsonbValue) * Max(reader->tupdesc->natts, 1));
	int			count = 0;

	for (int i = 0; i < reader->tupdesc->natts; i++)
	{
		if (past->shown[i])
			content[count++] = values[i];
	}
	return sk_audit_reader_identity(content, count, false);
}

/* Let the row know nothing; its arrays are made in the current context. */
static void
make_arrays(SkAuditPastRow *row, int natts)
{
	row->values = palloc0(sizeof(JsonbValue) * Max(natts, 1));
	row->known = palloc0(sizeof(bool) * Max(natts, 1));
	row->shapes = palloc0(sizeof(SkAuditShape *) * Max(natts, 1));
}

void
sk_audit_undo_begin(SkAuditPast *past)
{
	SkAuditUndo *undo = palloc0(sizeof(SkAuditUndo));

	undo->context = AllocSetContextCreate(CurrentMemoryContext, "schemakit rows of the past",
										  ALLOCSET_DEFAULT_SIZES);
	make_arrays(&undo->first, past->reader->tupdesc->natts);
	undo->ncolumns = list_length(past->reader->current->columns);
	past->undo = undo;
}

/*
 * Go on to the rows of another number.
 */
void
sk_audit_undo_next(SkAuditPast *past)
{
	past->undo->rows = NULL;
	MemoryContextReset(past->undo->context);
}

void
sk_audit_undo_end(SkAuditPast *past)
{
	MemoryContextDelete(past->undo->context);
	past->undo = NULL;
}

SkAuditPastRow *
sk_audit_undo_rows(const SkAuditPast *past)
{
	return past->undo->rows;
}

/*
 * What events tell of the row of that key or content; NULL if nothing.
 */
SkAuditPastRow *
sk_audit_undo_find(const SkAuditPast *past, const JsonbValue *key, const char *identity)
{
	for (SkAuditPastRow *row = past->undo->rows; row != NULL; row = row->next)
	{
		if (key != NULL ? sk_audit_reader_is_same_key(past->reader, row->key, key)
			: strcmp(row->identity, identity) == 0)
			return row;
	}
	return NULL;
}

static SkAuditPastRow *
new_row(SkAuditPast *past)
{
	SkAuditUndo *undo = past->undo;
	int			natts = past->reader->tupdesc->natts;
	SkAuditPastRow *row = &undo->first;

	if (undo->rows == NULL)
	{
		SkAuditPastRow empty = {
			.values = row->values,
			.known = row->known,
			.shapes = row->shapes,
		};

		*row = empty;
		memset(row->known, false, sizeof(bool) * natts);
	}
	else
	{
		MemoryContext old = MemoryContextSwitchTo(undo->context);

		row = palloc0(sizeof(SkAuditPastRow));
		make_arrays(row, natts);
		MemoryContextSwitchTo(old);
	}
	row->unknown = undo->ncolumns;
	row->next = undo->rows;
	undo->rows = row;
	return row;
}

static Jsonb *
keep(SkAuditPast *past, const Jsonb *document)
{
	Jsonb	   *copy = MemoryContextAlloc(past->undo->context, VARSIZE(document));

	memcpy(copy, document, VARSIZE(document));
	return copy;
}

static JsonbValue *
key_in(SkAuditPast *past, const SkAuditShape *shape, const Jsonb *document)
{
	const SkAuditReader *reader = past->reader;
	JsonbValue *key = palloc0(sizeof(JsonbValue) * reader->nkeys);
	SkAuditDocument state;
	JsonbValue	value;
	AttrNumber	attnum;

	sk_audit_document_begin(&state, reader->names, shape, document);
	while ((attnum = sk_audit_document_next(&state, &value)) != InvalidAttrNumber)
	{
		for (int k = 0; k < reader->nkeys; k++)
		{
			if (reader->keys[k] == attnum)
				key[k] = value;
		}
	}
	return key;
}

/* The same key is mostly written in the same way. */
static bool
is_same_document(const SkAuditPastRow *row, const SkAuditPastEvent *event)
{
	return row->key_shape == event->shape &&
		VARSIZE(row->key_document) == VARSIZE(event->key) &&
		memcmp(row->key_document, event->key, VARSIZE(event->key)) == 0;
}

static SkAuditPastRow *
find_or_make_row(SkAuditPast *past, const SkAuditPastEvent *event)
{
	SkAuditPastRow *row = past->undo->rows;
	MemoryContext old;

	if (row != NULL && is_same_document(row, event))
		return row;
	if (row != NULL)
		row = sk_audit_undo_find(past, key_in(past, event->shape, event->key), NULL);
	if (row != NULL)
		return row;
	row = new_row(past);
	row->key_shape = event->shape;
	row->key_document = keep(past, event->key);
	old = MemoryContextSwitchTo(past->undo->context);
	row->key = key_in(past, event->shape, row->key_document);
	MemoryContextSwitchTo(old);
	return row;
}

static SkAuditPastRow *
find_or_make_content(SkAuditPast *past, const char *identity)
{
	SkAuditPastRow *row = sk_audit_undo_find(past, NULL, identity);

	if (row != NULL)
		return row;
	row = new_row(past);
	row->identity = MemoryContextStrdup(past->undo->context, identity);
	return row;
}

/* The columns that nothing older has told take their values from "object". */
static void
take_values(SkAuditPast *past, SkAuditPastRow *row, const SkAuditShape *shape,
			const Jsonb *object)
{
	SkAuditDocument document;
	JsonbValue	value;
	AttrNumber	attnum;
	bool		kept = false;

	if (row->unknown == 0)
		return;
	sk_audit_document_begin(&document, past->reader->names, shape, object);
	while ((attnum = sk_audit_document_next(&document, &value)) != InvalidAttrNumber)
	{
		int			i = attnum - 1;

		if (row->known[i])
			continue;
		if (!kept)
		{
			sk_audit_document_move(&document, keep(past, object), &value);
			kept = true;
		}
		row->values[i] = value;
		row->known[i] = true;
		row->shapes[i] = shape;
		row->unknown--;
	}
}

/* Take back an event of a row with a key; they come oldest first. */
static void
undo_keyed(SkAuditPast *past, const SkAuditPastEvent *event)
{
	SkAuditPastRow *row = find_or_make_row(past, event);

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

/* Take back an event of a row without key: what it was, or what it became. */
static void
undo_keyless(SkAuditPast *past, const SkAuditPastEvent *event)
{
	SkAuditPastRow *row = find_or_make_content(past, event->identity);

	take_values(past, row, event->shape, event->old ? event->old : event->new);
	row->surplus += event->old ? 1 : -1;
}

/*
 * Take back an event.
 */
void
sk_audit_undo_event(SkAuditPast *past, const SkAuditPastEvent *event)
{
	if (past->reader->nkeys > 0)
		undo_keyed(past, event);
	else
		undo_keyless(past, event);
}
