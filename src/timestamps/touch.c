/*-------------------------------------------------------------------------
 *
 * timestamps/touch.c
 *	  schemakit.touch(): the trigger that keeps the time of a row's last
 *	  change.
 *
 * CREATE TRIGGER ... BEFORE UPDATE ON table FOR EACH ROW
 *		EXECUTE FUNCTION schemakit.touch('column' [, 'always'] [, 'key'])
 *
 * The rules, for a column of type date, timestamp or timestamptz, or a domain
 * over one of them:
 *
 * - A row in which nothing else changes keeps its time.
 * - A time that the statement itself changed is kept, or with 'always'
 *	 overwritten.  What counts is the value: programs that write all columns
 *	 back write the old time with them.
 * - The time is that of the transaction.  Where that would not be later than
 *	 the old value, it is the clock's; where even that is not later, because
 *	 the row has a time in the future, the old value moves on by the smallest
 *	 step there is.  It never goes back.
 * - A column that is coarser than microseconds gets the time without what it has
 *	 no room for, as programs do that send such times: were it rounded up, theirs
 *	 would set it back.  It may keep its value through several changes within one
 *	 of its steps.
 *
 * It never fails an UPDATE for a column that is gone or cannot hold a time, or
 * one that is part of a key, unless the last argument says 'key': the row passes
 * unchanged, and status() shows the table.  So does a row that would not be
 * accepted with its new time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/touch.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/trigger.h"
#include "base/tuple.h"
#include "timestamps/checked_view.h"
#include "timestamps/known.h"
#include "timestamps/route.h"
#include "timestamps/trial.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/*
 * What one trigger does, found out once per query and table: the trigger's
 * FmgrInfo, which keeps it, belongs to the query's executor state, and the
 * table cannot be altered while that is using it.
 */
typedef struct TouchTarget
{
	AttrNumber	attnum;			/* 0 if there is nothing to maintain */
	bool		always;
	Oid			type;			/* DATEOID, TIMESTAMPOID or TIMESTAMPTZOID */
	int32		typmod;
	MemoryContext context;		/* in which all of this is */
	bool		has_key;		/* maintained also where it is part of a key */
	bool		has_trial;		/* the rest is made for the first new time */
	SkTrial    *trial;
	SkRoute    *route;
	bool		is_unclear;		/* no trial can tell */
} TouchTarget;

/*
 * What the trigger's arguments say.  Returns the first one that means nothing, or
 * NULL.
 */
const char *
sk_touch_read_args(const Trigger *trigger, SkTouchArgs *args)
{
	args->col = trigger->tgnargs > 0 ? trigger->tgargs[0] : "";
	args->always = args->key = false;
	for (int i = 1; i < trigger->tgnargs; i++)
	{
		if (strcmp(trigger->tgargs[i], "always") == 0)
			args->always = true;
		else if (strcmp(trigger->tgargs[i], "key") == 0)
			args->key = true;
		else
			return trigger->tgargs[i];
	}
	return NULL;
}

static void
read_args(const Trigger *trigger, SkTouchArgs *args)
{
	const char *unknown = sk_touch_read_args(trigger, args);

	if (trigger->tgnargs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" takes one to three arguments", "touch"),
				 errhint("Name the column; then write 'always' to overwrite a time that the statement sets, and 'key' to set it also where it is part of a key.")));
	if (unknown != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized mode \"%s\" for function \"%s\"",
						unknown, "touch"),
				 errhint("After the column there may be only 'always' and 'key'.")));
}

static bool
can_hold_time(Form_pg_attribute attr, Oid type)
{
	return !attr->attgenerated &&
		(type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID);
}

static TouchTarget *
make_target(MemoryContext context, Relation rel, const Trigger *trigger)
{
	TouchTarget *target = MemoryContextAllocZero(context, sizeof(TouchTarget));
	SkTouchArgs args;
	AttrNumber	attnum;
	Form_pg_attribute attr;

	read_args(trigger, &args);
	target->context = context;
	target->always = args.always;
	target->has_key = args.key;
	attnum = sk_tuple_column(RelationGetDescr(rel), args.col);
	if (attnum == InvalidAttrNumber)
		return target;

	attr = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	target->typmod = attr->atttypmod;
	target->type = getBaseTypeAndTypmod(attr->atttypid, &target->typmod);
	if (can_hold_time(attr, target->type) &&
		(args.key || !sk_known_column(rel, attnum)->has_obstacle))
		target->attnum = attnum;
	return target;
}

static TouchTarget *
get_target(FmgrInfo *flinfo, TriggerData *trigdata)
{
	if (flinfo->fn_extra == NULL)
		flinfo->fn_extra = make_target(flinfo->fn_mcxt,
									   trigdata->tg_relation,
									   trigdata->tg_trigger);
	return flinfo->fn_extra;
}

static bool
value_changed(TupleDesc tupdesc, AttrNumber attnum,
			  TupleTableSlot *old, TupleTableSlot *new)
{
	int			i = attnum - 1;

	return !sk_tuple_same_value(TupleDescAttr(tupdesc, i),
								old->tts_values[i], old->tts_isnull[i],
								new->tts_values[i], new->tts_isnull[i]);
}

/*
 * Does any column but the given one change?  Generated columns follow from
 * the others, and are not computed yet when a BEFORE trigger fires.
 */
static bool
row_changed(TupleDesc tupdesc, AttrNumber except,
			TupleTableSlot *old, TupleTableSlot *new)
{
	for (AttrNumber attnum = 1; attnum <= tupdesc->natts; attnum++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, attnum - 1);

		if (attnum != except && !attr->attisdropped && !attr->attgenerated &&
			value_changed(tupdesc, attnum, old, new))
			return true;
	}
	return false;
}

/* Drop what a column of that precision has no room for. */
static Timestamp
truncate_to_precision(Timestamp time, int32 typmod)
{
	static const int64 steps[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
	int64		rest;

	if (typmod < 0 || typmod >= MAX_TIMESTAMP_PRECISION)
		return time;
	rest = time % steps[typmod];
	return time - (rest < 0 ? rest + steps[typmod] : rest);
}

/*
 * A point in time as a value of the column's type, without what that has no room
 * for.  Times without zone are those of the session's TimeZone, as with now().
 */
static Datum
time_as_type(TimestampTz time, const TouchTarget *target)
{
	Datum		value = TimestampTzGetDatum(time);

	if (target->type == DATEOID)
		return DirectFunctionCall1(timestamptz_date, value);
	if (target->type == TIMESTAMPOID)
		value = DirectFunctionCall1(timestamptz_timestamp, value);
	return TimestampGetDatum(truncate_to_precision(DatumGetTimestamp(value),
												   target->typmod));
}

static bool
is_later(Datum a, Datum b, const TouchTarget *target)
{
	if (target->type == DATEOID)
		return DatumGetDateADT(a) > DatumGetDateADT(b);
	return DatumGetTimestamp(a) > DatumGetTimestamp(b);
}

/* The next value after "old", or "old" where there is no small step to it. */
static Datum
next_value(Datum old, const TouchTarget *target)
{
	bool		exact = target->typmod < 0 || target->typmod == MAX_TIMESTAMP_PRECISION;

	if (target->type == DATEOID || !exact ||
		TIMESTAMP_NOT_FINITE(DatumGetTimestamp(old)) ||
		!IS_VALID_TIMESTAMP(DatumGetTimestamp(old) + 1))
		return old;
	return TimestampGetDatum(DatumGetTimestamp(old) + 1);
}

static Datum
new_stamp(Datum old, bool old_isnull, const TouchTarget *target)
{
	Datum		stamp = time_as_type(GetCurrentTransactionStartTimestamp(),
									 target);

	if (old_isnull || is_later(stamp, old, target))
		return stamp;
	stamp = time_as_type(GetCurrentTimestamp(), target);
	if (is_later(stamp, old, target))
		return stamp;
	return next_value(old, target);
}

/*
 * Through which views the query goes is known for this query only, from its locks.  Most
 * tables have none that matters.
 */
static void
prepare_trial(TouchTarget *target, Relation rel)
{
	List	   *views = list_copy(sk_known_column(rel, target->attnum)->views);
	List	   *conditions;

	conditions = sk_checked_view_conditions(rel, views, &target->is_unclear);
	target->trial = sk_trial_make(target->context, rel, target->attnum,
								  sk_known_column(rel, target->attnum)->tests, conditions);
	target->route = sk_route_make(target->context, rel, target->attnum, target->has_key);
	target->has_trial = true;
}

/* Does the row keep its time, since it would not be accepted with the new one? */
static bool
is_refused(TouchTarget *target, TriggerData *trigdata, Datum stamp)
{
	TupleTableSlot *new = trigdata->tg_newslot;

	if (!target->has_trial)
		prepare_trial(target, trigdata->tg_relation);
	return target->is_unclear ||
		(target->trial != NULL && !sk_trial_passes(target->trial, new, stamp)) ||
		(target->route != NULL &&
		 !sk_route_accepts(target->route, trigdata->tg_trigslot, new, stamp));
}

/*
 * Where a heap tuple keeps a column, which is there and not null.
 */
static char *
locate_value(HeapTuple tuple, TupleDesc tupdesc, AttrNumber attnum)
{
	HeapTupleHeader header = tuple->t_data;
	bool		has_nulls = HeapTupleHasNulls(tuple);
	char	   *data = (char *) header + header->t_hoff;
	uint32		off = 0;

	for (int i = 0;; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (has_nulls && att_isnull(i, header->t_bits))
			continue;
		off = att_align_pointer(off, attr->attalign, attr->attlen, data + off);
		if (i == attnum - 1)
			return data + off;
		off = att_addlength_pointer(off, attr->attlen, data + off);
	}
}

/*
 * May the new row be changed where it is?  The executor materializes the row
 * for its BEFORE triggers.  In a heap slot the tuple they are given is the one
 * that the slot owns, and its array of values is read from that; in a virtual
 * slot the array is all, and the tuple a copy.  Of other slots we know
 * nothing; and a value that is null, or that the tuple does not have because it
 * is older than its column, has no room there.
 */
static bool
can_overwrite(TriggerData *trigdata, AttrNumber attnum)
{
	TupleTableSlot *slot = trigdata->tg_newslot;

	return (TTS_IS_BUFFERTUPLE(slot) || TTS_IS_HEAPTUPLE(slot) ||
			TTS_IS_VIRTUAL(slot)) &&
		!slot->tts_isnull[attnum - 1] &&
		TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1)->attbyval &&
		HeapTupleHeaderGetNatts(trigdata->tg_newtuple->t_data) >= attnum;
}

/*
 * Put the stamp over the old one, in the tuple and in the slot's array, so
 * that they agree whichever is read.  To build a new row would cost as
 * much as all the rest of this function.
 */
static void
overwrite_stamp(TriggerData *trigdata, AttrNumber attnum, Datum stamp)
{
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);
	char	   *value = locate_value(trigdata->tg_newtuple, tupdesc, attnum);

	Assert(trigdata->tg_newtuple->t_data != trigdata->tg_trigtuple->t_data);
	store_att_byval(value, stamp, TupleDescAttr(tupdesc, attnum - 1)->attlen);
	trigdata->tg_newslot->tts_values[attnum - 1] = stamp;
}

static HeapTuple
rebuild_with_stamp(TriggerData *trigdata, AttrNumber attnum, Datum stamp)
{
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);
	bool		isnull = false;
	int			column = attnum;

	return heap_modify_tuple_by_cols(trigdata->tg_newtuple, tupdesc, 1,
									 &column, &stamp, &isnull);
}

/*
 * schemakit.touch() RETURNS trigger
 */
PG_FUNCTION_INFO_V1(schemakit_touch);
Datum
schemakit_touch(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before_row(fcinfo, "touch",
												  TRIGGER_EVENT_UPDATE);
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;
	TouchTarget *target = get_target(fcinfo->flinfo, trigdata);
	bool		set_by_statement;
	Datum		stamp;

	if (!sk_guc_timestamps_touch || target->attnum == 0)
		return PointerGetDatum(trigdata->tg_newtuple);

	slot_getallattrs(old);
	slot_getallattrs(new);
	set_by_statement = value_changed(tupdesc, target->attnum, old, new);
	if (set_by_statement
		? !target->always
		: !row_changed(tupdesc, target->attnum, old, new))
		return PointerGetDatum(trigdata->tg_newtuple);

	stamp = new_stamp(old->tts_values[target->attnum - 1],
					  old->tts_isnull[target->attnum - 1], target);
	if (is_refused(target, trigdata, stamp))
		return PointerGetDatum(trigdata->tg_newtuple);
	if (!can_overwrite(trigdata, target->attnum))
		return PointerGetDatum(rebuild_with_stamp(trigdata, target->attnum,
												  stamp));
	overwrite_stamp(trigdata, target->attnum, stamp);
	return PointerGetDatum(trigdata->tg_newtuple);
}
