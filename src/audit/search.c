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
 * none of these: of it, more and more is read.
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
#define FEW_EVENTS		2000

/* What is asked for; parameters have the numbers of their places in "values" */
typedef struct Search
{
	Datum		values[11];
	char		nulls[11];
	const char *op;				/* NULL: any */
	TimestampTz from;
	TimestampTz to;
	int			max_rows;
	bool		all;			/* may the caller read all of the log? */
	MemoryContext context;
} Search;

enum
{
	P_FROM, P_TO, P_AT, P_TXN_ID, P_COMMAND, P_N, P_SHAPES, P_ACTOR, P_COLUMNS, P_VALUE, P_LIMIT
};

static const Oid types[] = {
	TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT4OID, INT4OID, INT4ARRAYOID,
	TEXTOID, TEXTARRAYOID, JSONBOID, INT4OID
};

static bool
is_given(const Search *search, int parameter)
{
	return search->nulls[parameter] == ' ';
}


/*-------------------------------------------------------------------------
 * Statements
 *-------------------------------------------------------------------------
 */

/*
 * What an event must be like, but for who made it.  If the index of values or that of
 * actors is to find it, what is true of many events is no condition for another one.
 */
static void
append_conditions(StringInfo buf, const Search *search)
{
	bool		is_narrow = is_given(search, P_VALUE) || is_given(search, P_COLUMNS) ||
		is_given(search, P_ACTOR);

	appendStringInfoString(buf, " e.at OPERATOR(pg_catalog.>=) $1 AND e.at OPERATOR(pg_catalog.<) $2");
	if (search->op != NULL)
		appendStringInfo(buf, " AND (e.op OPERATOR(pg_catalog.=) ANY ('{%s}'::pg_catalog.\"char\"[]))%s",
						 search->op, is_narrow ? " IS TRUE" : "");
	else
		appendStringInfoString(buf, " AND e.op OPERATOR(pg_catalog.<>) ALL ('{O,C}'::pg_catalog.\"char\"[])");
	if (is_given(search, P_AT))
		appendStringInfoString(buf, " AND e.at OPERATOR(pg_catalog.<=) $3"
							   " AND (e.at OPERATOR(pg_catalog.<) $3 OR e.txn_id OPERATOR(pg_catalog.<) $4"
							   " OR (e.txn_id OPERATOR(pg_catalog.=) $4 AND (e.command OPERATOR(pg_catalog.<) $5"
							   " OR (e.command OPERATOR(pg_catalog.=) $5 AND e.n OPERATOR(pg_catalog.<) $6))))");
	if (is_given(search, P_SHAPES))
		appendStringInfo(buf, " AND (e.shape_id OPERATOR(pg_catalog.=) ANY ($7))%s",
						 is_narrow ? " IS TRUE" : "");
	if (is_given(search, P_VALUE))
		appendStringInfoString(buf, " AND (e.new OPERATOR(pg_catalog.@>) $10 OR e.old OPERATOR(pg_catalog.@>) $10)");
	/* as the view says what has changed */
	if (is_given(search, P_COLUMNS))
		appendStringInfoString(buf, " AND (e.op OPERATOR(pg_catalog.=) ANY ('{U,N}'::pg_catalog.\"char\"[])) IS TRUE"
							   " AND e.new OPERATOR(pg_catalog.?|) $9"
							   " AND (e.key IS NOT NULL AND (SELECT (s.options OPERATOR(pg_catalog.->>) 'capture') IS NULL"
							   " FROM schemakit.audit_shape AS s WHERE s.shape_id OPERATOR(pg_catalog.=) e.shape_id)"
							   " OR EXISTS (SELECT FROM pg_catalog.unnest($9) AS c(name)"
							   " WHERE e.new OPERATOR(pg_catalog.?) c.name AND ((e.old OPERATOR(pg_catalog.->) c.name)"
							   " OPERATOR(pg_catalog.=) (e.new OPERATOR(pg_catalog.->) c.name)) IS NOT TRUE))");
}

#define SEARCH_COLUMNS	"e.at, e.txn_id, e.command, e.n, e.key_hash"
#define SEARCH_ORDER	" ORDER BY at DESC, txn_id DESC, command DESC, n DESC LIMIT $11"

static void
append_branch(StringInfo buf, const Search *search, const char *from, const char *order)
{
	appendStringInfo(buf, "(SELECT " SEARCH_COLUMNS " FROM %s", from);
	append_conditions(buf, search);
	appendStringInfo(buf, "%s)", order);
}

/*
 * Who acts is in the event itself, or in the one of the transaction that carries it.
 * Where there is no index, both are found at once.
 */
static char *
make_statement(const Search *search, const char *leaf, bool is_closed, const char *order)
{
	const char *acting = psprintf("%s AS a WHERE a.actor OPERATOR(pg_catalog.=) $8 AND a.role IS NOT NULL"
								  " AND a.at OPERATOR(pg_catalog.>=) $1 AND a.at OPERATOR(pg_catalog.<) $2%s",
								  leaf, is_given(search, P_AT) ? " AND a.at OPERATOR(pg_catalog.<=) $3" : "");
	StringInfoData buf;

	initStringInfo(&buf);
	if (!is_given(search, P_ACTOR))
	{
		append_branch(&buf, search, psprintf("%s AS e WHERE", leaf), order);
		return buf.data;
	}
	appendStringInfoString(&buf, is_closed ? "WITH acting AS NOT MATERIALIZED" : "WITH acting AS MATERIALIZED");
	appendStringInfo(&buf, " (SELECT * FROM %s) ", acting);
	append_branch(&buf, search, "acting AS e WHERE", order);
	appendStringInfoString(&buf, " UNION ALL ");
	append_branch(&buf, search,
				  psprintf("acting AS a JOIN %s AS e ON e.txn_id OPERATOR(pg_catalog.=) a.txn_id"
						   " AND e.at OPERATOR(pg_catalog.=) a.at AND e.carrier OPERATOR(pg_catalog.=) a.n"
						   " WHERE a.carrier IS NOT NULL AND e.role IS NULL AND", leaf), order);
	appendStringInfoString(&buf, order);
	return buf.data;
}

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

/* Find what there is in a partition, of a time: the newest, or any as many. */
static List *
run_statement(Search *search, const char *sql, int most)
{
	MemoryContext old;
	List	   *found = NIL;

	CHECK_FOR_INTERRUPTS();
	search->values[P_LIMIT] = Int32GetDatum(most);
	if (SPI_execute_with_args(sql, lengthof(types), (Oid *) types, search->values, search->nulls,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", sql);
	old = MemoryContextSwitchTo(search->context);
	for (uint64 i = 0; i < SPI_processed; i++)
		found = lappend(found, read_place(i));
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* Add the newest that there are in a partition, of a time. */
static void
search_time(Search *search, const char *leaf, bool is_closed, TimestampTz from, TimestampTz to,
			List **places)
{
	if (from >= to || list_length(*places) >= search->max_rows)
		return;
	search->values[P_FROM] = TimestampTzGetDatum(from);
	search->values[P_TO] = TimestampTzGetDatum(to);
	*places = list_concat(*places,
						  run_statement(search, make_statement(search, leaf, is_closed, SEARCH_ORDER),
										search->max_rows - list_length(*places)));
}

/*
 * The same, if they are few: all of them are found by an index, and sorted here.
 */
static bool
search_few(Search *search, const char *leaf, TimestampTz from, TimestampTz to, List **places)
{
	List	   *found;

	if (from >= to || is_given(search, P_ACTOR))
		return false;
	search->values[P_FROM] = TimestampTzGetDatum(from);
	search->values[P_TO] = TimestampTzGetDatum(to);
	found = run_statement(search, make_statement(search, leaf, true, " LIMIT $11"), FEW_EVENTS);
	if (list_length(found) == FEW_EVENTS)
		return false;
	list_sort(found, newest_first);
	*places = list_concat(*places, list_truncate(found, search->max_rows - list_length(*places)));
	return true;
}


/*-------------------------------------------------------------------------
 * Partitions
 *-------------------------------------------------------------------------
 */

/* How much time the newest events of a partition take, that many; 0: all of it */
static int64
width_of(const SkAuditLeaf *leaf, TimestampTz to)
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
search_parts(Search *search, const char *leaf, bool is_closed, TimestampTz from, TimestampTz to,
			 int64 width, int parts, List **places)
{
	for (; width > 0 && parts > 0 && from < to; parts--, width *= is_closed ? 2 : 4)
	{
		if (list_length(*places) >= search->max_rows ||
			(!TIMESTAMP_NOT_FINITE(from) && width >= to - from))
			break;
		search_time(search, leaf, is_closed, to - width, to, places);
		to -= width;
	}
	return to;
}

/*
 * The events of a partition.  If there have been many, there are some among the newest;
 * otherwise the indexes find them, if there are few.
 */
static void
search_leaf(Search *search, const SkAuditLeaf *leaf, bool often, List **places)
{
	const char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(leaf->relid)),
												  get_rel_name(leaf->relid));
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz from = Max(leaf->from, search->from);
	TimestampTz to = Min(leaf->until, search->to);
	bool		is_closed = sk_audit_closed_has_indexes(leaf->relid);
	int64		width = width_of(leaf, to);
	int			nestlevel;
	bool		found;

	if (is_given(search, P_AT) && to > DatumGetTimestampTz(search->values[P_AT]))
		to = DatumGetTimestampTz(search->values[P_AT]) + 1;
	if (to > now)
		search_time(search, name, is_closed, Max(from, now), to, places);
	to = Min(to, Max(from, now));
	if (often || !is_closed)
		to = search_parts(search, name, is_closed, from, to, width, is_closed ? 1 : 8, places);
	if (list_length(*places) >= search->max_rows)
		return;
	nestlevel = sk_guc_pin();
	if (is_closed)
		sk_guc_with_indexes();
	found = is_closed && search_few(search, name, from, to, places);
	if (!found && is_closed)
		to = search_parts(search, name, is_closed, from, to, width * 4, 8, places);
	if (!found)
		search_time(search, name, is_closed, from, to, places);
	sk_guc_unpin(nestlevel);
}

/* The default partition may have events of any time: its newest ones, too. */
static List *
find_places(Search *search)
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
read_before(Search *search, const char *text)
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
	search->values[P_AT] = TimestampTzGetDatum(place.at);
	search->values[P_TXN_ID] = Int64GetDatum(place.txn_id);
	search->values[P_COMMAND] = Int32GetDatum(place.command);
	search->values[P_N] = Int32GetDatum(place.n);
	memset(search->nulls + P_AT, ' ', 4);
}

/* As the view names operations; a changed key is an update. */
static const char *
op_argument(const char *op)
{
	static const char *const known[] = {"I", "U", "D", "T", "B"};

	for (size_t i = 0; i < lengthof(known); i++)
	{
		if (strcmp(op, known[i]) == 0)
			return op[0] == 'U' ? "U,N" : known[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not an operation of the audit log", op),
			 errhint("Operations are I, U, D, T and B.")));
}

/* The shapes of tables, whose history the caller must be allowed to read */
static void
read_tables(Search *search, ArrayType *tables)
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
	search->values[P_SHAPES] = sk_array_of(ids, count, INT4OID);
	search->nulls[P_SHAPES] = ' ';
}

/*
 * The index of tables and operations finds an operation if it is asked for those of each
 * table.
 */
static void
name_all_shapes(Search *search)
{
	bool		isnull;
	Datum		ids;

	if (search->op == NULL || is_given(search, P_SHAPES) || is_given(search, P_VALUE) ||
		is_given(search, P_COLUMNS) || is_given(search, P_ACTOR))
		return;
	if (SPI_execute("SELECT pg_catalog.array_agg(shape_id) FROM schemakit.audit_shape"
					" HAVING pg_catalog.count(*) OPERATOR(pg_catalog.<=) 1000", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read schemakit.audit_shape");
	if (SPI_processed == 0)
		return;
	ids = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		search->values[P_SHAPES] = SPI_datumTransfer(ids, false, -1);
		search->nulls[P_SHAPES] = ' ';
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

static void
set(Search *search, int parameter, Datum value)
{
	search->values[parameter] = value;
	search->nulls[parameter] = ' ';
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
read_arguments(Search *search, FunctionCallInfo fcinfo)
{
	memset(search->nulls, 'n', lengthof(types));
	search->nulls[P_FROM] = search->nulls[P_TO] = search->nulls[P_LIMIT] = ' ';
	search->from = PG_ARGISNULL(2) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(2);
	search->to = PG_ARGISNULL(3) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(3);
	if (!PG_ARGISNULL(1))
		read_tables(search, PG_GETARG_ARRAYTYPE_P(1));
	else
		sk_audit_readable_check_all();
	if (!PG_ARGISNULL(0))
		set(search, P_ACTOR, PG_GETARG_DATUM(0));
	if (!PG_ARGISNULL(4))
		set(search, P_COLUMNS, names_argument(PG_GETARG_ARRAYTYPE_P(4)));
	if (!PG_ARGISNULL(5))
		search->op = op_argument(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	if (!PG_ARGISNULL(6))
	{
		if (!JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(6)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("value must be an object of columns and their values"),
					 errhint("Write it as {\"status\": \"paid\"}.")));
		set(search, P_VALUE, PG_GETARG_DATUM(6));
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
	Search		search = {.context = CurrentMemoryContext};
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
