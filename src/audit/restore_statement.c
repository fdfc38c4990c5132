/*-------------------------------------------------------------------------
 *
 * audit/restore_statement.c
 *	  The statement that puts rows back as they were.
 *
 * In one statement, foreign keys of the table to itself are checked when all rows are
 * back, whatever their order.  It deletes first, then updates, then inserts, so that a
 * unique value is free before another row takes it.  Rows that have taken such values
 * from each other are deleted and inserted (collide.c).
 *
 * A column of which the log does not tell what it was keeps its value, and in a row that
 * is inserted gets its default.  So does one that the database computes, and one that
 * timestamps maintain: to put a row back is a change, and whoever looks for changes by
 * that column is to find it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/restore_statement.h"
#include "audit/collide.h"
#include "audit/live.h"
#include "audit/spelling.h"
#include "base/clause.h"
#include "base/compat.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#define WAS SK_AUDIT_RESTORE_WAS

#define MOST_COMPARED	500		/* columns, in one statement */

typedef SkAuditRestore Restore;

static const SkAuditReader *
reader_of(const Restore *restore)
{
	return restore->past.reader;
}

static Form_pg_attribute
column_of(const Restore *restore, int i)
{
	return TupleDescAttr(reader_of(restore)->tupdesc, i);
}

static const char *
name_of(const Restore *restore, int i)
{
	return quote_identifier(NameStr(column_of(restore, i)->attname));
}


/*
 * Run a statement with the values of the key, if there is one; how many rows?
 */
uint64
sk_audit_restore_statement_execute(const Restore *restore, const char *sql, int expected)
{
	int			code = SPI_execute_with_args(sql, restore->nparams, restore->types,
											 restore->values, restore->nulls, false, 0);

	if (code != expected)
		elog(ERROR, "statement returned %s: %s", SPI_result_code_string(code), sql);
	return SPI_processed;
}

static bool
is_maintained(const Restore *restore, int i)
{
	ListCell   *lc;

	foreach(lc, reader_of(restore)->current->columns)
	{
		const SkAuditShapeColumn *column = lfirst(lc);

		if (column->attnum == i + 1)
			return column->maintained;
	}
	return false;
}

/* May a statement set the column when it inserts a row? */
static bool
is_inserted(const Restore *restore, int i)
{
	return !column_of(restore, i)->attisdropped && column_of(restore, i)->attgenerated == '\0';
}

static bool
is_key(const Restore *restore, int i)
{
	for (int k = 0; k < reader_of(restore)->nkeys; k++)
	{
		if (reader_of(restore)->keys[k] == i + 1)
			return true;
	}
	return false;
}

/*
 * May it set the column when it updates a row?  A column of the key is the same, but
 * may have been written in another way.
 */
static bool
may_be_updated(const Restore *restore, int i)
{
	return is_inserted(restore, i) && restore->past.shown[i] && !is_maintained(restore, i) &&
		column_of(restore, i)->attidentity != ATTRIBUTE_IDENTITY_ALWAYS &&
		!(is_key(restore, i) && sk_audit_spelling_is_one(reader_of(restore), i + 1));
}

/* That row "n" of the table has the key of row "w" */
static void
append_same_key(StringInfo buf, const Restore *restore)
{
	const SkAuditReader *reader = reader_of(restore);

	for (int k = 0; k < reader->nkeys; k++)
	{
		int			i = reader->keys[k] - 1;
		Form_pg_attribute attr = column_of(restore, i);
		char	   *now = psprintf("n.%s", name_of(restore, i));
		char	   *was = psprintf("w.c%d", i + 1);

		appendStringInfoString(buf, k > 0 ? " AND " : "");
		appendStringInfoString(buf, attr->attnotnull ? "" : "(");
		sk_clause_append(buf, now, attr->atttypid,
						 sk_audit_live_equality(getBaseType(attr->atttypid)),
						 was, attr->atttypid);
		if (!attr->attnotnull)
			appendStringInfo(buf, " OR %s IS NULL AND %s IS NULL)", now, was);
	}
}

/* What column the was, or is, if that is not told */
static char *
former_value(const Restore *restore, int i)
{
	if (!bms_is_member(i, restore->past.ever_unknown))
		return psprintf("w.c%d", i + 1);
	return psprintf("CASE WHEN w.unknown OPERATOR(pg_catalog.@>) '{%d}'::pg_catalog.int2[]"
					" THEN n.%s ELSE w.c%d END", i + 1, name_of(restore, i), i + 1);
}

/* Which of these columns are not what they were in some row? */
static void
compare_columns(Restore *restore, const int *columns, int count)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int c = 0; c < count; c++)
		appendStringInfo(&buf, "%s pg_catalog.bool_or(ROW(n.%s)::pg_catalog.record OPERATOR(pg_catalog.*<>)"
						 " ROW(%s)::pg_catalog.record)", c > 0 ? "," : "SELECT",
						 name_of(restore, columns[c]), former_value(restore, columns[c]));
	appendStringInfo(&buf, " FROM %s AS n, " WAS " AS w WHERE ", restore->table);
	append_same_key(&buf, restore);
	(void) sk_audit_restore_statement_execute(restore, buf.data, SPI_OK_SELECT);
	for (int c = 0; c < count; c++)
	{
		bool		isnull;
		Datum		differs = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
											c + 1, &isnull);

		if (!isnull && DatumGetBool(differs))
			restore->differ = bms_add_member(restore->differ, columns[c]);
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Which columns are to be set: others cause no triggers to fire, and need no privilege.
 * What is joined has those of both sides, of which a row can have 1664.
 */
static void
find_differences(Restore *restore)
{
	int			columns[MOST_COMPARED];
	int			count = 0;

	for (int i = 0; i < reader_of(restore)->tupdesc->natts; i++)
	{
		if (!may_be_updated(restore, i))
			continue;
		columns[count++] = i;
		if (count < MOST_COMPARED)
			continue;
		compare_columns(restore, columns, count);
		count = 0;
	}
	if (count > 0)
		compare_columns(restore, columns, count);
}

/*
 * Are there rows that cannot be updated, since others hold values that they are to get?
 * A single row is alone: whoever holds them keeps them.
 */
static void
find_collisions(Restore *restore)
{
	int			natts = reader_of(restore)->tupdesc->natts;
	char	  **former = palloc(sizeof(char *) * Max(natts, 1));
	StringInfoData buf;

	if (restore->key != NULL || bms_is_empty(restore->differ))
		return;
	for (int i = 0; i < natts; i++)
		former[i] = may_be_updated(restore, i) ? former_value(restore, i)
			: psprintf("n.%s", name_of(restore, i));
	restore->collides = sk_audit_collide_condition(reader_of(restore), restore->table,
												   restore->differ, former);
	if (restore->collides == NULL)
		return;
	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT FROM %s AS n, " WAS " AS w WHERE %s AND ", restore->table,
					 restore->collides);
	append_same_key(&buf, restore);
	appendStringInfoString(&buf, " LIMIT 1");
	if (sk_audit_restore_statement_execute(restore, buf.data, SPI_OK_SELECT) == 0 ||
		!sk_audit_collide_is_deletable(restore->relid))
		restore->collides = NULL;
}

static void
append_delete(StringInfo buf, const Restore *restore)
{
	if (!restore->remove)
	{
		appendStringInfoString(buf, "SELECT WHERE false");
		return;
	}
	appendStringInfo(buf, "DELETE FROM %s AS n%s NOT EXISTS (SELECT FROM " WAS " AS w WHERE ",
					 restore->table,
					 *restore->condition ? psprintf("%s AND", restore->condition) : " WHERE");
	append_same_key(buf, restore);
	appendStringInfoString(buf, ") RETURNING 1");
}

static void
append_update(StringInfo buf, const Restore *restore)
{
	StringInfoData now;
	StringInfoData was;

	initStringInfo(&now);
	initStringInfo(&was);
	appendStringInfo(buf, "UPDATE %s AS n SET ", restore->table);
	for (int i = 0; i < reader_of(restore)->tupdesc->natts; i++)
	{
		const char *comma = now.len > 0 ? ", " : "";

		if (!bms_is_member(i, restore->differ))
			continue;
		appendStringInfo(buf, "%s%s = %s", comma, name_of(restore, i), former_value(restore, i));
		appendStringInfo(&now, "%sn.%s", comma, name_of(restore, i));
		appendStringInfo(&was, "%s%s", comma, former_value(restore, i));
	}
	appendStringInfoString(buf, " FROM " WAS " AS w WHERE ");
	append_same_key(buf, restore);
	appendStringInfo(buf, " AND ROW(%s)::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(%s)::pg_catalog.record"
					 " AND (SELECT pg_catalog.count(*) FROM removed) OPERATOR(pg_catalog.>=) 0",
					 now.data, was.data);
	if (restore->collides != NULL)
		appendStringInfo(buf, " AND NOT %s", restore->collides);
	appendStringInfoString(buf, " RETURNING 1");
}

/* The value that an inserted row gets, or NULL: its default */
static char *
inserted_value(const Restore *restore, int i, const bool *unknown)
{
	Form_pg_attribute attr = column_of(restore, i);

	if (!is_inserted(restore, i) || (is_maintained(restore, i) && attr->atthasdef))
		return NULL;
	if (is_maintained(restore, i))
		return psprintf("pg_catalog.now()::%s",
						format_type_extended(attr->atttypid, attr->atttypmod,
											 FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	return unknown[i] ? NULL : psprintf("w.c%d", i + 1);
}

/* Rows that are taken out until the others are what they were, and put in again */
static void
append_collisions(StringInfo buf, const Restore *restore)
{
	StringInfoData values;

	initStringInfo(&values);
	appendStringInfo(buf, ", taken AS (DELETE FROM %s AS n USING " WAS " AS w WHERE %s AND ",
					 restore->table, restore->collides);
	append_same_key(buf, restore);
	appendStringInfo(buf, " RETURNING n.*), put AS (INSERT INTO %s (", reader_of(restore)->name);
	for (int i = 0; i < reader_of(restore)->tupdesc->natts; i++)
	{
		const char *comma = values.len > 0 ? ", " : "";
		char	   *value;

		if (!is_inserted(restore, i))
			continue;
		value = is_maintained(restore, i) ? inserted_value(restore, i, NULL)
			: may_be_updated(restore, i) ? former_value(restore, i)
			: psprintf("n.%s", name_of(restore, i));
		if (value == NULL)
			continue;
		appendStringInfo(buf, "%s%s", comma, name_of(restore, i));
		appendStringInfo(&values, "%s%s", comma, value);
	}
	/* all are out before the first is put in */
	appendStringInfo(buf, ") OVERRIDING SYSTEM VALUE SELECT %s FROM taken AS n, " WAS " AS w WHERE "
					 "(SELECT pg_catalog.count(*) FROM taken) OPERATOR(pg_catalog.>=) 0 AND (SELECT pg_catalog.count(*) FROM changed) OPERATOR(pg_catalog.>=) 0 AND ",
					 values.data);
	append_same_key(buf, restore);
	appendStringInfoString(buf, " RETURNING 1)");
}

/* Rows that are missing, and of which these columns are not told */
static void
append_insert(StringInfo buf, const Restore *restore, const char *numbers,
			  const bool *unknown)
{
	StringInfoData values;

	initStringInfo(&values);
	appendStringInfo(buf, "INSERT INTO %s (", reader_of(restore)->name);
	for (int i = 0; i < reader_of(restore)->tupdesc->natts; i++)
	{
		char	   *value = inserted_value(restore, i, unknown);
		const char *comma = values.len > 0 ? ", " : "";

		if (value == NULL)
			continue;
		appendStringInfo(buf, "%s%s", comma, name_of(restore, i));
		appendStringInfo(&values, "%s%s", comma, value);
	}
	appendStringInfo(buf, ") OVERRIDING SYSTEM VALUE SELECT %s FROM " WAS " AS w"
					 " WHERE w.unknown OPERATOR(pg_catalog.=) '%s'::pg_catalog.int2[]"
					 " AND (SELECT pg_catalog.count(*) FROM %s) OPERATOR(pg_catalog.>=) 0"
					 " AND NOT EXISTS (SELECT FROM %s AS n WHERE ",
					 values.data, numbers,
					 restore->collides != NULL ? "put" :
					 bms_is_empty(restore->differ) ? "removed" : "changed", restore->table);
	append_same_key(buf, restore);
	appendStringInfoString(buf, ") RETURNING 1");
}

/* "{3,4}" as true for columns 3 and 4 */
static bool *
read_numbers(const Restore *restore, ArrayType *array)
{
	bool	   *unknown = palloc0(sizeof(bool) * Max(reader_of(restore)->tupdesc->natts, 1));
	Datum	   *numbers;
	int			count;

	deconstruct_array(array, INT2OID, 2, true, TYPALIGN_SHORT, &numbers, NULL, &count);
	for (int i = 0; i < count; i++)
		unknown[DatumGetInt16(numbers[i]) - 1] = true;
	return unknown;
}

/*
 * An INSERT for each set of columns that are not told in rows that are missing; how many
 * there are
 */
static int
append_inserts(StringInfo buf, const Restore *restore)
{
	StringInfoData query;
	int			count;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT DISTINCT w.unknown, w.unknown::pg_catalog.text FROM " WAS " AS w"
					 " WHERE NOT EXISTS (SELECT FROM %s AS n WHERE ", restore->table);
	append_same_key(&query, restore);
	appendStringInfoChar(&query, ')');
	(void) sk_audit_restore_statement_execute(restore, query.data, SPI_OK_SELECT);
	count = (int) SPI_processed;
	for (int i = 0; i < count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		bool		isnull;
		Datum		array = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull);
		char	   *numbers = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 2);

		appendStringInfo(buf, ", added_%d AS (", i);
		append_insert(buf, restore, numbers, read_numbers(restore, DatumGetArrayTypeP(array)));
		appendStringInfoChar(buf, ')');
	}
	return count;
}

/*
 * A rule would do something else than put rows back; the server has most of them not in a
 * statement of several commands, and does not say which.
 */
static void
check_rules(const Restore *restore, CmdType command, const char *name)
{
	if (!sk_audit_collide_has_rule(restore->relid, command))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot put back rows of table \"%s\", which has a rule on %s",
					reader_of(restore)->label, name),
			 errhint("Disable the rule with ALTER TABLE ... DISABLE RULE meanwhile, or read the rows from schemakit.audit_as_of().")));
}

/*
 * Look for what is to be done, and make the statement.
 */
char *
sk_audit_restore_statement_make(Restore *restore)
{
	StringInfoData buf;
	int			inserts;

	find_differences(restore);
	find_collisions(restore);
	initStringInfo(&buf);
	appendStringInfoString(&buf, "WITH removed AS (");
	append_delete(&buf, restore);
	appendStringInfoString(&buf, "), changed AS (");
	if (!bms_is_empty(restore->differ))
		append_update(&buf, restore);
	else
		appendStringInfoString(&buf, "SELECT WHERE false");
	appendStringInfoChar(&buf, ')');
	if (restore->collides != NULL)
		append_collisions(&buf, restore);
	inserts = append_inserts(&buf, restore);
	if (restore->remove)
		check_rules(restore, CMD_DELETE, "DELETE");
	if (!bms_is_empty(restore->differ))
		check_rules(restore, CMD_UPDATE, "UPDATE");
	if (inserts > 0)
		check_rules(restore, CMD_INSERT, "INSERT");
	appendStringInfoString(&buf, " SELECT (SELECT pg_catalog.count(*) FROM removed)"
						   " OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM changed)");
	if (restore->collides != NULL)
		appendStringInfoString(&buf, " OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM put)");
	for (int i = 0; i < inserts; i++)
		appendStringInfo(&buf, " OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM %s)",
						 psprintf("added_%d", i));
	return buf.data;
}
