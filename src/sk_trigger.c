/*-------------------------------------------------------------------------
 *
 * sk_trigger.c
 *	  The checks that every trigger function makes first: anybody may call a
 *	  function, or put it into a trigger it is not made for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_trigger.h"

/*
 * The data of a BEFORE ROW trigger for INSERT or UPDATE (one of the
 * TRIGGER_EVENT_* numbers), or an error.
 */
TriggerData *
sk_trigger_before_row(FunctionCallInfo fcinfo, const char *function,
					  TriggerEvent op)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						function),
				 errhint("Use it in CREATE TRIGGER.")));
	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		(trigdata->tg_event & TRIGGER_EVENT_OPMASK) != op)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired BEFORE %s ROW",
						function,
						op == TRIGGER_EVENT_UPDATE ? "UPDATE" : "INSERT"),
				 errhint("Drop trigger \"%s\" on table \"%s\" and create it as a BEFORE %s trigger FOR EACH ROW.",
						 trigdata->tg_trigger->tgname,
						 RelationGetRelationName(trigdata->tg_relation),
						 op == TRIGGER_EVENT_UPDATE ? "UPDATE" : "INSERT")));
	return trigdata;
}

/*
 * The data of an event trigger, or an error.
 */
EventTriggerData *
sk_trigger_event(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by event trigger manager",
						function),
				 errhint("CREATE EXTENSION schemakit makes the event triggers that use it.")));
	return (EventTriggerData *) fcinfo->context;
}
