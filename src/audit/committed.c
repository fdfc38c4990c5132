/*-------------------------------------------------------------------------
 *
 * audit/committed.c
 *	  When transactions were committed, as the server knows it.
 *
 * Where track_commit_timestamp is on, the server has the time of each commit, which is
 * a little later than the commit event, or much later for a transaction that was
 * prepared.  Then that is the time of the transaction.  It is never earlier than its
 * events: for what logical replication brings, the server has the time of the origin.
 *
 * The server forgets it when it freezes the transaction, with a restart without the
 * setting, and with a dump.  So audit_maintain() writes it into the log, as another
 * commit event.  Until then readers ask the server: for a row about its few events, for a
 * table about all transactions since the last maintenance.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/committed.h"
#include "audit/log.h"
#include "audit/origin.h"
#include "base/guard.h"
#include "base/spi.h"

#include "access/commit_ts.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/timestamp.h"

/* A transaction, and when it was committed; 0: that is not known */
typedef struct Lookup
{
	TransactionId xid;
	TimestampTz committed_at;
} Lookup;

static void
look_up(void *arg)
{
	Lookup	   *lookup = arg;
	TimestampTz committed_at;

	if (TransactionIdGetCommitTsData(lookup->xid, &committed_at, NULL))
		lookup->committed_at = committed_at;
}

/* On a standby it depends on the primary's setting, too. */
static bool
is_not_there(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
}

/* The transaction of this server with that number; false if its ID means another by now */
static bool
find_xid(int64 txn_id, TransactionId *xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint64		distance = (uint64) (sk_audit_origin_txn(next) - txn_id);

	*xid = (TransactionId) txn_id;
	return distance > 0 && distance < PG_INT32_MAX && TransactionIdIsNormal(*xid);
}

/*
 * When the server has committed a transaction of its own; 0: it does not know it, or not
 * any more.
 */
TimestampTz
sk_audit_committed_at(TransactionId xid)
{
	Lookup		lookup = {.xid = xid};

	if (!track_commit_timestamp)
		return 0;
	if (RecoveryInProgress())
		(void) sk_guard_try(look_up, &lookup, is_not_there);
	else
		look_up(&lookup);
	return lookup.committed_at;
}

/*
 * schemakit.internal_audit_committed_at(txn_id bigint) RETURNS timestamptz
 *
 * When the server has committed the transaction with that number in the log; null if
 * the server does not know it, or not any more.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_audit_committed_at);
Datum
schemakit_internal_audit_committed_at(PG_FUNCTION_ARGS)
{
	TransactionId xid;
	TimestampTz committed_at;

	if (!track_commit_timestamp || !find_xid(PG_GETARG_INT64(0), &xid))
		PG_RETURN_NULL();
	committed_at = sk_audit_committed_at(xid);
	if (committed_at == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(committed_at);
}

/*
 * Run "receive" on the number and the start of each transaction that was committed after
 * that time, though the log has it before it: of those with events of these shapes.  As
 * the log's owner.
 */
void
sk_audit_committed_late(Datum shape_ids, TimestampTz at, SkReceive receive, void *arg)
{
	static const Oid types[] = {INT4ARRAYOID, TIMESTAMPTZOID, INT8OID};
	static const char query[] =
		"SELECT t.txn_id, t.at FROM (SELECT DISTINCT e.txn_id, e.at FROM schemakit.audit_event AS e"
		" WHERE e.txn_id OPERATOR(pg_catalog.>=) (SELECT before_txn FROM schemakit.audit_committed)"
		" AND e.txn_id OPERATOR(pg_catalog.<) $3"
		" AND e.at OPERATOR(pg_catalog.<=) $2 AND e.changed_at OPERATOR(pg_catalog.<=) $2"
		" AND e.shape_id OPERATOR(pg_catalog.=) ANY ($1)) AS t"
		" WHERE schemakit.internal_audit_committed_at(t.txn_id) OPERATOR(pg_catalog.>) $2";
	Datum		values[3];

	if (!track_commit_timestamp)
		return;
	values[0] = shape_ids;
	values[1] = TimestampTzGetDatum(at);
	values[2] = Int64GetDatum(sk_audit_origin_txn(ReadNextFullTransactionId()));
	sk_receive_of_query(query, lengthof(types), types, values, NULL, receive, arg);
}

/*
 * Write what the server knows into the log; how many times there were.  All that are
 * before the oldest running transaction have been committed by then.  As the log's
 * owner, who may write to it.
 */
uint64
sk_audit_committed_keep(void)
{
	static const Oid types[] = {INT8OID, INT8OID};
	Datum		values[2];
	int64		before = 0;
	int64		next;

	if (!track_commit_timestamp)
		return 0;
	(void) sk_spi_execute("SELECT before_txn FROM schemakit.audit_committed FOR UPDATE",
						  0, NULL, NULL, SPI_OK_SELECT, &before);
	next = sk_audit_origin_txn(ReadNextFullTransactionId());
	values[0] = Int64GetDatum(before);
	values[1] = Int64GetDatum(next);
	(void) sk_spi_execute("UPDATE schemakit.audit_committed SET before_txn = $2 OPERATOR(pg_catalog.-)"
						  " ($2 OPERATOR(pg_catalog.&) 281474976710655) OPERATOR(pg_catalog.+)"
						  " pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8"
						  " WHERE before_txn OPERATOR(pg_catalog.=) $1",
						  2, types, values, SPI_OK_UPDATE, NULL);
	return sk_spi_execute("INSERT INTO schemakit.audit_event (txn_id, at, changed_at, n, command, shape_id,"
						  " carrier, op, role, events)"
						  " SELECT t.txn_id, t.at, c.committed_at, t.n OPERATOR(pg_catalog.+) 1, t.command, 0,"
						  " t.n OPERATOR(pg_catalog.+) 1, 'C', t.role, t.events"
						  " FROM (SELECT e.txn_id, e.at, pg_catalog.max(e.changed_at) AS ended_at, pg_catalog.max(e.n) AS n,"
						  " pg_catalog.max(e.command) AS command, pg_catalog.max(e.role) AS role,"
						  " COALESCE(pg_catalog.max(e.events), pg_catalog.count(*)::pg_catalog.int4) AS events"
						  " FROM schemakit.audit_event AS e"
						  " WHERE e.txn_id OPERATOR(pg_catalog.>=) $1 AND e.txn_id OPERATOR(pg_catalog.<) $2"
						  " GROUP BY e.txn_id, e.at) AS t,"
						  " LATERAL (SELECT schemakit.internal_audit_committed_at(t.txn_id) OFFSET 0) AS c(committed_at)"
						  " WHERE c.committed_at OPERATOR(pg_catalog.>) t.ended_at",
						  2, types, values, SPI_OK_INSERT, NULL);
}
