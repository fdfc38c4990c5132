/*-------------------------------------------------------------------------
 *
 * audit/feed.c
 *	  schemakit.audit_changes(): what has been committed since.
 *
 * Transactions come in the order in which they ended (changes.c); here their events are
 * read, those of some transactions with each statement.  With max_rows, rows wait until
 * it is known with which of the transactions the result ends, since all rows have the
 * position after it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/changes.h"
#include "audit/origin.h"
#include "audit/position.h"
#include "audit/readable.h"
#include "audit/reader.h"
#include "audit/txn.h"
#include "base/arg.h"
#include "base/array.h"
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#define CHUNK_EVENTS	10000	/* of a statement, if there are more */
#define NEAR_NUMBERS	4096	/* of transactions whose events are together */

typedef struct Feed
{
	ReturnSetInfo *rsinfo;
	SkAuditPosition *since;		/* NULL: the whole log */
	const char *prefix;
	const char *now;
	int64		rel_id;			/* 0: of all tables */
	bool		all;			/* may the caller read all of the log? */
	int64		max_rows;		/* 0: all */
	int64		rows;
	Tuplestorestate *waiting;	/* rows without position */
	TupleDesc	tupdesc;		/* of these */
	MemoryContext context;
} Feed;

/* Where a transaction is in the result */
typedef struct Turn
{
	int64		txn_id;
	int			turn;
} Turn;

/* An event that has been read, and its place */
typedef struct Row
{
	int			turn;
	int32		command;
	int32		n;
	HeapTuple	tuple;
} Row;


/*-------------------------------------------------------------------------
 * Events of transactions
 *-------------------------------------------------------------------------
 */

static int
by_txn(const void *a, const void *b)
{
	const Turn *one = a;
	const Turn *other = b;

	return (one->txn_id > other->txn_id) - (one->txn_id < other->txn_id);
}

static int
by_turn(const void *a, const void *b)
{
	const Row  *one = a;
	const Row  *other = b;

	if (one->turn != other->turn)
		return one->turn < other->turn ? -1 : 1;
	if (one->command != other->command)
		return one->command < other->command ? -1 : 1;
	return (one->n > other->n) - (one->n < other->n);
}

/* The columns of the result without the position; what another database has recorded
 * under the same numbers is not asked for, but for the whole log. */
static const char events_query[] =
"SELECT changed_at, actor, role, table_name, op, key, changed, old, new, soft_delete, context,"
" application, session_role, CASE WHEN $8 THEN client END, CASE WHEN $8 THEN query END, origin, at, pid, xid, txn_id, command, n, rel_id, key_hash"
" FROM schemakit.audit_log AS l"
" WHERE txn_id OPERATOR(pg_catalog.>=) $2 AND txn_id OPERATOR(pg_catalog.<=) $3"
" AND at OPERATOR(pg_catalog.>=) $4 AND at OPERATOR(pg_catalog.<=) $5"
" AND txn_id OPERATOR(pg_catalog.+) 0 OPERATOR(pg_catalog.=) ANY ($1)"
" AND ($6 IS NULL OR rel_id OPERATOR(pg_catalog.=) $6)"
" AND ($7 IS NULL OR (SELECT cluster FROM schemakit.audit_shape AS s"
" WHERE s.shape_id OPERATOR(pg_catalog.=) l.shape_id) OPERATOR(pg_catalog.=) $7)";

#define COLUMN_TXN_ID	20
#define COLUMN_COMMAND	21
#define COLUMN_N		22

static Datum
value_of(uint64 row, int column)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
}

/* What the query returned, in order */
static Row *
sort_rows(const Turn *turns, int nturns)
{
	Row		   *rows = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(Row) * Max(SPI_processed, 1));

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Turn		wanted = {.txn_id = DatumGetInt64(value_of(i, COLUMN_TXN_ID))};
		const Turn *turn = bsearch(&wanted, turns, nturns, sizeof(Turn), by_txn);

		if (turn == NULL)
			elog(ERROR, "event of an unknown transaction");
		rows[i].turn = turn->turn;
		rows[i].command = DatumGetInt32(value_of(i, COLUMN_COMMAND));
		rows[i].n = DatumGetInt32(value_of(i, COLUMN_N));
		rows[i].tuple = SPI_tuptable->vals[i];
	}
	qsort(rows, SPI_processed, sizeof(Row), by_turn);
	return rows;
}

static void
keep_rows(Feed *feed, const Row *rows)
{
	if (feed->waiting == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(feed->context);

		feed->waiting = tuplestore_begin_heap(false, false, work_mem);
		feed->tupdesc = CreateTupleDescCopy(SPI_tuptable->tupdesc);
		MemoryContextSwitchTo(old);
	}
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(feed->waiting, rows[i].tuple);
	feed->rows += SPI_processed;
}

/* Read the events of transactions, whose numbers are near each other. */
static void
read_events(Feed *feed, List *txns)
{
	static const Oid types[] = {
		INT8ARRAYOID, INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID,
		BOOLOID
	};
	int			count = list_length(txns);
	Turn	   *turns = palloc(sizeof(Turn) * count);
	Datum	   *ids = palloc(sizeof(Datum) * count);
	TimestampTz first_at = DT_NOEND;
	TimestampTz last_at = DT_NOBEGIN;
	Datum		values[8] = {0};
	char		nulls[] = "        ";
	ListCell   *lc;
	Row		   *rows;

	foreach(lc, txns)
	{
		const SkAuditChangesTxn *txn = lfirst(lc);
		int			i = foreach_current_index(lc);

		turns[i] = (Turn)
		{
			.txn_id = txn->txn_id,.turn = i
		};
		ids[i] = Int64GetDatum(txn->txn_id);
		first_at = Min(first_at, txn->at);
		last_at = Max(last_at, txn->at);
	}
	qsort(turns, count, sizeof(Turn), by_txn);
	values[0] = sk_array_of(ids, count, INT8OID);
	values[1] = Int64GetDatum(turns[0].txn_id);
	values[2] = Int64GetDatum(turns[count - 1].txn_id);
	values[3] = TimestampTzGetDatum(first_at);
	values[4] = TimestampTzGetDatum(last_at);
	values[5] = Int64GetDatum(feed->rel_id);
	nulls[5] = feed->rel_id == 0 ? 'n' : ' ';
	values[6] = Int64GetDatum(sk_audit_origin_cluster());
	nulls[6] = feed->since == NULL || feed->since->is_inside ? 'n' : ' ';
	values[7] = BoolGetDatum(feed->all);
	if (SPI_execute_with_args(events_query, 8, (Oid *) types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_log");
	rows = sort_rows(turns, count);
	keep_rows(feed, rows);
	pfree(rows);
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Read the events of transactions in their order.  One that took long is far from the
 * others, whose events are read without what is between them and it.
 */
static void
read_all_events(Feed *feed, List *txns)
{
	List	   *together = NIL;
	int64		lowest = 0;
	int64		highest = 0;
	ListCell   *lc;

	foreach(lc, txns)
	{
		const SkAuditChangesTxn *txn = lfirst(lc);
		int64		reach = Max(NEAR_NUMBERS, highest - lowest);

		if (together != NIL &&
			(txn->txn_id < lowest - reach || txn->txn_id > highest + reach))
		{
			read_events(feed, together);
			together = NIL;
		}
		lowest = together == NIL ? txn->txn_id : Min(lowest, txn->txn_id);
		highest = together == NIL ? txn->txn_id : Max(highest, txn->txn_id);
		together = lappend(together, (void *) txn);
	}
	if (together != NIL)
		read_events(feed, together);
}


/*-------------------------------------------------------------------------
 * The result
 *-------------------------------------------------------------------------
 */

/* Return the rows that wait. */
static void
put_rows(Feed *feed, const char *position)
{
	ReturnSetInfo *rsinfo = feed->rsinfo;
	int			natts = rsinfo->setDesc->natts;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc0(sizeof(bool) * natts);
	TupleTableSlot *slot;

	if (feed->waiting == NULL)
		return;
	slot = MakeSingleTupleTableSlot(feed->tupdesc, &TTSOpsMinimalTuple);
	values[0] = CStringGetTextDatum(position);
	while (tuplestore_gettupleslot(feed->waiting, true, false, slot))
	{
		slot_getallattrs(slot);
		memcpy(values + 1, slot->tts_values, sizeof(Datum) * (natts - 1));
		memcpy(nulls + 1, slot->tts_isnull, sizeof(bool) * (natts - 1));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_clear(feed->waiting);
}

/* A position that includes all that this statement sees */
static char *
position_now(const Feed *feed)
{
	return psprintf("%s%s", feed->prefix, feed->now);
}

/*
 * Read those of a database.  If that is enough, there is a position in the middle;
 * otherwise NULL.
 */
static char *
read_database(Feed *feed, int database)
{
	SkAuditChanges changes = {
		.since = feed->since != NULL && feed->since->database == database ? feed->since : NULL,
		.prefix = feed->prefix,
		.now = feed->now,
		.database = database,
		.in_whole_log = feed->since == NULL || feed->since->is_inside,
	};
	char	   *position = NULL;
	List	   *txns;

	sk_audit_changes_begin(&changes);
	do
	{
		int64		most = CHUNK_EVENTS;

		if (feed->max_rows > 0 && feed->rel_id == 0)
			most = Min(most, feed->max_rows - feed->rows);
		txns = sk_audit_changes_next(&changes, most);
		read_all_events(feed, txns);
		list_free_deep(txns);
		if (feed->max_rows == 0)
			put_rows(feed, position_now(feed));
	} while (txns != NIL && (feed->max_rows == 0 || feed->rows < feed->max_rows));
	if (txns != NIL && !sk_audit_changes_at_end(&changes))
		position = sk_audit_changes_position(&changes);
	return position;
}

static void
read_changes(Feed *feed)
{
	char	   *position = NULL;
	ListCell   *lc;

	foreach(lc, sk_audit_changes_databases(feed->since))
	{
		if (position != NULL)
			break;
		position = read_database(feed, lfirst_int(lc));
	}
	put_rows(feed, position != NULL ? position : position_now(feed));
}

static void
check_changes(void)
{
	sk_audit_reader_check_primary("audit_changes()");
	if (sk_audit_txn_has_events())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("audit_changes() cannot be used in a transaction that has changed audited tables"),
				 errdetail("Its changes may yet be rolled back."),
				 errhint("Commit first.")));
}

/* 0: there is no limit. */
static int64
max_rows_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(2))
		return 0;
	if (PG_GETARG_INT32(2) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be greater than zero", "max_rows")));
	return PG_GETARG_INT32(2);
}

/*
 * schemakit.audit_changes(since text, rel regclass, max_rows integer)
 *		RETURNS SETOF (position text, ...)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_changes);
Datum
schemakit_audit_changes(PG_FUNCTION_ARGS)
{
	Feed		feed = {
		.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo,
		.context = CurrentMemoryContext,
	};
	SkRights	saved;

	if (PG_ARGISNULL(1))
		sk_audit_readable_check_all();
	else
		sk_audit_readable_check(PG_GETARG_OID(1));
	check_changes();
	InitMaterializedSRF(fcinfo, 0);
	feed.max_rows = max_rows_argument(fcinfo);
	if (!PG_ARGISNULL(0))
		feed.since = sk_audit_position_read(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (!PG_ARGISNULL(1))
		feed.rel_id = sk_audit_reader_open(PG_GETARG_OID(1))->rel_id;
	feed.now = sk_audit_position_now();
	feed.prefix = sk_audit_position_prefix();
	feed.all = sk_audit_readable_all();
	sk_audit_reader_begin_quick(&saved);
	SPI_connect();
	read_changes(&feed);
	SPI_finish();
	sk_rights_restore(&saved);
	return (Datum) 0;
}
