/*-------------------------------------------------------------------------
 *
 * audit/order.c
 *	  The order of the events of one row within a transaction.
 *
 * Events are written when AFTER triggers fire, which is not the order in which
 * rows were changed: a command's triggers fire when it ends, after those of the
 * commands that its rows' triggers and functions have executed meanwhile.  The
 * numbers of commands tell the order, but for one case.  An event is late if
 * one of a later command has been written already.  Then, of a row:
 *
 * What updates or deletes it comes before what later commands do to it, since a
 * command changes only rows that were there when it began.
 *
 * What makes it (an insert, or an update that gives it its key) may come after
 * what a later command did: a BEFORE trigger or a function has removed the row
 * that had the key.  Only what is done to the new row comes after; the new row
 * says which command that was.
 *
 * So a late event is put in its place: one that comes after gets the number of
 * the last command that it follows, and one that comes before gets a time before
 * what it precedes.  That is still after the row was changed, for the later
 * command began after it.  Then both "command, n" and "changed_at" give the order
 * of a row's events.
 *
 * For this, the last events of the transaction are kept in a ring.  If that does
 * not reach back to the command, the log is searched.
 *
 * Rows without a key are told apart by all that is in them; all events of such a
 * table are taken for those of one row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/order.h"
#include "audit/buffer.h"
#include "audit/log.h"
#include "base/table.h"
#include "audit/shape.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "common/hashfn.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define RING_SIZE	1024		/* a power of two */

/* An event of this transaction */
typedef struct Entry
{
	uint64		row;			/* hash of its table and key */
	CommandId	command;
	TimestampTz changed_at;
} Entry;

static struct
{
	int64		txn_id;
	uint32		count;			/* of events that were ever put into it */
	CommandId	last;			/* the last command that has events */
	CommandId	forgotten;		/* the last one whose events may be lost */
	Entry		entries[RING_SIZE];
}			ring;

static void
begin(int64 txn_id)
{
	if (ring.txn_id == txn_id)
		return;
	ring.txn_id = txn_id;
	ring.count = 0;
	ring.last = 0;
	ring.forgotten = 0;
}

static void
remember(uint64 row, const SkAuditPlace *place)
{
	Entry	   *entry = &ring.entries[ring.count % RING_SIZE];

	if (ring.count >= RING_SIZE)
		ring.forgotten = Max(ring.forgotten, entry->command);
	entry->row = row;
	entry->command = place->command;
	entry->changed_at = place->changed_at;
	ring.count++;
	ring.last = Max(ring.last, place->command);
}

/*
 * Put the event, which command "made" has caused, before or after another one
 * of the row.
 */
static void
compare(SkAuditPlace *place, CommandId made, CommandId other,
		TimestampTz changed_at)
{
	if (other <= made)
		return;
	if (!place->adds ||
		(place->again != InvalidCommandId && other >= place->again))
		place->changed_at = Min(place->changed_at, changed_at - 1);
	else
		place->command = Max(place->command, other);
}

/* An index on key_hash of a partition of the events; invalid if it has none. */
static Oid
key_hash_index(Relation leaf)
{
	Oid			found = InvalidOid;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(leaf))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisvalid &&
			index->rd_rel->relam == BTREE_AM_OID &&
			index->rd_index->indkey.values[0] == Anum_audit_event_key_hash &&
			bms_equal(sk_table_index_unless_null(index),
					  bms_make_singleton(Anum_audit_event_key_hash)))
			found = lfirst_oid(lc);
		index_close(index, AccessShareLock);
	}
	return found;
}

static Datum
value(Relation leaf, HeapTuple tuple, int attnum)
{
	bool		isnull;

	return heap_getattr(tuple, attnum, RelationGetDescr(leaf), &isnull);
}

/* Other tables may have rows of the same key_hash. */
static bool
is_of_table(List *shapes, int32 shape_id)
{
	ListCell   *lc;

	foreach(lc, shapes)
	{
		if (((SkAuditShape *) lfirst(lc))->shape_id == shape_id)
			return true;
	}
	return false;
}

/* As with shapes, the scan leaves no predicate locks. */
static void
scan_log(SkAuditPlace *place, CommandId made, Relation leaf, Oid index,
		 int64 rel_id, uint64 key_hash, int64 txn_id)
{
	List	   *shapes = sk_audit_shape_list(rel_id);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_audit_event_key_hash, BTEqualStrategyNumber,
				F_INT8EQ, UInt64GetDatum(key_hash));
	scan = systable_beginscan(leaf, index, true, SnapshotSelf, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (DatumGetInt64(value(leaf, tuple, Anum_audit_event_txn_id)) == txn_id &&
			is_of_table(shapes, DatumGetInt32(value(leaf, tuple, Anum_audit_event_shape_id))))
			compare(place, made,
					DatumGetUInt32(value(leaf, tuple, Anum_audit_event_command)),
					DatumGetTimestampTz(value(leaf, tuple, Anum_audit_event_changed_at)));
	}
	systable_endscan(scan);
}

/*
 * If somebody has changed the partition so that events cannot be found fast, they
 * are not looked for.
 */
static void
search_log(SkAuditPlace *place, CommandId made, int64 rel_id, uint64 key_hash,
		   int64 txn_id, TimestampTz at)
{
	Relation	leaf = sk_audit_log_open(SK_AUDIT_LOG_EVENT, at);
	Oid			index;

	sk_audit_buffer_flush();
	if (leaf == NULL)
		return;
	index = key_hash_index(leaf);
	if (OidIsValid(index))
		scan_log(place, made, leaf, index, rel_id, key_hash, txn_id);
	relation_close(leaf, NoLock);
}

static void
search_ring(SkAuditPlace *place, CommandId made, uint64 row)
{
	for (uint32 i = 0; i < Min(ring.count, RING_SIZE); i++)
	{
		const Entry *entry = &ring.entries[i];

		if (entry->row == row)
			compare(place, made, entry->command, entry->changed_at);
	}
}

/*
 * Put the next event of the transaction in its place among those of its row.
 * "key_hash" is NULL if the table has no key.
 */
void
sk_audit_order_place(SkAuditPlace *place, int64 rel_id, const uint64 *key_hash,
					 int64 txn_id, TimestampTz at)
{
	CommandId	made = place->command;
	uint64		row = key_hash != NULL ? hash_combine64((uint64) rel_id, *key_hash)
		: (uint64) rel_id;

	begin(txn_id);
	if (made < ring.forgotten && key_hash != NULL)
		search_log(place, made, rel_id, *key_hash, txn_id, at);
	else if (made < ring.last)
		search_ring(place, made, row);
	remember(row, place);
}
