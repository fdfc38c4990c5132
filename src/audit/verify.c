/*-------------------------------------------------------------------------
 *
 * audit/verify.c
 *	  schemakit.audit_verify(): the log compared with the table as it is.
 *
 * All events of the table and all of its rows are sorted by what tells rows apart, so
 * that the events of a row are together, in their order, and behind them the row as it is.
 * Of each column, the last event that tells it says what it must be.  A row without a
 * key is told apart by what is in it: of each content, there must be as many rows as
 * have come less those that went.
 *
 * Events and rows are read with one snapshot, so writers are not waited for.  The
 * server sorts, on disk if there are many.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/document.h"
#include "audit/event.h"
#include "audit/options.h"
#include "audit/reader.h"
#include "audit/state.h"
#include "audit/verify_gap.h"
#include "audit/verify_row.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/plan.h"
#include "base/receive.h"
#include "base/tuple.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/typcache.h"

/*-------------------------------------------------------------------------
 * Which events, and which columns of them
 *-------------------------------------------------------------------------
 */

/* Is the text of a value the name of an object, which may be another one by now? */
static bool
names_objects(Oid type)
{
	TupleDesc	tupdesc;
	bool		result = false;

	type = getBaseType(type);
	if (OidIsValid(get_element_type(type)))
		return names_objects(get_element_type(type));
	if (get_typtype(type) != TYPTYPE_COMPOSITE)
		return type == ACLITEMOID ||
			(type < FirstNormalObjectId && strncmp(format_type_be(type), "reg", 3) == 0);
	tupdesc = lookup_rowtype_tupdesc(type, -1);
	for (int i = 0; i < tupdesc->natts && !result; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		result = !attr->attisdropped && names_objects(attr->atttypid);
	}
	ReleaseTupleDesc(tupdesc);
	return result;
}

/* Does the event of that shape tell the column as it is stored? */
static bool
is_told(const SkAuditShape *shape, const SkAuditOptions *options,
		const SkAuditShapeColumn *column)
{
	const SkAuditShapeColumn *then = sk_audit_shape_column(shape, column->id);

	return then != NULL && strcmp(then->type, column->type) == 0 &&
		!then->maintained && !sk_audit_options_hides(options, then->name) &&
		!(options->ignore_given && sk_audit_options_has(options->ignore, then->name));
}

static void
examine_shape(SkAuditVerification *v, SkAuditShape *shape, SkAuditVerifyShape *out)
{
	const SkAuditOptions *options = sk_audit_options_parse(shape->options);
	ListCell   *lc;

	out->shape = shape;
	out->untold = palloc0(sizeof(bool) * Max(v->reader->tupdesc->natts, 1));
	out->without_values = options->capture == SK_AUDIT_KEYS;
	out->without_truncated = !options->truncate_rows;
	foreach(lc, v->reader->current->columns)
	{
		const SkAuditShapeColumn *column = lfirst(lc);

		out->untold[column->attnum - 1] = !is_told(shape, options, column);
		if (out->untold[column->attnum - 1] && v->reader->nkeys == 0)
			v->compared[column->attnum - 1] = false;
	}
}

/*
 * Events of a table that was dropped are not about this one, and those that are filed
 * under another key not found.
 */
static int
first_comparable(const SkAuditVerification *v)
{
	List	   *key = sk_audit_shape_key(v->reader->current);
	int			first = 0;

	for (int i = 0; i < list_length(v->reader->shapes); i++)
	{
		const SkAuditShape *shape = list_nth(v->reader->shapes, i);

		if (shape->dropped || !equal(sk_audit_shape_key(shape), key))
			first = i + 1;
	}
	return first;
}

static void
examine_shapes(SkAuditVerification *v)
{
	TupleDesc	tupdesc = v->reader->tupdesc;
	int			first = first_comparable(v);

	v->compared = palloc0(sizeof(bool) * Max(tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		v->compared[i] = !attr->attisdropped && !sk_tuple_is_virtual(attr) &&
			!names_objects(attr->atttypid);
	}
	v->shapes = palloc(sizeof(SkAuditVerifyShape) * Max(list_length(v->reader->shapes), 1));
	for (int i = first; i < list_length(v->reader->shapes); i++)
		examine_shape(v, list_nth(v->reader->shapes, i), &v->shapes[v->nshapes++]);
	if (first > 0)
		ereport(NOTICE,
				(errmsg("events of table \"%s\" of before it got its key, or was created again, are not compared",
						v->reader->label)));
}


/*-------------------------------------------------------------------------
 * What is sorted
 *-------------------------------------------------------------------------
 */

/* What tells the row apart that the document is of; no shape: the row as it is */
static char *
identity_in(const SkAuditVerification *v, const SkAuditShape *shape, Datum document)
{
	int			natts = v->reader->tupdesc->natts;
	JsonbValue *values = palloc0(sizeof(JsonbValue) * Max(natts, 1));
	int			count = 0;

	if (shape == NULL)
		sk_audit_verify_row_live(v, DatumGetJsonbP(document), values);
	else
		sk_audit_reader_values(v->reader, shape, DatumGetJsonbP(document), values);
	if (v->reader->nkeys > 0)
		return sk_audit_reader_identity(sk_audit_reader_key_of(v->reader, values),
										v->reader->nkeys, true);
	for (int i = 0; i < natts; i++)
	{
		if (v->compared[i])
			values[count++] = values[i];
	}
	return sk_audit_reader_identity(values, count, false);
}

static void
sort_content(SkAuditVerification *v, const SkAuditVerifyShape *shape, SkAuditVerifyItem item, Datum document, char op)
{
	if (DatumGetPointer(document) == NULL)
		return;
	item.op = op;
	item.document = document;
	sk_audit_verify_row_add(v, identity_in(v, shape->shape, document), &item);
}

static Datum
document_in(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? (Datum) 0 : slot->tts_values[column];
}

/*
 * Events in the order in which they happened.  That of a new key has what the row was
 * under the old one beside it.
 */
static const char events_query[] =
"WITH o AS (SELECT txn_id, at, n, old FROM schemakit.audit_event"
" WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1) AND op OPERATOR(pg_catalog.=) 'O')"
" SELECT e.op, e.shape_id, e.key, e.old, e.new, e.changed_at, o.old"
" FROM (SELECT txn_id, at, command, n, op, shape_id, key, old, new, changed_at,"
" pg_catalog.max(changed_at) OVER (PARTITION BY txn_id) AS ended_at"
" FROM schemakit.audit_event WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1)"
" AND (op OPERATOR(pg_catalog.<>) 'S' OR new OPERATOR(pg_catalog.?) '" SK_AUDIT_STATE_EMPTY "')) AS e"
" LEFT JOIN o ON e.op OPERATOR(pg_catalog.=) 'N' AND o.txn_id OPERATOR(pg_catalog.=) e.txn_id"
" AND o.at OPERATOR(pg_catalog.=) e.at AND o.n OPERATOR(pg_catalog.=) (e.n OPERATOR(pg_catalog.-) 1)"
" ORDER BY e.ended_at, e.txn_id, e.command,"
" e.op OPERATOR(pg_catalog.=) ANY ('{I,N}'::pg_catalog.\"char\"[]), e.n";

/*
 * The table is empty then, whatever rows it had: also those that were removed before
 * without an event.  Which rows a partition had is known if they are recorded.
 */
static void
note_truncate(SkAuditVerification *v, const SkAuditVerifyShape *shape, bool of_partition)
{
	if (!of_partition)
	{
		v->emptied = v->seq;
		v->all_recorded = true;
	}
	else if (shape->without_truncated)
		v->part_emptied = v->seq;
}

static void
receive_event(void *arg, TupleTableSlot *slot)
{
	SkAuditVerification *v = arg;
	const SkAuditVerifyShape *shape;
	SkAuditVerifyItem item = {.seq = ++v->seq};

	slot_getallattrs(slot);
	item.op = DatumGetChar(slot->tts_values[0]);
	item.shape_id = DatumGetInt32(slot->tts_values[1]);
	item.changed_at = DatumGetTimestampTz(slot->tts_values[5]);
	shape = sk_audit_verify_row_shape(v, item.shape_id);
	if (shape == NULL)
		return;
	v->all_recorded |= item.op == SK_AUDIT_BASELINE || item.op == SK_AUDIT_STATE;
	v->was_empty |= item.op == SK_AUDIT_STATE;
	if (item.op == SK_AUDIT_STATE)
		return;
	item.key = document_in(slot, 2);
	if (item.op == SK_AUDIT_TRUNCATE)
		note_truncate(v, shape, !slot->tts_isnull[4]);
	else if (v->reader->nkeys == 0)
	{
		sort_content(v, shape, item, document_in(slot, 3), SK_AUDIT_VERIFY_GONE);
		sort_content(v, shape, item, document_in(slot, 4), item.op);
	}
	else if (DatumGetPointer(item.key) != NULL)
	{
		item.document = document_in(slot, 4);
		item.before = document_in(slot, 6);
		sk_audit_verify_row_add(v, identity_in(v, shape->shape, item.key), &item);
	}
}

static void
read_events(SkAuditVerification *v)
{
	static const Oid types[] = {INT4ARRAYOID};
	Datum		values[] = {sk_audit_reader_shape_ids(v->reader)};
	SkRights	saved;

	sk_audit_reader_begin(&saved);
	sk_receive_of_plan(sk_plan_once(sk_plan_constant, (void *) events_query,
									lengthof(types), types, 0),
					   lengthof(types), types, values, receive_event, v);
	sk_rights_restore(&saved);
}

/* A document of columns, as an event of the table as it is would have it */
static Jsonb *
encode(const SkAuditVerification *v, TupleTableSlot *row, bool key_only)
{
	TupleDesc	tupdesc = v->reader->tupdesc;
	JsonbInState state = {0};
	int			column = 0;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		Size		budget = SK_JSON_BUDGET;
		bool		is_key = false;
		JsonbValue	name;
		JsonbValue	value = {.type = jbvNull};

		if (attr->attisdropped)
			continue;
		for (int k = 0; k < v->reader->nkeys; k++)
			is_key |= v->reader->keys[k] == i + 1;
		if (!row->tts_isnull[column] && (is_key || (v->compared[i] && !key_only)))
			sk_audit_json_encode(v->reader->types[i], row->tts_values[column], &budget,
								 &value);
		column++;
		if (key_only && !is_key)
			continue;
		sk_audit_json_set_string(&name, NameStr(attr->attname), strlen(NameStr(attr->attname)));
		pushJsonbValue(&state, WJB_KEY, &name);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}

static void
receive_live(void *arg, TupleTableSlot *slot)
{
	SkAuditVerification *v = arg;
	SkAuditVerifyItem item = {.seq = PG_INT64_MAX,.op = SK_AUDIT_VERIFY_LIVE};

	slot_getallattrs(slot);
	item.document = JsonbPGetDatum(encode(v, slot, false));
	if (v->reader->nkeys > 0)
		item.key = JsonbPGetDatum(encode(v, slot, true));
	sk_audit_verify_row_add(v, identity_in(v, NULL, item.document), &item);
}

/* A role that does not see all rows would find some missing. */
static void
read_live(SkAuditVerification *v)
{
	const SkAuditReader *reader = v->reader;
	bool		as_owner = sk_audit_reader_as_owner(reader);
	char	   *query = psprintf("SELECT * FROM %s%s", reader->partitioned ? "" : "ONLY ",
								 reader->name);
	SkRights	saved;

	if (check_enable_rls(reader->relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("query would be affected by row-level security policy for table \"%s\"",
						reader->label),
				 errhint("Only roles for which no policy applies can compare the table with the log.")));
	if (as_owner)
		sk_rights_assume_to_read(reader->owner, &saved);
	else
		sk_rights_pin(&saved);
	sk_receive_of_query(query, 0, NULL, NULL, NULL, receive_live, v);
	sk_rights_restore(&saved);
}


/* Does each row that there is have events, by which it can be told? */
static bool
has_all(const SkAuditVerification *v, bool removed)
{
	bool		all = v->all_recorded && !(removed && v->emptied == 0 && !v->was_empty);

	for (int i = 0; i < v->nshapes; i++)
		all &= v->reader->nkeys > 0 || !v->shapes[i].without_values;
	return all;
}

static void
tell_of_unrecorded(const SkAuditVerification *v)
{
	if (v->unrecorded == 0)
		return;
	ereport(NOTICE,
			(errmsg_plural("%lld row of table \"%s\" without events was not compared",
						   "%lld rows of table \"%s\" without events were not compared",
						   (unsigned long) v->unrecorded,
						   (long long) v->unrecorded, v->reader->label),
			 errdetail("The audit log does not tell which rows there were when it began."),
			 errhint("Call schemakit.audit_enable() with baseline => true to record the rows that there are.")));
}

/*
 * schemakit.audit_verify(rel regclass) RETURNS SETOF (problem text, ...)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_verify);
Datum
schemakit_audit_verify(PG_FUNCTION_ARGS)
{
	SkAuditVerification v = {0};
	int			nestlevel;
	bool		removed;

	sk_arg_reject_null(fcinfo, 0, "rel");
	InitMaterializedSRF(fcinfo, 0);
	v.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	v.reader = sk_audit_reader_open(PG_GETARG_OID(0));
	v.now = sk_audit_document_names(list_make1(v.reader->current), v.reader->current);
	removed = sk_audit_verify_gap_all(v.reader, v.rsinfo);
	examine_shapes(&v);
	nestlevel = sk_guc_pin();
	sk_audit_verify_row_begin(&v);
	SPI_connect();
	read_events(&v);
	read_live(&v);
	SPI_finish();
	v.all_recorded = has_all(&v, removed);
	sk_audit_verify_row_compare(&v);
	sk_guc_unpin(nestlevel);
	tell_of_unrecorded(&v);
	return (Datum) 0;
}
