/*-------------------------------------------------------------------------
 *
 * audit/commit.c
 *	  The last event of a transaction, which says when it was committed.
 *
 * A transaction is seen by others as a whole, at one time.  So it ends with an event
 * that has that time, and how many events there were before it, so that a missing one
 * is noticed.  It is written when all else is done, before COMMIT and before PREPARE
 * TRANSACTION.  The server makes the changes visible a little later; whoever begins
 * because of that does so later still.
 *
 * Most transactions are a statement of the client's that changes one row, outside of
 * a transaction block.  They end with it, so its own time will do.  If that is long after
 * the start, as when the statement had to wait, there is a commit event all the same: by
 * its index, transactions are found that had begun before a time and ended after it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/commit.h"
#include "audit/log.h"
#include "audit/recorded.h"
#include "audit/replication.h"
#include "audit/txn.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Events of a subtransaction, or of the transaction itself, that are still there */
typedef struct Level
{
	SubTransactionId subid;
	int32		events;
	struct Level *outer;
} Level;

static struct
{
	Level	   *levels;			/* the innermost with events; NULL: none has
								 * any */
	bool		ends_with_event;	/* if there is no other than the first */
	TimestampTz statement_at;	/* when the client's statement with it began */
}			this_transaction;

/*
 * Is the statement that makes the event one of the client's, which ends with it, as
 * does the transaction?  One that is not INSERT, UPDATE or DELETE may go on.  In the
 * extended protocol, the server has two copies of its text.
 */
static bool
ends_with_event(void)
{
	Portal		portal = ActivePortal;
	const PlannedStmt *statement;

	if (IsTransactionBlock() || portal == NULL || list_length(portal->stmts) != 1 ||
		debug_query_string == NULL ||
		strcmp(portal->sourceText, debug_query_string) != 0)
		return false;
	statement = linitial_node(PlannedStmt, portal->stmts);
	return statement->commandType != CMD_SELECT &&
		statement->commandType != CMD_UTILITY;
}

/*
 * An event is about to be written.  Is the transaction expected to end with it?
 */
bool
sk_audit_commit_count(void)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	Level	   *level = this_transaction.levels;

	if (level == NULL)
	{
		this_transaction.ends_with_event = ends_with_event();
		this_transaction.statement_at = GetCurrentStatementStartTimestamp();
	}
	if (level == NULL || level->subid != subid)
	{
		level = MemoryContextAllocZero(TopTransactionContext, sizeof(Level));
		level->subid = subid;
		level->outer = this_transaction.levels;
		this_transaction.levels = level;
	}
	level->events++;
	return level->events == 1 && level->outer == NULL &&
		this_transaction.ends_with_event;
}

static bool
needs_event(void)
{
	const Level *level = this_transaction.levels;

	return level != NULL &&
		!(level->events == 1 && this_transaction.ends_with_event &&
		  this_transaction.statement_at == GetCurrentStatementStartTimestamp() &&
		  sk_audit_txn_duration() <= SK_AUDIT_COMMIT_SOON);
}

/*
 * The role is there in any case: by it, the index finds the event.  Returns the time.
 */
static TimestampTz
write_commit(void)
{
	int32		events = this_transaction.levels->events;
	SkAuditStamp stamp = sk_audit_txn_next(false, false);
	Datum		values[Natts_audit_event];
	bool		nulls[Natts_audit_event];

	memset(nulls, true, sizeof(nulls));
	memset(nulls, false, sizeof(bool) * Anum_audit_event_op);
	nulls[Anum_audit_event_key_hash - 1] = true;
	values[Anum_audit_event_command - 1] = Int32GetDatum((int32) GetCurrentCommandId(false));
	values[Anum_audit_event_shape_id - 1] = Int32GetDatum(0);
	values[Anum_audit_event_op - 1] = CharGetDatum(SK_AUDIT_COMMIT);
	sk_audit_txn_put(&stamp, values, nulls);
	nulls[Anum_audit_event_role - 1] = false;
	values[Anum_audit_event_role - 1] =
		CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	nulls[Anum_audit_event_events - 1] = false;
	values[Anum_audit_event_events - 1] = Int32GetDatum(events);
	nulls[Anum_audit_event_origin_at - 1] =
		!sk_audit_replication_time(&values[Anum_audit_event_origin_at - 1]);
	sk_audit_log_insert(SK_AUDIT_LOG_EVENT, stamp.at, values, nulls);
	return stamp.changed_at;
}

/*
 * Write what makes of the transaction one that was committed at some time.  If the time
 * is that of its only event, a shape is from just before that.
 */
static void
end_transaction(void)
{
	bool		event = needs_event();
	bool		shapes = sk_audit_recorded_any() &&
		(event || this_transaction.levels == NULL);
	TimestampTz at;

	if (!event && !shapes)
		return;
	/* at commit, no statement has a snapshot, which inserting may need */
	PushActiveSnapshot(GetTransactionSnapshot());
	at = event ? write_commit() : GetCurrentTimestamp();
	if (shapes)
		sk_audit_recorded_commit(at);
	PopActiveSnapshot();
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			end_transaction();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			memset(&this_transaction, 0, sizeof(this_transaction));
			break;
		default:
			break;
	}
}

/* Levels are those that have events, so the ended one is the innermost, or none. */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	Level	   *level = this_transaction.levels;

	if (level == NULL || level->subid != subid)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		this_transaction.levels = level->outer;
		pfree(level);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB && level->outer != NULL &&
			 level->outer->subid == parent)
	{
		level->outer->events += level->events;
		this_transaction.levels = level->outer;
		pfree(level);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		level->subid = parent;
}

void
sk_audit_commit_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}
