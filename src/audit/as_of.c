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
 * The memory that it takes grows with the rows that have changed since.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/as_of.h"
#include "audit/convert.h"
#include "audit/coverage.h"
#include "audit/descendants.h"
#include "audit/gap.h"
#include "audit/json_decode.h"
#include "audit/options.h"
#include "audit/past.h"
#include "audit/running.h"
#include "audit/spelling.h"
#include "audit/touched.h"
#include "audit/undo.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/rights.h"
#include "base/table.h"
#include "base/tuple.h"

#include "catalog/pg_class.h"
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


/*-------------------------------------------------------------------------
 * The rows that there were
 *-------------------------------------------------------------------------
 */

/* A row that is all in the log */
static void
put_logged(SkAuditPast *past, const SkAuditPastRow *row)
{
	int			natts = past->reader->tupdesc->natts;
	Datum	   *values = palloc0(sizeof(Datum) * Max(natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(natts, 1));

	memset(nulls, true, sizeof(bool) * natts);
	sk_audit_past_put(past, row, values, nulls);
}

/* The values of a row as it is; the query returns no dropped columns. */
static void
get_values(const SkAuditPast *past, HeapTuple tuple, TupleDesc tupdesc, Datum *values,
		   bool *nulls)
{
	int			column = 0;

	for (int i = 0; i < past->reader->tupdesc->natts; i++)
	{
		nulls[i] = true;
		values[i] = (Datum) 0;
		if (!TupleDescAttr(past->reader->tupdesc, i)->attisdropped)
			values[i] = SPI_getbinval(tuple, tupdesc, ++column, &nulls[i]);
	}
}

static char *
identity_of_live(const SkAuditPast *past, const Datum *values, const bool *nulls)
{
	int			natts = past->reader->tupdesc->natts;
	JsonbValue *encoded = palloc0(sizeof(JsonbValue) * Max(natts, 1));

	for (int i = 0; i < natts; i++)
	{
		bool		wanted = past->reader->nkeys == 0 && past->shown[i];

		for (int k = 0; k < past->reader->nkeys; k++)
			wanted |= past->reader->keys[k] == i + 1;
		if (wanted)
			sk_audit_past_encode(past, i, values[i], nulls[i], &encoded[i]);
	}
	return sk_audit_undo_identity(past, encoded);
}

/*
 * Events tell of a row that is there now: it must be the only one with its key, and
 * not one that was removed.
 */
static void
check_accounted(const SkAuditPast *past, SkAuditPastRow *row, const Datum *values,
				const bool *nulls)
{
	if (past->reader->nkeys > 0 && (row->gone || row->seen))
		sk_audit_undo_refuse(past,
							 psprintf("The table has a row %s that does not follow from its events.",
									  sk_audit_past_key_now(past, values, nulls)),
							 "Its key may not be unique, or rows were changed without events.  Query schemakit.audit_log instead.");
	row->seen = true;
}

/* A row that is there now: what was it? */
static void
put_live(SkAuditPast *past, HeapTuple tuple, TupleDesc tupdesc)
{
	int			natts = past->reader->tupdesc->natts;
	Datum	   *values = palloc(sizeof(Datum) * Max(natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(natts, 1));
	SkAuditPastRow *row;
	int			nestlevel;

	get_values(past, tuple, tupdesc, values, nulls);
	row = sk_audit_undo_find(past, identity_of_live(past, values, nulls));
	if (row != NULL)
		check_accounted(past, row, values, nulls);
	if (row != NULL && past->reader->nkeys == 0 && row->surplus < 0)
	{
		row->surplus++;
		return;
	}
	if (row != NULL && (row->absent || row->complete))
		return;
	nestlevel = row ? sk_guc_pin() : 0;
	sk_audit_past_put(past, row, values, nulls);
	if (row != NULL)
		sk_guc_unpin(nestlevel);
}

/* The operator that the type is compared with, whatever the search_path */
Oid
sk_audit_as_of_equality(Oid type)
{
	Oid			op = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;

	if (!OidIsValid(op))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an equality operator for type %s",
						format_type_be(type)),
				 errhint("Query schemakit.audit_log instead.")));
	return op;
}

/*
 * " WHERE id OPERATOR(pg_catalog.=) $1", for the row with the key, and the values of
 * the parameters.
 */
char *
sk_audit_as_of_condition(const SkAuditReader *reader, JsonbValue *key, Oid *types,
						 Datum *values, char *nulls)
{
	StringInfoData buf;
	int			nestlevel = sk_guc_pin();

	initStringInfo(&buf);
	for (int i = 0; i < reader->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, reader->keys[i] - 1);
		const char *name = quote_identifier(NameStr(attr->attname));
		bool		isnull;

		types[i] = getBaseType(attr->atttypid);
		values[i] = sk_audit_json_decode(reader->types[reader->keys[i] - 1], -1,
										 &key[i], &isnull);
		nulls[i] = isnull ? 'n' : ' ';
		appendStringInfoString(&buf, i ? " AND " : " WHERE ");
		if (isnull)
			appendStringInfo(&buf, "%s IS NULL", name);
		else
			generate_operator_clause(&buf, name, attr->atttypid,
									 sk_audit_as_of_equality(types[i]),
									 psprintf("$%d", i + 1), types[i]);
	}
	sk_guc_unpin(nestlevel);
	return buf.data;
}

/*
 * The live rows are read with the rights of the current user, but as the table's
 * owner where that makes no difference.
 */
static void
put_live_rows(SkAuditPast *past)
{
	Oid			owner = past->reader->owner;
	bool		as_owner = sk_audit_reader_as_owner(past->reader);
	SkRights	saved;
	int			nkeys = past->key ? past->reader->nkeys : 0;
	Oid		   *types = palloc(sizeof(Oid) * Max(nkeys, 1));
	Datum	   *values = palloc(sizeof(Datum) * Max(nkeys, 1));
	char	   *nulls = palloc(nkeys + 1);
	char	   *query = psprintf("SELECT * FROM %s%s%s",
								 past->reader->partitioned ? "" : "ONLY ",
								 past->reader->name,
								 past->key ? sk_audit_as_of_condition(past->reader, past->key, types,
																	  values, nulls) : "");

	if (as_owner)
		sk_rights_assume_to_read(owner, &saved);
	sk_audit_undo_for_each(past,
						   SPI_cursor_open_with_args(NULL, query, nkeys, types, values,
													 nulls, true, 0),
						   put_live);
	if (as_owner)
		sk_rights_restore(&saved);
}

/* Is it the row that is asked for, if one is? */
static bool
is_asked_for(const SkAuditPast *past, const SkAuditPastRow *row)
{
	ListCell   *lc;

	if (past->key == NULL)
		return true;
	foreach(lc, past->spellings)
	{
		if (strcmp(row->identity,
				   sk_audit_reader_identity(lfirst(lc), past->reader->nkeys, true)) == 0)
			return true;
	}
	return false;
}

static void
put_logged_rows(SkAuditPast *past)
{
	HASH_SEQ_STATUS status;
	SkAuditPastBucket *bucket;

	hash_seq_init(&status, past->buckets);
	while ((bucket = hash_seq_search(&status)) != NULL)
	{
		for (SkAuditPastRow *row = bucket->rows; row != NULL; row = row->next)
		{
			if (!is_asked_for(past, row))
				continue;
			if (row->complete)
				put_logged(past, row);
			for (; row->surplus > 0; row->surplus--)
				put_logged(past, row);
		}
	}
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
	HASHCTL		ctl = {
		.keysize = sizeof(uint64),
		.entrysize = sizeof(SkAuditPastBucket),
	};

	past->reader = sk_audit_reader_open(relid);
	past->at = at;
	past->context = CurrentMemoryContext;
	past->buckets = hash_create("schemakit rows of the past", 256, &ctl,
								HASH_ELEM | HASH_BLOBS);
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
	int			nestlevel;

	if (key != NULL)
	{
		past->key = sk_audit_reader_key(past->reader, key);
		past->spellings = sk_audit_spelling_list(past->reader, past->key);
	}
	SPI_connect();
	sk_audit_undo_events(past);
	put_live_rows(past);
	nestlevel = sk_guc_pin();
	put_logged_rows(past);
	sk_guc_unpin(nestlevel);
	SPI_finish();
	hash_destroy(past->buckets);
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
