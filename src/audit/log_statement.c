/*-------------------------------------------------------------------------
 *
 * audit/log_statement.c
 *	  Rows put into the log by INSERT, as the owner of the log: where a DBA has put
 *	  a trigger, a rule or a policy on it, which want to see a statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/log_statement.h"
#include "base/rights.h"
#include "schemakit.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

bool		sk_audit_log_statement_running = false;

/* INSERT INTO schemakit.table (a, b) VALUES ($1, $2), of the table's first columns */
static char *
insert_statement(Relation table, int natts, Oid *types)
{
	StringInfoData columns;
	StringInfoData params;

	initStringInfo(&columns);
	initStringInfo(&params);
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(table), i);

		types[i] = attr->atttypid;
		appendStringInfo(&columns, "%s%s", i ? ", " : "",
						 quote_identifier(NameStr(attr->attname)));
		appendStringInfo(&params, "%s$%d", i ? ", " : "", i + 1);
	}
	return psprintf("INSERT INTO %s.%s (%s) VALUES (%s)", SK_SCHEMA,
					RelationGetRelationName(table), columns.data, params.data);
}

/*
 * A trigger that is deferred would run when the transaction is committed, and
 * then with the writer's settings.  SPI is connected.
 */
static void
fire_at_once(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	const TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgdeferrable && TRIGGER_FOR_INSERT(trigger->tgtype))
			SPI_execute(psprintf("SET CONSTRAINTS %s.%s IMMEDIATE", SK_SCHEMA,
								 quote_identifier(get_constraint_name(trigger->tgconstraint))),
						false, 0);
	}
	table_close(rel, NoLock);
}

/*
 * A transaction may be set to be read-only when it has changed rows already, of which
 * its commit tells.
 */
static void
execute(const char *sql, Oid owner, Oid leaf, int natts, Oid *types, Datum *values,
		const char *markers)
{
	SkRights	saved;
	bool		running = sk_audit_log_statement_running;
	bool		read_only = XactReadOnly;

	sk_rights_assume(owner, &saved);
	sk_audit_log_statement_running = true;
	XactReadOnly = false;
	PG_TRY();
	{
		SPI_connect();
		fire_at_once(leaf);
		(void) SPI_execute_with_args(sql, natts, types, values, markers, false, 0);
		SPI_finish();
	}
	PG_FINALLY();
	{
		sk_audit_log_statement_running = running;
		XactReadOnly = read_only;
	}
	PG_END_TRY();
	sk_rights_restore(&saved);
}

/*
 * Put a row of "natts" columns into a table of the log, which goes to the partition
 * "leaf", or nowhere if that is invalid.  Both are locked.  "owner" is the log's.
 */
void
sk_audit_log_statement_insert(Oid owner, Oid tableid, Oid leaf, int natts,
							  Datum *values, bool *nulls)
{
	Relation	table = table_open(tableid, NoLock);
	Oid		   *types = palloc(sizeof(Oid) * natts);
	char	   *markers = palloc(natts + 1);
	char	   *sql = insert_statement(table, natts, types);

	table_close(table, NoLock);
	for (int i = 0; i < natts; i++)
		markers[i] = nulls[i] ? 'n' : ' ';
	markers[natts] = '\0';
	execute(sql, owner, OidIsValid(leaf) ? leaf : tableid, natts, types, values, markers);
}
