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
#include "soft_delete/fk_execute.h"
#include "soft_delete/newest.h"
#include "soft_delete/queue.h"
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
 * Refusals
 *-------------------------------------------------------------------------
 */

/* May the user know what the key is?  As the server decides it. */
static bool
may_show_key(const SkSoftLink *link, Relation rel)
{
	Oid			relid = RelationGetRelid(rel);

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < link->nkeys; i++)
	{
		if (pg_attribute_aclcheck(relid, link->attnums[i], GetUserId(),
								  ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/* "Key (a, b)=(1, 2)", or "Key" */
static char *
describe_key(const SkSoftLink *link, Relation rel, const Datum *key)
{
	StringInfoData names;
	StringInfoData values;

	if (!may_show_key(link, rel))
		return "Key";
	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < link->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), link->attnums[i] - 1);
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(attr->atttypid, &output, &is_varlena);
		appendStringInfo(&names, "%s%s", i ? ", " : "", NameStr(attr->attname));
		appendStringInfo(&values, "%s%s", i ? ", " : "",
						 OidOutputFunctionCall(output, key[i]));
	}
	return psprintf("Key (%s)=(%s)", names.data, values.data);
}

static void
refuse_deletion(const Change *change, const SkSoftLink *link,
				const Datum *values)
{
	Relation	child = table_open(link->otherid, AccessShareLock);
	char	   *key = describe_key(link, change->rel, values);

	if (link->on_delete == FKCONSTR_ACTION_RESTRICT)
		ereport(ERROR,
				(errcode(SK_ERRCODE_RESTRICT),
				 errmsg(SK_RESTRICT_MESSAGE,
						RelationGetRelationName(change->rel), link->name,
						RelationGetRelationName(child)),
				 errdetail("%s is " SK_RESTRICT_DETAIL " from table \"%s\".",
						   key, RelationGetRelationName(child)),
				 errtableconstraint(child, link->name)));
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"",
					RelationGetRelationName(change->rel), link->name,
					RelationGetRelationName(child)),
			 errdetail("%s is still referenced from table \"%s\".",
					   key, RelationGetRelationName(child)),
			 errtableconstraint(child, link->name)));
}

static void
refuse_reference(Relation rel, const SkSoftLink *link, const Datum *values)
{
	char	   *parent = get_rel_name(link->otherid);

	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
					RelationGetRelationName(rel), link->name),
			 errdetail("%s is soft-deleted in table \"%s\".",
					   describe_key(link, rel, values), parent),
			 errhint("Restore the row in table \"%s\" first.", parent),
			 errtableconstraint(rel, link->name)));
}

/*
 * Keep the row that has the key from being deleted, after all who are about to have
 * ended.  False if there is none.
 */
static bool
hold_referenced(SkSoftLink *link, Datum *values)
{
	for (;;)
	{
		Oid			relid;
		ItemPointerData tid;
		bool		isnull;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		sk_soft_fk_execute(link, SK_SOFT_LOCK, values, 1);
		found = SPI_processed > 0;
		if (found)
		{
			HeapTuple	tuple = SPI_tuptable->vals[0];

			relid = DatumGetObjectId(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
			tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
		}
		SPI_finish();
		if (!found || sk_soft_newest_is_held(relid, &tid))
			return found;
	}
}

/* Is there a live row for the key, or none at all, which is not our business? */
static bool
refers_to_live(SkSoftLink *link, Datum *values)
{
	bool		live = true;
	bool		isnull;

	if (!hold_referenced(link, values))
		return true;
	sk_soft_fk_execute(link, SK_SOFT_CHECK, values, 1);
	if (SPI_processed > 0)
		live = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return live;
}

static void
check_reference(Relation rel, SkSoftLink *link, TupleTableSlot *row)
{
	Datum		values[INDEX_MAX_KEYS];

	if (sk_soft_fk_execute_values(link, row, values) && !refers_to_live(link, values))
		refuse_reference(rel, link, values);
}


/*-------------------------------------------------------------------------
 * Deletion and return
 *-------------------------------------------------------------------------
 */

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
	bool		found;

	if (!sk_soft_fk_execute_values(link, change->row, values))
		return;
	values[link->nkeys] = change->new;
	if (link->can[SK_SOFT_FIND])
	{
		sk_soft_fk_execute(link, SK_SOFT_FIND, values, 1);
		found = SPI_processed > 0;
		SPI_finish();
		if (found)
			refuse_deletion(change, link, values);
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

static void
restamped(const Change *change)
{
	ListCell   *lc;

	foreach(lc, change->soft->children)
	{
		SkSoftLink *link = lfirst(lc);
		Datum		values[INDEX_MAX_KEYS + 2];

		if (!link->can[SK_SOFT_RESTAMP] ||
			!sk_soft_fk_execute_values(link, change->row, values))
			continue;
		sk_soft_batch_set_apart(link, change->row, change->old_row, change->new,
								&change->old);
		values[link->nkeys] = change->old;
		values[link->nkeys + 1] = change->new;
		sk_soft_fk_execute(link, SK_SOFT_RESTAMP, values, 0);
		SPI_finish();
	}
}

/* Is there a row of the batch that is still deleted? */
static bool
has_skipped(SkSoftLink *link, Datum *values)
{
	bool		found;

	sk_soft_fk_execute(link, SK_SOFT_SKIPPED, values, 1);
	found = SPI_processed > 0;
	SPI_finish();
	return found;
}

/*
 * A row that comes back must refer to live ones; but one of those may be about to
 * come back with another row of the same statement.
 */
static void
check_restored(const Change *change, SkSoftLink *link)
{
	Datum		values[INDEX_MAX_KEYS];

	if (sk_soft_fk_execute_values(link, change->row, values) && !refers_to_live(link, values))
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
		sk_soft_fk_execute(link, SK_SOFT_RESTORE, values, 0);
		SPI_finish();
		if (link->cyclic && has_skipped(link, values))
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

		if (sk_soft_queue_is_about(doubt, link) &&
			!refers_to_live(link, doubt->values))
			refuse_reference(rel, link, doubt->values);
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
