/*-------------------------------------------------------------------------
 *
 * audit/search_args.c
 *	  What the arguments of audit_search() ask for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/search_args.h"
#include "audit/found.h"
#include "audit/readable.h"
#include "audit/reader.h"
#include "base/arg.h"
#include "base/array.h"
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

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
	sk_audit_search_set(search, SK_SEARCH_SHAPES, sk_array_of(ids, count, INT4OID));
}

/*
 * The index of tables and operations finds an operation if it is asked for those of each
 * table.  As the log's owner, with SPI connected.
 */
void
sk_audit_search_args_name_shapes(SkAuditSearch *search)
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
		sk_audit_search_set(search, SK_SEARCH_SHAPES, SPI_datumTransfer(ids, false, -1));
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

/*
 * What the arguments of audit_search() ask for, which the caller must be allowed to
 * read.  SPI is not connected.
 */
void
sk_audit_search_args_read(SkAuditSearch *search, FunctionCallInfo fcinfo)
{
	memset(search->nulls, 'n', sizeof(search->nulls));
	search->nulls[SK_SEARCH_FROM] = search->nulls[SK_SEARCH_TO] = search->nulls[SK_SEARCH_LIMIT] = ' ';
	search->from = PG_ARGISNULL(2) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(2);
	search->to = PG_ARGISNULL(3) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(3);
	if (!PG_ARGISNULL(1))
		read_tables(search, PG_GETARG_ARRAYTYPE_P(1));
	else
		sk_audit_readable_check_all();
	if (!PG_ARGISNULL(0))
		sk_audit_search_set(search, SK_SEARCH_ACTOR, PointerGetDatum(PG_GETARG_TEXT_PP(0)));
	if (!PG_ARGISNULL(4))
		sk_audit_search_set(search, SK_SEARCH_COLUMNS, names_argument(PG_GETARG_ARRAYTYPE_P(4)));
	if (!PG_ARGISNULL(5))
		search->op = op_argument(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	if (!PG_ARGISNULL(6))
	{
		if (!JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(6)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("value must be an object of columns and their values"),
					 errhint("Write it as {\"status\": \"paid\"}.")));
		sk_audit_search_set(search, SK_SEARCH_VALUE, JsonbPGetDatum(PG_GETARG_JSONB_P(6)));
	}
	search->max_rows = max_rows_argument(fcinfo, 7);
	if (!PG_ARGISNULL(8))
		read_before(search, text_to_cstring(PG_GETARG_TEXT_PP(8)));
	search->all = sk_audit_readable_all();
}
