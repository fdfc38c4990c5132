/*-------------------------------------------------------------------------
 *
 * soft_delete/cascade.c
 *	  What a row's soft deletion and its return mean for the rows that foreign
 *	  keys join to it.
 *
 * The primitive is an UPDATE of the stamp, whoever does it.  When a row gets a
 * stamp, ON DELETE CASCADE gives the same to the live rows that refer to it,
 * RESTRICT and NO ACTION refuse if there are any, and SET NULL and SET DEFAULT
 * leave the keys, or nothing could bring them back.  Rows with the same stamp
 * are a batch: when the row comes back, those of them that refer to it do.  See
 * batch.c for those that have it already.
 *
 * A row may refer to several.  Deleted with the first of them, it comes back
 * with the last: as long as another one is deleted it takes over its stamp, so
 * that it is in its batch, as if the first had never been deleted.  Where the
 * others are deleted only because it is, see cycle.c.
 *
 * Rows that are joined are locked as the server does for a real DELETE, so that
 * none can be inserted while the row that it refers to is being deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/trigger.h"
#include "base/tuple.h"
#include "soft_delete/batch.h"
#include "soft_delete/cycle.h"
#include "soft_delete/defer.h"
#include "soft_delete/fk_execute.h"
#include "soft_delete/parents.h"
#include "soft_delete/queue.h"
#include "soft_delete/reference.h"
#include "soft_delete/refusal.h"
#include "soft_delete/relation.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A row whose stamp changed */
typedef struct Change
{
	Relation	rel;
	SkSoftRelation *soft;
	TupleTableSlot *row;		/* as it is now */
	TupleTableSlot *old_row;
	Datum		old;			/* its stamps; 0: none */
	Datum		new;
} Change;


/*-------------------------------------------------------------------------
 * Deletion and return
 *-------------------------------------------------------------------------
 */

/*
 * A row that refers to one that is not live is refused, now or later.  The statement
 * may have changed it since: it may refer to another one by now, for which the trigger
 * fires again, or be deleted itself, such as where the key of the row that is being
 * deleted changes, and ON UPDATE CASCADE comes before ON DELETE CASCADE.
 */
static void
doubt_reference(Relation rel, SkSoftLink *link, Datum *values)
{
	if (!sk_soft_reference_is_live(link, values) &&
		sk_soft_fk_execute_finds(link, SK_SOFT_OWN, values) &&
		!sk_soft_defer(rel, link, values, false))
		sk_soft_refusal_reference(rel, link, values);
}

static void
check_reference(Relation rel, SkSoftLink *link, TupleTableSlot *row)
{
	Datum		values[INDEX_MAX_KEYS];

	if (sk_soft_fk_execute_values(link, row, values))
		doubt_reference(rel, link, values);
}

/*
 * Nobody may refer to the row from here on, and who is about to is waited for.
 * UPDATE locks a row less than that.
 */
static void
lock_row(const Change *change)
{
	TupleTableSlot *slot = table_slot_create(change->rel, NULL);
	TM_FailureData tmfd;

	CommandCounterIncrement();	/* it was written by the current command */
	(void) table_tuple_lock(change->rel, &change->row->tts_tid, GetLatestSnapshot(),
							slot, GetCurrentCommandId(false), LockTupleExclusive,
							LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &tmfd);
	ExecDropSingleTupleTableSlot(slot);
}

static void
delete_child(const Change *change, SkSoftLink *link)
{
	Datum		values[INDEX_MAX_KEYS + 2];

	if (!sk_soft_fk_execute_values(link, change->row, values))
		return;
	values[link->nkeys] = change->new;
	if (link->can[SK_SOFT_FIND])
	{
		if (sk_soft_fk_execute_finds(link, SK_SOFT_FIND, values) &&
			(link->on_delete == FKCONSTR_ACTION_RESTRICT ||
			 !sk_soft_defer(change->rel, link, values, true)))
			sk_soft_refusal_deletion(change->rel, link, values);
	}
	else if (link->can[SK_SOFT_CASCADE])
	{
		sk_soft_batch_set_apart(link, change->row, change->old_row, change->new, NULL);
		sk_soft_fk_execute(link, SK_SOFT_CASCADE, values, 0);
		SPI_finish();
	}
}

static void
deleted(const Change *change)
{
	ListCell   *lc;

	if (change->soft->children != NIL)
		lock_row(change);
	foreach(lc, change->soft->children)
		delete_child(change, lfirst(lc));
}

/* May what a change of the row brings about come back to its table? */
static bool
is_in_cycle(const Change *change)
{
	ListCell   *lc;

	foreach(lc, change->soft->children)
	{
		if (((SkSoftLink *) lfirst(lc))->cyclic)
			return true;
	}
	return false;
}

/*
 * If the statement puts some rows of a batch into a second one, and some of that
 * into the first, the rows that refer to them in a cycle would follow both for ever.
 * So it goes one way: a row that gets a stamp that others have left goes on to theirs.
 */
static Datum
final_stamp(const Change *change)
{
	Timestamp	old = DatumGetTimestamp(change->old);
	Timestamp	new = DatumGetTimestamp(change->new);
	Timestamp	last = sk_soft_queue_last_stamp(new);
	Oid			relid = RelationGetRelid(change->rel);

	if (last == new)
		sk_soft_queue_add_stamps(old, new);
	else
		(void) sk_soft_fk_execute_stamp(relid, change->soft->column, relid,
										&change->row->tts_tid, &last);
	sk_soft_queue_again();		/* behind those that follow */
	return TimestampGetDatum(last);
}

static void
restamped(const Change *change)
{
	Datum		new = is_in_cycle(change) ? final_stamp(change) : change->new;
	ListCell   *lc;

	if (DatumGetTimestamp(new) == DatumGetTimestamp(change->old))
		return;					/* it goes back to where the others are */
	foreach(lc, change->soft->children)
	{
		SkSoftLink *link = lfirst(lc);
		Datum		values[INDEX_MAX_KEYS + 2];

		if (!link->can[SK_SOFT_RESTAMP] ||
			!sk_soft_fk_execute_values(link, change->row, values))
			continue;
		sk_soft_batch_set_apart(link, change->row, change->old_row, new,
								&change->old);
		values[link->nkeys] = change->old;
		values[link->nkeys + 1] = new;
		sk_soft_fk_execute(link, SK_SOFT_RESTAMP, values, 0);
		SPI_finish();
	}
}

/*
 * A row that comes back must refer to live ones; but one of those may be about to
 * come back with another row of the same statement.
 */
static void
check_restored(const Change *change, SkSoftLink *link)
{
	Datum		values[INDEX_MAX_KEYS];

	if (sk_soft_fk_execute_values(link, change->row, values) && !sk_soft_reference_is_live(link, values))
		sk_soft_queue_add(SK_SOFT_REFERENCE, change->rel, link, values);
}

static void
restored(const Change *change)
{
	ListCell   *lc;

	foreach(lc, change->soft->children)
	{
		SkSoftLink *link = lfirst(lc);
		Datum		values[INDEX_MAX_KEYS + 2];

		if (!link->can[SK_SOFT_RESTORE] ||
			!sk_soft_fk_execute_values(link, change->row, values))
			continue;
		values[link->nkeys] = change->old;
		sk_soft_parents_restore(link, values);
		if (link->cyclic)
			sk_soft_queue_add(SK_SOFT_CYCLE, change->rel, link, values);
	}
	foreach(lc, change->soft->parents)
		check_restored(change, lfirst(lc));
	sk_soft_queue_again();		/* behind what this row has brought along */
}


/*-------------------------------------------------------------------------
 * The triggers
 *-------------------------------------------------------------------------
 */

/*
 * schemakit.soft_delete() RETURNS trigger
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete);
Datum
schemakit_soft_delete(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_after_row(fcinfo, "soft_delete");
	Change		change = {
		.rel = trigdata->tg_relation,
		.row = trigdata->tg_newslot,
		.old_row = trigdata->tg_trigslot,
	};
	bool		was_live;
	bool		is_live;

	if (!TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		return PointerGetDatum(NULL);
	sk_soft_batch_note_actor();
	change.soft = sk_soft_relation_get(change.rel);
	if (change.soft->column != InvalidAttrNumber)
	{
		change.old = slot_getattr(trigdata->tg_trigslot, change.soft->column, &was_live);
		change.new = slot_getattr(trigdata->tg_newslot, change.soft->column, &is_live);
		if (was_live && !is_live)
			deleted(&change);
		else if (!was_live && is_live)
			restored(&change);
		else if (!was_live && DatumGetTimestamp(change.old) != DatumGetTimestamp(change.new))
			restamped(&change);
	}
	sk_soft_relation_release();
	return PointerGetDatum(NULL);
}

/* Has the statement changed the key? */
static bool
is_new_key(const SkSoftLink *link, const TriggerData *trigdata)
{
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		return true;
	for (int i = 0; i < link->nkeys; i++)
	{
		AttrNumber	attnum = link->attnums[i];
		bool		old_null;
		bool		new_null;
		Datum		old = slot_getattr(trigdata->tg_trigslot, attnum, &old_null);
		Datum		new = slot_getattr(trigdata->tg_newslot, attnum, &new_null);

		if (!sk_tuple_same_value(TupleDescAttr(tupdesc, attnum - 1),
								 old, old_null, new, new_null))
			return true;
	}
	return false;
}

static void
recheck_reference(const SkSoftDoubt *doubt)
{
	Relation	rel = table_open(doubt->relid, AccessShareLock);
	SkSoftRelation *soft = sk_soft_relation_get(rel);
	ListCell   *lc;

	foreach(lc, soft->parents)
	{
		SkSoftLink *link = lfirst(lc);

		if (sk_soft_queue_is_about(doubt, link))
			doubt_reference(rel, link, doubt->values);
	}
	sk_soft_relation_release();
	table_close(rel, NoLock);
}

/*
 * schemakit.internal_soft_delete_recheck() RETURNS trigger
 *
 * Rows whose parents keep each other deleted are dealt with one after the other;
 * what that brings about is waited for each time.  The references come last.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_soft_delete_recheck);
Datum
schemakit_internal_soft_delete_recheck(PG_FUNCTION_ARGS)
{
	List	   *cycles;
	ListCell   *lc;

	(void) sk_trigger_after_delete(fcinfo, "internal_soft_delete_recheck");
	sk_soft_queue_forget_stamps();
	cycles = sk_soft_queue_list(SK_SOFT_CYCLE);
	if (cycles != NIL && sk_soft_cycle_break(cycles))
	{
		sk_soft_queue_again();
		return PointerGetDatum(NULL);
	}
	foreach(lc, sk_soft_queue_list(SK_SOFT_REFERENCE))
		recheck_reference(lfirst(lc));
	sk_soft_queue_clear();
	return PointerGetDatum(NULL);
}

/*
 * schemakit.soft_delete_reference() RETURNS trigger
 *
 * A live row cannot refer to one that is deleted.
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_reference);
Datum
schemakit_soft_delete_reference(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_after_row(fcinfo, "soft_delete_reference");
	SkSoftRelation *soft = sk_soft_relation_get(trigdata->tg_relation);
	TupleTableSlot *row = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event)
		? trigdata->tg_trigslot : trigdata->tg_newslot;
	ListCell   *lc;

	if (soft->parents != NIL && !TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) &&
		slot_attisnull(row, soft->column))
	{
		foreach(lc, soft->parents)
		{
			if (is_new_key(lfirst(lc), trigdata))
				check_reference(trigdata->tg_relation, lfirst(lc), row);
		}
	}
	sk_soft_relation_release();
	return PointerGetDatum(NULL);
}
