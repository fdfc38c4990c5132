/*-------------------------------------------------------------------------
 *
 * audit/protect.c
 *	  The audit log is only added to: schemakit.internal_audit_protect(), and no
 *	  DROP EXTENSION by mistake.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/protect.h"
#include "audit/log.h"
#include "base/guc.h"
#include "base/restore.h"
#include "base/trigger.h"

#include "utils/rel.h"

bool		sk_audit_protect_off = false;

/*
 * schemakit.internal_audit_protect() RETURNS trigger
 *
 * BEFORE UPDATE, DELETE or TRUNCATE on the log's tables.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_audit_protect);
Datum
schemakit_internal_audit_protect(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before(fcinfo, "internal_audit_protect");

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

/*
 * The extension is about to be dropped, and the log with it.  pg_restore --clean
 * does that before it loads the log.
 */
void
sk_audit_protect_uninstall(void)
{
	if (sk_guc_audit_writable || sk_restore_is_running() ||
		sk_audit_log_as_owner("SELECT FROM schemakit.audit_event LIMIT 1") == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop extension schemakit because the audit log has events"),
			 errdetail("Dropping the extension drops the audit log."),
			 errhint("To drop the audit log too, run \"SET schemakit.audit_writable = on\" first.")));
}
