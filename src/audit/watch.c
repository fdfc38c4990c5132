/*-------------------------------------------------------------------------
 *
 * audit/watch.c
 *	  Is the audit log protected?  What status() tells of triggers that are to
 *	  refuse changes and do not, and of indexes that its partitions lack.
 *
 * What is locked by somebody else is left out: it is being changed just now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/watch.h"
#include "attach/attach.h"
#include "attach/feature.h"
#include "audit/closed.h"
#include "audit/log.h"
#include "audit/partition.h"
#include "base/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "rewrite/rewriteDefine.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define NOT_PROTECTED		"log not protected"
#define NOT_INDEXED			"log not indexed"

/* audit_maintain() has had the time, if it is run at all. */
#define INDEXED_WITHIN		(7 * USECS_PER_DAY)

#define PROTECT_FUNCTION	"internal_audit_protect"

static List *
add_trouble(List *troubles, Oid relid, const char *state, char *detail)
{
	SkOwnTrouble *trouble = palloc(sizeof(SkOwnTrouble));

	trouble->relid = relid;
	trouble->state = state;
	trouble->detail = detail;
	return lappend(troubles, trouble);
}

/* The commands that the table's triggers refuse, in all sessions */
static int
refused(Relation rel)
{
	Oid			function = sk_attach_function(PROTECT_FUNCTION);
	const TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);
	int			events = 0;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		int			type = trigger->tgtype;

		if (trigger->tgfoid != function || trigger->tgqual != NULL ||
			trigger->tgenabled != TRIGGER_FIRES_ALWAYS ||
			!TRIGGER_FOR_BEFORE(type) || trigger->tgnattr > 0)
			continue;
		events |= type & (TRIGGER_FOR_ROW(type)
						  ? TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE
						  : TRIGGER_TYPE_INSERT | TRIGGER_TYPE_TRUNCATE);
	}
	return events;
}

/*
 * A trigger or rule of others that may change events, or keep them from being written,
 * or from being removed; NULL if there is none.  What comes after that sees them only.
 */
static char *
find_meddler(Relation rel)
{
	const TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_BEFORE(trigger->tgtype) && TRIGGER_FOR_ROW(trigger->tgtype) &&
			trigger->tgenabled != TRIGGER_DISABLED && !sk_attach_is_trigger(trigger->tgoid))
			return psprintf("trigger %s may change events, or leave them out", trigger->tgname);
	}
	for (int i = 0; rel->rd_rules != NULL && i < rel->rd_rules->numLocks; i++)
	{
		const RewriteRule *rule = rel->rd_rules->rules[i];

		if (rule->isInstead && rule->enabled != RULE_DISABLED)
			return pstrdup("a rule does something else in place of commands");
	}
	return NULL;
}

static List *
watch_table(List *troubles, Oid relid)
{
	static const struct
	{
		int			event;
		const char *name;
	}			commands[] = {
		{TRIGGER_TYPE_INSERT, "INSERT"},
		{TRIGGER_TYPE_UPDATE, "UPDATE"},
		{TRIGGER_TYPE_DELETE, "DELETE"},
		{TRIGGER_TYPE_TRUNCATE, "TRUNCATE"},
	};
	Relation	rel;
	int			events;
	char	   *missing = NULL;
	char	   *meddler;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return troubles;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		return troubles;
	events = refused(rel);
	meddler = find_meddler(rel);
	relation_close(rel, AccessShareLock);
	for (size_t i = 0; i < lengthof(commands); i++)
	{
		if ((events & commands[i].event) == 0)
			missing = psprintf("%s%s%s", missing ? missing : "",
							   missing ? ", " : "", commands[i].name);
	}
	if (missing != NULL)
		troubles = add_trouble(troubles, relid, NOT_PROTECTED,
							   psprintf("no trigger refuses %s", missing));
	if (meddler != NULL)
		troubles = add_trouble(troubles, relid, NOT_PROTECTED, meddler);
	return troubles;
}

/* Ours are enabled, and the one that refuses commands is in all sessions. */
static List *
watch_event_triggers(List *troubles)
{
	Relation	rel = table_open(EventTriggerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	bool		found = false;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_event_trigger form = (Form_pg_event_trigger) GETSTRUCT(tuple);

		if (form->evtfoid != sk_attach_function("internal_on_ddl_command_start"))
			continue;
		found = true;
		if (form->evtenabled != TRIGGER_FIRES_ALWAYS)
			troubles = add_trouble(troubles, InvalidOid, NOT_PROTECTED,
								   psprintf("event trigger %s is not ENABLE ALWAYS",
											NameStr(form->evtname)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found ? troubles
		: add_trouble(troubles, InvalidOid, NOT_PROTECTED,
					  pstrdup("the event trigger at the start of commands is missing"));
}

/*
 * Partitions that have lost indexes, or whose time is over and that searches have to read
 * as a whole
 */
static List *
watch_indexes(List *troubles)
{
	TimestampTz before = GetCurrentTransactionStartTimestamp() - INDEXED_WITHIN;
	ListCell   *lc;

	if (!ConditionalLockRelationOid(sk_audit_log_relid("audit_event"), AccessShareLock))
		return troubles;
	foreach(lc, sk_audit_partition_leaves())
	{
		const SkAuditLeaf *leaf = lfirst(lc);
		char	   *trouble;

		if (!sk_audit_partition_is_month(leaf->relid))
			continue;
		trouble = sk_audit_closed_trouble(leaf->relid, leaf->until <= before);
		if (trouble != NULL)
			troubles = add_trouble(troubles, leaf->relid, NOT_INDEXED, trouble);
	}
	return troubles;
}

/*
 * Everything that is to refuse changes of the log and does not.
 */
List *
sk_audit_watch_troubles(void)
{
	static const char *const names[] = {
		"audit_event", "audit_shape", "audit_origin", "audit_secret",
		"audit_retention", "audit_marks", "audit_reader", "audit_holds",
		"audit_retained", "audit_committed"
	};
	List	   *troubles = watch_event_triggers(NIL);

	for (size_t i = 0; i < lengthof(names); i++)
	{
		ListCell   *lc;

		foreach(lc, find_all_inheritors(sk_audit_log_relid(names[i]), NoLock, NULL))
			troubles = watch_table(troubles, lfirst_oid(lc));
	}
	return watch_indexes(troubles);
}
