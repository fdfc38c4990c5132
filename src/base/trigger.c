/*-------------------------------------------------------------------------
 *
 * base/trigger.c
 *	  The checks that every trigger function makes first: anybody may call a
 *	  function, or put it into a trigger it is not made for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/trigger.h"
#include "base/doing.h"

#include "tcop/cmdtag.h"
#include "utils/rel.h"

static TriggerData *
called_as_trigger(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						function),
				 errhint("Use it in CREATE TRIGGER.")));
	return (TriggerData *) fcinfo->context;
}

/* The trigger was made for something that the function is not made for. */
static void
refuse_trigger(const TriggerData *trigdata, const char *function,
			   const char *timing, const char *level)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"%s\" must be fired %s %s",
					function, timing, level),
			 errhint("Drop trigger \"%s\" on table \"%s\" and create it %s, FOR EACH %s.",
					 trigdata->tg_trigger->tgname,
					 RelationGetRelationName(trigdata->tg_relation),
					 timing, level)));
}

/*
 * The data of a BEFORE ROW trigger for INSERT or UPDATE (one of the
 * TRIGGER_EVENT_* numbers), or an error.
 */
TriggerData *
sk_trigger_before_row(FunctionCallInfo fcinfo, const char *function,
					  TriggerEvent op)
{
	TriggerData *trigdata = called_as_trigger(fcinfo, function);

	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		(trigdata->tg_event & TRIGGER_EVENT_OPMASK) != op)
		refuse_trigger(trigdata, function,
					   op == TRIGGER_EVENT_UPDATE ? "BEFORE UPDATE"
					   : "BEFORE INSERT", "ROW");
	return trigdata;
}

/*
 * The data of a BEFORE trigger of any kind, or an error.
 */
TriggerData *
sk_trigger_before(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigdata = called_as_trigger(fcinfo, function);

	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event))
		refuse_trigger(trigdata, function, "BEFORE",
					   TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ? "ROW"
					   : "STATEMENT");
	return trigdata;
}

/*
 * The data of an AFTER ROW trigger, or an error.
 */
TriggerData *
sk_trigger_after_row(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigdata = called_as_trigger(fcinfo, function);

	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		refuse_trigger(trigdata, function, "AFTER", "ROW");
	return trigdata;
}

/*
 * The data of an AFTER DELETE trigger for statements, or an error.
 */
TriggerData *
sk_trigger_after_delete(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigdata = called_as_trigger(fcinfo, function);

	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		refuse_trigger(trigdata, function, "AFTER DELETE", "STATEMENT");
	return trigdata;
}

/*
 * The data of an AFTER INSERT trigger for statements, or an error.
 */
TriggerData *
sk_trigger_after_insert(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigdata = called_as_trigger(fcinfo, function);

	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		refuse_trigger(trigdata, function, "AFTER INSERT", "STATEMENT");
	return trigdata;
}

/*
 * The data of an INSTEAD OF DELETE trigger, or an error.
 */
TriggerData *
sk_trigger_instead_of_delete(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigdata = called_as_trigger(fcinfo, function);

	if (!TRIGGER_FIRED_INSTEAD(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		refuse_trigger(trigdata, function, "INSTEAD OF DELETE", "ROW");
	return trigdata;
}

/*
 * The data of a BEFORE TRUNCATE trigger, or an error.
 */
TriggerData *
sk_trigger_before_truncate(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigdata = called_as_trigger(fcinfo, function);

	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		refuse_trigger(trigdata, function, "BEFORE TRUNCATE", "STATEMENT");
	return trigdata;
}

/*
 * The data of an event trigger, or an error.
 */
EventTriggerData *
sk_trigger_event(FunctionCallInfo fcinfo, const char *function)
{
	EventTriggerData *data;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by event trigger manager",
						function),
				 errhint("CREATE EXTENSION schemakit makes the event triggers that use it.")));
	data = (EventTriggerData *) fcinfo->context;
	sk_doing_begin(GetCommandTagName(data->tag));
	return data;
}
