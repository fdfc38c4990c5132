/*-------------------------------------------------------------------------
 *
 * audit/verify_row.c
 *	  Rows, one by one: what the log says that they are, and what they are.
 *
 * Events and rows are sorted by what tells rows apart.  Those of a row come together,
 * the events in their order, and then the row as it is.  Only they are in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/verify_row.h"
#include "audit/event.h"
#include "audit/problem.h"
#include "base/compat.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Columns of what is sorted */
#define Natts_item		8
#define Anum_identity	1
#define Anum_seq		2
#define Anum_op			3
#define Anum_shape_id	4
#define Anum_key		5
#define Anum_document	6
#define Anum_before		7
#define Anum_changed_at	8

/* What is known of the rows with one identity, in a context of their own */
typedef struct RowGroup
{
	char	   *identity;		/* NULL: none */
	Jsonb	   *key;
	Jsonb	   *document;		/* the last one */
	bool		has_events;
	bool		exists;			/* according to them */
	int64		seq;			/* of the last of them */
	TimestampTz changed_at;
	int64		count;			/* without key: rows according to events */
	int64		live;			/* rows that there are */
	JsonbValue *values;			/* by attribute number - 1 */
	bool	   *known;
	JsonbValue *found;
} RowGroup;


/*-------------------------------------------------------------------------
 * What is sorted
 *-------------------------------------------------------------------------
 */

/*
 * The shape of that number, if its events are compared; or NULL.
 */
const SkAuditVerifyShape *
sk_audit_verify_row_shape(const SkAuditVerification *v, int32 shape_id)
{
	for (int i = 0; i < v->nshapes; i++)
	{
		if (v->shapes[i].shape->shape_id == shape_id)
			return &v->shapes[i];
	}
	return NULL;
}

/*
 * Begin to sort.
 */
void
sk_audit_verify_row_begin(SkAuditVerification *v)
{
	static AttrNumber columns[] = {Anum_identity, Anum_seq};
	static Oid	operators[] = {TextLessOperator, Int8LessOperator};
	static Oid	collations[] = {C_COLLATION_OID, InvalidOid};
	static bool nulls_first[] = {false, false};
	static const Oid types[Natts_item] = {
		TEXTOID, INT8OID, CHAROID, INT4OID, JSONBOID, JSONBOID, JSONBOID, TIMESTAMPTZOID
	};
	TupleDesc	tupdesc = CreateTemplateTupleDesc(Natts_item);

	for (int i = 0; i < Natts_item; i++)
		TupleDescInitEntry(tupdesc, i + 1, NULL, types[i], -1, 0);
	TupleDescFinalize(tupdesc);
	v->slot = MakeSingleTupleTableSlot(tupdesc, &TTSOpsMinimalTuple);
	v->sort = tuplesort_begin_heap(tupdesc, lengthof(columns), columns, operators,
								   collations, nulls_first, work_mem, NULL, 0);
}

/*
 * Add an event or a row of the rows with that identity.
 */
void
sk_audit_verify_row_add(SkAuditVerification *v, const char *identity, const SkAuditVerifyItem *item)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(v->slot->tts_tupleDescriptor,
													&TTSOpsVirtual);

	memset(slot->tts_isnull, false, sizeof(bool) * Natts_item);
	slot->tts_values[Anum_identity - 1] = CStringGetTextDatum(identity);
	slot->tts_values[Anum_seq - 1] = Int64GetDatum(item->seq);
	slot->tts_values[Anum_op - 1] = CharGetDatum(item->op);
	slot->tts_values[Anum_shape_id - 1] = Int32GetDatum(item->shape_id);
	slot->tts_values[Anum_changed_at - 1] = TimestampTzGetDatum(item->changed_at);
	slot->tts_values[Anum_key - 1] = item->key;
	slot->tts_isnull[Anum_key - 1] = DatumGetPointer(item->key) == NULL;
	slot->tts_values[Anum_document - 1] = item->document;
	slot->tts_isnull[Anum_document - 1] = DatumGetPointer(item->document) == NULL;
	slot->tts_values[Anum_before - 1] = item->before;
	slot->tts_isnull[Anum_before - 1] = DatumGetPointer(item->before) == NULL;
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(v->sort, slot);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * What a document of the row as it is says, by attribute number - 1
 */
void
sk_audit_verify_row_live(const SkAuditVerification *v, Jsonb *document, JsonbValue *values)
{
	SkAuditDocument state;
	JsonbValue	value;
	AttrNumber	attnum;

	sk_audit_document_begin(&state, v->now, v->reader->current, document);
	while ((attnum = sk_audit_document_next(&state, &value)) != InvalidAttrNumber)
		values[attnum - 1] = value;
}


/*-------------------------------------------------------------------------
 * What the events of a row say, and what it is
 *-------------------------------------------------------------------------
 */

static void
take(const SkAuditVerification *v, RowGroup *group, const SkAuditVerifyShape *shape, Jsonb *document)
{
	SkAuditDocument told;
	JsonbValue	value;
	AttrNumber	attnum;

	sk_audit_document_begin(&told, v->reader->names, shape->shape, document);
	while ((attnum = sk_audit_document_next(&told, &value)) != InvalidAttrNumber)
	{
		group->values[attnum - 1] = value;
		group->known[attnum - 1] = !shape->untold[attnum - 1];
	}
}

static void
forget(const SkAuditVerification *v, RowGroup *group)
{
	memset(group->known, false, sizeof(bool) * v->reader->tupdesc->natts);
}

static void
add_event(SkAuditVerification *v, RowGroup *group, const SkAuditVerifyShape *shape, char op, Jsonb *document,
		  Jsonb *before)
{
	group->has_events = true;
	group->exists = op != SK_AUDIT_DELETE && op != SK_AUDIT_OLD_KEY;
	if (op != SK_AUDIT_UPDATE || shape->without_values)
		forget(v, group);
	if (!group->exists)
		return;
	if (before != NULL)
		take(v, group, shape, before);
	if (document != NULL)
		take(v, group, shape, document);
}

static Jsonb *
stored(TupleTableSlot *slot, int attnum)
{
	return slot->tts_isnull[attnum - 1] ? NULL
		: DatumGetJsonbPCopy(slot->tts_values[attnum - 1]);
}

static void
add_item(SkAuditVerification *v, RowGroup *group, TupleTableSlot *slot)
{
	char		op = DatumGetChar(slot->tts_values[Anum_op - 1]);
	Jsonb	   *document = stored(slot, Anum_document);

	if (!slot->tts_isnull[Anum_key - 1])
		group->key = stored(slot, Anum_key);
	if (op == SK_AUDIT_VERIFY_LIVE)
	{
		if (group->live++ > 0)
			return;
		sk_audit_verify_row_live(v, document, group->found);
		if (v->reader->nkeys == 0)
			group->document = document;
		return;
	}
	group->seq = DatumGetInt64(slot->tts_values[Anum_seq - 1]);
	group->changed_at = DatumGetTimestampTz(slot->tts_values[Anum_changed_at - 1]);
	if (v->reader->nkeys > 0)
		add_event(v, group, sk_audit_verify_row_shape(v, DatumGetInt32(slot->tts_values[Anum_shape_id - 1])),
				  op, document, stored(slot, Anum_before));
	else
	{
		group->has_events = true;
		group->document = document;
		if (group->seq > v->emptied)
			group->count += op == SK_AUDIT_VERIFY_GONE ? -1 : 1;
	}
}

static bool
is_digest(const JsonbValue *value)
{
	static const char begin[] = "{\"" SK_JSON_DIGEST_BYTES "\"";

	return value->type == jbvBinary &&
		strncmp(sk_audit_json_text(value), begin, strlen(begin)) == 0;
}

static bool
is_same(const JsonbValue *a, const JsonbValue *b)
{
	return strcmp(sk_audit_reader_identity(a, 1, false),
				  sk_audit_reader_identity(b, 1, false)) == 0 ||
		is_digest(a) || is_digest(b);
}

static void
compare_columns(SkAuditVerification *v, RowGroup *group)
{
	for (int i = 0; i < v->reader->tupdesc->natts; i++)
	{
		SkAuditProblem problem = {
			.problem = "different",
			.key = group->key,
			.since = group->changed_at,
		};

		if (!v->compared[i] || !group->known[i] ||
			is_same(&group->values[i], &group->found[i]))
			continue;
		problem.column = NameStr(TupleDescAttr(v->reader->tupdesc, i)->attname);
		problem.logged = JsonbValueToJsonb(&group->values[i]);
		problem.found = JsonbValueToJsonb(&group->found[i]);
		sk_audit_problem_put(v->rsinfo, &problem);
	}
}

static void
put_missing(SkAuditVerification *v, const RowGroup *group)
{
	SkAuditProblem problem = {
		.problem = "missing",
		.key = group->key,
		.logged = v->reader->nkeys == 0 ? group->document : NULL,
		.since = group->changed_at,
	};

	sk_audit_problem_put(v->rsinfo, &problem);
}

static void
put_extra(SkAuditVerification *v, const RowGroup *group, const char *detail)
{
	SkAuditProblem problem = {
		.problem = "extra",
		.key = group->key,
		.found = v->reader->nkeys == 0 ? group->document : NULL,
		.since = group->changed_at,
		.detail = detail,
	};

	sk_audit_problem_put(v->rsinfo, &problem);
}

static void
compare_keyed(SkAuditVerification *v, RowGroup *group)
{
	if (group->has_events && group->seq <= v->emptied)
		group->exists = false;
	if (!group->has_events && !v->all_recorded)
	{
		v->unrecorded += group->live;
		return;
	}
	if (group->live > 0 && !group->exists)
		put_extra(v, group, group->has_events ? "The log says that it was removed."
				  : "The log has no events of it.");
	else if (group->live > 0)
		compare_columns(v, group);
	else if (group->exists && group->seq > v->part_emptied)
		put_missing(v, group);
	for (int64 i = 1; i < group->live; i++)
		put_extra(v, group, "Another row has the same key.");
}

/* Rows that were there before come in addition to those of which there are events. */
static void
compare_content(SkAuditVerification *v, const RowGroup *group)
{
	for (int64 i = group->live; i < group->count && group->seq > v->part_emptied; i++)
		put_missing(v, group);
	if (!v->all_recorded)
		v->unrecorded += Max(group->live - Max(group->count, 0), 0);
	for (int64 i = Max(group->count, 0); i < group->live && v->all_recorded; i++)
		put_extra(v, group, NULL);
}

static void
end_group(SkAuditVerification *v, RowGroup *group)
{
	if (group->identity == NULL)
		return;
	if (v->reader->nkeys > 0)
		compare_keyed(v, group);
	else
		compare_content(v, group);
}

static void
begin_group(const SkAuditVerification *v, RowGroup *group, const char *identity)
{
	int			natts = Max(v->reader->tupdesc->natts, 1);

	memset(group, 0, sizeof(RowGroup));
	group->identity = pstrdup(identity);
	group->values = palloc0(sizeof(JsonbValue) * natts);
	group->known = palloc0(sizeof(bool) * natts);
	group->found = palloc0(sizeof(JsonbValue) * natts);
}

/*
 * Compare all rows that were added.
 */
void
sk_audit_verify_row_compare(SkAuditVerification *v)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit verified row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RowGroup	group = {0};

	tuplesort_performsort(v->sort);
	while (tuplesort_gettupleslot(v->sort, true, false, v->slot, NULL))
	{
		char	   *identity;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(v->slot);
		identity = TextDatumGetCString(v->slot->tts_values[Anum_identity - 1]);
		if (group.identity == NULL || strcmp(group.identity, identity) != 0)
		{
			end_group(v, &group);
			MemoryContextReset(context);
			begin_group(v, &group,
						TextDatumGetCString(v->slot->tts_values[Anum_identity - 1]));
		}
		add_item(v, &group, v->slot);
	}
	end_group(v, &group);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	ExecClearTuple(v->slot);
	tuplesort_end(v->sort);
	ExecDropSingleTupleTableSlot(v->slot);
}
