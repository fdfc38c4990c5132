/*-------------------------------------------------------------------------
 *
 * soft_delete/newest.c
 *	  Does the newest version of a row have our lock?
 *
 * Who refers to a row takes FOR KEY SHARE on it.  That does not wait for an UPDATE
 * that leaves the key alone; it locks the version that it sees, and those that were
 * made from it, by following them.  Waiting on the way for somebody who deletes the
 * row, it does not look again whether the versions that it has followed are those
 * that count: they may have been undone by ROLLBACK TO SAVEPOINT, and others have
 * been made meanwhile.  These do not have the lock, and who deletes the row next
 * neither waits nor knows of the reference.  To ask for the lock again does not help,
 * since the server finds it on the first version.
 *
 * So it is looked here whether the newest version has it.  Any version that is made
 * from that one inherits it, and whoever deletes the row waits then.  If it has
 * not, whoever has made the newest version is waited for, and the caller starts again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/newest.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A version of the row */
typedef struct Version
{
	ItemPointerData tid;
	HeapTupleHeaderData header;
} Version;

/* False if there is none. */
static bool
read_version(Relation rel, const ItemPointerData *tid, Version *version)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	bool		found;

	version->tid = *tid;
	found = table_tuple_fetch_row_version(rel, &version->tid, SnapshotAny, slot);
	if (found)
	{
		BufferHeapTupleTableSlot *heap = (BufferHeapTupleTableSlot *) slot;

		LockBuffer(heap->buffer, BUFFER_LOCK_SHARE);
		memcpy(&version->header, heap->base.tuple->t_data, SizeofHeapTupleHeader);
		LockBuffer(heap->buffer, BUFFER_LOCK_UNLOCK);
	}
	ExecDropSingleTupleTableSlot(slot);
	return found;
}

static bool
is_undone(TransactionId xid)
{
	return !TransactionIdIsCurrentTransactionId(xid) &&
		!TransactionIdIsInProgress(xid) && !TransactionIdDidCommit(xid);
}

/* Who has made another version of it, or deleted it; invalid if nobody has. */
static TransactionId
updater_of(Version *version)
{
	TransactionId xid;

	if ((version->header.t_infomask & HEAP_XMAX_INVALID) != 0 ||
		HEAP_XMAX_IS_LOCKED_ONLY(version->header.t_infomask))
		return InvalidTransactionId;
	xid = HeapTupleHeaderGetUpdateXid(&version->header);
	return TransactionIdIsValid(xid) && !is_undone(xid) ? xid : InvalidTransactionId;
}

static bool
is_deleted(Version *version)
{
	return ItemPointerEquals(&version->header.t_ctid, &version->tid) ||
		HeapTupleHeaderIndicatesMovedPartitions(&version->header);
}

static bool
has_our_lock(Version *version)
{
	TransactionId xmax = HeapTupleHeaderGetRawXmax(&version->header);
	uint16		infomask = version->header.t_infomask;
	MultiXactMember *members;
	int			count;
	bool		ours = false;

	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(&version->header)))
		return true;			/* nobody else can change it yet */
	if ((infomask & HEAP_XMAX_INVALID) != 0)
		return false;
	if ((infomask & HEAP_XMAX_IS_MULTI) == 0)
		return TransactionIdIsCurrentTransactionId(xmax);
	count = GetMultiXactIdMembers(xmax, &members, false,
								  HEAP_XMAX_IS_LOCKED_ONLY(infomask));
	for (int i = 0; i < count; i++)
		ours |= TransactionIdIsCurrentTransactionId(members[i].xid);
	if (count > 0)
		pfree(members);
	return ours;
}

static void
lock_version(Relation rel, Version *version)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TM_FailureData tmfd;

	(void) table_tuple_lock(rel, &version->tid, snapshot, slot,
							GetCurrentCommandId(false), LockTupleKeyShare,
							LockWaitBlock, TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS,
							&tmfd);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
}

/* Wait for who is in the way; or lock the version. */
static void
make_sure(Relation rel, Version *newest)
{
	TransactionId maker = HeapTupleHeaderGetXmin(&newest->header);

	if (TransactionIdIsInProgress(maker))
		XactLockTableWait(maker, rel, &newest->tid, XLTW_LockUpdated);
	else if (!is_undone(maker))
		lock_version(rel, newest);
}

/* Follow the versions from the one that was locked. */
static bool
is_held(Relation rel, const ItemPointerData *tid)
{
	Version		version;
	Version		next;

	if (!read_version(rel, tid, &version))
		return false;
	for (;;)
	{
		TransactionId updater = updater_of(&version);

		CHECK_FOR_INTERRUPTS();
		if (!TransactionIdIsValid(updater))
			break;
		if (is_deleted(&version))
		{
			if (TransactionIdIsInProgress(updater) &&
				!TransactionIdIsCurrentTransactionId(updater))
				XactLockTableWait(updater, rel, &version.tid, XLTW_LockUpdated);
			return TransactionIdIsCurrentTransactionId(updater);
		}
		if (!read_version(rel, &version.header.t_ctid, &next) ||
			!TransactionIdEquals(HeapTupleHeaderGetXmin(&next.header), updater))
			return false;		/* it has been undone meanwhile */
		version = next;
	}
	if (has_our_lock(&version))
		return true;
	make_sure(rel, &version);
	return false;
}

/*
 * The current transaction has taken FOR KEY SHARE on a version of a row: nobody else
 * can delete the row from here on.  False if somebody can, or could meanwhile: then
 * the row is to be locked again.
 */
bool
sk_soft_newest_is_held(Oid relid, ItemPointer tid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		held = rel->rd_tableam != GetHeapamTableAmRoutine() ||
		is_held(rel, tid);

	table_close(rel, NoLock);
	return held;
}
