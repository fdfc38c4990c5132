/*-------------------------------------------------------------------------
 *
 * audit/changes.c
 *	  Transactions that a client has not seen, in the order in which they ended,
 *	  without reading all of them.
 *
 * Whoever depends on a transaction has ended after it, so that is an order in which
 * changes can be applied.  But transactions are found by when they began.  So they
 * are read in that order, those of some time with each statement, and when all are
 * read that began before a time, it is the turn of those that ended before it.
 * The others, which ran at that time, wait for their turn.
 *
 * A transaction has got its number after it began and before it ended.  So what has
 * been returned has smaller numbers than what has not been read: it is all up to a number
 * without those that wait, and that is a snapshot.  So a position in the middle is
 * one like others.  If the clock was set back, the order is not that of its times, and
 * there are smaller numbers that have not been read, which are looked for: no
 * transaction is left out.
 *
 * Transactions of other databases, which a dump has brought, come before all of
 * this one; a position among them says of which database it is.
 *
 * SPI must be connected, and the caller be the log's owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/changes.h"
#include "audit/origin.h"
#include "audit/partition.h"
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"

#define MOST_ROWS	4000		/* of a statement, if it can be divided */
#define NARROWEST	1000		/* microseconds that are not divided */

static int64
value_of(uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
									  &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/*
 * The numbers of the databases whose transactions are to be read: this one comes
 * last, the others in the order in which they began to record.
 */
List *
sk_audit_changes_databases(const SkAuditPosition *since)
{
	static const char databases_query[] =
		"SELECT cluster FROM (SELECT cluster, recorded_at FROM schemakit.audit_shape"
		" UNION ALL SELECT cluster, loaded_at FROM schemakit.audit_origin) AS c"
		" GROUP BY cluster ORDER BY pg_catalog.min(recorded_at), cluster";
	int			ours = sk_audit_origin_database();
	List	   *numbers = NIL;

	if (since != NULL && !since->is_inside)
		return list_make1_int(ours);
	if (SPI_execute(databases_query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_shape");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int			number = sk_audit_origin_number(value_of(i, 1));

		if (number != ours)
			numbers = list_append_unique_int(numbers, number);
	}
	numbers = lappend_int(numbers, ours);
	if (since != NULL && !list_member_int(numbers, since->database))
		return numbers;			/* its events are gone */
	while (since != NULL && linitial_int(numbers) != since->database)
		numbers = list_delete_first(numbers);
	return numbers;
}


/*-------------------------------------------------------------------------
 * Transactions in the order in which they began
 *-------------------------------------------------------------------------
 */

static int
by_end(const pairingheap_node *a, const pairingheap_node *b, void *arg)
{
	const SkAuditChangesTxn *one = pairingheap_const_container(SkAuditChangesTxn, node, a);
	const SkAuditChangesTxn *other = pairingheap_const_container(SkAuditChangesTxn, node, b);

	/* the first one is the largest */
	if (one->ended_at != other->ended_at)
		return one->ended_at < other->ended_at ? 1 : -1;
	return (one->txn_id < other->txn_id) - (one->txn_id > other->txn_id);
}

/*
 * Begin with those of a database that the position does not include.
 */
void
sk_audit_changes_begin(SkAuditChanges *changes)
{
	changes->pending = pairingheap_allocate(by_end, NULL);
	changes->first_id = sk_audit_origin_first(changes->database);
	changes->end_id = sk_audit_origin_first(changes->database + 1);
	if (changes->since != NULL)
		changes->first_id += (int64) sk_audit_position_oldest(changes->since);
	changes->leaves = sk_audit_partition_leaves();
	changes->from = DT_NOBEGIN;
	changes->is_first = true;
}

/*
 * Read the events that tell of transactions: the first one of each, those from which on
 * somebody else acts, and the commit event.  How many?
 */
static uint64
query(const SkAuditChanges *changes, TimestampTz until, int64 end_id, long most)
{
	static const char carriers_query[] =
		"SELECT txn_id, at, changed_at, events::pg_catalog.int8 FROM schemakit.audit_event"
		" WHERE role IS NOT NULL AND txn_id OPERATOR(pg_catalog.>=) $1 AND txn_id OPERATOR(pg_catalog.<) $2"
		" AND at OPERATOR(pg_catalog.>=) $3 AND at OPERATOR(pg_catalog.<) $4";
	static const Oid types[] = {INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[4];

	values[0] = Int64GetDatum(changes->first_id);
	values[1] = Int64GetDatum(end_id);
	values[2] = TimestampTzGetDatum(changes->from);
	values[3] = TimestampTzGetDatum(until);
	if (SPI_execute_with_args(carriers_query, 4, (Oid *) types, values, NULL, true, most) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_event");
	return SPI_processed;
}

/* Is it among those that the client has seen? */
static bool
is_included(const SkAuditChanges *changes, int64 txn_id)
{
	return changes->since != NULL &&
		sk_audit_position_includes(changes->since, sk_audit_origin_xid_of(txn_id));
}

/* What the events tell of transactions, all events of which are among these */
static void
add_pending(SkAuditChanges *changes)
{
	HASHCTL		ctl = {
		.keysize = sizeof(int64),
		.entrysize = sizeof(int64) + sizeof(void *),
		.hcxt = CurrentMemoryContext,
	};
	HTAB	   *known = hash_create("transactions", 1024, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int64		txn_id = value_of(i, 1);
		struct
		{
			int64		txn_id;
			SkAuditChangesTxn *txn;
		}		   *entry;
		bool		found;

		if (is_included(changes, txn_id))
			continue;
		entry = hash_search(known, &txn_id, HASH_ENTER, &found);
		if (!found)
		{
			entry->txn = palloc0(sizeof(SkAuditChangesTxn));
			entry->txn->txn_id = txn_id;
			entry->txn->at = value_of(i, 2);
			entry->txn->ended_at = DT_NOBEGIN;
			entry->txn->events = 1;
		}
		else
			pairingheap_remove(changes->pending, &entry->txn->node);
		entry->txn->ended_at = Max(entry->txn->ended_at, value_of(i, 3));
		entry->txn->events = Max(entry->txn->events, value_of(i, 4));
		pairingheap_add(changes->pending, &entry->txn->node);
	}
	hash_destroy(known);
}

/* Until when is to be read next?  The partition's end is, if it is not too much. */
static TimestampTz
next_until(SkAuditChanges *changes)
{
	const SkAuditLeaf *leaf = linitial(changes->leaves);

	if (changes->is_first)
		return DT_NOEND;
	if (list_length(changes->leaves) == 1)
		return DT_NOEND;
	if (changes->from < leaf->from)
		return leaf->from;		/* only the default partition has these */
	if (changes->width == 0 || changes->width >= leaf->until - changes->from)
		return leaf->until;
	return changes->from + changes->width;
}

/* That was too much: read less.  False if it cannot be divided. */
static bool
narrow(SkAuditChanges *changes, TimestampTz until)
{
	if (changes->is_first)
	{
		changes->is_first = false;
		return true;
	}
	if (TIMESTAMP_NOT_FINITE(until) || TIMESTAMP_NOT_FINITE(changes->from) ||
		until - changes->from <= NARROWEST)
		return false;
	changes->width = (until - changes->from) / 8;
	return true;
}

/* Read those of the next time that has any. */
static void
read_transactions(SkAuditChanges *changes)
{
	TimestampTz until = next_until(changes);
	uint64		count = query(changes, until, changes->end_id, MOST_ROWS);

	if (count == MOST_ROWS)
	{
		SPI_freetuptable(SPI_tuptable);
		if (narrow(changes, until))
			return;
		query(changes, until, changes->end_id, 0);
	}
	else if (changes->width > 0 && count < MOST_ROWS / 8)
		changes->width *= 4;
	add_pending(changes);
	SPI_freetuptable(SPI_tuptable);
	changes->from = until;
	changes->done = until == DT_NOEND;
	if (!changes->done && until == ((SkAuditLeaf *) linitial(changes->leaves))->until)
		changes->leaves = list_delete_first(changes->leaves);
}

/*
 * The next transactions, which have as many events, or all that there are: NIL if
 * there are none.
 */
List *
sk_audit_changes_next(SkAuditChanges *changes, int64 events)
{
	List	   *txns = NIL;

	while (events > 0)
	{
		SkAuditChangesTxn *txn = pairingheap_is_empty(changes->pending) ? NULL
			: pairingheap_container(SkAuditChangesTxn, node, pairingheap_first(changes->pending));

		CHECK_FOR_INTERRUPTS();
		if (txn != NULL && (changes->done || txn->ended_at < changes->from))
		{
			pairingheap_remove_first(changes->pending);
			sk_audit_position_add(&changes->returned, sk_audit_origin_xid_of(txn->txn_id));
			txns = lappend(txns, txn);
			events -= txn->events;
		}
		else if (changes->done)
			break;
		else
			read_transactions(changes);
	}
	return txns;
}

/*
 * Has sk_audit_changes_next() returned all that it could?
 */
bool
sk_audit_changes_at_end(const SkAuditChanges *changes)
{
	return changes->done && pairingheap_is_empty(changes->pending);
}


/*-------------------------------------------------------------------------
 * What has been returned so far, as a position
 *-------------------------------------------------------------------------
 */

/* Those that have not been read, although their numbers are smaller: see above. */
static void
add_unread(SkAuditChanges *changes, SkAuditXids *xids, uint64 xmax)
{
	int64		end_id = sk_audit_origin_first(changes->database) + (int64) xmax;

	if (changes->done)
		return;
	query(changes, DT_NOEND, end_id, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		if (!is_included(changes, value_of(i, 1)))
			sk_audit_position_add(xids, sk_audit_origin_xid_of(value_of(i, 1)));
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
add_pending_xids(SkAuditChanges *changes, SkAuditXids *xids, uint64 xmax)
{
	while (!pairingheap_is_empty(changes->pending))
	{
		pairingheap_node *first = pairingheap_remove_first(changes->pending);
		uint64		xid = sk_audit_origin_xid_of(pairingheap_container(SkAuditChangesTxn, node, first)->txn_id);

		if (xid < xmax)
			sk_audit_position_add(xids, xid);
	}
}

/*
 * The position after the transactions that sk_audit_changes_next() has returned, which
 * returns no more then.
 */
char *
sk_audit_changes_position(SkAuditChanges *changes)
{
	const SkAuditPosition *since = changes->since;
	uint64		xmax = Max(sk_audit_position_sort(&changes->returned) + 1,
						   since != NULL ? sk_audit_position_end(since) : 0);
	SkAuditXids xids = {0};
	char	   *snapshot;

	if (since != NULL)
	{
		snapshot = DatumGetCString(DirectFunctionCall1(pg_snapshot_out, since->snapshot));
		sk_audit_position_add_running(&xids, snapshot, xmax, &changes->returned);
	}
	if (changes->database == sk_audit_origin_database())
		sk_audit_position_add_running(&xids, changes->now, xmax, NULL);
	add_unread(changes, &xids, xmax);
	add_pending_xids(changes, &xids, xmax);
	snapshot = sk_audit_position_write(&xids, xmax);
	return changes->in_whole_log
		? psprintf("%s%s@%d", changes->prefix, snapshot, changes->database)
		: psprintf("%s%s", changes->prefix, snapshot);
}
