/*-------------------------------------------------------------------------
 *
 * audit/event.c
 *	  Events of the audit log: from the rows before and after a change to a
 *	  row in audit_event.
 *
 * An update stores the columns that it changed, or with capture "full" all;
 * inserts and deletes store all; with "keys" nothing is stored but the key.
 * Rows without a key are told apart by all that is in them, so their updates
 * are stored in full.
 *
 * An update that changes the key ends the history of one key and begins that of
 * another: it is two events, the first with all that the row was.
 *
 * Everything is allocated in the current context, which is one for each event
 * where a trigger calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/event.h"
#include "audit/buffer.h"
#include "audit/commit.h"
#include "audit/key_hash.h"
#include "audit/log_columns.h"
#include "audit/mask.h"
#include "audit/order.h"
#include "audit/txn.h"
#include "base/compat.h"
#include "base/tuple.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

typedef struct Event
{
	SkAuditTable *table;
	char		op;
	CommandId	command;
	CommandId	again;			/* if a row with the key is made: the command
								 * that changed it again */
	TupleTableSlot *keyed;		/* the row whose key it is; NULL: none */
	Jsonb	   *old;
	Jsonb	   *new;
} Event;


/*-------------------------------------------------------------------------
 * Values
 *-------------------------------------------------------------------------
 */

static void
encode_column(const SkAuditColumn *column, TupleTableSlot *row, Size *budget,
			  JsonbValue *out)
{
	int			i = column->attnum - 1;

	out->type = jbvNull;
	if (row->tts_isnull[i] || column->mask == SK_AUDIT_MASK_NULL)
		return;
	sk_audit_json_encode(column->type, row->tts_values[i], budget, out);
	if (column->mask == SK_AUDIT_MASK_HASH)
		sk_audit_mask_hash(column->secret, out);
}

static void
write_column(SkJsonWriter *writer, const SkAuditColumn *column,
			 TupleTableSlot *row)
{
	int			i = column->attnum - 1;
	JsonbValue	hash;

	if (row->tts_isnull[i] || column->mask == SK_AUDIT_MASK_NULL)
		sk_audit_json_write_null(writer);
	else if (column->mask == SK_AUDIT_MASK_HASH)
	{
		encode_column(column, row, &writer->budget, &hash);
		sk_audit_json_write_encoded(writer, &hash);
	}
	else
		sk_audit_json_write_value(writer, column->type, row->tts_values[i]);
}

/* Begin an object of "which" columns. */
static void
begin_object(SkJsonWriter *writer, const SkAuditTable *table, const bool *which)
{
	int			count = 0;

	for (int i = 0; i < table->ncolumns; i++)
		count += which[i];
	sk_audit_json_write_begin(writer, count);
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (which[i])
			sk_audit_json_write_key(writer, &table->columns[i].name);
	}
}

/* The row as an object; of "which" columns, or all of them if it is NULL. */
static Jsonb *
encode_row(const SkAuditTable *table, TupleTableSlot *row, const bool *which)
{
	SkJsonWriter writer;

	if (which == NULL)
		sk_audit_json_write_head(&writer, &table->row_head);
	else
		begin_object(&writer, table, which);
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (which == NULL || which[i])
			write_column(&writer, &table->columns[i], row);
	}
	return sk_audit_json_write_end(&writer);
}

/* A key of any columns */
static Jsonb *
encode_any_key(const SkAuditTable *table, TupleTableSlot *row, uint64 *hash)
{
	JsonbValue *in_document = palloc(sizeof(JsonbValue) * table->nkeys);
	JsonbValue *values = palloc(sizeof(JsonbValue) * table->nkeys);
	Size		budget = SK_JSON_BUDGET;
	SkJsonWriter writer;

	sk_audit_json_write_head(&writer, &table->key_head);
	for (int i = 0; i < table->nkey_columns; i++)
	{
		encode_column(&table->columns[table->key_columns[i]], row, &budget, &in_document[i]);
		sk_audit_json_write_encoded(&writer, &in_document[i]);
	}
	for (int i = 0; i < table->nkeys; i++)
		values[i] = in_document[table->key_ranks[i]];
	*hash = sk_audit_key_hash_of(values, table->nkeys, table->rel_id);
	return sk_audit_json_write_end(&writer);
}

/* The row's key as an object, and its hash. */
static Jsonb *
encode_key(const SkAuditTable *table, TupleTableSlot *row, uint64 *hash)
{
	const SkAuditColumn *column = &table->columns[table->key_columns[0]];
	int			i = column->attnum - 1;
	SkJsonWriter writer;

	if (table->nkeys > 1 || row->tts_isnull[i] ||
		!sk_audit_key_hash_of_stored(column->type, row->tts_values[i],
									 table->rel_id, hash))
		return encode_any_key(table, row, hash);
	sk_audit_json_write_head(&writer, &table->key_head);
	write_column(&writer, column, row);
	return sk_audit_json_write_end(&writer);
}


/*-------------------------------------------------------------------------
 * Rows of the log
 *-------------------------------------------------------------------------
 */

static void
set_document(Datum *values, bool *nulls, int attnum, Jsonb *document)
{
	nulls[attnum - 1] = document == NULL;
	values[attnum - 1] = document ? JsonbPGetDatum(document) : (Datum) 0;
}

/* Does it make a row with the key, rather than change or remove one? */
static bool
adds_row(char op)
{
	return op == SK_AUDIT_INSERT || op == SK_AUDIT_NEW_KEY;
}

/* What the event is found by, if it has a key or is about all keys */
static void
set_key_hash(const Event *event, bool has_key, uint64 hash, Datum *values, bool *nulls)
{
	bool		about_all = event->op == SK_AUDIT_TRUNCATE;

	nulls[Anum_audit_event_key_hash - 1] = !has_key && !about_all;
	values[Anum_audit_event_key_hash - 1] =
		UInt64GetDatum(about_all ? sk_audit_key_hash_of(NULL, 0, event->table->rel_id)
					   : hash);
}

static void
write_event(const Event *event)
{
	const SkAuditTable *table = event->table;
	bool		alone = sk_audit_commit_count();
	SkAuditStamp stamp = sk_audit_txn_next(table->options->require_actor, alone);
	Datum		values[Natts_audit_event];
	bool		nulls[Natts_audit_event] = {false};
	bool		has_key = event->keyed != NULL && table->nkeys > 0;
	uint64		hash = 0;
	Jsonb	   *key = has_key ? encode_key(table, event->keyed, &hash) : NULL;
	SkAuditPlace place = {
		.adds = has_key && adds_row(event->op),
		.command = event->command,
		.again = event->again,
		.changed_at = stamp.changed_at,
	};

	sk_audit_order_place(&place, table->rel_id, has_key ? &hash : NULL,
						 stamp.txn_id, stamp.at);
	set_key_hash(event, has_key, hash, values, nulls);
	values[Anum_audit_event_command - 1] = Int32GetDatum((int32) place.command);
	values[Anum_audit_event_shape_id - 1] = Int32GetDatum(table->shape_id);
	values[Anum_audit_event_op - 1] = CharGetDatum(event->op);
	set_document(values, nulls, Anum_audit_event_key, key);
	set_document(values, nulls, Anum_audit_event_old, event->old);
	set_document(values, nulls, Anum_audit_event_new, event->new);
	stamp.changed_at = place.changed_at;
	sk_audit_txn_put(&stamp, values, nulls);
	sk_audit_buffer_insert(stamp.at, values, nulls);
}

static bool
stores_values(const SkAuditTable *table)
{
	return table->options->capture != SK_AUDIT_KEYS;
}

/*
 * A row that is new, or with SK_AUDIT_BASELINE, that is there.
 */
void
sk_audit_event_insert(SkAuditTable *table, char op, TupleTableSlot *new,
					  SkAuditCommands commands)
{
	Event		event = {
		.table = table,
		.op = op,
		.command = commands.made,
		.again = commands.again,
		.keyed = new,
	};

	slot_getallattrs(new);
	if (stores_values(table))
		event.new = encode_row(table, new, NULL);
	write_event(&event);
}

void
sk_audit_event_delete(SkAuditTable *table, TupleTableSlot *old,
					  CommandId command)
{
	Event		event = {
		.table = table,
		.op = SK_AUDIT_DELETE,
		.command = command,
		.keyed = old,
	};

	slot_getallattrs(old);
	if (stores_values(table))
		event.old = encode_row(table, old, NULL);
	write_event(&event);
}

/*
 * Find out which columns differ.  False if none does but ignored ones, so
 * that there is nothing to tell.
 */
static bool
compare_rows(const SkAuditTable *table, TupleTableSlot *old,
			 TupleTableSlot *new, bool *changed, bool *key_changed)
{
	TupleDesc	tupdesc = new->tts_tupleDescriptor;
	bool		worth_telling = false;

	*key_changed = false;
	for (int i = 0; i < table->ncolumns; i++)
	{
		int			att = table->columns[i].attnum - 1;

		changed[i] = !sk_tuple_same_value(TupleDescAttr(tupdesc, att),
										  old->tts_values[att],
										  old->tts_isnull[att],
										  new->tts_values[att],
										  new->tts_isnull[att]);
		if (!changed[i])
			continue;
		worth_telling |= !table->columns[i].ignored;
		*key_changed |= table->is_key[i];
	}
	return worth_telling;
}

/* The end of a key's history: the whole old row, and its new key. */
static void
write_old_key(SkAuditTable *table, TupleTableSlot *old, TupleTableSlot *new,
			  CommandId command)
{
	Event		event = {
		.table = table,
		.op = SK_AUDIT_OLD_KEY,
		.command = command,
		.keyed = old,
	};

	event.new = encode_row(table, new, table->is_key);
	if (stores_values(table))
		event.old = encode_row(table, old, NULL);
	write_event(&event);
}

void
sk_audit_event_update(SkAuditTable *table, TupleTableSlot *old,
					  TupleTableSlot *new, SkAuditCommands commands)
{
	Event		event = {
		.table = table,
		.op = SK_AUDIT_UPDATE,
		.command = commands.made,
		.again = commands.again,
		.keyed = new,
	};
	bool	   *changed = palloc(sizeof(bool) * Max(table->ncolumns, 1));
	bool	   *which;
	bool		key_changed;

	slot_getallattrs(old);
	slot_getallattrs(new);
	if (!compare_rows(table, old, new, changed, &key_changed))
		return;
	if (key_changed)
	{
		write_old_key(table, old, new, commands.made);
		event.op = SK_AUDIT_NEW_KEY;
	}
	which = table->options->capture == SK_AUDIT_FULL || table->nkeys == 0
		? NULL : changed;
	if (stores_values(table))
	{
		event.old = encode_row(table, old, which);
		event.new = encode_row(table, new, which);
	}
	write_event(&event);
}

/*
 * The mark that a table was truncated, or only the partition of that name.
 */
void
sk_audit_event_truncate(SkAuditTable *table, char *partition, CommandId command)
{
	Event		event = {
		.table = table,
		.op = SK_AUDIT_TRUNCATE,
		.command = command,
	};
	JsonbValue	string;
	SkJsonWriter writer;

	if (partition != NULL)
	{
		sk_audit_json_write_begin(&writer, 1);
		sk_audit_json_set_string(&string, "$partition", strlen("$partition"));
		sk_audit_json_write_key(&writer, &string);
		sk_audit_json_set_string(&string, partition, strlen(partition));
		sk_audit_json_write_encoded(&writer, &string);
		event.new = sk_audit_json_write_end(&writer);
	}
	write_event(&event);
}
