/*-------------------------------------------------------------------------
 *
 * audit/as_of.c
 *	  schemakit.audit_as_of() and audit_as_of_jsonb(): a table as it was.
 *	  That is what it is, with what has happened since taken back
 *	  (audit/undo.c).
 *
 * Columns are those of the table as it is, found by their numbers under their
 * former names.  One that the table did not have then is null, and so is one
 * whose values the log does not have, because it is excluded, masked or ignored:
 * a NOTICE names those.  Of one whose values were computed anew since then, only
 * what events tell is returned (audit/gap.c).
 *
 * A column's type may have been another one then, and not take a value that it
 * has now to hold.  audit_as_of() raises an error that names the value's row
 * and column; audit_as_of_jsonb() returns values as the log has them, and so
 * needs no type to take them.
 *
 * Half of work_mem is for sorting what has changed (audit/merge.c), and half for the
 * result; both go on in files.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/as_of.h"
#include "audit/candidates.h"
#include "audit/coverage.h"
#include "audit/descendants.h"
#include "audit/filter.h"
#include "audit/live.h"
#include "audit/merge.h"
#include "audit/past.h"
#include "audit/running.h"
#include "audit/since.h"
#include "audit/spelling.h"
#include "audit/told.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/table.h"

#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"


/*
 * A trigger may have been altered while event triggers did not fire, so that no shape
 * tells of it yet.  Of a partition, its own events or audit_enable() will tell.
 */
static void
check_triggers(const SkAuditPast *past)
{
	const char *gap = sk_audit_coverage_gap_at_event(past->reader->relid,
													 past->reader->relid);

	if (gap != NULL)
		sk_audit_undo_refuse(past, gap, "Call schemakit.audit_enable() to record changes again.");
}

/*
 * "table" is what the caller of the function gave in place of a row, or NULL.  It is
 * shown if it is a name that can be shown as it is.
 */
void
sk_audit_as_of_refuse_type(const char *function, const char *table)
{
	if (table != NULL &&
		strspn(table, "abcdefghijklmnopqrstuvwxyz0123456789_.") != strlen(table))
		table = NULL;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("first argument must be of the row type of a table"),
			 errhint("Write schemakit.%s(NULL::%s, ...).", function,
					 table != NULL ? table : "users")));
}

/* A table that is given as a value of regclass is named as it prints. */
static const char *
given_table(FunctionCallInfo fcinfo, Oid type)
{
	if (type != REGCLASSOID || PG_ARGISNULL(0))
		return NULL;
	return DatumGetCString(DirectFunctionCall1(regclassout, PG_GETARG_DATUM(0)));
}

/*
 * The table whose row type the first argument has.
 */
Oid
sk_audit_as_of_table(FunctionCallInfo fcinfo, const char *function)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relid = OidIsValid(type) ? typeidTypeRelid(type) : InvalidOid;

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		sk_audit_as_of_refuse_type(function, given_table(fcinfo, type));
	return relid;
}

/*
 * Begin to read what the table was at that time, or raise the error that it cannot be
 * told.
 */
void
sk_audit_as_of_open(SkAuditPast *past, Oid relid, TimestampTz at, ReturnSetInfo *rsinfo)
{
	past->reader = sk_audit_reader_open(relid);
	past->at = at;
	past->context = CurrentMemoryContext;
	past->rsinfo = rsinfo;
	past->result = past->rsinfo->setDesc;
	sk_audit_told_examine(past);
	check_triggers(past);
	if (!past->quiet)
		sk_audit_running_notice(past->reader->label, past->at);
}

/* The row with past->key, or all rows */
static void
return_rows_of_key(SkAuditPast *past)
{
	sk_audit_merge_begin(past);
	sk_audit_since_read(past);
	sk_audit_live_read(past);
}

static void
return_candidates(SkAuditPast *past, List *keys)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemakit candidate",
												  ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	foreach(lc, keys)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		past->key = lfirst(lc);
		past->spellings = list_make1(past->key);
		return_rows_of_key(past);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

static void
return_rows(SkAuditPast *past, const Jsonb *key)
{
	List	   *keys = NIL;

	if (key != NULL && sk_audit_filter_is_key(past->reader, key))
	{
		past->key = sk_audit_reader_key(past->reader, key);
		past->spellings = sk_audit_spelling_list(past->reader, past->key);
	}
	else if (key != NULL)
		past->filter = sk_audit_filter_read(past, key);
	SPI_connect();
	if (past->filter != NULL && sk_audit_candidates_find(past, &keys))
		return_candidates(past, keys);
	else
		return_rows_of_key(past);
	SPI_finish();
	sk_audit_past_tell(past);
}

/* A key that is given is the parent's, and has other columns' values in another table. */
static void
return_child(const SkAuditPast *parent, Oid relid, const Jsonb *key)
{
	SkAuditPast past = {.as_documents = parent->as_documents};

	sk_audit_as_of_open(&past, relid, parent->at, parent->rsinfo);
	sk_audit_past_map(&past, parent);
	return_rows(&past, key);
}

/* Leave a half of work_mem to audit/merge.c. */
static void
limit_result(ReturnSetInfo *rsinfo)
{
	MemoryContext old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);

	tuplestore_end(rsinfo->setResult);
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
											  false, Max(work_mem / 2, 64));
	MemoryContextSwitchTo(old);
}

/* Rows of tables that inherited from it come along, as SELECT would return them. */
static void
return_past(FunctionCallInfo fcinfo, Oid relid, bool as_documents)
{
	SkAuditPast past = {.as_documents = as_documents};
	const Jsonb *key = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	const char *refusal;
	List	   *children;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, as_documents ? MAT_SRF_USE_EXPECTED_DESC : 0);
	limit_result((ReturnSetInfo *) fcinfo->resultinfo);
	sk_audit_as_of_open(&past, relid, PG_GETARG_TIMESTAMPTZ(1), (ReturnSetInfo *) fcinfo->resultinfo);
	children = sk_audit_descendants_at(past.reader, past.at, &refusal);
	if (refusal != NULL)
		sk_audit_undo_refuse(&past, refusal, "Query schemakit.audit_log instead.");
	return_rows(&past, key);
	foreach(lc, children)
		return_child(&past, lfirst_oid(lc), key);
}

/*
 * The rows of the table itself, without those of others that inherit from it, put into
 * rsinfo->setResult: the columns that the table has, and then an int2[] of the numbers
 * of those of which the log does not tell what they were.
 */
void
sk_audit_as_of_rows(SkAuditPast *past, Oid relid, TimestampTz at, const Jsonb *key,
					ReturnSetInfo *rsinfo)
{
	past->with_unknown = true;
	sk_audit_as_of_open(past, relid, at, rsinfo);
	return_rows(past, key);
}

/*
 * schemakit.audit_as_of(rel anyelement, at timestamptz, key jsonb)
 *		RETURNS SETOF anyelement
 */
PG_FUNCTION_INFO_V1(schemakit_audit_as_of);
Datum
schemakit_audit_as_of(PG_FUNCTION_ARGS)
{
	Oid			relid = sk_audit_as_of_table(fcinfo, "audit_as_of");

	sk_arg_reject_null(fcinfo, 1, "at");
	return_past(fcinfo, relid, false);
	return (Datum) 0;
}

/*
 * schemakit.audit_as_of_jsonb(rel regclass, at timestamptz, key jsonb)
 *		RETURNS SETOF jsonb
 */
PG_FUNCTION_INFO_V1(schemakit_audit_as_of_jsonb);
Datum
schemakit_audit_as_of_jsonb(PG_FUNCTION_ARGS)
{
	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 1, "at");
	return_past(fcinfo, PG_GETARG_OID(0), true);
	return (Datum) 0;
}

/*
 * schemakit.audit_as_of(rel text, at timestamptz, key jsonb) RETURNS void
 *
 * Who gives the name of a table is told how to give its type.
 */
PG_FUNCTION_INFO_V1(schemakit_audit_as_of_name);
Datum
schemakit_audit_as_of_name(PG_FUNCTION_ARGS)
{
	sk_audit_as_of_refuse_type("audit_as_of", PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}
