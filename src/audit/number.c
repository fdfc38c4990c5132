/*-------------------------------------------------------------------------
 *
 * audit/number.c
 *	  Numbers of shapes in the audit log.
 *
 * They are those of a sequence, which dumps and DBAs know how to treat.  But they are
 * not taken by nextval(): what lastval() returns is the number of the client's own row,
 * by which drivers find it again, and not one that a trigger has drawn meanwhile.
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
#include "utils/rel.h"

/*
 * The number that follows the last one.  No other session has the page meanwhile.
 */
static int64
advance(Page page)
{
	ItemId		item = PageGetItemId(page, FirstOffsetNumber);
	HeapTupleHeader tuple = (HeapTupleHeader) PageGetItem(page, item);
	Form_pg_sequence_data data = (Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff);
	int64		number = data->is_called ? data->last_value + 1 : data->last_value;

	if (number > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED),
				 errmsg("sequence \"%s\" has reached its end", "audit_shape_id"),
				 errhint("Use setval() to set it to the largest number in schemakit.audit_shape.")));
	data->last_value = number;
	data->log_cnt = 0;
	data->is_called = true;
	return number;
}

/*
 * A number for a new shape.  What is logged is the page, since the server's record
 * of sequences is its own.  The transaction has a number itself, since it writes to
 * the log: its commit waits until this is stored.
 */
int32
sk_audit_number_shape(void)
{
	Relation	rel;
	Buffer		buffer;
	GenericXLogState *state;
	int64		number;

	(void) GetTopTransactionId();
	rel = relation_open(sk_audit_log_relid("audit_shape_id"), RowExclusiveLock);
	buffer = ReadBuffer(rel, 0);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	state = GenericXLogStart(rel);
	number = advance(GenericXLogRegisterBuffer(state, buffer, 0));
	GenericXLogFinish(state);
	UnlockReleaseBuffer(buffer);
	relation_close(rel, NoLock);
	return (int32) number;
}
