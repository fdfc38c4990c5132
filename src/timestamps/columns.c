/*-------------------------------------------------------------------------
 *
 * timestamps/columns.c
 *	  The columns created_at and updated_at of a table, by whatever names: which
 *	  ones it has, and those that it lacks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/columns.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/table.h"
#include "base/tuple.h"
#include "timestamps/obstacle.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * Why can the column not hold the time of a change?  NULL if it can.
 */
const char *
sk_columns_fault(TupleDesc tupdesc, const char *col)
{
	AttrNumber	attnum = sk_tuple_column(tupdesc, col);
	Form_pg_attribute attr;
	Oid			type;

	if (attnum == InvalidAttrNumber)
		return SK_COLUMN_GONE;
	attr = TupleDescAttr(tupdesc, attnum - 1);
	if (attr->attgenerated)
		return SK_COLUMN_GENERATED;
	type = getBaseType(attr->atttypid);
	if (type != DATEOID && type != TIMESTAMPOID && type != TIMESTAMPTZOID)
		return SK_COLUMN_TYPE;
	return NULL;
}

/*
 * The column to maintain: the given one, or the first of the setting's that
 * the table has and that can hold a time.  NULL if there is none.
 */
const char *
sk_columns_choose(TupleDesc tupdesc, const char *given)
{
	List	   *names;
	ListCell   *lc;

	names = given ? list_make1(pstrdup(given)) : sk_guc_timestamps_columns();
	foreach(lc, names)
	{
		if (sk_columns_fault(tupdesc, lfirst(lc)) == NULL)
			return lfirst(lc);
	}
	return NULL;
}

static bool
has_column(TupleDesc tupdesc, const char *col)
{
	return sk_tuple_column(tupdesc, col) != InvalidAttrNumber;
}

/* The name that goes with the one of the column for the last change. */
static const char *
created_name(const char *updated)
{
	static const char *const beginnings[] = {"updated", "modified"};

	for (size_t i = 0; i < lengthof(beginnings); i++)
	{
		size_t		len = strlen(beginnings[i]);

		if (strncmp(updated, beginnings[i], len) == 0)
			return psprintf("created%s", updated + len);
	}
	return "created_at";
}

/*
 * The column to maintain where the table may have none: the one that is there, or
 * else the name to give it: that goes with the time of creation that it has, or is
 * the first of the setting's.
 */
const char *
sk_columns_to_use(TupleDesc tupdesc, const char *given)
{
	const char *col = given ? given : sk_columns_choose(tupdesc, NULL);
	List	   *names = sk_guc_timestamps_columns();
	ListCell   *lc;

	if (col != NULL)
		return col;
	foreach(lc, names)
	{
		if (has_column(tupdesc, created_name(lfirst(lc))))
			return lfirst(lc);
	}
	return names != NIL ? linitial(names) : "updated_at";
}

/* Has it one of the columns, though it cannot hold a time? */
static bool
has_misfit(TupleDesc tupdesc)
{
	ListCell   *lc;

	foreach(lc, sk_guc_timestamps_columns())
	{
		if (has_column(tupdesc, lfirst(lc)))
			return true;
	}
	return false;
}

/*
 * Can a rule give the table, which lacks it, the column?
 */
bool
sk_columns_can_add(Relation rel, const char *given)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);

	return !OidIsValid(rel->rd_rel->reloftype) &&
		!has_column(tupdesc, sk_columns_to_use(tupdesc, given)) &&
		(given != NULL || !has_misfit(tupdesc));
}

/*
 * The statement that adds the time of creation and the column to maintain, as far
 * as the table does not have them; NULL if it has both.  The default is constant for
 * the statement, so no row is rewritten.
 */
char *
sk_columns_statement(Relation rel, const char *given)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	const char *updated = sk_columns_to_use(tupdesc, given);
	const char *const cols[] = {created_name(updated), updated};
	StringInfoData sql;
	int			added = 0;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s", sk_table_name(rel));
	for (size_t i = 0; i < lengthof(cols); i++)
	{
		if (has_column(tupdesc, cols[i]) ||
			(i > 0 && strcmp(cols[i], cols[0]) == 0))
			continue;
		appendStringInfo(&sql, "%s ADD COLUMN %s pg_catalog.timestamptz"
						 " NOT NULL DEFAULT pg_catalog.now()",
						 added++ ? "," : "", quote_identifier(cols[i]));
	}
	return added > 0 ? sql.data : NULL;
}

/*
 * As the server executes a user's ALTER TABLE, but that no event triggers run for
 * it: those that fire after ours see it among the commands of the statement.  All
 * names in it have their schemas.
 */
static void
alter_table(Oid relid, const char *sql)
{
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT));
	AlterTableStmt *stmt = castNode(AlterTableStmt, raw->stmt);
	LOCKMODE	lockmode = AlterTableGetLockLevel(stmt->cmds);
	PlannedStmt *planned = makeNode(PlannedStmt);
	AlterTableUtilityContext context = {
		.pstmt = planned,
		.queryString = sql,
		.relid = relid,
	};

	planned->commandType = CMD_UTILITY;
	planned->utilityStmt = (Node *) stmt;
	LockRelationOid(relid, lockmode);
	EventTriggerAlterTableStart((Node *) stmt);
	PG_TRY();
	{
		EventTriggerAlterTableRelid(relid);
		AlterTable(stmt, lockmode, &context);
	}
	PG_FINALLY();
	{
		EventTriggerAlterTableEnd();
	}
	PG_END_TRY();
	CommandCounterIncrement();
}

/*
 * Give a table what it lacks, as its owner.  One whose column is part of a key is
 * left as it is.
 */
void
sk_columns_add(Oid relid, const char *given)
{
	Relation	rel = relation_open(relid, NoLock);
	const char *col = sk_columns_choose(RelationGetDescr(rel), given);
	char	   *sql = NULL;

	if (col != NULL
		? sk_obstacle_find(rel, sk_tuple_column(RelationGetDescr(rel), col)) == NULL
		: sk_columns_can_add(rel, given))
		sql = sk_columns_statement(rel, given);
	if (OidIsValid(rel->rd_rel->reloftype))
		sql = NULL;
	relation_close(rel, NoLock);	/* ALTER TABLE wants it for itself */
	if (sql != NULL)
		alter_table(relid, sql);
}
