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
 * Nor does a lock always stay where it is.  An UPDATE that stores its version on another
 * page, or large values out of line, computes who holds the row, marks it as locked by
 * itself, lets go of the page meanwhile, and then writes what it has computed.  A
 * lock that was taken between is gone.  That mark looks like FOR NO KEY UPDATE; so if
 * somebody has that, it is waited until he cannot be amid such an UPDATE any more, and
 * then looked again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/newest.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/subtrans.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

/* How often, and how long each time, an UPDATE is waited for before its transaction is */
#define WAITS		50
#define WAIT_USEC	1000

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
	Buffer		buffer = ReadBuffer(rel, ItemPointerGetBlockNumber(tid));
	OffsetNumber offset = ItemPointerGetOffsetNumber(tid);
	Page		page = BufferGetPage(buffer);
	bool		found = false;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (offset <= PageGetMaxOffsetNumber(page) &&
		ItemIdIsNormal(PageGetItemId(page, offset)))
	{
		version->tid = *tid;
		memcpy(&version->header, PageGetItem(page, PageGetItemId(page, offset)),
			   SizeofHeapTupleHeader);
		found = true;
	}
	UnlockReleaseBuffer(buffer);
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

/* How many hold it or have changed it, if these are several */
static int
members_of(const Version *version, MultiXactMember **members)
{
	uint16		infomask = version->header.t_infomask;

	if ((infomask & HEAP_XMAX_INVALID) != 0 || (infomask & HEAP_XMAX_IS_MULTI) == 0)
		return 0;
	return GetMultiXactIdMembers(HeapTupleHeaderGetRawXmax(&version->header), members,
								 false, HEAP_XMAX_IS_LOCKED_ONLY(infomask));
}

static bool
has_our_lock(const Version *version)
{
	uint16		infomask = version->header.t_infomask;
	MultiXactMember *members;
	int			count;
	bool		ours = false;

	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(&version->header)))
		return true;			/* nobody else can change it yet */
	if ((infomask & HEAP_XMAX_INVALID) != 0)
		return false;
	if ((infomask & HEAP_XMAX_IS_MULTI) == 0)
		return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmax(&version->header));
	count = members_of(version, &members);
	for (int i = 0; i < count; i++)
		ours |= TransactionIdIsCurrentTransactionId(members[i].xid);
	if (count > 0)
		pfree(members);
	return ours;
}

/*
 * Who else has FOR NO KEY UPDATE on it, and may be amid an UPDATE of it; or invalid.
 * He may have ended since the version was read.
 */
static TransactionId
rival_of(const Version *version)
{
	TransactionId rival = InvalidTransactionId;
	MultiXactMember *members;
	int			count = members_of(version, &members);

	for (int i = 0; i < count; i++)
	{
		if (members[i].status == MultiXactStatusForNoKeyUpdate &&
			!TransactionIdIsCurrentTransactionId(members[i].xid) &&
			(!TransactionIdIsValid(rival) || TransactionIdIsInProgress(members[i].xid)))
			rival = members[i].xid;
	}
	if (count > 0)
		pfree(members);
	return rival;
}

/*
 * Is nobody amid an UPDATE of a row of that page?  Who is has it pinned, all the time.
 */
static bool
is_page_at_rest(Relation rel, const ItemPointerData *tid)
{
	Buffer		buffer = ReadBuffer(rel, ItemPointerGetBlockNumber(tid));
	bool		at_rest = ConditionalLockBufferForCleanup(buffer);

	if (at_rest)
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	ReleaseBuffer(buffer);
	return at_rest;
}

/* Does the transaction's session do nothing but wait for its client? */
static bool
is_idle(TransactionId xid)
{
	int			pid = BackendXidGetPid(SubTransGetTopmostTransaction(xid));
	PGPROC	   *proc = pid != 0 ? BackendPidGetProc(pid) : NULL;

	/* if there is none, it is prepared, or has just ended */
	return proc == NULL ||
		*(volatile uint32 *) &proc->wait_event_info == WAIT_EVENT_CLIENT_READ;
}

/*
 * Wait until no UPDATE can be going on that began before the version had our lock.
 * Mostly that is a matter of microseconds.  If it takes longer, it may itself wait
 * for somebody, and deadlocks must be found.
 */
static void
wait_for_updates(Relation rel, Version *version)
{
	for (int i = 0;; i++)
	{
		TransactionId rival = rival_of(version);

		CHECK_FOR_INTERRUPTS();
		if (!TransactionIdIsValid(rival) || !TransactionIdIsInProgress(rival) ||
			is_idle(rival) || is_page_at_rest(rel, &version->tid))
			return;
		if (i < WAITS)
			pg_usleep(WAIT_USEC);
		else
			XactLockTableWait(rival, rel, &version->tid, XLTW_Lock);
		if (!read_version(rel, &version->tid, version))
			return;
	}
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

/* An UPDATE has made away with the lock.  It can be taken again without a wait. */
static bool
is_lost(Version *version)
{
	TransactionId updater = updater_of(version);

	return TransactionIdIsValid(updater) && !is_deleted(version) &&
		TransactionIdIsInProgress(updater) && !has_our_lock(version);
}

/*
 * Follow the versions from the one that was locked.  If true, *newest is the last one.
 */
static bool
newest_has_lock(Relation rel, const ItemPointerData *tid, Version *newest)
{
	Version		version;
	Version		next;

	if (!read_version(rel, tid, &version) || is_lost(&version))
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
			*newest = version;	/* if it is ours, nobody else can change it */
			return TransactionIdIsCurrentTransactionId(updater);
		}
		if (!read_version(rel, &version.header.t_ctid, &next) ||
			!TransactionIdEquals(HeapTupleHeaderGetXmin(&next.header), updater))
			return false;		/* it has been undone meanwhile */
		version = next;
	}
	*newest = version;
	if (has_our_lock(&version))
		return true;
	make_sure(rel, &version);
	return false;
}

/* It is looked again after the wait: who updates from then on respects the lock. */
static bool
is_held(Relation rel, const ItemPointerData *tid)
{
	Version		newest;

	if (!newest_has_lock(rel, tid, &newest))
		return false;
	if (!TransactionIdIsValid(rival_of(&newest)))
		return true;
	wait_for_updates(rel, &newest);
	return newest_has_lock(rel, tid, &newest);
}

/*
 * The current transaction has taken FOR KEY SHARE on a version of a row: nobody else
 * can delete the row from here on.  False if somebody can, or could meanwhile: then
 * the row is to be locked again.
 */
bool
sk_soft_newest_is_held(Oid relid, ItemPointer tid)
{
	Relation	rel = table_open(relid, NoLock);	/* as the row is locked */
	bool		held = rel->rd_tableam != GetHeapamTableAmRoutine() ||
		is_held(rel, tid);

	table_close(rel, NoLock);
	return held;
}
