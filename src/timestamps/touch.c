/*-------------------------------------------------------------------------
 *
 * timestamps/touch.c
 *	  schemakit.touch(): the trigger that keeps the time of a row's last
 *	  change.
 *
 * CREATE TRIGGER ... BEFORE UPDATE ON table FOR EACH ROW
 *		EXECUTE FUNCTION schemakit.touch('column' [, 'always'])
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
 *	 step there is.  It never goes back.  A column that is coarser than
 *	 microseconds may keep its value through several changes within one of its
 *	 steps.
 *
 * It never fails an UPDATE for a column that is gone or cannot hold a time:
 * the row passes unchanged, and status() shows the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/trigger.h"
#include "base/tuple.h"

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
#include "utils/typcache.h"

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
	Oid			domain;			/* if it has constraints */
	void	   *domain_extra;
} TouchTarget;

static void
check_args(const Trigger *trigger)
{
	if (trigger->tgnargs < 1 || trigger->tgnargs > 2)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" takes one or two arguments", "touch"),
				 errhint("Name the column, and 'always' as the second argument to overwrite a time that the statement sets.")));
	if (trigger->tgnargs == 2 && strcmp(trigger->tgargs[1], "always") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized mode \"%s\" for function \"%s\"",
						trigger->tgargs[1], "touch"),
				 errhint("The second argument may only be 'always'.")));
}

static TouchTarget *
make_target(MemoryContext context, TupleDesc tupdesc, const Trigger *trigger)
{
	TouchTarget *target = MemoryContextAllocZero(context, sizeof(TouchTarget));
	AttrNumber	attnum;
	Form_pg_attribute attr;

	check_args(trigger);
	target->always = trigger->tgnargs == 2;
	attnum = sk_tuple_column(tupdesc, trigger->tgargs[0]);
	if (attnum == InvalidAttrNumber)
		return target;

	attr = TupleDescAttr(tupdesc, attnum - 1);
	target->typmod = attr->atttypmod;
	target->type = getBaseTypeAndTypmod(attr->atttypid, &target->typmod);
	if (target->type != attr->atttypid && DomainHasConstraints(attr->atttypid, NULL))
		target->domain = attr->atttypid;
	if (!attr->attgenerated &&
		(target->type == DATEOID ||
		 target->type == TIMESTAMPOID ||
		 target->type == TIMESTAMPTZOID))
		target->attnum = attnum;
	return target;
}

static TouchTarget *
get_target(FmgrInfo *flinfo, TriggerData *trigdata)
{
	if (flinfo->fn_extra == NULL)
		flinfo->fn_extra = make_target(flinfo->fn_mcxt,
									   RelationGetDescr(trigdata->tg_relation),
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

/*
 * A point in time as a value of the column's type, rounded to its precision.
 * Times without zone are those of the session's TimeZone, as with now().
 */
static Datum
time_as_type(TimestampTz time, const TouchTarget *target)
{
	Datum		value = TimestampTzGetDatum(time);
	Datum		typmod = Int32GetDatum(target->typmod);

	switch (target->type)
	{
		case DATEOID:
			return DirectFunctionCall1(timestamptz_date, value);
		case TIMESTAMPOID:
			value = DirectFunctionCall1(timestamptz_timestamp, value);
			if (target->typmod >= 0)
				value = DirectFunctionCall2(timestamp_scale, value, typmod);
			return value;
		default:
			if (target->typmod >= 0)
				value = DirectFunctionCall2(timestamptz_scale, value, typmod);
			return value;
	}
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
	if (OidIsValid(target->domain))
		domain_check(stamp, false, target->domain, &target->domain_extra,
					 fcinfo->flinfo->fn_mcxt);
	if (!can_overwrite(trigdata, target->attnum))
		return PointerGetDatum(rebuild_with_stamp(trigdata, target->attnum,
												  stamp));
	overwrite_stamp(trigdata, target->attnum, stamp);
	return PointerGetDatum(trigdata->tg_newtuple);
}
