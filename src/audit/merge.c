/*-------------------------------------------------------------------------
 *
 * audit/merge.c
 *	  Events since some time and the rows that there are now, brought together by
 *	  the server's sort, which takes work_mem and goes on in files.
 *
 * What is sorted by is the number of the row: key_hash, or, of a row without key, a
 * hash of its content.  Then come the events of rows of one number in their order, and
 * after them the rows that there are now.  Different rows may have the same number,
 * so audit/undo.c tells them apart.
 *
 * Rows that have not changed are not sorted: a bit for each number of an event says
 * which may have.  They are returned when they are read.
 *
 * The order of the events of a key is that of the transactions, which wait for each
 * other, and in a transaction that of the commands.  Where one command takes a key from
 * a row and gives it to another, as rows swap theirs under a deferrable constraint, the
 * row that had it is the older one, whatever the order of the events.  So events of a
 * transaction are put in order here.
 *
 * Values that are stored out of line stay there until they are needed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/merge.h"
#include "audit/event.h"
#include "audit/key_hash.h"
#include "audit/outcome.h"
#include "audit/past.h"
#include "base/compat.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

/* What is sorted; the columns of the table follow, for a row that there is now */
#define Anum_hash			1
#define Anum_changed_at		2
#define Anum_txn_id			3
#define Anum_command		4
#define Anum_n				5
#define Anum_shape_id		6
#define Anum_op				7
#define Anum_identity		8
#define Anum_key			9
#define Anum_old			10
#define Anum_new			11
#define Natts_event			11

#define OP_LIVE				'\0'

/* Bits that say which numbers events have */
#define MIN_BITS			(UINT64CONST(1) << 16)
#define MAX_BITS			(UINT64CONST(1) << 26)

/* Events of one row in a transaction that are put in order together */
#define MAX_RUN				1000

typedef struct SkAuditMerge
{
	Tuplesortstate *sort;
	TupleDesc	tupdesc;
	TupleTableSlot *put;
	TupleTableSlot *held;		/* the last one that was got */
	TupleTableSlot *next;
	TupleTableSlot *again;		/* one of a run */
	uint64		hash;
	MinimalTuple run[MAX_RUN];
	int			nrun;
	MemoryContext run_context;
	MemoryContext row_context;	/* of an event, or a row */
	uint8	   *bits;
	uint64		mask;
} SkAuditMerge;


/*-------------------------------------------------------------------------
 * What is sorted
 *-------------------------------------------------------------------------
 */

static TupleDesc
make_tupdesc(TupleDesc columns)
{
	TupleDesc	tupdesc = CreateTemplateTupleDesc(Natts_event + columns->natts);

	TupleDescInitBuiltinEntry(tupdesc, Anum_hash, "hash", INT8OID, -1, 0);
	TupleDescInitBuiltinEntry(tupdesc, Anum_changed_at, "changed_at", INT8OID, -1, 0);
	TupleDescInitBuiltinEntry(tupdesc, Anum_txn_id, "txn_id", INT8OID, -1, 0);
	TupleDescInitBuiltinEntry(tupdesc, Anum_command, "command", INT4OID, -1, 0);
	TupleDescInitBuiltinEntry(tupdesc, Anum_n, "n", INT4OID, -1, 0);
	TupleDescInitBuiltinEntry(tupdesc, Anum_shape_id, "shape_id", INT4OID, -1, 0);
	TupleDescInitEntry(tupdesc, Anum_op, "op", CHAROID, -1, 0);
	TupleDescInitBuiltinEntry(tupdesc, Anum_identity, "identity", TEXTOID, -1, 0);
	TupleDescInitEntry(tupdesc, Anum_key, "key", JSONBOID, -1, 0);
	TupleDescInitEntry(tupdesc, Anum_old, "old", JSONBOID, -1, 0);
	TupleDescInitEntry(tupdesc, Anum_new, "new", JSONBOID, -1, 0);
	for (int i = 1; i <= columns->natts; i++)
		TupleDescCopyEntry(tupdesc, Natts_event + i, columns, i);
	TupleDescFinalize(tupdesc);
	return tupdesc;
}

static Tuplesortstate *
begin_sort(TupleDesc tupdesc)
{
	AttrNumber	columns[] = {Anum_hash, Anum_changed_at, Anum_txn_id};
	Oid			operators[] = {Int8LessOperator, Int8LessOperator, Int8LessOperator};
	Oid			collations[] = {InvalidOid, InvalidOid, InvalidOid};
	bool		nulls_first[] = {false, false, false};

	/* the other half of work_mem is for the result */
	return tuplesort_begin_heap(tupdesc, lengthof(columns), columns, operators,
								collations, nulls_first, Max(work_mem / 2, 64), NULL,
								TUPLESORT_NONE);
}

/* There are as many numbers as rows, if all change; of a row, there is one. */
static void
make_bits(SkAuditMerge *merge, double rows)
{
	uint64		nbits = MIN_BITS;

	while (nbits < MAX_BITS && nbits < 16 * rows)
		nbits *= 2;
	merge->bits = palloc0(nbits / BITS_PER_BYTE);
	merge->mask = nbits - 1;
}

static void
set_bit(SkAuditMerge *merge, uint64 hash)
{
	merge->bits[(hash & merge->mask) / BITS_PER_BYTE] |= 1 << hash % BITS_PER_BYTE;
}

static bool
has_bit(const SkAuditMerge *merge, uint64 hash)
{
	return (merge->bits[(hash & merge->mask) / BITS_PER_BYTE] >> hash % BITS_PER_BYTE & 1) != 0;
}

void
sk_audit_merge_begin(SkAuditPast *past)
{
	SkAuditMerge *merge = palloc0(sizeof(SkAuditMerge));

	merge->tupdesc = make_tupdesc(past->reader->tupdesc);
	merge->sort = begin_sort(merge->tupdesc);
	merge->put = MakeSingleTupleTableSlot(merge->tupdesc, &TTSOpsVirtual);
	merge->held = MakeSingleTupleTableSlot(merge->tupdesc, &TTSOpsMinimalTuple);
	merge->next = MakeSingleTupleTableSlot(merge->tupdesc, &TTSOpsMinimalTuple);
	merge->again = MakeSingleTupleTableSlot(merge->tupdesc, &TTSOpsMinimalTuple);
	merge->run_context = AllocSetContextCreate(CurrentMemoryContext,
											   "schemakit events of a row",
											   ALLOCSET_DEFAULT_SIZES);
	merge->row_context = AllocSetContextCreate(CurrentMemoryContext,
											   "schemakit event of the past",
											   ALLOCSET_DEFAULT_SIZES);
	make_bits(merge, past->key ? 1 : past->reader->rows);
	past->merge = merge;
	sk_audit_undo_begin(past);
}

static TupleTableSlot *
begin_put(SkAuditMerge *merge)
{
	TupleTableSlot *slot = merge->put;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * merge->tupdesc->natts);
	memset(slot->tts_isnull, false, sizeof(bool) * Anum_op);
	return slot;
}

static void
set_document(TupleTableSlot *slot, int attnum, Datum document)
{
	slot->tts_values[attnum - 1] = document;
	slot->tts_isnull[attnum - 1] = DatumGetPointer(document) == NULL;
}

static void
put_event(SkAuditMerge *merge, const SkAuditMergeEvent *event, const char *identity)
{
	TupleTableSlot *slot = begin_put(merge);
	Datum	   *values = slot->tts_values;

	values[Anum_hash - 1] = Int64GetDatum(event->key_hash);
	values[Anum_changed_at - 1] = Int64GetDatum(event->changed_at);
	values[Anum_txn_id - 1] = Int64GetDatum(event->txn_id);
	values[Anum_command - 1] = Int32GetDatum(event->command);
	values[Anum_n - 1] = Int32GetDatum(event->n);
	values[Anum_shape_id - 1] = Int32GetDatum(event->shape_id);
	values[Anum_op - 1] = CharGetDatum(event->op);
	set_document(slot, Anum_identity,
				 identity ? CStringGetTextDatum(identity) : (Datum) 0);
	set_document(slot, Anum_key, event->key);
	set_document(slot, Anum_old, event->old);
	set_document(slot, Anum_new, event->new);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(merge->sort, slot);
	set_bit(merge, (uint64) event->key_hash);
}

static uint64
hash_of(const char *identity)
{
	return hash_bytes_extended((const unsigned char *) identity, strlen(identity), 0);
}

/* Of a row without key, what it was or became is an event of that content. */
static void
put_content(SkAuditPast *past, const SkAuditMergeEvent *event, bool is_old)
{
	SkAuditMergeEvent content = *event;
	const SkAuditReader *reader = past->reader;
	JsonbValue *values = palloc0(sizeof(JsonbValue) * Max(reader->tupdesc->natts, 1));
	Jsonb	   *document = DatumGetJsonbP(is_old ? event->old : event->new);
	char	   *identity;

	if (is_old)
		content.new = (Datum) 0;
	else
		content.old = (Datum) 0;
	sk_audit_reader_values(reader, sk_audit_reader_shape(reader, event->shape_id),
						   document, values);
	identity = sk_audit_undo_content(past, values);
	content.key_hash = (int64) hash_of(identity);
	put_event(past->merge, &content, identity);
}

/*
 * An event that is to be taken back, in any order
 */
void
sk_audit_merge_event(SkAuditPast *past, const SkAuditMergeEvent *event)
{
	if (past->reader->nkeys > 0)
	{
		put_event(past->merge, event, NULL);
		return;
	}
	if (DatumGetPointer(event->old) != NULL)
		put_content(past, event, true);
	if (DatumGetPointer(event->new) != NULL)
		put_content(past, event, false);
}


/*-------------------------------------------------------------------------
 * Rows that there are now
 *-------------------------------------------------------------------------
 */

static char *
content_of(const SkAuditPast *past, const Datum *values, const bool *nulls)
{
	int			natts = past->reader->tupdesc->natts;
	JsonbValue *encoded = palloc0(sizeof(JsonbValue) * Max(natts, 1));

	for (int i = 0; i < natts; i++)
	{
		if (past->shown[i])
			sk_audit_past_encode(past, i, values[i], nulls[i], &encoded[i]);
	}
	return sk_audit_undo_content(past, encoded);
}

static uint64
hash_of_key(const SkAuditPast *past, const Datum *values, const bool *nulls)
{
	const SkAuditReader *reader = past->reader;
	int			i = reader->keys[0] - 1;
	uint64		hash;

	if (reader->nkeys == 1 && !nulls[i] &&
		sk_audit_key_hash_of_stored(reader->types[i], values[i], reader->rel_id, &hash))
		return hash;
	return sk_audit_key_hash_of(sk_audit_outcome_key(past, values, nulls), reader->nkeys,
								reader->rel_id);
}

/*
 * A row that there is now.  All events have been put before.
 */
void
sk_audit_merge_live(SkAuditPast *past, Datum *values, bool *nulls)
{
	SkAuditMerge *merge = past->merge;
	int			natts = past->reader->tupdesc->natts;
	char	   *identity = past->reader->nkeys > 0 ? NULL : content_of(past, values, nulls);
	uint64		hash = identity ? hash_of(identity) : hash_of_key(past, values, nulls);
	TupleTableSlot *slot;

	if (!has_bit(merge, hash))
	{
		sk_audit_past_put(past, NULL, values, nulls);
		return;
	}
	slot = begin_put(merge);
	memset(slot->tts_values, 0, sizeof(Datum) * Anum_op);
	slot->tts_values[Anum_hash - 1] = UInt64GetDatum(hash);
	slot->tts_values[Anum_changed_at - 1] = Int64GetDatum(PG_INT64_MAX);
	slot->tts_values[Anum_txn_id - 1] = Int64GetDatum(0);
	slot->tts_values[Anum_op - 1] = CharGetDatum(OP_LIVE);
	set_document(slot, Anum_identity,
				 identity ? CStringGetTextDatum(identity) : (Datum) 0);
	memcpy(slot->tts_values + Natts_event, values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull + Natts_event, nulls, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(merge->sort, slot);
}


/*-------------------------------------------------------------------------
 * In order
 *-------------------------------------------------------------------------
 */

static uint64
hash_in(TupleTableSlot *slot)
{
	bool		isnull;

	return DatumGetUInt64(slot_getattr(slot, Anum_hash, &isnull));
}

static char
op_in(TupleTableSlot *slot)
{
	bool		isnull;

	return DatumGetChar(slot_getattr(slot, Anum_op, &isnull));
}

static int64
txn_in(TupleTableSlot *slot)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(slot, Anum_txn_id, &isnull));
}

static Jsonb *
document_in(TupleTableSlot *slot, int attnum)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, attnum, &isnull);

	return isnull ? NULL : DatumGetJsonbP(value);
}

static char *
identity_in(TupleTableSlot *slot)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, Anum_identity, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static void
undo_event(SkAuditPast *past, TupleTableSlot *slot)
{
	bool		isnull;
	SkAuditPastEvent event = {.op = op_in(slot)};

	event.shape = sk_audit_reader_shape(past->reader,
										DatumGetInt32(slot_getattr(slot, Anum_shape_id,
																   &isnull)));
	event.identity = identity_in(slot);
	event.key = document_in(slot, Anum_key);
	event.old = document_in(slot, Anum_old);
	event.new = document_in(slot, Anum_new);
	sk_audit_undo_event(past, &event);
}

static void
undo_live(SkAuditPast *past, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	sk_audit_outcome_of_live(past, identity_in(slot), slot->tts_values + Natts_event,
							 slot->tts_isnull + Natts_event);
}

static void
undo_one(SkAuditPast *past, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(past->merge->row_context);

	if (op_in(slot) == OP_LIVE)
		undo_live(past, slot);
	else
		undo_event(past, slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(past->merge->row_context);
}

typedef struct Place
{
	int32		command;
	bool		is_new;			/* rather than the row that had the key */
	int32		n;
} Place;

static Place
place_of(MinimalTuple tuple, TupleDesc tupdesc)
{
	HeapTupleData wrapped;
	bool		isnull;
	Place		place;
	char		op;

	wrapped.t_len = tuple->t_len + MINIMAL_TUPLE_OFFSET;
	wrapped.t_data = (HeapTupleHeader) ((char *) tuple - MINIMAL_TUPLE_OFFSET);
	place.command = DatumGetInt32(heap_getattr(&wrapped, Anum_command, tupdesc, &isnull));
	place.n = DatumGetInt32(heap_getattr(&wrapped, Anum_n, tupdesc, &isnull));
	op = DatumGetChar(heap_getattr(&wrapped, Anum_op, tupdesc, &isnull));
	place.is_new = op == SK_AUDIT_INSERT || op == SK_AUDIT_NEW_KEY;
	return place;
}

static int
in_order(const void *a, const void *b, void *arg)
{
	Place		pa = place_of(*(const MinimalTuple *) a, arg);
	Place		pb = place_of(*(const MinimalTuple *) b, arg);

	if (pa.command != pb.command)
		return pa.command < pb.command ? -1 : 1;
	if (pa.is_new != pb.is_new)
		return pa.is_new ? 1 : -1;
	return (pa.n > pb.n) - (pa.n < pb.n);
}

/* Of too many events, the last half waits for those of the same command. */
static void
undo_run(SkAuditPast *past, int count)
{
	SkAuditMerge *merge = past->merge;

	qsort_arg(merge->run, merge->nrun, sizeof(MinimalTuple), in_order, merge->tupdesc);
	for (int i = 0; i < count; i++)
	{
		ExecStoreMinimalTuple(merge->run[i], merge->again, true);
		undo_one(past, merge->again);
	}
	ExecClearTuple(merge->again);
	merge->nrun -= count;
	memmove(merge->run, merge->run + count, sizeof(MinimalTuple) * merge->nrun);
}

static void
add_to_run(SkAuditPast *past, TupleTableSlot *slot)
{
	SkAuditMerge *merge = past->merge;
	MemoryContext old = MemoryContextSwitchTo(merge->run_context);

	merge->run[merge->nrun++] = ExecCopySlotMinimalTuple(slot);
	MemoryContextSwitchTo(old);
	if (merge->nrun == MAX_RUN)
		undo_run(past, MAX_RUN / 2);
}

/* Do two events belong to a run? */
static bool
is_same_run(TupleTableSlot *a, TupleTableSlot *b)
{
	return !TupIsNull(b) && hash_in(a) == hash_in(b) && txn_in(a) == txn_in(b) &&
		op_in(a) != OP_LIVE && op_in(b) != OP_LIVE;
}

static void
get(SkAuditMerge *merge, TupleTableSlot *slot)
{
	CHECK_FOR_INTERRUPTS();
	(void) tuplesort_gettupleslot(merge->sort, true, true, slot, NULL);
}

/* "held" has been got, and so has what follows it. */
static void
undo_held(SkAuditPast *past)
{
	SkAuditMerge *merge = past->merge;

	if (is_same_run(merge->held, merge->next))
		add_to_run(past, merge->held);
	else if (merge->nrun > 0)
	{
		add_to_run(past, merge->held);
		undo_run(past, merge->nrun);
	}
	else
		undo_one(past, merge->held);
	if (TupIsNull(merge->next) || hash_in(merge->held) != hash_in(merge->next))
	{
		MemoryContext old = MemoryContextSwitchTo(merge->row_context);

		sk_audit_outcome_finish(past);
		MemoryContextSwitchTo(old);
		MemoryContextReset(merge->row_context);
	}
}

/*
 * All rows have been put: take back what has happened to them, and return what they
 * were.
 */
void
sk_audit_merge_end(SkAuditPast *past)
{
	SkAuditMerge *merge = past->merge;
	TupleTableSlot *got;

	tuplesort_performsort(merge->sort);
	for (get(merge, merge->held); !TupIsNull(merge->held);)
	{
		get(merge, merge->next);
		undo_held(past);
		got = merge->next;
		merge->next = merge->held;
		merge->held = got;
	}
	tuplesort_end(merge->sort);
	ExecDropSingleTupleTableSlot(merge->put);
	ExecDropSingleTupleTableSlot(merge->held);
	ExecDropSingleTupleTableSlot(merge->next);
	ExecDropSingleTupleTableSlot(merge->again);
	MemoryContextDelete(merge->run_context);
	MemoryContextDelete(merge->row_context);
	sk_audit_undo_end(past);
	pfree(merge->bits);
	pfree(merge);
	past->merge = NULL;
}
