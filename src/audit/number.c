/*-------------------------------------------------------------------------
 *
 * audit/number.c
 *	  Numbers of transactions and shapes in the audit log.
 *
 * They are those of sequences, which dumps and DBAs know how to treat.  But they are
 * not taken by nextval(): what lastval() returns is the number of the client's own row,
 * by which drivers find it again, and not one that a trigger has drawn meanwhile.  And
 * nextval() costs as much as a row of the log, so a session takes several numbers at
 * a time.  Those that it has not used when it ends are missing, as those of transactions
 * that were rolled back are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/number.h"
#include "audit/log.h"

#include "access/generic_xlog.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "commands/sequence.h"
#include "storage/bufmgr.h"
#include "utils/inval.h"
#include "utils/rel.h"

typedef struct Numbers
{
	const char *sequence;
	int64		at_once;
	int64		limit;			/* that the column can hold */
	Oid			relid;			/* of the sequence; invalid if it may be another */
	int64		next;
	int64		left;
} Numbers;

static Numbers txn = {
	.sequence = "audit_txn_id",
	.at_once = 32,
	.limit = PG_INT64_MAX,
};

static Numbers shape = {
	.sequence = "audit_shape_id",
	.at_once = 1,
	.limit = PG_INT32_MAX,
};

static void
at_invalidation(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == txn.relid)
		txn.relid = InvalidOid;
	if (!OidIsValid(relid) || relid == shape.relid)
		shape.relid = InvalidOid;
}

void
sk_audit_number_init(void)
{
	CacheRegisterRelcacheCallback(at_invalidation, (Datum) 0);
}

/* Set "next" to a number that nobody has, and reserve those that follow it. */
static void
advance(Numbers *numbers, Page page)
{
	ItemId		item = PageGetItemId(page, FirstOffsetNumber);
	HeapTupleHeader tuple = (HeapTupleHeader) PageGetItem(page, item);
	Form_pg_sequence_data data = (Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff);
	int64		last = data->is_called ? data->last_value : data->last_value - 1;

	if (last > numbers->limit - numbers->at_once)
		ereport(ERROR,
				(errcode(ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED),
				 errmsg("sequence \"%s\" has reached its end", numbers->sequence),
				 errhint("Use setval() to set it to the largest number in the audit log.")));
	numbers->next = last + 1;
	data->last_value = last + numbers->at_once;
	data->log_cnt = 0;
	data->is_called = true;
}

/*
 * Take numbers from the sequence.  What is logged is the page, since the server's
 * record of sequences is its own.  The transaction has a number itself, since
 * it writes to the log: its commit waits until this is stored.
 */
static void
take(Numbers *numbers)
{
	Relation	rel;
	Buffer		buffer;
	GenericXLogState *state;

	(void) GetTopTransactionId();
	if (!OidIsValid(numbers->relid))
		numbers->relid = sk_audit_log_relid(numbers->sequence);
	rel = relation_open(numbers->relid, RowExclusiveLock);
	buffer = ReadBuffer(rel, 0);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	state = GenericXLogStart(rel);
	advance(numbers, GenericXLogRegisterBuffer(state, buffer, 0));
	GenericXLogFinish(state);
	UnlockReleaseBuffer(buffer);
	numbers->left = numbers->at_once;
	relation_close(rel, NoLock);
}

static int64
draw(Numbers *numbers)
{
	if (!OidIsValid(numbers->relid) || numbers->left == 0)
		take(numbers);
	numbers->left--;
	return numbers->next++;
}

/*
 * A number for the current transaction
 */
int64
sk_audit_number_txn(void)
{
	return draw(&txn);
}

/*
 * A number for a new shape
 */
int32
sk_audit_number_shape(void)
{
	return (int32) draw(&shape);
}
