/*-------------------------------------------------------------------------
 *
 * soft_delete/protect.c
 *	  Tables whose rows can only be soft-deleted: the triggers that refuse
 *	  DELETE and TRUNCATE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/protect.h"
#include "base/trigger.h"

#include "utils/rel.h"

bool		sk_soft_protect_off = false;

static void
refuse(const TriggerData *trigdata, const char *what)
{
	if (sk_soft_protect_off)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s table \"%s\", whose rows can only be soft-deleted",
					what, RelationGetRelationName(trigdata->tg_relation)),
			 errhint("Delete from its view of live rows, use schemakit.soft_delete_purge() to delete old rows permanently, or call schemakit.soft_delete_enable() with protect => false.")));
}

/*
 * schemakit.soft_delete_protect() RETURNS trigger
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_protect);
Datum
schemakit_soft_delete_protect(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before(fcinfo, SK_SOFT_PROTECT_FUNCTION);

	refuse(trigdata, "delete from");
	return PointerGetDatum(TRIGGER_FIRED_FOR_ROW(trigdata->tg_event)
						   ? trigdata->tg_trigtuple : NULL);
}

/*
 * schemakit.soft_delete_protect_truncate() RETURNS trigger
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_protect_truncate);
Datum
schemakit_soft_delete_protect_truncate(PG_FUNCTION_ARGS)
{
	refuse(sk_trigger_before_truncate(fcinfo, SK_SOFT_PROTECT_TRUNCATE), "truncate");
	return PointerGetDatum(NULL);
}
