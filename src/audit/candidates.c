/*-------------------------------------------------------------------------
 *
 * audit/candidates.c
 *	  Rows that may have had given values (audit/filter.c), so that not all of the
 *	  table has to be made as it was.
 *
 * A row that had the values either has them now, or an event since then tells that
 * one of them was the old one: that of the first change of the column, or of the row's
 * end.  So the keys of these rows and events are those of all that are asked for, and of
 * some more.  Events are compared by containment, which an index on "old" can answer.
 *
 * That cannot be done if values that are equal may be written in different ways, if
 * there is no key, and if there are too many: then all rows are looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/candidates.h"
#include "audit/filter.h"
#include "audit/key_hash.h"
#include "audit/live.h"
#include "audit/outcome.h"
#include "audit/since.h"
#include "audit/spelling.h"
#include "base/compat.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

/* To look for a row takes as long as to sort some hundred events. */
#define MAX_KEYS	1000
#define MAX_EVENTS	2000

typedef struct Candidates
{
	SkAuditPast *past;
	HTAB	   *hashes;			/* of Entry */
	List	   *keys;			/* of JsonbValue * */
} Candidates;

typedef struct Entry
{
	uint64		hash;			/* must be first */
	List	   *keys;
} Entry;


/*-------------------------------------------------------------------------
 * Is it possible?
 *-------------------------------------------------------------------------
 */

static bool
is_always_of_type(const SkAuditPast *past, AttrNumber attnum)
{
	const SkAuditShapeColumn *now = NULL;
	ListCell   *lc;

	foreach(lc, past->reader->current->columns)
	{
		if (((SkAuditShapeColumn *) lfirst(lc))->attnum == attnum)
			now = lfirst(lc);
	}
	foreach(lc, past->reader->shapes)
	{
		const SkAuditShapeColumn *column = sk_audit_shape_column(lfirst(lc), now->id);

		if (column != NULL && strcmp(column->type, now->type) != 0)
			return false;
	}
	return true;
}

static bool
is_possible(const SkAuditPast *past)
{
	const SkAuditReader *reader = past->reader;

	for (int k = 0; k < reader->nkeys; k++)
	{
		if (!sk_audit_spelling_is_same(reader, reader->keys[k]))
			return false;
	}
	for (int c = 0; c < past->filter->ncolumns; c++)
	{
		AttrNumber	attnum = past->filter->columns[c].attnum;

		if (past->rewritten[attnum - 1] || past->touched[attnum - 1] ||
			!is_always_of_type(past, attnum) ||
			!sk_audit_spelling_is_same(reader, attnum))
			return false;
	}
	return reader->nkeys > 0;
}


/*-------------------------------------------------------------------------
 * Their keys
 *-------------------------------------------------------------------------
 */

static JsonbValue *
copy_key(const Candidates *candidates, const JsonbValue *key)
{
	int			nkeys = candidates->past->reader->nkeys;
	MemoryContext old = MemoryContextSwitchTo(candidates->past->context);
	JsonbValue *copy = palloc(sizeof(JsonbValue) * nkeys);

	for (int k = 0; k < nkeys; k++)
	{
		copy[k] = key[k];
		if (copy[k].type == jbvString)
			copy[k].val.string.val = pnstrdup(key[k].val.string.val, key[k].val.string.len);
		else if (copy[k].type == jbvNumeric)
		{
			copy[k].val.numeric = palloc(VARSIZE_ANY(key[k].val.numeric));
			memcpy(copy[k].val.numeric, key[k].val.numeric, VARSIZE_ANY(key[k].val.numeric));
		}
		else if (copy[k].type == jbvBinary)
		{
			copy[k].val.binary.data = palloc(key[k].val.binary.len);
			memcpy(copy[k].val.binary.data, key[k].val.binary.data, key[k].val.binary.len);
		}
		else
			sk_audit_json_pack(&copy[k]);
	}
	MemoryContextSwitchTo(old);
	return copy;
}

static void
add_key(Candidates *candidates, const JsonbValue *key)
{
	const SkAuditReader *reader = candidates->past->reader;
	uint64		hash = sk_audit_key_hash_of(key, reader->nkeys, reader->rel_id);
	bool		found;
	Entry	   *entry;
	JsonbValue *copy;
	MemoryContext old;
	ListCell   *lc;

	if (list_length(candidates->keys) > MAX_KEYS)
		return;
	entry = hash_search(candidates->hashes, &hash, HASH_ENTER, &found);
	if (!found)
		entry->keys = NIL;
	foreach(lc, entry->keys)
	{
		if (sk_audit_reader_is_same_key(reader, lfirst(lc), key))
			return;
	}
	copy = copy_key(candidates, key);
	old = MemoryContextSwitchTo(candidates->past->context);
	entry->keys = lappend(entry->keys, copy);
	candidates->keys = lappend(candidates->keys, copy);
	MemoryContextSwitchTo(old);
}

static void
receive_live(void *arg, Datum *values, bool *nulls)
{
	Candidates *candidates = arg;

	add_key(candidates, sk_audit_outcome_key(candidates->past, values, nulls));
}

/* The columns of sk_audit_since_keys() */
static void
receive_event(void *arg, TupleTableSlot *slot)
{
	Candidates *candidates = arg;
	const SkAuditReader *reader = candidates->past->reader;
	JsonbValue *values = palloc0(sizeof(JsonbValue) * reader->tupdesc->natts);

	slot_getallattrs(slot);
	sk_audit_reader_values(reader,
						   sk_audit_reader_shape(reader, DatumGetInt32(slot->tts_values[0])),
						   DatumGetJsonbP(slot->tts_values[1]), values);
	add_key(candidates, sk_audit_reader_key_of(reader, values));
}

/* {"name": value} */
static Datum
make_document(const char *name, const JsonbValue *value)
{
	JsonbInState state = {0};
	JsonbValue	key;
	JsonbValue	copy = *value;

	sk_audit_json_set_string(&key, (char *) name, strlen(name));
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_VALUE, &copy);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(state.result));
}

/* What an event has in "old" that tells of the column, by each name that it had */
static List *
add_documents(const SkAuditPast *past, const SkAuditFilterColumn *column, List *documents)
{
	List	   *names = NIL;
	ListCell   *lc;
	ListCell   *lcc;

	foreach(lc, past->reader->shapes)
	{
		const SkAuditShape *shape = lfirst(lc);

		foreach(lcc, shape->columns)
		{
			const SkAuditShapeColumn *former = lfirst(lcc);

			if (sk_audit_document_attnum(past->reader->current, former->id) == column->attnum)
				names = list_append_unique(names, makeString(former->name));
		}
	}
	foreach(lc, names)
		documents = lappend(documents,
							DatumGetPointer(make_document(strVal(lfirst(lc)), &column->encoded)));
	return documents;
}

/*
 * The keys of all rows that may have had the values, as a list of JsonbValue *; false
 * if all rows of the table must be looked at.
 */
bool
sk_audit_candidates_find(SkAuditPast *past, List **keys)
{
	HASHCTL		ctl = {
		.keysize = sizeof(uint64),
		.entrysize = sizeof(Entry),
		.hcxt = CurrentMemoryContext,
	};
	Candidates	candidates = {.past = past};
	List	   *documents = NIL;

	if (!is_possible(past))
		return false;
	candidates.hashes = hash_create("schemakit keys of the past", 256, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int c = 0; c < past->filter->ncolumns; c++)
		documents = add_documents(past, &past->filter->columns[c], documents);
	sk_audit_live_matching(past, MAX_KEYS + 1, receive_live, &candidates);
	if (list_length(candidates.keys) > MAX_KEYS ||
		!sk_audit_since_keys(past, documents, MAX_EVENTS, receive_event, &candidates))
		return false;
	*keys = candidates.keys;
	return list_length(candidates.keys) <= MAX_KEYS;
}
