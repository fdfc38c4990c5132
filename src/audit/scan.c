/*-------------------------------------------------------------------------
 *
 * audit/scan.c
 *	  Events of a partition that has no index to find them by.
 *
 * The partition that is written to has no indexes for searching.  What is found seldom
 * there is found by going through all of its events.  The executor takes 1,000 to 2,000
 * instructions for an event that is not asked for.  Here a row is looked at where it
 * is, and only as far as need be: it takes 200 to 500.
 *
 * The result is a superset: what is asked for is seen by a statement on these rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/scan.h"
#include "audit/commit.h"
#include "audit/event.h"
#include "audit/json_read.h"
#include "audit/log.h"
#include "base/compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* An event that carries who acts, and others refer to */
typedef struct Carrier
{
	int64		txn_id;
	int64		n;
} Carrier;

/*
 * The last ones that were seen.  The events that refer to one follow it soon, nearly all.
 */
#define RECENT	1024

typedef struct Recent
{
	Carrier		carrier;
	bool		is_actor;
} Recent;

/* An event before that which says who acts */
typedef struct Waiting
{
	Carrier		carrier;
	ItemPointerData tid;
} Waiting;

typedef struct Pair
{
	JsonbValue	key;
	JsonbValue	value;
} Pair;

typedef struct Walk
{
	const SkAuditScan *scan;
	int32	   *shapes;			/* in order */
	int			nshapes;
	Datum	   *columns;
	int			ncolumns;
	Pair	   *pairs;			/* of the value */
	int			npairs;
	HTAB	   *carriers;		/* of the actor */
	Recent	   *recent;
	Waiting    *waiting;
	int			nwaiting;
	MemoryContext context;		/* for one event */
	ItemPointer tids;
	int			count;
	int			most;
} Walk;

/* The columns of a row that are read without going through it */
typedef struct Event
{
	HeapTupleHeader header;
	int			natts;
	int64		txn_id;
	TimestampTz at;
	int32		n;
	int32		shape_id;
	int32		carrier;
	char		op;
	const char *base;			/* of the values */
	uint32		documents;		/* where those from "key" on begin */
} Event;


/*-------------------------------------------------------------------------
 * Rows where they are
 *-------------------------------------------------------------------------
 */

static bool
is_null(const Event *event, int attnum)
{
	return attnum > event->natts ||
		((event->header->t_infomask & HEAP_HASNULL) != 0 &&
		 att_isnull(attnum - 1, event->header->t_bits));
}

/* The columns before the first text need no padding. */
static void
read_event(HeapTuple tuple, Event *event)
{
	const char *base = (const char *) tuple->t_data + tuple->t_data->t_hoff;
	const char *p = base;
	int32		numbers[3];

	event->header = tuple->t_data;
	event->natts = HeapTupleHeaderGetNatts(tuple->t_data);
	event->base = base;
	memcpy(&event->txn_id, p, sizeof(int64));
	memcpy(&event->at, p + sizeof(int64), sizeof(int64));
	p += 3 * sizeof(int64);
	if (!is_null(event, Anum_audit_event_key_hash))
		p += sizeof(int64);
	memcpy(numbers, p, sizeof(numbers));
	p += sizeof(numbers);
	event->n = numbers[0];
	event->shape_id = numbers[2];
	event->carrier = 0;
	if (!is_null(event, Anum_audit_event_carrier))
	{
		memcpy(&event->carrier, p, sizeof(int32));
		p += sizeof(int32);
	}
	event->op = *p++;
	event->documents = p - base;
}

/*
 * Texts and documents from "key" up to a column, as they are stored; NULL where they are
 * null.
 */
static void
find_stored(const Event *event, int last, struct varlena **values)
{
	uint32		offset = event->documents;

	for (int i = Anum_audit_event_key; i <= last; i++)
	{
		char	   *p = (char *) event->base + offset;

		*values = NULL;
		if (!is_null(event, i))
		{
			offset = att_align_pointer(offset, TYPALIGN_INT, -1, p);
			*values = (struct varlena *) (event->base + offset);
			offset += VARSIZE_ANY(*values);
		}
		values++;
	}
}

/* Are the columns of the partition those of the log, in its order? */
static bool
has_columns(Relation leaf)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_event"), AccessShareLock);
	TupleDesc	log = RelationGetDescr(rel);
	TupleDesc	its = RelationGetDescr(leaf);
	bool		same = its->natts >= Natts_audit_event;

	for (int i = 0; same && i < Natts_audit_event; i++)
		same = TupleDescAttr(its, i)->atttypid == TupleDescAttr(log, i)->atttypid &&
			namestrcmp(&TupleDescAttr(its, i)->attname,
					   NameStr(TupleDescAttr(log, i)->attname)) == 0;
	table_close(rel, NoLock);
	return same;
}


/*-------------------------------------------------------------------------
 * Conditions
 *-------------------------------------------------------------------------
 */

static bool
is_of_time(const Walk *walk, const Event *event)
{
	return event->at >= walk->scan->from && event->at < walk->scan->until;
}

static int
by_number(const void *a, const void *b)
{
	int32		one = *(const int32 *) a;
	int32		other = *(const int32 *) b;

	return (one > other) - (one < other);
}

static bool
is_of_kind(const Walk *walk, const Event *event)
{
	if (walk->scan->ops == NULL
		? event->op == SK_AUDIT_OLD_KEY || event->op == SK_AUDIT_COMMIT
		: strchr(walk->scan->ops, event->op) == NULL)
		return false;
	return walk->scan->shapes == NULL ||
		bsearch(&event->shape_id, walk->shapes, walk->nshapes, sizeof(int32), by_number) != NULL;
}

/* The default collation is deterministic: what is equal has the same bytes. */
static bool
is_actor(const Walk *walk, const Event *event)
{
	struct varlena *values[Anum_audit_event_actor - Anum_audit_event_key + 1];
	struct varlena *its;
	const text *actor = walk->scan->actor;
	MemoryContext old;
	bool		same;

	find_stored(event, Anum_audit_event_actor, values);
	its = values[Anum_audit_event_actor - Anum_audit_event_key];
	if (its == NULL)
		return false;
	old = MemoryContextSwitchTo(walk->context);
	its = PG_DETOAST_DATUM_PACKED(PointerGetDatum(its));
	same = VARSIZE_ANY_EXHDR(its) == VARSIZE_ANY_EXHDR(actor) &&
		memcmp(VARDATA_ANY(its), VARDATA_ANY(actor), VARSIZE_ANY_EXHDR(actor)) == 0;
	MemoryContextSwitchTo(old);
	return same;
}

/* Of objects in the values: that both are is enough. */
static bool
may_be_equal(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNumeric:
			return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a->val.numeric),
													NumericGetDatum(b->val.numeric)));
		case jbvString:
			return a->val.string.len == b->val.string.len &&
				memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		default:
			return true;
	}
}

static bool
has_values(const Walk *walk, JsonbContainer *object)
{
	JsonbValue	its;

	for (int i = 0; i < walk->npairs; i++)
	{
		const JsonbValue *key = &walk->pairs[i].key;

		if (getKeyJsonValueFromContainer(object, key->val.string.val, key->val.string.len, &its) == NULL ||
			!may_be_equal(&its, &walk->pairs[i].value))
			return false;
	}
	return true;
}

static bool
has_column(const Walk *walk, JsonbContainer *object)
{
	JsonbValue	its;

	for (int i = 0; i < walk->ncolumns; i++)
	{
		const text *name = DatumGetTextPP(walk->columns[i]);

		if (getKeyJsonValueFromContainer(object, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &its) != NULL)
			return true;
	}
	return false;
}

/* Is there a document, which satisfies the condition? */
static bool
is_document(const Walk *walk, struct varlena *its,
			bool (*condition) (const Walk *walk, JsonbContainer *object))
{
	uint32		buffer[VARATT_SHORT_MAX / sizeof(uint32) + 1];
	JsonbContainer *object;
	MemoryContext old;

	if (its == NULL)
		return false;
	if (VARATT_IS_SHORT(its) && !VARATT_IS_EXTERNAL(its))
	{
		memcpy(buffer, VARDATA_SHORT(its), VARSIZE_SHORT(its) - VARHDRSZ_SHORT);
		object = (JsonbContainer *) buffer;
	}
	else
	{
		old = MemoryContextSwitchTo(walk->context);
		object = &DatumGetJsonbP(PointerGetDatum(its))->root;
		MemoryContextSwitchTo(old);
	}
	return JsonContainerIsObject(object) && condition(walk, object);
}

static bool
is_asked_for(const Walk *walk, const Event *event)
{
	struct varlena *values[Anum_audit_event_new - Anum_audit_event_key + 1];
	struct varlena *old;
	struct varlena *new;

	if (!is_of_kind(walk, event))
		return false;
	if (walk->scan->columns == NULL && walk->scan->value == NULL)
		return true;
	find_stored(event, Anum_audit_event_new, values);
	old = values[Anum_audit_event_old - Anum_audit_event_key];
	new = values[Anum_audit_event_new - Anum_audit_event_key];
	if (walk->scan->columns != NULL && !is_document(walk, new, has_column))
		return false;
	return walk->scan->value == NULL || is_document(walk, new, has_values) ||
		is_document(walk, old, has_values);
}


/*-------------------------------------------------------------------------
 * Who acts
 *-------------------------------------------------------------------------
 */

static Recent *
recent_place(const Walk *walk, int64 txn_id)
{
	return &walk->recent[(uint64) txn_id % RECENT];
}

static bool
is_same(const Carrier *a, const Carrier *b)
{
	return a->txn_id == b->txn_id && a->n == b->n;
}

/* Does it say that the actor acts?  It is remembered, in any case. */
static bool
remember_carrier(const Walk *walk, const Event *event)
{
	Carrier		carrier = {event->txn_id, event->n};
	Recent	   *place = recent_place(walk, event->txn_id);

	place->carrier = carrier;
	place->is_actor = is_actor(walk, event);
	if (place->is_actor)
		(void) hash_search(walk->carriers, &carrier, HASH_ENTER, NULL);
	return place->is_actor;
}

/* false: there are too many */
static bool
add(Walk *walk, ItemPointer tid)
{
	if (walk->count == walk->most)
		return false;
	walk->tids[walk->count++] = *tid;
	return true;
}

/* It will be known in the end. */
static bool
wait_for(Walk *walk, const Carrier *carrier, ItemPointer tid)
{
	if (walk->nwaiting == walk->most)
		return false;
	walk->waiting[walk->nwaiting++] = (Waiting)
	{
		*carrier, *tid
	};
	return true;
}

static bool
add_waiting(Walk *walk)
{
	for (int i = 0; i < walk->nwaiting; i++)
	{
		if (hash_search(walk->carriers, &walk->waiting[i].carrier, HASH_FIND, NULL) != NULL &&
			!add(walk, &walk->waiting[i].tid))
			return false;
	}
	return true;
}


/*-------------------------------------------------------------------------
 * The scan
 *-------------------------------------------------------------------------
 */

/* false: there are too many */
static bool
visit_of_actor(Walk *walk, const Event *event, ItemPointer tid)
{
	Carrier		carrier = {event->txn_id, event->carrier};
	const Recent *recent;

	if (!is_null(event, Anum_audit_event_role))
		return !remember_carrier(walk, event) || !is_asked_for(walk, event) || add(walk, tid);
	recent = recent_place(walk, event->txn_id);
	if (is_same(&recent->carrier, &carrier))
		return !recent->is_actor || !is_asked_for(walk, event) || add(walk, tid);
	return !is_asked_for(walk, event) || wait_for(walk, &carrier, tid);
}

static bool
visit(Walk *walk, HeapTuple tuple)
{
	Event		event;

	read_event(tuple, &event);
	if (!is_of_time(walk, &event))
		return true;
	if (walk->scan->actor != NULL)
		return visit_of_actor(walk, &event, &tuple->t_self);
	return !is_asked_for(walk, &event) || add(walk, &tuple->t_self);
}

/*
 * The server reads what is larger than a quarter of its buffers without keeping it there.
 * What is written to at present is worth more to be kept than other tables.
 */
static bool
is_worth_keeping(Relation rel)
{
	return RelationGetNumberOfBlocks(rel) <= (BlockNumber) NBuffers / 2;
}

static bool
go_through(Walk *walk, Relation rel)
{
	TableScanDesc scan = table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL,
											   !is_worth_keeping(rel), true);
	HeapTuple	tuple;
	bool		enough = true;

	while (enough && (tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		enough = visit(walk, tuple);
		MemoryContextReset(walk->context);
	}
	table_endscan(scan);
	return enough && add_waiting(walk);
}

static void
read_shapes(Walk *walk, ArrayType *shapes)
{
	Datum	   *ids;

	deconstruct_array(shapes, INT4OID, 4, true, TYPALIGN_INT, &ids, NULL, &walk->nshapes);
	walk->shapes = palloc(sizeof(int32) * Max(walk->nshapes, 1));
	for (int i = 0; i < walk->nshapes; i++)
		walk->shapes[i] = DatumGetInt32(ids[i]);
	qsort(walk->shapes, walk->nshapes, sizeof(int32), by_number);
}

static void
read_value(Walk *walk, Jsonb *value)
{
	SkJsonReader reader;

	walk->pairs = palloc(sizeof(Pair) * Max(JB_ROOT_COUNT(value), 1));
	sk_audit_json_read_begin(&reader, value);
	while (sk_audit_json_read_next(&reader, &walk->pairs[walk->npairs].key,
								   &walk->pairs[walk->npairs].value))
		walk->npairs++;
}

static HTAB *
make_carriers(MemoryContext context)
{
	HASHCTL		ctl = {.keysize = sizeof(Carrier),.entrysize = sizeof(Carrier),.hcxt = context};

	return hash_create("carriers of an actor", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
prepare(Walk *walk, const SkAuditScan *scan, int most)
{
	walk->scan = scan;
	walk->most = most;
	walk->context = AllocSetContextCreate(CurrentMemoryContext, "audit_scan", ALLOCSET_SMALL_SIZES);
	walk->tids = palloc(sizeof(ItemPointerData) * most);
	if (scan->shapes != NULL)
		read_shapes(walk, scan->shapes);
	if (scan->columns != NULL)
		deconstruct_array(scan->columns, TEXTOID, -1, false, TYPALIGN_INT, &walk->columns, NULL,
						  &walk->ncolumns);
	if (scan->value != NULL)
		read_value(walk, scan->value);
	if (scan->actor == NULL)
		return;
	walk->carriers = make_carriers(CurrentMemoryContext);
	walk->recent = palloc0(sizeof(Recent) * RECENT);
	walk->waiting = palloc(sizeof(Waiting) * most);
}

static bool
is_readable(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_tableam == GetHeapamTableAmRoutine() && has_columns(rel);
}

/* The latest start of a transaction of which there is a row on the page, whoever sees it */
static TimestampTz
latest_of_page(Page page)
{
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	TimestampTz latest = DT_NOBEGIN;

	for (OffsetNumber i = FirstOffsetNumber; i <= last; i++)
	{
		ItemId		item = PageGetItemId(page, i);
		HeapTupleData tuple;
		Event		event;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		read_event(&tuple, &event);
		latest = Max(latest, event.at);
	}
	return latest;
}

/*
 * About when the transactions began whose events are that many pages before the end of the
 * partition; DT_NOBEGIN if that is not known.
 */
TimestampTz
sk_audit_scan_time_of(Oid leaf, BlockNumber pages)
{
	Relation	rel = table_open(leaf, AccessShareLock);
	TimestampTz latest = DT_NOBEGIN;

	if (is_readable(rel) && RelationGetNumberOfBlocks(rel) > pages)
	{
		Buffer		buffer = ReadBuffer(rel, RelationGetNumberOfBlocks(rel) - pages);

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		latest = latest_of_page(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
	}
	table_close(rel, NoLock);
	return latest;
}

/*
 * Where in the partition the rows are that may be asked for, by the active snapshot; false
 * if there are more than that, or the partition is not stored as others are.  As the log's
 * owner.
 */
bool
sk_audit_scan_run(Oid leaf, const SkAuditScan *scan, int most, ItemPointer *tids, int *count)
{
	Relation	rel = table_open(leaf, AccessShareLock);
	Walk		walk = {0};
	bool		found = false;

	if (is_readable(rel))
	{
		prepare(&walk, scan, most);
		found = go_through(&walk, rel);
		MemoryContextDelete(walk.context);
	}
	*tids = walk.tids;
	*count = walk.count;
	table_close(rel, NoLock);
	return found;
}
