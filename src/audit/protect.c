/*-------------------------------------------------------------------------
 *
 * audit/protect.c
 *	  The audit log is only added to: schemakit.audit_protect().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/protect.h"
#include "base/guc.h"
#include "base/trigger.h"

#include "utils/rel.h"

bool		sk_audit_protect_off = false;

/*
 * schemakit.audit_protect() RETURNS trigger
 *
 * BEFORE UPDATE, DELETE or TRUNCATE on the log's tables.
 */
PG_FUNCTION_INFO_V1(schemakit_audit_protect);
Datum
schemakit_audit_protect(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before(fcinfo, "audit_protect");

	if (!sk_guc_audit_writable && !sk_audit_protect_off)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot change the audit log"),
				 errdetail("Table \"%s\" is only added to.",
						   RelationGetRelationName(trigdata->tg_relation)),
				 errhint("schemakit.audit_maintain() removes what is older than its retention.  A superuser may turn schemakit.audit_writable on.")));
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event)
						   ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}
