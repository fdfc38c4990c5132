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
#include "audit/convert.h"
#include "audit/coverage.h"
#include "audit/descendants.h"
#include "audit/gap.h"
#include "audit/live.h"
#include "audit/merge.h"
#include "audit/options.h"
#include "audit/past.h"
#include "audit/running.h"
#include "audit/since.h"
#include "audit/spelling.h"
#include "audit/touched.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/table.h"
#include "base/tuple.h"

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


/*-------------------------------------------------------------------------
 * Can it be told?
 *-------------------------------------------------------------------------
 */

static void
check_shape(const SkAuditPast *past, const SkAuditShape *shape)
{
	const SkAuditOptions *options = sk_audit_options_parse(shape->options);
	const char *reason = shape->reason ? psprintf("  %s", shape->reason) : "";

	if (!shape->covered && shape == llast(past->reader->shapes))
		sk_audit_undo_refuse(past, psprintf("Changes of the table have not been recorded since %s.%s",
											timestamptz_to_str(shape->recorded_at), reason),
							 "Call schemakit.audit_enable() to record them again.  Then use a time after that call.");
	if (!shape->covered)
		sk_audit_undo_refuse(past, psprintf("Changes of the table were not recorded for some time after %s.%s",
											timestamptz_to_str(shape->recorded_at), reason),
							 "Use a later time.");
	if (shape->reason != NULL && shape->recorded_at > past->at)
		sk_audit_undo_refuse(past, shape->reason,
							 psprintf("Use a time after %s.",
									  timestamptz_to_str(shape->recorded_at)));
	if (shape->cluster == past->reader->current->cluster &&
		shape->relid != past->reader->current->relid)
		sk_audit_undo_refuse(past, "The table was dropped and created again since then.",
							 "Query schemakit.audit_log instead.");
	if (options->capture == SK_AUDIT_KEYS)
		sk_audit_undo_refuse(past, "The table was audited with capture \"keys\", which stores no values.",
							 "Use capture \"diff\" or \"full\" to record them.");
	if (!equal(sk_audit_shape_key(shape), sk_audit_shape_key(past->reader->current)))
		sk_audit_undo_refuse(past, "The key of the table was changed since then.",
							 "Query schemakit.audit_log instead.");
}

/* The shapes that the table has had since then, the first of them included */
static List *
shapes_since(const SkAuditPast *past)
{
	List	   *shapes = NIL;
	ListCell   *lc;

	sk_audit_gap_check_retention(past);

	foreach(lc, past->reader->shapes)
	{
		SkAuditShape *shape = lfirst(lc);

		if (shape->recorded_at <= past->at)
			shapes = NIL;
		shapes = lappend(shapes, shape);
	}
	if (((SkAuditShape *) linitial(shapes))->recorded_at > past->at)
		sk_audit_undo_refuse(past, psprintf("Changes of the table have been recorded since %s.",
											timestamptz_to_str(((SkAuditShape *) linitial(shapes))->recorded_at)),
							 "Use a later time.");
	return shapes;
}

/* Were the column's values stored, as long as the table had the shape? */
static bool
stored_column(const SkAuditShape *shape, int32 id)
{
	const SkAuditOptions *options = sk_audit_options_parse(shape->options);
	const SkAuditShapeColumn *column = sk_audit_shape_column(shape, id);

	return column == NULL ||
		(!sk_audit_options_hides(options, column->name) &&
		 !(options->ignore_given &&
		   sk_audit_options_has(options->ignore, column->name)));
}

/* Were the column's values stored, all the time? */
static bool
always_stored(List *shapes, const SkAuditShapeColumn *column,
			  Form_pg_attribute attr)
{
	bool		stored = !sk_tuple_is_virtual(attr);
	ListCell   *lc;

	foreach(lc, shapes)
		stored = stored && stored_column(lfirst(lc), column->id);
	return stored;
}

/* Say which columns the table had, but the log does not tell. */
static void
tell_of_missing(const SkAuditPast *past, List *names)
{
	if (names == NIL)
		return;
	ereport(NOTICE,
			(errmsg_plural("the audit log does not have the values of this column of table \"%s\": %s",
						   "the audit log does not have the values of these columns of table \"%s\": %s",
						   list_length(names), past->reader->label,
						   sk_table_column_names(names))));
}

/* Decide which columns can be shown, or that nothing can. */
static void
examine_shapes(SkAuditPast *past)
{
	List	   *shapes = shapes_since(past);
	List	   *missing = NIL;
	ListCell   *lc;

	past->shown = palloc0(sizeof(bool) * Max(past->reader->tupdesc->natts, 1));
	foreach(lc, shapes)
		check_shape(past, lfirst(lc));
	sk_audit_gap_follow(past, linitial(shapes));
	foreach(lc, past->reader->current->columns)
	{
		SkAuditShapeColumn *column = lfirst(lc);
		bool		had = sk_audit_shape_column(linitial(shapes), column->id) != NULL;
		bool		stored = always_stored(shapes, column,
										   TupleDescAttr(past->reader->tupdesc,
														 column->attnum - 1));

		/* rows without key are told apart by what they are now */
		past->shown[column->attnum - 1] = had && stored &&
			!(past->reader->nkeys == 0 && past->rewritten[column->attnum - 1]);
		if (had && !stored)
			missing = lappend(missing, column->name);
	}
	tell_of_missing(past, missing);
	sk_audit_convert_examine(past, shapes);
	sk_audit_touched_examine(past, shapes);
}


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
 * "table" is what the caller gave in place of a row, or NULL.  It is shown if it is
 * a name that can be shown as it is.
 */
static void
refuse_type(const char *table)
{
	if (table != NULL &&
		strspn(table, "abcdefghijklmnopqrstuvwxyz0123456789_.") != strlen(table))
		table = NULL;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("first argument must be of the row type of a table"),
			 errhint("Write schemakit.audit_as_of(NULL::%s, ...).",
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

static Oid
table_of_type(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relid = OidIsValid(type) ? typeidTypeRelid(type) : InvalidOid;

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		refuse_type(given_table(fcinfo, type));
	return relid;
}

static void
open_past(SkAuditPast *past, Oid relid, TimestampTz at, ReturnSetInfo *rsinfo)
{
	past->reader = sk_audit_reader_open(relid);
	past->at = at;
	past->context = CurrentMemoryContext;
	past->rsinfo = rsinfo;
	past->result = past->rsinfo->setDesc;
	examine_shapes(past);
	check_triggers(past);
	sk_audit_running_notice(past->reader->label, past->at);
}

/* A key that is given is the parent's. */
static void
check_same_key(const SkAuditPast *past, const SkAuditPast *parent)
{
	ListCell   *a;
	ListCell   *b;
	bool		same = past->reader->nkeys == parent->reader->nkeys;

	forboth(a, past->reader->current->key, b, parent->reader->current->key)
		same = same && strcmp(lfirst(a), lfirst(b)) == 0;
	if (!same)
		sk_audit_undo_refuse(past,
							 psprintf("Table \"%s\", which inherits from \"%s\", has another key.",
									  past->reader->label, parent->reader->label),
							 "Call the function without key.");
}

static void
return_rows(SkAuditPast *past, const Jsonb *key)
{
	if (key != NULL)
	{
		past->key = sk_audit_reader_key(past->reader, key);
		past->spellings = sk_audit_spelling_list(past->reader, past->key);
	}
	SPI_connect();
	sk_audit_merge_begin(past);
	sk_audit_since_read(past);
	sk_audit_live_read(past);
	SPI_finish();
	sk_audit_past_tell(past);
}

static void
return_child(const SkAuditPast *parent, Oid relid, const Jsonb *key)
{
	SkAuditPast past = {.as_documents = parent->as_documents};

	open_past(&past, relid, parent->at, parent->rsinfo);
	sk_audit_past_map(&past, parent);
	if (key != NULL)
		check_same_key(&past, parent);
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
	open_past(&past, relid, PG_GETARG_TIMESTAMPTZ(1), (ReturnSetInfo *) fcinfo->resultinfo);
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
	open_past(past, relid, at, rsinfo);
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
	Oid			relid = table_of_type(fcinfo);

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
	refuse_type(PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}
