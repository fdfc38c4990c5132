/*-------------------------------------------------------------------------
 *
 * audit/log.c
 *	  The tables of the audit log: where they are, and rows put into them.
 *
 * Rows go straight into the partition and its indexes, without a plan and
 * without regard to the privileges of whoever causes them: writers have no
 * right on the log and need none.  If somebody has given the log triggers,
 * rules, policies, checks, indexes on expressions, or operator classes that are
 * not in C, rows go through INSERT instead, as the log's owner and under fixed
 * settings, so that nothing of this is skipped, and none of it runs as the
 * writer or with the writer's search_path.
 *
 * All rows of a transaction have the same time, so the partition is looked
 * for once in a transaction.  The lock on the log and its partition is held
 * until the transaction ends, as INSERT would, so that neither can change
 * meanwhile.  Relations are opened for each row all the same, with the locks
 * that are held: what is kept open would have to be given back in the right
 * order when a subtransaction, a COPY or a portal ends.
 *
 * What is kept from row to row, a slot and descriptions of the indexes, refers
 * to no open relation; it is built again after invalidations of the log's relations.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/log.h"
#include "audit/log_index.h"
#include "audit/log_place.h"
#include "audit/log_row.h"
#include "audit/log_statement.h"
#include "attach/attach.h"
#include "base/compat.h"
#include "schemakit.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* How rows get into one of the tables. */
typedef struct Writer
{
	const char *name;
	int			natts;
	int			nplain;			/* columns that come before those that most
								 * rows do not have */

	SkAuditLogPlace place;
	bool		locked;			/* the partition, by the current transaction */
	Oid			table_locked;	/* likewise, this table */

	/* found out about "described"; lives in "context" */
	MemoryContext context;
	Oid			described;
	bool		complete;
	bool		direct;			/* or through INSERT */
	TupleTableSlot *slot;
	TupleDesc	plain;			/* of rows without the last columns, or NULL */
	int			nindexes;
	SkAuditLogIndex *indexes;
} Writer;

static Writer writers[] = {
	[SK_AUDIT_LOG_EVENT] = {
		.name = "audit_event",
		.natts = Natts_audit_event,
		.nplain = Natts_audit_event_plain,
	},
	[SK_AUDIT_LOG_SHAPE] = {
		.name = "audit_shape",
		.natts = Natts_audit_shape,
		.nplain = Natts_audit_shape,
	},
};


/* What is looked up again and again; invalid if it may be another by now. */
static const char *const known_names[] = {
	"audit_event", "audit_shape", "audit_origin", "audit_retention",
	"audit_log", "audit_shape_relid_idx", "audit_shape_rel_id_idx",
};
static Oid	known[lengthof(known_names)];


/*-------------------------------------------------------------------------
 * What is forgotten, and when
 *-------------------------------------------------------------------------
 */

/*
 * With its locks, a transaction loses the partitions; and with the rows, what it has
 * entered of them in indexes.
 */
static void
forget_locks(void)
{
	for (size_t i = 0; i < lengthof(writers); i++)
	{
		writers[i].locked = false;
		writers[i].table_locked = InvalidOid;
		for (int index = 0; index < writers[i].nindexes; index++)
			writers[i].indexes[index].page = InvalidBlockNumber;
	}
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget_locks();
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_locks();
}

static bool
is_described(const Writer *writer, Oid relid)
{
	for (int i = 0; i < writer->nindexes; i++)
	{
		if (writer->indexes[i].relid == relid)
			return true;
	}
	return relid == writer->described || relid == writer->place.table ||
		relid == writer->place.leaf;
}

/*
 * A table that is invalidated may also have gone: an extension can be dropped
 * and created within a transaction.
 */
static void
at_invalidation(Datum arg, Oid relid)
{
	for (size_t i = 0; i < lengthof(writers); i++)
	{
		if (OidIsValid(relid) && !is_described(&writers[i], relid))
			continue;
		writers[i].described = InvalidOid;
		writers[i].place.known = false;
	}
	for (size_t i = 0; i < lengthof(known); i++)
	{
		if (!OidIsValid(relid) || relid == known[i])
			known[i] = InvalidOid;
	}
}

void
sk_audit_log_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	CacheRegisterRelcacheCallback(at_invalidation, (Datum) 0);
}


/*-------------------------------------------------------------------------
 * Where rows go
 *-------------------------------------------------------------------------
 */

static Oid
find_relid(const char *name)
{
	Oid			relid = get_relname_relid(name,
										  get_namespace_oid(SK_SCHEMA, false));

	if (!OidIsValid(relid))
		elog(ERROR, "relation %s.%s does not exist", SK_SCHEMA, name);
	return relid;
}

/*
 * The OID of one of the log's relations.
 */
Oid
sk_audit_log_relid(const char *name)
{
	for (size_t i = 0; i < lengthof(known); i++)
	{
		if (strcmp(known_names[i], name) != 0)
			continue;
		if (!OidIsValid(known[i]))
			known[i] = find_relid(name);
		return known[i];
	}
	return find_relid(name);
}

/*
 * Whose it is.  No lock is waited for.
 */
Oid
sk_audit_log_owner(void)
{
	Oid			relid = sk_audit_log_relid("audit_event");
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * The table, without a lock.  Whoever alters it locks its partitions, too, or does what
 * a row may come before.  A lock would be taken after those of partitions, to which
 * the transaction has written already, and so make deadlocks.
 */
static Relation
open_table(const Writer *writer)
{
	Relation	table = RelationIdGetRelation(sk_audit_log_relid(writer->name));

	if (table == NULL)
	{
		AcceptInvalidationMessages();
		table = RelationIdGetRelation(sk_audit_log_relid(writer->name));
	}
	if (table == NULL)
		elog(ERROR, "relation %s.%s does not exist", SK_SCHEMA, writer->name);
	return table;
}

/*
 * Find the partition for rows of that time.  It stays that one until there is an
 * invalidation: a partition is not detached while somebody writes to it.
 */
static void
find_place(Writer *writer, TimestampTz at)
{
	Relation	table = open_table(writer);

	sk_audit_log_place_find(&writer->place, table, at);
	writer->locked = false;
	RelationClose(table);
}

/*
 * Does anything on the relation want to see INSERT as a statement?  Our own triggers
 * keep away what is not ours.
 */
static bool
is_plain(Relation rel)
{
	const TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if ((trigger->tgtype & TRIGGER_TYPE_INSERT) != 0 &&
			!sk_attach_is_function(trigger->tgfoid))
			return false;
	}
	return rel->rd_rules == NULL && !rel->rd_rel->relrowsecurity;
}

/* Is it a heap, or the like, with the table's columns in their order? */
static bool
is_laid_out_as(Relation leaf, Relation table, int natts)
{
	TupleDesc	a = RelationGetDescr(leaf);
	TupleDesc	b = RelationGetDescr(table);

	if (leaf->rd_rel->relkind != RELKIND_RELATION ||
		a->natts != natts || b->natts != natts ||
		(a->constr && (a->constr->num_check > 0 ||
					   a->constr->has_generated_stored)))
		return false;
	for (int i = 0; i < natts; i++)
	{
		if (TupleDescAttr(a, i)->attisdropped ||
			TupleDescAttr(a, i)->atttypid != TupleDescAttr(b, i)->atttypid ||
			strcmp(NameStr(TupleDescAttr(a, i)->attname),
				   NameStr(TupleDescAttr(b, i)->attname)) != 0)
			return false;
	}
	return true;
}

/* What a row is like that ends before the last columns; in a heap it may. */
static TupleDesc
plain_descriptor(const Writer *writer, Relation leaf)
{
	if (leaf->rd_rel->relam != HEAP_TABLE_AM_OID)
		return NULL;
	return CreateTupleDescTruncatedCopy(RelationGetDescr(leaf), writer->nplain);
}

static void
describe(Writer *writer, Relation leaf)
{
	Relation	table = open_table(writer);
	MemoryContext old;

	if (writer->context == NULL)
		writer->context = AllocSetContextCreate(CacheMemoryContext,
												"schemakit audit log",
												ALLOCSET_SMALL_SIZES);
	/* first, so that an invalidation on the way is not overlooked */
	writer->described = RelationGetRelid(leaf);
	writer->complete = false;
	writer->nindexes = 0;
	MemoryContextReset(writer->context);
	old = MemoryContextSwitchTo(writer->context);
	writer->direct = is_plain(table) && is_plain(leaf) &&
		is_laid_out_as(leaf, table, writer->natts) &&
		sk_audit_log_index_describe(leaf, writer == &writers[SK_AUDIT_LOG_EVENT],
									&writer->indexes, &writer->nindexes);
	writer->plain = writer->direct ? plain_descriptor(writer, leaf) : NULL;
	writer->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(leaf)),
											writer->plain != NULL ? &TTSOpsHeapTuple
											: table_slot_callbacks(leaf));
	MemoryContextSwitchTo(old);
	RelationClose(table);
	writer->complete = true;
}


/*-------------------------------------------------------------------------
 * Putting rows there
 *-------------------------------------------------------------------------
 */

static bool
are_all_null(const bool *nulls, int from, int until)
{
	for (int i = from; i < until; i++)
	{
		if (!nulls[i])
			return false;
	}
	return true;
}

static HeapTuple
form_plain(const Writer *writer, Datum *values, bool *nulls)
{
	if (writer == &writers[SK_AUDIT_LOG_EVENT])
		return sk_audit_log_row_form(writer->plain, values, nulls);
	return heap_form_tuple(writer->plain, values, nulls);
}

/*
 * The row, in the slot; the last columns take no space where they are null.  It has
 * the slot's memory, which it must not lose by an error before the slot is cleared.
 */
static void
fill_slot(const Writer *writer, Datum *values, bool *nulls)
{
	TupleTableSlot *slot = writer->slot;
	MemoryContext old;

	ExecClearTuple(slot);
	if (writer->plain != NULL && are_all_null(nulls, writer->nplain, writer->natts))
	{
		old = MemoryContextSwitchTo(slot->tts_mcxt);
		ExecStoreHeapTuple(form_plain(writer, values, nulls), slot, true);
		MemoryContextSwitchTo(old);
		return;
	}
	memcpy(slot->tts_values, values, sizeof(Datum) * writer->natts);
	memcpy(slot->tts_isnull, nulls, sizeof(bool) * writer->natts);
	ExecStoreVirtualTuple(slot);
}

/* Enter rows into the indexes, whose locks are kept with that of the partition. */
static void
enter(Writer *writer, Relation leaf, const SkAuditLogRow *rows, int count)
{
	for (int i = 0; i < writer->nindexes && !writer->locked; i++)
		writer->indexes[i].locked = false;
	for (int i = 0; i < writer->nindexes; i++)
		sk_audit_log_index_insert(&writer->indexes[i], leaf, rows, count);
	writer->locked = writer->place.known;
}

static void
insert_directly(Writer *writer, Relation leaf, Datum *values, bool *nulls)
{
	TupleTableSlot *slot = writer->slot;
	SkAuditLogRow row = {.values = values,.nulls = nulls,.natts = writer->natts};

	fill_slot(writer, values, nulls);
	table_tuple_insert(leaf, slot, GetCurrentCommandId(true), 0, NULL);
	row.tid = slot->tts_tid;
	ExecClearTuple(slot);
	enter(writer, leaf, &row, 1);
}

/*
 * The partition for rows of that time, with its lock; NULL: there is none.  While the
 * lock is waited for, it may go, or be detached; and the month of rows of the default
 * partition may get one of its own.
 */
static Relation
open_leaf(Writer *writer, TimestampTz at)
{
	for (;;)
	{
		Oid			relid;
		Relation	leaf;

		if (!sk_audit_log_place_is_for(&writer->place, at))
			find_place(writer, at);
		relid = writer->place.leaf;
		if (!OidIsValid(relid))
			return NULL;
		leaf = try_relation_open(relid, writer->locked ? NoLock : RowExclusiveLock);
		if (leaf != NULL && sk_audit_log_place_is_for(&writer->place, at))
			return leaf;
		if (leaf != NULL)
			relation_close(leaf, NoLock);
		writer->place.known = false;
	}
}

static bool
is_described_as(const Writer *writer, Relation leaf)
{
	return writer->described == RelationGetRelid(leaf) && writer->complete;
}

/*
 * Likewise, described.  A statement locks the table, so that is done before the
 * partition is locked.
 */
static Relation
open_described(Writer *writer, TimestampTz at)
{
	for (;;)
	{
		Relation	leaf = open_leaf(writer, at);
		bool		by_statement;

		if (leaf != NULL && !is_described_as(writer, leaf))
			describe(writer, leaf);
		by_statement = leaf == NULL || !writer->direct;
		if (!by_statement || writer->table_locked == writer->place.table)
			return leaf;
		if (leaf != NULL)
			relation_close(leaf, writer->locked ? NoLock : RowExclusiveLock);
		LockRelationOid(writer->place.table, RowExclusiveLock);
		writer->table_locked = writer->place.table;
	}
}

/*
 * Put a row into one of the tables; "at" is the transaction's start.
 */
void
sk_audit_log_insert(SkAuditLog log, TimestampTz at, Datum *values, bool *nulls)
{
	Writer	   *writer = &writers[log];
	Relation	leaf = open_described(writer, at);

	if (leaf != NULL && writer->direct)
		insert_directly(writer, leaf, values, nulls);
	else
		sk_audit_log_statement_insert(sk_audit_log_owner(), writer->place.table,
									  writer->place.leaf, writer->natts, values, nulls);
	if (leaf != NULL)
		relation_close(leaf, NoLock);
}

/*
 * What events are like that can be put into the log several at once, without the last
 * columns.  NULL: none can, or nothing is known of the partition yet.
 */
TupleDesc
sk_audit_log_plain(TimestampTz at)
{
	const Writer *writer = &writers[SK_AUDIT_LOG_EVENT];

	if (!sk_audit_log_place_is_for(&writer->place, at) || !writer->locked ||
		writer->described != writer->place.leaf || !writer->complete)
		return NULL;
	return writer->plain;
}

/*
 * Put events into the partition that sk_audit_log_open() has opened: "slots", of the
 * command "cid".  They go to the end: VACUUM lists pages that have room for one more
 * event, and each of those would get one, with a WAL record of its own.
 */
void
sk_audit_log_insert_many(Relation leaf, TupleTableSlot **slots, int count, CommandId cid)
{
	Writer	   *writer = &writers[SK_AUDIT_LOG_EVENT];
	SkAuditLogRow *rows = palloc(sizeof(SkAuditLogRow) * count);
	int			natts = sk_audit_log_index_natts(writer->indexes, writer->nindexes, writer->nplain);

	table_multi_insert(leaf, slots, count, cid, TABLE_INSERT_SKIP_FSM, NULL);
	for (int i = 0; i < count; i++)
	{
		slot_getsomeattrs(slots[i], natts);
		rows[i].values = slots[i]->tts_values;
		rows[i].nulls = slots[i]->tts_isnull;
		rows[i].natts = natts;
		rows[i].tid = slots[i]->tts_tid;
	}
	enter(writer, leaf, rows, count);
}

/*
 * The partition that a transaction which began "at" writes to, locked, if it is laid
 * out as the log's table is; else NULL.
 */
Relation
sk_audit_log_open(SkAuditLog log, TimestampTz at)
{
	Writer	   *writer = &writers[log];
	Relation	leaf = open_described(writer, at);

	if (leaf == NULL || writer->direct)
		return leaf;
	relation_close(leaf, NoLock);
	return NULL;
}

/*
 * Where a row of that time belongs; InvalidOid: nowhere.
 */
Oid
sk_audit_log_leaf(SkAuditLog log, TimestampTz at)
{
	Writer	   *writer = &writers[log];

	if (!sk_audit_log_place_is_for(&writer->place, at))
		find_place(writer, at);
	return writer->place.leaf;
}
