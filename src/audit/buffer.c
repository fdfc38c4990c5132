/*-------------------------------------------------------------------------
 *
 * audit/buffer.c
 *	  Events of a statement, put into the log several at once.
 *
 * While the AFTER triggers of a statement fire that has changed many rows, or of COPY,
 * events are kept here.  They are put into the log when the triggers have fired, when
 * there is no room for more, and before anything else is executed: what a trigger
 * reads of the log is what it would be without the buffer.  An event keeps the command
 * in which it was made, so what can see it is the same, too.
 *
 * Events belong to the subtransaction in which they were made.  A trigger may begin
 * another one between two events, and execute something in it.  Then the events are
 * put into the log in that one, and kept: if it is rolled back, they are not there
 * any more, and are put there again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/buffer.h"
#include "audit/log.h"
#include "audit/log_row.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define MAX_EVENTS	128
#define MAX_BYTES	(64 * 1024)

/* So many events of a statement go into the log one by one before others are kept. */
#define FEW_EVENTS	8

static struct
{
	bool		open;			/* events may be kept */
	int			before;			/* that went into the log since it is open */

	MemoryContext context;		/* for the transaction; NULL: nothing is there */
	TupleDesc	tupdesc;
	TupleTableSlot **slots;

	int			count;			/* of events that are kept */
	Size		bytes;
	TimestampTz at;
	CommandId	cid;
	SubTransactionId owner;		/* to which they belong */
	SubTransactionId written;	/* in which they were put into the log */
}			buffer;

static ExecutorStart_hook_type next_start = NULL;
static ExecutorFinish_hook_type next_finish = NULL;
static ProcessUtility_hook_type next_utility = NULL;


/*-------------------------------------------------------------------------
 * What is kept
 *-------------------------------------------------------------------------
 */

static void
forget_events(void)
{
	for (int i = 0; i < buffer.count; i++)
		ExecClearTuple(buffer.slots[i]);
	buffer.count = 0;
	buffer.bytes = 0;
	buffer.written = InvalidSubTransactionId;
}

static void
make_room(TupleDesc tupdesc)
{
	MemoryContext old;

	if (buffer.context != NULL)
		return;
	buffer.context = AllocSetContextCreate(TopTransactionContext,
										   "schemakit audit buffer",
										   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(buffer.context);
	buffer.tupdesc = CreateTupleDescCopy(tupdesc);
	buffer.slots = palloc(sizeof(TupleTableSlot *) * MAX_EVENTS);
	for (int i = 0; i < MAX_EVENTS; i++)
		buffer.slots[i] = MakeSingleTupleTableSlot(buffer.tupdesc, &TTSOpsHeapTuple);
	MemoryContextSwitchTo(old);
}

static void
keep(Datum *values, bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(buffer.context);
	HeapTuple	tuple = sk_audit_log_row_form(buffer.tupdesc, values, nulls);

	MemoryContextSwitchTo(old);
	ExecStoreHeapTuple(tuple, buffer.slots[buffer.count], true);
	buffer.bytes += tuple->t_len;
	buffer.count++;
}


/*-------------------------------------------------------------------------
 * Into the log
 *-------------------------------------------------------------------------
 */

/* The log wants to see statements by now. */
static void
write_one_by_one(void)
{
	for (int i = 0; i < buffer.count; i++)
	{
		HeapTuple	tuple = ExecFetchSlotHeapTuple(buffer.slots[i], false, NULL);
		Datum		values[Natts_audit_event] = {0};
		bool		nulls[Natts_audit_event];

		memset(nulls, true, sizeof(nulls));
		heap_deform_tuple(tuple, buffer.tupdesc, values, nulls);
		sk_audit_log_insert(SK_AUDIT_LOG_EVENT, buffer.at, values, nulls);
	}
}

static void
write_events(void)
{
	Relation	leaf = sk_audit_log_open(SK_AUDIT_LOG_EVENT, buffer.at);

	if (leaf == NULL)
	{
		write_one_by_one();
		return;
	}
	sk_audit_log_insert_many(leaf, buffer.slots, buffer.count, buffer.cid);
	relation_close(leaf, NoLock);
}

/*
 * Put what is kept into the log.  Where that takes statements, these come here again,
 * and what they cause makes events; so what is kept counts as written before it is.
 * After an error it does not, or is forgotten: the (sub)transaction is rolled back.
 */
void
sk_audit_buffer_flush(void)
{
	MemoryContext context;
	MemoryContext old;

	if (buffer.count == 0 || buffer.written != InvalidSubTransactionId)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "schemakit audit flush",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	buffer.written = GetCurrentSubTransactionId();
	write_events();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	if (buffer.written == buffer.owner)
		forget_events();
}

/* May an event of this transaction be kept with those that are? */
static bool
suits(TimestampTz at)
{
	return buffer.count == 0 ||
		(buffer.count < MAX_EVENTS && buffer.bytes < MAX_BYTES && buffer.at == at &&
		 buffer.cid == GetCurrentCommandId(false) &&
		 buffer.owner == GetCurrentSubTransactionId() &&
		 buffer.written == InvalidSubTransactionId);
}

static bool
has_last_columns(const bool *nulls)
{
	for (int i = Natts_audit_event_plain; i < Natts_audit_event; i++)
	{
		if (!nulls[i])
			return true;
	}
	return false;
}

/*
 * Put an event into the log, now or later.
 */
void
sk_audit_buffer_insert(TimestampTz at, Datum *values, bool *nulls)
{
	TupleDesc	plain = NULL;

	if (buffer.open && ++buffer.before > FEW_EVENTS && !has_last_columns(nulls))
		plain = sk_audit_log_plain(at);

	if (plain != NULL && !suits(at))
		sk_audit_buffer_flush();
	if (plain == NULL || !suits(at))
	{
		sk_audit_log_insert(SK_AUDIT_LOG_EVENT, at, values, nulls);
		return;
	}
	make_room(plain);
	if (buffer.count == 0)
	{
		buffer.at = at;
		buffer.cid = GetCurrentCommandId(true);
		buffer.owner = GetCurrentSubTransactionId();
	}
	keep(values, nulls);
}


/*-------------------------------------------------------------------------
 * When
 *-------------------------------------------------------------------------
 */

static void
on_start(QueryDesc *query, int flags)
{
	sk_audit_buffer_flush();
	if (next_start)
		next_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

/* Does it fire no triggers?  Those of what foreign keys do fire later. */
static bool
fires_none(const QueryDesc *query)
{
	return (query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE) ||
		(query->estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0;
}

/*
 * From here on events may be kept.  After an error, the end of the (sub)transaction
 * closes the buffer.
 */
static void
begin(bool *was_open, int *before)
{
	*was_open = buffer.open;
	*before = buffer.before;
	buffer.open = true;
	buffer.before = 0;
}

static void
end(bool was_open, int before)
{
	sk_audit_buffer_flush();
	buffer.open = was_open;
	buffer.before = before;
}

/* Triggers fire when a statement is finished. */
static void
on_finish(QueryDesc *query)
{
	bool		fires = !fires_none(query);
	bool		was_open;
	int			before;

	if (fires)
		begin(&was_open, &before);
	if (next_finish)
		next_finish(query);
	else
		standard_ExecutorFinish(query);
	if (fires)
		end(was_open, before);
}

/* COPY fires the triggers itself. */
static void
on_utility(PlannedStmt *pstmt, const char *text, bool read_only,
		   ProcessUtilityContext context, ParamListInfo params,
		   QueryEnvironment *environment, DestReceiver *dest,
		   QueryCompletion *completion)
{
	bool		fires = IsA(pstmt->utilityStmt, CopyStmt);
	bool		was_open;
	int			before;

	sk_audit_buffer_flush();
	if (fires)
		begin(&was_open, &before);
	if (next_utility)
		next_utility(pstmt, text, read_only, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(pstmt, text, read_only, context, params, environment, dest, completion);
	if (fires)
		end(was_open, before);
}

/* The memory goes with the transaction. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			sk_audit_buffer_flush();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			memset(&buffer, 0, sizeof(buffer));
			break;
		default:
			break;
	}
}

static void
at_subtransaction_abort(SubTransactionId subid)
{
	buffer.open = false;
	if (buffer.owner == subid)
		forget_events();
	else if (buffer.written == subid)
		buffer.written = InvalidSubTransactionId;
}

/* What was written is so for good when that is of the level to which it belongs. */
static void
at_subtransaction_commit(SubTransactionId subid, SubTransactionId parent)
{
	if (buffer.owner == subid)
		buffer.owner = parent;
	else if (buffer.written == subid)
	{
		buffer.written = parent;
		if (buffer.written == buffer.owner)
			forget_events();
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		at_subtransaction_abort(subid);
	else if (event == SUBXACT_EVENT_COMMIT_SUB && buffer.count > 0)
		at_subtransaction_commit(subid, parent);
}

void
sk_audit_buffer_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	next_start = ExecutorStart_hook;
	ExecutorStart_hook = on_start;
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = on_finish;
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = on_utility;
}
