/*-------------------------------------------------------------------------
 *
 * audit/collide.c
 *	  Rows that audit_restore() puts back and that hold unique values of each other.
 *
 * Two rows that have exchanged their values cannot get them back one after the other:
 * a unique index that is not deferrable is checked for each row.  Nor can a row whose
 * former value another one has taken, unless that is updated first.  So such a row is
 * taken out, and put in again when the others are what they were.  The server checks
 * what refers to it when the statement is over and it is back; but ON DELETE actions
 * would be carried out when it is taken out, and triggers would believe that it is gone,
 * so where there are any it is updated, which fails if the values collide.
 *
 * Indexes on expressions, and exclusion constraints, are not looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/collide.h"
#include "attach/attach.h"
#include "audit/trigger.h"
#include "base/clause.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteDefine.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

/* Is it a unique index that is checked for each row, of columns one of which is to be set? */
static bool
is_in_the_way(Relation index, const Bitmapset *differ)
{
	Form_pg_index form = index->rd_index;
	bool		differs = false;

	if (!form->indisunique || !form->indimmediate || !form->indisvalid ||
		form->indisexclusion)
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		int			attnum = form->indkey.values[i];

		if (attnum <= 0)
			return false;
		differs |= bms_is_member(attnum - 1, differ);
	}
	return differs;
}

/* That row "o" has the values that row "n" is to get */
static void
append_index(StringInfo buf, const SkAuditReader *reader, Relation index, char *const *former)
{
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, index->rd_index->indkey.values[i] - 1);
		Oid			type = index->rd_opcintype[i];
		Oid			equality = get_opfamily_member(index->rd_opfamily[i], type, type,
												   BTEqualStrategyNumber);

		appendStringInfoString(buf, " AND ");
		sk_clause_append(buf, psprintf("o.%s", quote_identifier(NameStr(attr->attname))),
						 attr->atttypid, equality,
						 former[attr->attnum - 1], attr->atttypid);
	}
}

/*
 * The condition, on row "n" of the table and what it was, that another row has values
 * that it is to get; NULL if no column that differs is in a unique index.
 */
char *
sk_audit_collide_condition(const SkAuditReader *reader, const char *table,
						   const Bitmapset *differ, char *const *former)
{
	Relation	rel = relation_open(reader->relid, AccessShareLock);
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (is_in_the_way(index, differ))
		{
			appendStringInfo(&buf, "%s EXISTS (SELECT FROM %s AS o WHERE NOT (o.tableoid OPERATOR(pg_catalog.=) n.tableoid"
							 " AND o.ctid OPERATOR(pg_catalog.=) n.ctid)",
							 buf.len > 0 ? " OR" : "(", table);
			append_index(&buf, reader, index, former);
			appendStringInfoChar(&buf, ')');
		}
		index_close(index, AccessShareLock);
	}
	relation_close(rel, AccessShareLock);
	if (buf.len == 0)
		return NULL;
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/*
 * Does the trigger do something when a row is deleted, other than to record it or to see
 * in the end that nothing refers to it?  An action of a foreign key does, which may refer
 * to a partition alone.
 */
static bool
acts_on_delete(const Trigger *trigger)
{
	if (trigger->tgfoid == F_RI_FKEY_NOACTION_DEL ||
		trigger->tgfoid == sk_attach_function(SK_AUDIT_FUNCTION))
		return false;
	return TRIGGER_FOR_DELETE(trigger->tgtype) && trigger->tgenabled != TRIGGER_DISABLED;
}

static bool
is_deletable(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	const TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);
	bool		result = true;

	for (int i = 0; triggers && result && i < triggers->numtriggers; i++)
		result = !acts_on_delete(&triggers->triggers[i]);
	table_close(rel, NoLock);
	return result;
}

/*
 * Has the table a rule that does something in addition to such a command, or instead of it?
 */
bool
sk_audit_collide_has_rule(Oid relid, CmdType command)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		is_replica = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
	bool		result = false;

	for (int i = 0; rel->rd_rules != NULL && i < rel->rd_rules->numLocks; i++)
	{
		const RewriteRule *rule = rel->rd_rules->rules[i];

		result |= rule->event == command && rule->enabled != RULE_DISABLED &&
			rule->enabled != (is_replica ? RULE_FIRES_ON_ORIGIN : RULE_FIRES_ON_REPLICA);
	}
	table_close(rel, NoLock);
	return result;
}

/*
 * May a row be taken out and put in again, and nothing else is done?
 */
bool
sk_audit_collide_is_deletable(Oid relid)
{
	ListCell   *lc;

	if (sk_audit_collide_has_rule(relid, CMD_DELETE) || sk_audit_collide_has_rule(relid, CMD_INSERT))
		return false;
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		if (!is_deletable(lfirst_oid(lc)))
			return false;
	}
	return true;
}
