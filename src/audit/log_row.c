/*-------------------------------------------------------------------------
 *
 * audit/log_row.c
 *	  The stored form of an event that does not carry who acts.
 *
 * Such an event is some numbers, which nearly always are all there and need no padding,
 * and up to three documents.  To know this makes it three times cheaper to form than a
 * row of any columns is for the server.  Where it is not so, the server forms the row.
 *
 * A row ends with its last column that is not null, so a deletion, which has no new
 * values, needs no bitmap of nulls, and is 8 bytes shorter.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/log_row.h"
#include "audit/log_columns.h"
#include "base/compat.h"

#include "access/htup_details.h"

#define FIRST_DOCUMENT	Anum_audit_event_key
#define LAST_DOCUMENT	Anum_audit_event_new
#define DOCUMENTS		(LAST_DOCUMENT - FIRST_DOCUMENT + 1)

/* The columns before the documents */
typedef struct Numbers
{
	int64		txn_id;
	int64		at;
	int64		changed_at;
	int64		key_hash;
	int32		n;
	int32		command;
	int32		shape_id;
	int32		carrier;
	char		op;
} Numbers;

#define NUMBERS_SIZE	(offsetof(Numbers, op) + 1)

/* Where the documents go, from the first column on */
typedef struct Layout
{
	int			natts;			/* of the row */
	bool		has_nulls;
	Size		size;
	Size		offset[DOCUMENTS];
} Layout;

static bool
has_all_numbers(const bool *nulls)
{
	return !nulls[Anum_audit_event_key_hash - 1] && !nulls[Anum_audit_event_carrier - 1];
}

/*
 * Lay out the documents; false if one is stored otherwise than as it was made, or is to
 * be stored with its long header.
 */
static bool
lay_out(TupleDesc plain, const Datum *values, const bool *nulls, Layout *layout)
{
	layout->natts = FIRST_DOCUMENT - 1;
	layout->has_nulls = false;
	layout->size = NUMBERS_SIZE;
	for (int i = 0; i < DOCUMENTS; i++)
	{
		int			column = FIRST_DOCUMENT - 1 + i;
		struct varlena *document = (struct varlena *) DatumGetPointer(values[column]);

		if (nulls[column])
			continue;
		if (!VARATT_IS_4B_U(document) ||
			TupleDescAttr(plain, column)->attstorage == TYPSTORAGE_PLAIN)
			return false;
		layout->has_nulls |= layout->natts < column;
		layout->natts = column + 1;
		if (!VARATT_CAN_MAKE_SHORT(document))
			layout->size = INTALIGN(layout->size);
		layout->offset[i] = layout->size;
		layout->size += VARATT_CAN_MAKE_SHORT(document)
			? VARATT_CONVERTED_SHORT_SIZE(document) : VARSIZE(document);
	}
	return true;
}

static void
put_numbers(char *data, const Datum *values)
{
	Numbers		numbers;

	numbers.txn_id = DatumGetInt64(values[Anum_audit_event_txn_id - 1]);
	numbers.at = DatumGetInt64(values[Anum_audit_event_at - 1]);
	numbers.changed_at = DatumGetInt64(values[Anum_audit_event_changed_at - 1]);
	numbers.key_hash = DatumGetInt64(values[Anum_audit_event_key_hash - 1]);
	numbers.n = DatumGetInt32(values[Anum_audit_event_n - 1]);
	numbers.command = DatumGetInt32(values[Anum_audit_event_command - 1]);
	numbers.shape_id = DatumGetInt32(values[Anum_audit_event_shape_id - 1]);
	numbers.carrier = DatumGetInt32(values[Anum_audit_event_carrier - 1]);
	numbers.op = DatumGetChar(values[Anum_audit_event_op - 1]);
	memcpy(data, &numbers, NUMBERS_SIZE);
}

static void
put_document(char *place, const struct varlena *document)
{
	Size		size;

	if (!VARATT_CAN_MAKE_SHORT(document))
	{
		memcpy(place, document, VARSIZE(document));
		return;
	}
	size = VARATT_CONVERTED_SHORT_SIZE(document);
	SET_VARSIZE_SHORT(place, size);
	memcpy(place + VARHDRSZ_SHORT, VARDATA(document), size - VARHDRSZ_SHORT);
}

static HeapTuple
make_tuple(TupleDesc plain, const Layout *layout)
{
	Size		header = SizeofHeapTupleHeader +
		(layout->has_nulls ? BITMAPLEN(layout->natts) : 0);
	Size		length = MAXALIGN(header) + layout->size;
	HeapTuple	tuple = palloc0(HEAPTUPLESIZE + length);

	tuple->t_len = length;
	ItemPointerSetInvalid(&tuple->t_self);
	tuple->t_tableOid = InvalidOid;
	tuple->t_data = (HeapTupleHeader) ((char *) tuple + HEAPTUPLESIZE);
	HeapTupleHeaderSetDatumLength(tuple->t_data, length);
	HeapTupleHeaderSetTypeId(tuple->t_data, plain->tdtypeid);
	HeapTupleHeaderSetTypMod(tuple->t_data, plain->tdtypmod);
	ItemPointerSetInvalid(&tuple->t_data->t_ctid);
	HeapTupleHeaderSetNatts(tuple->t_data, layout->natts);
	tuple->t_data->t_hoff = MAXALIGN(header);
	if (layout->has_nulls)
		tuple->t_data->t_infomask |= HEAP_HASNULL;
	if (layout->natts >= FIRST_DOCUMENT)
		tuple->t_data->t_infomask |= HEAP_HASVARWIDTH;
	return tuple;
}

static void
set_bitmap(HeapTupleHeader header, int natts, const bool *nulls)
{
	for (int i = 0; i < natts; i++)
	{
		if (!nulls[i])
			header->t_bits[i >> 3] |= 1 << (i & 7);
	}
}

#ifdef USE_ASSERT_CHECKING
/* The server makes the same of a row of so many columns. */
static bool
is_as_server_does(HeapTuple tuple, TupleDesc plain, Datum *values, bool *nulls)
{
	TupleDesc	tupdesc = CreateTupleDescTruncatedCopy(plain, HeapTupleHeaderGetNatts(tuple->t_data));
	HeapTuple	theirs;
	bool		same;

	tupdesc->tdtypeid = plain->tdtypeid;
	tupdesc->tdtypmod = plain->tdtypmod;
	theirs = heap_form_tuple(tupdesc, values, nulls);
	same = theirs->t_len == tuple->t_len &&
		memcmp(theirs->t_data, tuple->t_data, tuple->t_len) == 0;
	heap_freetuple(theirs);
	FreeTupleDesc(tupdesc);
	return same;
}
#endif

/*
 * The row of the values, as heap_form_tuple() makes it, but without the nulls at its
 * end.
 */
HeapTuple
sk_audit_log_row_form(TupleDesc plain, Datum *values, bool *nulls)
{
	Layout		layout;
	HeapTuple	tuple;
	char	   *data;

	Assert(plain->natts == Natts_audit_event_plain);
	if (!has_all_numbers(nulls) || !lay_out(plain, values, nulls, &layout))
		return heap_form_tuple(plain, values, nulls);
	tuple = make_tuple(plain, &layout);
	data = (char *) tuple->t_data + tuple->t_data->t_hoff;
	put_numbers(data, values);
	for (int i = FIRST_DOCUMENT - 1; i < layout.natts; i++)
	{
		if (!nulls[i])
			put_document(data + layout.offset[i - FIRST_DOCUMENT + 1],
						 (struct varlena *) DatumGetPointer(values[i]));
	}
	if (layout.has_nulls)
		set_bitmap(tuple->t_data, layout.natts, nulls);
	Assert(is_as_server_does(tuple, plain, values, nulls));
	return tuple;
}
