/*-------------------------------------------------------------------------
 *
 * workload/workload.c
 *	  The statements that the advice is for.
 *
 * Those of pg_stat_statements, read through its view, whose columns differ
 * between versions, wherever the extension is; or those that are given.  One
 * statement may have been run by several roles: it is planned as the one that
 * spent most time on it among those that the caller may become.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "workload/workload.h"

#include "base/compat.h"
#include "base/guard.h"
#include "base/spi.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Besides statements with plans there are others, which are found out later. */
#define UTILITY_ALLOWANCE 200

#define MS_PER_DAY 86400000.0

static SkWorkloadEntry *
make_entry(int64 id, const char *text, SkNames names, Oid role)
{
	SkWorkloadEntry *entry = palloc0(sizeof(SkWorkloadEntry));

	entry->id = id;
	entry->statement = sk_statement_make(text, names);
	entry->role = role;
	entry->rows = -1;
	return entry;
}

/* ----------
 * Given statements
 * ----------
 */
static double
weight_at(ArrayType *weights, int i)
{
	Datum	   *elems;
	bool	   *nulls;
	int			n;
	double		weight;

	if (weights == NULL)
		return 1;
	deconstruct_array(weights, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elems, &nulls, &n);
	weight = i < n && !nulls[i] ? DatumGetFloat8(elems[i]) : 1;
	if (!(weight >= 0) || weight > 1e15)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weight %g is out of range", weight),
				 errhint("A weight says how often the statement is run.")));
	return weight;
}

/* Statements with their weights, 1 if there are none; run by the current user. */
SkWorkload *
sk_workload_given(ArrayType *queries, ArrayType *weights)
{
	SkWorkload *workload = palloc0(sizeof(SkWorkload));
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(queries, TEXTOID, -1, false, TYPALIGN_INT,
					  &elems, &nulls, &n);
	if (weights != NULL &&
		ArrayGetNItems(ARR_NDIM(weights), ARR_DIMS(weights)) != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there must be as many weights as queries")));
	for (int i = 0; i < n; i++)
	{
		SkWorkloadEntry *entry;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a query must not be null")));
		entry = make_entry(i + 1, TextDatumGetCString(elems[i]), SK_NAMES_GUESSED,
						   GetUserId());
		entry->calls = weight_at(weights, i);
		workload->entries = lappend(workload->entries, entry);
	}
	return workload;
}

/* ----------
 * pg_stat_statements
 * ----------
 */
static Oid
schema_of_extension(void)
{
	int64		schema = InvalidOid;

	(void) sk_spi_execute("SELECT extnamespace::pg_catalog.int8"
						  " FROM pg_catalog.pg_extension"
						  " WHERE extname OPERATOR(pg_catalog.=) 'pg_stat_statements'",
						  0, NULL, NULL, SPI_OK_SELECT, &schema);
	return (Oid) schema;
}

static bool
has_column(Oid view, const char *name)
{
	return get_attnum(view, name) != InvalidAttrNumber;
}

/* What it takes to make advice is not what advice is for. */
#define OWN_CALLS "(advise_indexes|advise_indexes_report|index_advice_record)[[:space:]]*[(]"

static char *
workload_query(Oid schema, const char *schema_name, Oid view, int max_queries)
{
	const char *name = quote_identifier(schema_name);
	bool		info = OidIsValid(get_relname_relid("pg_stat_statements_info", schema));

	return psprintf(
					"WITH entry AS ("
					" SELECT s.*, %s AS nested, %s AS since FROM %s.pg_stat_statements AS s"
					" WHERE s.dbid OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database AS d"
					" WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())"
					" AND (s.query IS NULL OR s.query OPERATOR(pg_catalog.!~) '" OWN_CALLS "')),"
					" statement AS ("
					" SELECT queryid, (pg_catalog.array_agg(query ORDER BY total_exec_time DESC, userid))[1] AS query,"
					" pg_catalog.array_agg(userid ORDER BY total_exec_time DESC, userid) AS roles,"
					" pg_catalog.sum(calls)::pg_catalog.float8 AS calls,"
					" pg_catalog.sum(total_exec_time)::pg_catalog.float8 AS ms,"
					" pg_catalog.sum(rows)::pg_catalog.float8 AS rows,"
					" pg_catalog.bool_or(nested) AS nested, pg_catalog.min(since) AS since"
					" FROM entry WHERE queryid IS NOT NULL AND query IS NOT NULL GROUP BY queryid)"
					" SELECT queryid, query, roles, calls, ms, rows, nested,"
					" pg_catalog.date_part('epoch', pg_catalog.statement_timestamp() OPERATOR(pg_catalog.-) since) AS seconds,"
					" pg_catalog.count(*) OVER ()::pg_catalog.float8 AS statements,"
					" pg_catalog.sum(ms) OVER () AS total,"
					" (SELECT pg_catalog.count(*)::pg_catalog.float8 FROM entry WHERE queryid IS NULL) AS hidden,"
					" (SELECT coalesce(pg_catalog.sum(total_exec_time), 0) FROM entry WHERE queryid IS NULL) AS hidden_ms,"
					" %s AS lost"
					" FROM statement ORDER BY ms DESC, queryid LIMIT %d",
					has_column(view, "toplevel") ? "NOT s.toplevel" : "false",
					has_column(view, "stats_since") ? "s.stats_since" :
					info ? psprintf("(SELECT stats_reset FROM %s.pg_stat_statements_info)", name) :
					"pg_catalog.pg_postmaster_start_time()",
					name,
					info ? psprintf("(SELECT dealloc::pg_catalog.float8 FROM %s.pg_stat_statements_info)", name) :
					"0::pg_catalog.float8",
					max_queries + UTILITY_ALLOWANCE);
}

static double
number_of(HeapTuple row, const char *column)
{
	int			i = SPI_fnumber(SPI_tuptable->tupdesc, column);
	bool		isnull;
	Datum		value = SPI_getbinval(row, SPI_tuptable->tupdesc, i, &isnull);

	return isnull ? 0 : DatumGetFloat8(value);
}

static Datum
datum_of(HeapTuple row, const char *column)
{
	int			i = SPI_fnumber(SPI_tuptable->tupdesc, column);
	bool		isnull;

	return SPI_getbinval(row, SPI_tuptable->tupdesc, i, &isnull);
}

/* The first of these roles that the current user may become, or the first. */
static Oid
choose_role(ArrayType *roles, bool *able)
{
	Datum	   *elems;
	int			n;

	deconstruct_array(roles, OIDOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elems, NULL, &n);
	*able = true;
	for (int i = 0; i < n; i++)
	{
		Oid			role = DatumGetObjectId(elems[i]);

		if (GetUserNameFromId(role, true) != NULL && sk_may_become(role))
			return role;
	}
	*able = false;
	return DatumGetObjectId(elems[0]);
}

static SkWorkloadEntry *
read_entry(HeapTuple row, SkWorkload *workload)
{
	bool		able;
	Oid			role = choose_role(DatumGetArrayTypeP(datum_of(row, "roles")), &able);
	double		days = number_of(row, "seconds") / 86400;
	SkWorkloadEntry *entry;

	entry = make_entry(DatumGetInt64(datum_of(row, "queryid")),
					   TextDatumGetCString(datum_of(row, "query")),
					   DatumGetBool(datum_of(row, "nested")) ? SK_NAMES_VARIABLES :
					   SK_NAMES_COLUMNS, role);
	entry->calls = Max(number_of(row, "calls"), 1);
	entry->rows = number_of(row, "rows") / entry->calls;
	entry->total_ms = number_of(row, "ms");
	days = Max(days, 1.0 / 86400);
	workload->days = Max(workload->days, days);
	entry->value = entry->total_ms / days;
	entry->calls /= days;
	if (!able)
	{
		char	   *name = GetUserNameFromId(role, true);

		entry->sqlerrcode = ERRCODE_INSUFFICIENT_PRIVILEGE;
		entry->reason = name == NULL ? pstrdup("the role that ran it was dropped") :
			psprintf("must be member of role \"%s\"", name);
	}
	return entry;
}

typedef struct Reading
{
	SkWorkload *workload;
	MemoryContext context;
	const char *sql;
} Reading;

static void
read_statements(void *arg)
{
	Reading    *reading = arg;
	SkWorkload *workload = reading->workload;

	SPI_connect();
	if (SPI_execute(reading->sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_stat_statements");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		MemoryContext old = MemoryContextSwitchTo(reading->context);

		workload->entries = lappend(workload->entries, read_entry(row, workload));
		MemoryContextSwitchTo(old);
		workload->hidden = number_of(row, "hidden");
		workload->hidden_ms = number_of(row, "hidden_ms");
		workload->statements = number_of(row, "statements") + workload->hidden;
		workload->total_ms = number_of(row, "total") + workload->hidden_ms;
		workload->lost = number_of(row, "lost");
	}
	SPI_finish();
}

/* The view is there, but not the library, or the caller may not read it. */
static bool
is_not_there(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		edata->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE;
}

/*
 * The costliest statements of this database that pg_stat_statements knows, up to
 * so many and some more, for those that have no plan.
 */
SkWorkload *
sk_workload_measured(int max_queries)
{
	SkWorkload *workload = palloc0(sizeof(SkWorkload));
	Reading		reading = {workload, CurrentMemoryContext, NULL};
	Oid			schema = schema_of_extension();
	char	   *schema_name = get_namespace_name(schema);
	Oid			view = InvalidOid;
	ErrorData  *error;

	workload->measured = true;
	if (schema_name != NULL)
		view = get_relname_relid("pg_stat_statements", schema);
	if (!OidIsValid(view))
	{
		workload->missing = "extension \"pg_stat_statements\" is not installed in this database";
		return workload;
	}
	reading.sql = workload_query(schema, schema_name, view, max_queries);
	error = sk_guard_try(read_statements, &reading, is_not_there);
	if (error != NULL)
		workload->missing = error->message;
	return workload;
}
