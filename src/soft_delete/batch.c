/*-------------------------------------------------------------------------
 *
 * soft_delete/batch.c
 *	  Rows that happen to have a batch's stamp.
 *
 * Who may update a row's stamp can give it any time, also that of a row which
 * refers to it and was deleted by itself.  That row would be of the batch, and come
 * back with the first one, although the role may not update it.  So where a role
 * gives a stamp that may not update the referring rows, those that have the
 * stamp already are set apart: they get another one, a little earlier.  Where it may,
 * it could bring them back anyway, and rows with one stamp are one batch.
 *
 * A row that another of its parents has taken along, at the same time, stays in that
 * one's batch.  That it is in it is known from what was there when the statement
 * began: what else has got the stamp since may be about to be set apart.  Rows that
 * others have committed meanwhile are looked at besides.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/batch.h"
#include "soft_delete/fk_execute.h"
#include "soft_delete/parents.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A row with the stamp */
typedef struct Member
{
	Oid			relid;
	ItemPointerData tid;
	bool		is_ours;		/* its version is of the current transaction */
	bool		is_held;		/* by another of its parents */
	bool		is_held_by_others;	/* and that is none of ours */
	Timestamp	stamp;
	List	   *stamps;			/* of its other parents: of Timestamp * */
} Member;

/*
 * The roles that have changed stamps in the transaction.  Triggers on rows that are
 * deleted along may be called as the owner of the table that takes them along.
 */
static List *actors = NIL;

/*
 * A row that was set apart, where it was before: a statement that comes to it by
 * several foreign keys sees it there each time.
 */
typedef struct Moved
{
	Oid			relid;
	ItemPointerData tid;
	SubTransactionId subid;
} Moved;

static List *moved = NIL;		/* in the transaction's memory */

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	list_free(actors);
	actors = NIL;
	moved = NIL;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	foreach(lc, moved)
	{
		Moved	   *row = lfirst(lc);

		if (row->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			row->subid = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			moved = foreach_delete_current(moved, lc);
	}
}

void
sk_soft_batch_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

void
sk_soft_batch_note_actor(void)
{
	MemoryContext old;

	if (list_member_oid(actors, GetUserId()))
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	actors = lappend_oid(actors, GetUserId());
	MemoryContextSwitchTo(old);
}

static bool
may_restore(Oid role, const SkSoftLink *link)
{
	return (pg_class_aclcheck(link->otherid, role, ACL_UPDATE) == ACLCHECK_OK ||
			pg_attribute_aclcheck(link->otherid, link->column, role, ACL_UPDATE) == ACLCHECK_OK) &&
		check_enable_rls(link->otherid, role, true) != RLS_ENABLED;
}

/* May all of them bring back rows at the other end? */
static bool
may_all_restore(const SkSoftLink *link)
{
	ListCell   *lc;

	foreach(lc, actors)
	{
		if (!may_restore(lfirst_oid(lc), link))
			return false;
	}
	return true;
}

static void
add_holder(void *arg, Timestamp value, TransactionId maker)
{
	Member	   *member = arg;
	Timestamp  *stamp = palloc(sizeof(Timestamp));

	*stamp = value;
	member->stamps = lappend(member->stamps, stamp);
	if (value != member->stamp)
		return;
	member->is_held = true;
	if (!TransactionIdIsCurrentTransactionId(maker))
		member->is_held_by_others = true;
}

/* What SK_SOFT_MEMBERS has found */
static List *
read_members(SkSoftLink *link, Snapshot snapshot, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	SPITupleTable *found = SPI_tuptable;
	uint64		count = SPI_processed;
	TupleDesc	tupdesc = found->tupdesc;
	List	   *holders = sk_soft_relation_holders(link);
	List	   *members = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	tuple = found->vals[i];
		Member	   *member = palloc0(sizeof(Member));
		bool		isnull;

		member->relid = DatumGetObjectId(SPI_getbinval(tuple, tupdesc, SK_SOFT_BATCH_RELID, &isnull));
		member->tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(tuple, tupdesc, SK_SOFT_BATCH_TID, &isnull));
		member->is_ours = TransactionIdIsCurrentTransactionId(DatumGetTransactionId(SPI_getbinval(tuple, tupdesc, SK_SOFT_BATCH_MAKER, &isnull)));
		member->stamp = DatumGetTimestamp(SPI_getbinval(tuple, tupdesc, SK_SOFT_BATCH_STAMP, &isnull));
		sk_soft_parents_tell(link, holders, tuple, tupdesc, snapshot, add_holder, member);
		members = lappend(members, member);
	}
	MemoryContextSwitchTo(old);
	return members;
}

static List *
find_members(SkSoftLink *link, Datum *values, Snapshot snapshot)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *members;

	if (snapshot != InvalidSnapshot)
		sk_soft_fk_execute_seen(link, SK_SOFT_MEMBERS, values, snapshot);
	else
		sk_soft_fk_execute(link, SK_SOFT_MEMBERS, values, 0);
	members = read_members(link, snapshot, context);
	SPI_finish();
	return members;
}

static bool
is_among(List *members, const Member *member)
{
	ListCell   *lc;

	foreach(lc, members)
	{
		const Member *other = lfirst(lc);

		if (other->relid == member->relid && ItemPointerEquals((ItemPointer) &other->tid, (ItemPointer) &member->tid))
			return true;
	}
	return false;
}

/* The smallest difference that the column can store */
static int64
resolution(const SkSoftLink *link)
{
	Oid			type;
	int32		typmod;
	Oid			collation;
	int64		unit = 1;

	get_atttypetypmodcoll(link->otherid, link->column, &type, &typmod, &collation);
	for (int i = typmod < 0 ? MAX_TIMESTAMP_PRECISION : typmod; i < MAX_TIMESTAMP_PRECISION; i++)
		unit *= 10;
	return unit;
}

static bool
is_stamp_of_parent(const Member *member, Timestamp stamp)
{
	ListCell   *lc;

	foreach(lc, member->stamps)
	{
		if (*(Timestamp *) lfirst(lc) == stamp)
			return true;
	}
	return false;
}

static bool
was_moved(const Member *member)
{
	ListCell   *lc;

	foreach(lc, moved)
	{
		Moved	   *row = lfirst(lc);

		if (row->relid == member->relid &&
			ItemPointerEquals(&row->tid, (ItemPointer) &member->tid))
			return true;
	}
	return false;
}

static void
note_moved(const Member *member)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	Moved	   *row = palloc(sizeof(Moved));

	row->relid = member->relid;
	row->tid = member->tid;
	row->subid = GetCurrentSubTransactionId();
	moved = lappend(moved, row);
	MemoryContextSwitchTo(old);
}

static void
move(const SkSoftLink *link, Member *member)
{
	int64		unit = resolution(link);
	Timestamp	stamp = member->stamp - unit;

	if (was_moved(member))
		return;
	while (is_stamp_of_parent(member, stamp))
		stamp -= unit;
	if (!sk_soft_fk_execute_stamp(link->otherid, link->column, member->relid,
								  &member->tid, &stamp))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
	note_moved(member);
}

static bool
has_new_key(const SkSoftLink *link, const Datum *values, const Datum *old_values)
{
	for (int i = 0; i < link->nkeys; i++)
	{
		int16		len;
		bool		byval;

		get_typlenbyval(link->types[i], &len, &byval);
		if (!datumIsEqual(values[i], old_values[i], byval, len))
			return true;
	}
	return false;
}

/* Their column may store both stamps alike. */
static List *
batch_of(SkSoftLink *link, Datum *values, const Datum *old_stamp)
{
	Datum		stamp = values[link->nkeys];
	List	   *members;

	if (old_stamp == NULL)
		return NIL;
	values[link->nkeys] = *old_stamp;
	members = find_members(link, values, InvalidSnapshot);
	values[link->nkeys] = stamp;
	return members;
}

static void
set_apart(SkSoftLink *link, TupleTableSlot *row, TupleTableSlot *old_row, Datum stamp,
		  const Datum *old_stamp)
{
	Datum		values[INDEX_MAX_KEYS + 2];
	Datum		old_values[INDEX_MAX_KEYS + 2];
	List	   *batch;
	List	   *before;
	ListCell   *lc;

	if (!sk_soft_fk_execute_values(link, row, values))
		return;
	values[link->nkeys] = old_values[link->nkeys] = stamp;
	batch = batch_of(link, values, old_stamp);
	before = find_members(link, values, GetActiveSnapshot());
	if (sk_soft_fk_execute_values(link, old_row, old_values) &&
		has_new_key(link, values, old_values))
		before = list_concat(before, find_members(link, old_values, GetActiveSnapshot()));
	foreach(lc, before)
	{
		Member	   *member = lfirst(lc);

		if (!member->is_held && !is_among(batch, member))
			move(link, member);
	}
	foreach(lc, find_members(link, values, InvalidSnapshot))
	{
		Member	   *member = lfirst(lc);

		if (!member->is_ours && !member->is_held_by_others &&
			!is_among(before, member) && !is_among(batch, member))
			move(link, member);
	}
}

/*
 * The row gets the stamp, in place of an old one or of none: what referred to it and
 * had the stamp already is none of the batch, unless who gives it might bring it back
 * anyway.
 */
void
sk_soft_batch_set_apart(SkSoftLink *link, TupleTableSlot *row,
						TupleTableSlot *old_row, Datum stamp, const Datum *old_stamp)
{
	MemoryContext context;
	MemoryContext old;

	if (may_all_restore(link))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "schemakit rows of a batch",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	set_apart(link, row, old_row, stamp, old_stamp);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
