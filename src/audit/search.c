/*-------------------------------------------------------------------------
 *
 * audit/search.c
 *	  schemakit.audit_search(): events by who, what and when, newest first.
 *
 * The order is that in which transactions began, which is "at", and in a transaction
 * the order of its changes.  So partitions are searched one after the other,
 * until there are enough events.  What is found often is among the newest events of
 * a partition, which are read first; what is found seldom is found by the indexes that a
 * partition gets when its time is over (closed.c).  The partition of the present has
 * none of these: it is gone through once (scan.c).
 *
 * Here it is found out which events these are; found.c returns them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/closed.h"
#include "audit/found.h"
#include "audit/partition.h"
#include "audit/readable.h"
#include "audit/reader.h"
#include "audit/scan.h"
#include "audit/search_args.h"
#include "audit/search_query.h"
#include "base/array.h"
#include "base/compat.h"
#include "base/guc.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define FIRST_EVENTS	4000	/* of a partition, which are read first */
#define EVENTS_OF_PAGE	45		/* about */
#define FIRST_PAGES		(FIRST_EVENTS / EVENTS_OF_PAGE)
#define FEW_EVENTS		2000
#define FEW_CARRIERS	100
#define FEW_KINDS		16		/* tables' shapes by operations */

/* Of the parameters of statements */
static const Oid types[] = {
	TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT4OID, INT4OID, INT4ARRAYOID,
	TEXTOID, TEXTARRAYOID, JSONBOID, INT4OID, TIDARRAYOID
};


/*-------------------------------------------------------------------------
 * Statements
 *-------------------------------------------------------------------------
 */

static SkAuditPlace *
read_place(uint64 row)
{
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	tupdesc = SPI_tuptable->tupdesc;
	SkAuditPlace *place = palloc(sizeof(SkAuditPlace));
	Datum		key_hash;
	bool		isnull;

	place->at = DatumGetTimestampTz(SPI_getbinval(tuple, tupdesc, 1, &isnull));
	place->txn_id = DatumGetInt64(SPI_getbinval(tuple, tupdesc, 2, &isnull));
	place->command = DatumGetInt32(SPI_getbinval(tuple, tupdesc, 3, &isnull));
	place->n = DatumGetInt32(SPI_getbinval(tuple, tupdesc, 4, &isnull));
	key_hash = SPI_getbinval(tuple, tupdesc, 5, &isnull);
	place->has_key = !isnull;
	place->key_hash = isnull ? 0 : DatumGetInt64(key_hash);
	return place;
}

static int
newest_first(const ListCell *a, const ListCell *b)
{
	const SkAuditPlace *one = lfirst(a);
	const SkAuditPlace *other = lfirst(b);

	if (one->at != other->at)
		return one->at > other->at ? -1 : 1;
	if (one->txn_id != other->txn_id)
		return one->txn_id > other->txn_id ? -1 : 1;
	if (one->command != other->command)
		return one->command > other->command ? -1 : 1;
	return (one->n < other->n) - (one->n > other->n);
}

/* Whether it is what is asked for may be said by the row itself. */
static bool
is_place(uint64 row)
{
	bool		isnull;

	return SPI_tuptable->tupdesc->natts < 6 ||
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 6, &isnull));
}

/* Find what there is in a partition, of a time: the newest, or any as many. */
static List *
run_statement(SkAuditSearch *search, const char *sql, int most)
{
	MemoryContext old;
	List	   *found = NIL;

	CHECK_FOR_INTERRUPTS();
	search->values[SK_SEARCH_LIMIT] = Int32GetDatum(most);
	if (SPI_execute_with_args(sql, lengthof(types), (Oid *) types, search->values, search->nulls,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", sql);
	old = MemoryContextSwitchTo(search->context);
	search->returned = SPI_processed;
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		if (is_place(i))
			found = lappend(found, read_place(i));
	}
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* Add what a statement finds of a time. */
static void
add_found(SkAuditSearch *search, const char *sql, TimestampTz from, TimestampTz to, List **places)
{
	search->values[SK_SEARCH_FROM] = TimestampTzGetDatum(from);
	search->values[SK_SEARCH_TO] = TimestampTzGetDatum(to);
	*places = list_concat(*places,
						  run_statement(search, sql, search->max_rows - list_length(*places)));
}

/* Add the newest that there are in a partition, of a time. */
static void
search_time(SkAuditSearch *search, const char *leaf, bool is_closed, bool by_value,
			TimestampTz from, TimestampTz to, List **places)
{
	if (from < to && list_length(*places) < search->max_rows)
		add_found(search, sk_audit_search_query_newest(search, leaf, is_closed, by_value), from, to, places);
}

/*
 * The same by the index of tables and operations, if nothing else is asked for: it has
 * them in their order, however rare or old they are.  false: there are too many of these.
 */
static bool
search_kinds(SkAuditSearch *search, const char *leaf, TimestampTz from, TimestampTz to, List **places)
{
	const char *ops = search->op ? search->op : "I,U,N,D,T,B,S";
	Datum	   *shapes;
	int			count;

	if (!is_given(search, SK_SEARCH_SHAPES) || is_given(search, SK_SEARCH_ACTOR) ||
		is_given(search, SK_SEARCH_COLUMNS) || is_given(search, SK_SEARCH_VALUE))
		return false;
	deconstruct_array(DatumGetArrayTypeP(search->values[SK_SEARCH_SHAPES]), INT4OID, 4, true,
					  TYPALIGN_INT, &shapes, NULL, &count);
	if (count * (strlen(ops) + 1) / 2 > FEW_KINDS)
		return false;
	if (count > 0 && from < to && list_length(*places) < search->max_rows)
		add_found(search, sk_audit_search_query_kinds(search, leaf, shapes, count, ops), from, to, places);
	return true;
}

/* The same, if there are few events that say that the actor acts */
static bool
search_actor(SkAuditSearch *search, const char *leaf, TimestampTz from, TimestampTz to,
			 List **places)
{
	(void) run_statement(search, sk_audit_search_query_acting(search, leaf), FEW_CARRIERS);
	if (search->returned == FEW_CARRIERS)
		return false;
	if (search->returned > 0)
		search_time(search, leaf, true, true, from, to, places);
	return true;
}

/*
 * The same, if they are few: all of them are found by an index, and sorted here.
 */
static bool
search_few(SkAuditSearch *search, const char *leaf, TimestampTz from, TimestampTz to, List **places)
{
	List	   *found;

	if (from >= to)
		return false;
	search->values[SK_SEARCH_FROM] = TimestampTzGetDatum(from);
	search->values[SK_SEARCH_TO] = TimestampTzGetDatum(to);
	if (is_given(search, SK_SEARCH_ACTOR) && !is_given(search, SK_SEARCH_VALUE) &&
		!is_given(search, SK_SEARCH_COLUMNS))
		return search_actor(search, leaf, from, to, places);
	found = run_statement(search, sk_audit_search_query_any(search, leaf), FEW_EVENTS);
	if (search->returned == FEW_EVENTS)
		return false;
	list_sort(found, newest_first);
	*places = list_concat(*places, list_truncate(found, search->max_rows - list_length(*places)));
	return true;
}

static void *
pointer_argument(const SkAuditSearch *search, int parameter)
{
	return is_given(search, parameter) ? DatumGetPointer(search->values[parameter]) : NULL;
}

static Datum
make_tids(ItemPointer tids, int count)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		datums[i] = PointerGetDatum(&tids[i]);
	return sk_array_of(datums, count, TIDOID);
}

/*
 * The same in a partition without indexes, if they are few: it is gone through, which also
 * tells who acts.
 */
static bool
scan_few(SkAuditSearch *search, Oid relid, const char *leaf, TimestampTz from, TimestampTz to,
		 List **places)
{
	SkAuditScan scan = {
		.from = from,
		.until = to,
		.ops = search->op,
		.shapes = pointer_argument(search, SK_SEARCH_SHAPES),
		.actor = pointer_argument(search, SK_SEARCH_ACTOR),
		.columns = pointer_argument(search, SK_SEARCH_COLUMNS),
		.value = pointer_argument(search, SK_SEARCH_VALUE),
	};
	ItemPointer tids;
	int			count;

	if (!sk_audit_scan_run(relid, &scan, FEW_EVENTS, &tids, &count))
		return false;
	if (count == 0)
		return true;
	sk_audit_search_set(search, SK_SEARCH_TIDS, make_tids(tids, count));
	add_found(search, sk_audit_search_query_these(search, leaf), from, to, places);
	return true;
}


/*-------------------------------------------------------------------------
 * Partitions
 *-------------------------------------------------------------------------
 */

/* How much time that many events of a partition take, about; 0: all of it */
static int64
width_of(const SkAuditLeaf *leaf)
{
	Relation	rel = table_open(leaf->relid, AccessShareLock);
	int64		events = (int64) RelationGetNumberOfBlocks(rel) * EVENTS_OF_PAGE;
	TimestampTz now = GetCurrentTimestamp();
	int64		time;

	table_close(rel, NoLock);
	/* the default one, as if it had a month */
	time = TIMESTAMP_NOT_FINITE(leaf->from) || TIMESTAMP_NOT_FINITE(leaf->until)
		? 30 * USECS_PER_DAY : Min(leaf->until, now) - leaf->from;
	if (events <= 2 * FIRST_EVENTS || time <= 0)
		return 0;
	return Max(time / events, 1) * FIRST_EVENTS;
}

/* The newest events of the time, more and more of them; until which has been searched? */
static TimestampTz
search_parts(SkAuditSearch *search, const char *leaf, bool is_closed, TimestampTz from, TimestampTz to,
			 int64 width, int parts, List **places)
{
	for (; width > 0 && parts > 0 && from < to; parts--, width *= is_closed ? 2 : 4)
	{
		if (list_length(*places) >= search->max_rows ||
			(!TIMESTAMP_NOT_FINITE(from) && width >= to - from))
			break;
		search_time(search, leaf, is_closed, false, to - width, to, places);
		to -= width;
	}
	return to;
}

/*
 * The newest events of a partition that is written to, which are at its end: there may have
 * been few for weeks, and many since an hour ago.  Four times as many are not looked at if
 * they would not be enough.
 */
static TimestampTz
search_newest(SkAuditSearch *search, Oid relid, const char *leaf, TimestampTz from,
			  TimestampTz to, int64 width, List **places)
{
	for (BlockNumber pages = FIRST_PAGES; pages <= 5 * FIRST_PAGES; pages *= 5)
	{
		int			before = list_length(*places);
		TimestampTz newest = Max(from, sk_audit_scan_time_of(relid, pages));

		if (TIMESTAMP_NOT_FINITE(newest))
			break;
		if (newest >= to && pages == FIRST_PAGES)
			return search_parts(search, leaf, false, from, to, width, 2, places);
		search_time(search, leaf, false, false, newest, to, places);
		to = Min(to, newest);
		if ((list_length(*places) - before) * 4 < search->max_rows - list_length(*places))
			break;
	}
	return to;
}

/* Is the time so long that all of the partition may as well be read? */
static bool
is_long(TimestampTz from, TimestampTz to, int64 width)
{
	return width > 0 && from < to && (TIMESTAMP_NOT_FINITE(from) || width < (to - from) / 16);
}

/*
 * Of a partition whose time is over.  If there have been many, there are some among the
 * newest; otherwise the indexes find them, if there are few.
 */
static void
search_closed(SkAuditSearch *search, const char *leaf, bool often, TimestampTz from, TimestampTz to,
			  int64 width, List **places)
{
	int			nestlevel = sk_guc_pin();

	if (often)
		to = search_parts(search, leaf, true, from, to, width, 1, places);
	if (list_length(*places) < search->max_rows)
	{
		sk_guc_with_indexes();
		if (!search_kinds(search, leaf, from, to, places) &&
			!search_few(search, leaf, from, to, places))
		{
			to = search_parts(search, leaf, true, from, to, width * 4, 8, places);
			search_time(search, leaf, true, true, from, to, places);
		}
	}
	sk_guc_unpin(nestlevel);
}

/*
 * Of the one that is written to.  What is not among the newest is found by going through
 * all of it, if it is rare.
 */
static void
search_open(SkAuditSearch *search, Oid relid, const char *leaf, TimestampTz from, TimestampTz to,
			int64 width, bool often, List **places)
{
	int			nestlevel;

	if (width > 0)
		to = search_newest(search, relid, leaf, from, to, width, places);
	else if (often)
		to = search_parts(search, leaf, false, from, to, width, 1, places);
	if (list_length(*places) >= search->max_rows)
		return;
	nestlevel = sk_guc_pin();
	if (!is_long(from, to, width) || !scan_few(search, relid, leaf, from, to, places))
	{
		to = search_parts(search, leaf, false, from, to, width * 16, 8, places);
		search_time(search, leaf, false, true, from, to, places);
	}
	sk_guc_unpin(nestlevel);
}

/* The events of a partition */
static void
search_leaf(SkAuditSearch *search, const SkAuditLeaf *leaf, bool often, List **places)
{
	const char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(leaf->relid)),
												  get_rel_name(leaf->relid));
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz from = Max(leaf->from, search->from);
	TimestampTz to = Min(leaf->until, search->to);
	bool		is_closed = sk_audit_closed_has_indexes(leaf->relid);
	int64		width = width_of(leaf);

	if (is_given(search, SK_SEARCH_AT) && to > DatumGetTimestampTz(search->values[SK_SEARCH_AT]))
		to = DatumGetTimestampTz(search->values[SK_SEARCH_AT]) + 1;
	if (to > now)
		search_time(search, name, is_closed, false, Max(from, now), to, places);
	to = Min(to, Max(from, now));
	if (is_closed)
		search_closed(search, name, often, from, to, width, places);
	else
		search_open(search, leaf->relid, name, from, to, width, often, places);
}

/* The default partition may have events of any time: its newest ones, too. */
static List *
find_places(SkAuditSearch *search)
{
	List	   *leaves = sk_audit_partition_leaves();
	List	   *others = NIL;
	List	   *places = NIL;
	bool		often = true;

	search_leaf(search, llast(leaves), true, &others);
	for (int i = list_length(leaves) - 2; i >= 0 && list_length(places) < search->max_rows; i--)
	{
		const SkAuditLeaf *leaf = list_nth(leaves, i);
		int			before = list_length(places);

		if (leaf->from >= search->to || leaf->until <= search->from)
			continue;
		search_leaf(search, leaf, often, &places);
		if (leaf->from <= GetCurrentTimestamp())
			often = list_length(places) - before > search->max_rows / 4;
	}
	places = list_concat(places, others);
	list_sort(places, newest_first);
	return list_truncate(places, search->max_rows);
}


/*
 * schemakit.audit_search(actor text, tables regclass[], from_at timestamptz,
 *						  to_at timestamptz, columns name[], op text, value jsonb,
 *						  max_rows integer, before text)
 *		RETURNS SETOF (place text, ...)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_search);
Datum
schemakit_audit_search(PG_FUNCTION_ARGS)
{
	SkAuditSearch search = {.context = CurrentMemoryContext};
	SkRights	saved;
	List	   *places;

	InitMaterializedSRF(fcinfo, 0);
	sk_audit_search_args_read(&search, fcinfo);
	sk_audit_reader_begin_quick(&saved);
	SPI_connect();
	sk_audit_search_args_name_shapes(&search);
	places = find_places(&search);
	sk_audit_found_put(places, search.all, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	sk_rights_restore(&saved);
	return (Datum) 0;
}
