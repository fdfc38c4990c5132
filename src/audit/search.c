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
#include "audit/search_query.h"
#include "base/arg.h"
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

/* Of the parameters of statements */
static const Oid types[] = {
	TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT4OID, INT4OID, INT4ARRAYOID,
	TEXTOID, TEXTARRAYOID, JSONBOID, INT4OID, TIDARRAYOID
};

static void
set(SkAuditSearch *search, int parameter, Datum value)
{
	search->values[parameter] = value;
	search->nulls[parameter] = ' ';
}


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

/* Add the newest that there are in a partition, of a time. */
static void
search_time(SkAuditSearch *search, const char *leaf, bool is_closed, bool by_value,
			TimestampTz from, TimestampTz to, List **places)
{
	if (from >= to || list_length(*places) >= search->max_rows)
		return;
	search->values[SK_SEARCH_FROM] = TimestampTzGetDatum(from);
	search->values[SK_SEARCH_TO] = TimestampTzGetDatum(to);
	*places = list_concat(*places,
						  run_statement(search, sk_audit_search_query_newest(search, leaf, is_closed, by_value),
										search->max_rows - list_length(*places)));
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
	search->values[SK_SEARCH_FROM] = TimestampTzGetDatum(from);
	search->values[SK_SEARCH_TO] = TimestampTzGetDatum(to);
	set(search, SK_SEARCH_TIDS, make_tids(tids, count));
	*places = list_concat(*places,
						  run_statement(search, sk_audit_search_query_these(search, leaf),
										search->max_rows - list_length(*places)));
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
 * been few for weeks, and many since an hour ago.
 */
static TimestampTz
search_newest(SkAuditSearch *search, Oid relid, const char *leaf, TimestampTz from,
			  TimestampTz to, int64 width, List **places)
{
	for (BlockNumber pages = FIRST_PAGES; pages <= 5 * FIRST_PAGES; pages *= 5)
	{
		TimestampTz newest = Max(from, sk_audit_scan_time_of(relid, pages));

		if (TIMESTAMP_NOT_FINITE(newest))
			break;
		if (newest >= to && pages == FIRST_PAGES)
			return search_parts(search, leaf, false, from, to, width, 2, places);
		search_time(search, leaf, false, false, newest, to, places);
		to = Min(to, newest);
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
 * The events of a partition.  If there have been many, there are some among the newest;
 * otherwise the indexes find them, if there are few.
 */
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
	int			nestlevel;
	bool		found;

	if (is_given(search, SK_SEARCH_AT) && to > DatumGetTimestampTz(search->values[SK_SEARCH_AT]))
		to = DatumGetTimestampTz(search->values[SK_SEARCH_AT]) + 1;
	if (to > now)
		search_time(search, name, is_closed, false, Max(from, now), to, places);
	to = Min(to, Max(from, now));
	if (!is_closed && width > 0)
		to = search_newest(search, leaf->relid, name, from, to, width, places);
	else if (often)
		to = search_parts(search, name, is_closed, from, to, width, 1, places);
	if (list_length(*places) >= search->max_rows)
		return;
	nestlevel = sk_guc_pin();
	if (is_closed)
		sk_guc_with_indexes();
	if (is_closed)
		found = search_few(search, name, from, to, places);
	else
		found = is_long(from, to, width) && scan_few(search, leaf->relid, name, from, to, places);
	if (!found)
		to = search_parts(search, name, is_closed, from, to, width * (is_closed ? 4 : 16), 8, places);
	if (!found)
		search_time(search, name, is_closed, true, from, to, places);
	sk_guc_unpin(nestlevel);
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


/*-------------------------------------------------------------------------
 * Arguments
 *-------------------------------------------------------------------------
 */

/* The place that a row came with, or an error */
static void
read_before(SkAuditSearch *search, const char *text)
{
	SkAuditPlace place;
	int			length = 0;

	if (sscanf(text, INT64_FORMAT "." INT64_FORMAT ".%d.%d%n", &place.at, &place.txn_id,
			   &place.command, &place.n, &length) != 4 || text[length] != '\0' ||
		!IS_VALID_TIMESTAMP(place.at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a place in the audit log", text),
				 errhint("Pass the column \"place\" of a row that schemakit.audit_search() has returned.")));
	search->values[SK_SEARCH_AT] = TimestampTzGetDatum(place.at);
	search->values[SK_SEARCH_TXN_ID] = Int64GetDatum(place.txn_id);
	search->values[SK_SEARCH_COMMAND] = Int32GetDatum(place.command);
	search->values[SK_SEARCH_N] = Int32GetDatum(place.n);
	memset(search->nulls + SK_SEARCH_AT, ' ', 4);
}

/* As the view names operations; a changed key is an update. */
static const char *
op_argument(const char *op)
{
	static const char *const known[] = {"I", "U", "D", "T", "B", "S"};

	for (size_t i = 0; i < lengthof(known); i++)
	{
		if (strcmp(op, known[i]) == 0)
			return op[0] == 'U' ? "U,N" : known[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not an operation of the audit log", op),
			 errhint("Operations are I, U, D, T, B and S.")));
}

/* The shapes of tables, whose history the caller must be allowed to read */
static void
read_tables(SkAuditSearch *search, ArrayType *tables)
{
	List	   *relids = sk_arg_oids(tables);
	Datum	   *ids = NULL;
	int			count = 0;
	ListCell   *lc;

	foreach(lc, relids)
	{
		const SkAuditReader *reader = sk_audit_reader_open(lfirst_oid(lc));
		ListCell   *lcs;

		ids = ids == NULL ? palloc(sizeof(Datum) * list_length(reader->shapes))
			: repalloc(ids, sizeof(Datum) * (count + list_length(reader->shapes)));
		foreach(lcs, reader->shapes)
			ids[count++] = Int32GetDatum(((SkAuditShape *) lfirst(lcs))->shape_id);
	}
	search->values[SK_SEARCH_SHAPES] = sk_array_of(ids, count, INT4OID);
	search->nulls[SK_SEARCH_SHAPES] = ' ';
}

/*
 * The index of tables and operations finds an operation if it is asked for those of each
 * table.
 */
static void
name_all_shapes(SkAuditSearch *search)
{
	bool		isnull;
	Datum		ids;

	if (search->op == NULL || is_given(search, SK_SEARCH_SHAPES) || is_given(search, SK_SEARCH_VALUE) ||
		is_given(search, SK_SEARCH_COLUMNS) || is_given(search, SK_SEARCH_ACTOR))
		return;
	if (SPI_execute("SELECT pg_catalog.array_agg(shape_id) FROM schemakit.audit_shape"
					" HAVING pg_catalog.count(*) OPERATOR(pg_catalog.<=) 1000", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_shape");
	if (SPI_processed == 0)
		return;
	ids = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		search->values[SK_SEARCH_SHAPES] = SPI_datumTransfer(ids, false, -1);
		search->nulls[SK_SEARCH_SHAPES] = ' ';
	}
}

static Datum
names_argument(ArrayType *names)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	int			given = 0;

	deconstruct_array(names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			elements[given++] = CStringGetTextDatum(NameStr(*DatumGetName(elements[i])));
	}
	return sk_array_of(elements, given, TEXTOID);
}

static int
max_rows_argument(FunctionCallInfo fcinfo, int arg)
{
	sk_arg_reject_null(fcinfo, arg, "max_rows");
	if (PG_GETARG_INT32(arg) < 1 || PG_GETARG_INT32(arg) > 10000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 1 and 10000", "max_rows"),
				 errhint("Pass the place of the last row as \"before\" to get the rows that follow.")));
	return PG_GETARG_INT32(arg);
}

static void
read_arguments(SkAuditSearch *search, FunctionCallInfo fcinfo)
{
	memset(search->nulls, 'n', lengthof(types));
	search->nulls[SK_SEARCH_FROM] = search->nulls[SK_SEARCH_TO] = search->nulls[SK_SEARCH_LIMIT] = ' ';
	search->from = PG_ARGISNULL(2) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(2);
	search->to = PG_ARGISNULL(3) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(3);
	if (!PG_ARGISNULL(1))
		read_tables(search, PG_GETARG_ARRAYTYPE_P(1));
	else
		sk_audit_readable_check_all();
	if (!PG_ARGISNULL(0))
		set(search, SK_SEARCH_ACTOR, PointerGetDatum(PG_GETARG_TEXT_PP(0)));
	if (!PG_ARGISNULL(4))
		set(search, SK_SEARCH_COLUMNS, names_argument(PG_GETARG_ARRAYTYPE_P(4)));
	if (!PG_ARGISNULL(5))
		search->op = op_argument(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	if (!PG_ARGISNULL(6))
	{
		if (!JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(6)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("value must be an object of columns and their values"),
					 errhint("Write it as {\"status\": \"paid\"}.")));
		set(search, SK_SEARCH_VALUE, JsonbPGetDatum(PG_GETARG_JSONB_P(6)));
	}
	search->max_rows = max_rows_argument(fcinfo, 7);
	if (!PG_ARGISNULL(8))
		read_before(search, text_to_cstring(PG_GETARG_TEXT_PP(8)));
	search->all = sk_audit_readable_all();
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
	read_arguments(&search, fcinfo);
	sk_audit_reader_begin_quick(&saved);
	SPI_connect();
	name_all_shapes(&search);
	places = find_places(&search);
	sk_audit_found_put(places, search.all, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	sk_rights_restore(&saved);
	return (Datum) 0;
}
