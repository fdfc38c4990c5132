/*-------------------------------------------------------------------------
 *
 * audit/restore.c
 *	  schemakit.audit_restore(): rows put back as they were.
 *
 * What the rows were is known by audit_as_of(), and it is put back by one statement of
 * the caller's: with the caller's rights, under the policies and triggers of the table.
 * A caller who could become the table's owner does it as the owner, whose code is in those
 * triggers.
 * In one statement, foreign keys of the table to itself are checked when all rows are
 * back, whatever their order.  It deletes first, then updates, then inserts, so that a
 * unique value is free before another row takes it.
 *
 * A column of which the log does not tell what it was keeps its value, and in a row that
 * is inserted gets its default.  So does one that the database computes, and one that
 * timestamps maintain: to put a row back is a change, and whoever looks for changes by
 * that column is to find it.
 *
 * Nobody may change the rows between reading and writing: the row with the key is
 * locked, or the table against writers, and then the past is read with a new snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/as_of.h"
#include "audit/live.h"
#include "audit/spelling.h"
#include "base/arg.h"
#include "base/clause.h"
#include "base/compat.h"
#include "base/owner.h"
#include "base/spi.h"
#include "base/table.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

/* The rows that there were, for the statement */
#define WAS "schemakit_was"

#define MOST_COMPARED	500		/* columns, in one statement */

typedef struct Restore
{
	Oid			relid;
	TimestampTz at;
	const Jsonb *key;			/* NULL: all rows */
	bool		remove;
	int64		count;			/* rows that were changed */
	SkAuditPast past;
	ReturnSetInfo rsinfo;		/* the rows that there were */
	const char *table;			/* with ONLY, if need be */
	Bitmapset  *differ;			/* columns that are not what they were in some
								 * row: attribute number - 1 */

	/* parameters: the values of the key */
	char	   *condition;		/* " WHERE id = $1", or empty */
	int			nparams;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;
} Restore;

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


/*-------------------------------------------------------------------------
 * What there was
 *-------------------------------------------------------------------------
 */

/* Columns of the table by their places, as c1, and "unknown" */
static TupleDesc
make_descriptor(const SkAuditReader *reader)
{
	int			natts = reader->tupdesc->natts;
	TupleDesc	result = CreateTemplateTupleDesc(natts + 1);

	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, i);

		TupleDescInitEntry(result, i + 1, psprintf("c%d", i + 1),
						   attr->attisdropped ? INT4OID : attr->atttypid,
						   attr->attisdropped ? -1 : attr->atttypmod, 0);
		if (!attr->attisdropped)
			TupleDescInitEntryCollation(result, i + 1, attr->attcollation);
	}
	TupleDescInitEntry(result, natts + 1, "unknown", INT2ARRAYOID, -1, 0);
	TupleDescFinalize(result);
	return result;
}

/* The row that has the key now; its values become the parameters. */
static void
find_row(Restore *restore, SkAuditReader *reader)
{
	restore->condition = pstrdup("");
	if (restore->key == NULL)
		return;
	restore->nparams = reader->nkeys;
	restore->types = palloc(sizeof(Oid) * reader->nkeys);
	restore->values = palloc(sizeof(Datum) * reader->nkeys);
	restore->nulls = palloc0(reader->nkeys + 1);
	restore->condition = sk_audit_live_condition(reader,
												 sk_audit_reader_key(reader, restore->key),
												 restore->types, restore->values,
												 restore->nulls);
}

static uint64
execute(const Restore *restore, const char *sql, int expected)
{
	int			code = SPI_execute_with_args(sql, restore->nparams, restore->types,
											 restore->values, restore->nulls, false, 0);

	if (code != expected)
		elog(ERROR, "statement returned %s: %s", SPI_result_code_string(code), sql);
	return SPI_processed;
}

static void
find_table(Restore *restore)
{
	SkAuditReader *reader = sk_audit_reader_open(restore->relid);

	if (reader->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no key", reader->label),
				 errdetail("Rows are put back by their keys."),
				 errhint("Insert what is missing from schemakit.audit_as_of().")));
	restore->table = psprintf("%s%s", reader->partitioned ? "" : "ONLY ", reader->name);
	find_row(restore, reader);
}

/* Keep others from changing what is about to be changed. */
static void
lock_rows(Restore *restore)
{
	SPI_connect();
	if (restore->key == NULL)
	{
		if (SPI_execute(psprintf("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", restore->table),
						false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not lock table %s", restore->table);
	}
	else
		(void) execute(restore, psprintf("SELECT FROM %s%s FOR UPDATE", restore->table,
										 restore->condition), SPI_OK_SELECT);
	SPI_finish();
}

static void
read_past(Restore *restore)
{
	ReturnSetInfo *rsinfo = &restore->rsinfo;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	rsinfo->setResult = tuplestore_begin_heap(true, false, work_mem);
	rsinfo->setDesc = make_descriptor(sk_audit_reader_open(restore->relid));
	sk_audit_as_of_rows(&restore->past, restore->relid, restore->at, restore->key, rsinfo);
	PopActiveSnapshot();
}


/*-------------------------------------------------------------------------
 * The statement
 *-------------------------------------------------------------------------
 */

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
	(void) execute(restore, buf.data, SPI_OK_SELECT);
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
					 " AND (SELECT pg_catalog.count(*) FROM removed) OPERATOR(pg_catalog.>=) 0 RETURNING 1",
					 now.data, was.data);
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
	(void) execute(restore, query.data, SPI_OK_SELECT);
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

static char *
make_statement(const Restore *restore)
{
	StringInfoData buf;
	int			inserts;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "WITH removed AS (");
	append_delete(&buf, restore);
	appendStringInfoString(&buf, "), changed AS (");
	if (!bms_is_empty(restore->differ))
		append_update(&buf, restore);
	else
		appendStringInfoString(&buf, "SELECT WHERE false");
	appendStringInfoChar(&buf, ')');
	inserts = append_inserts(&buf, restore);
	appendStringInfoString(&buf, " SELECT (SELECT pg_catalog.count(*) FROM removed)"
						   " OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM changed)");
	for (int i = 0; i < inserts; i++)
		appendStringInfo(&buf, " OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM %s)",
						 psprintf("added_%d", i));
	return buf.data;
}

static EphemeralNamedRelation
make_relation(const Restore *restore)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	relation->md.name = pstrdup(WAS);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = restore->rsinfo.setDesc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = (double) tuplestore_tuple_count(restore->rsinfo.setResult);
	relation->reldata = restore->rsinfo.setResult;
	return relation;
}

static void
write_rows(Restore *restore)
{
	bool		isnull;

	SPI_connect();
	if (SPI_register_relation(make_relation(restore)) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register what there was");
	find_differences(restore);
	(void) execute(restore, make_statement(restore), SPI_OK_SELECT);
	restore->count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
												 &isnull));
	SPI_finish();
}

/* Do it as the owner, if the caller could become it. */
static void
as_owner(Restore *restore, Relation rel, void (*work) (Restore *))
{
	AclMode		needed = ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE;
	SkOwner		owner;

	sk_owner_begin(rel, needed, "put back", &owner);
	work(restore);
	sk_owner_end(&owner);
}

/*
 * schemakit.audit_restore(rel regclass, at timestamptz, key jsonb, remove boolean)
 *		RETURNS bigint
 */
PG_FUNCTION_INFO_V1(schemakit_audit_restore);
Datum
schemakit_audit_restore(PG_FUNCTION_ARGS)
{
	Restore		restore = {0};
	Relation	rel;

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 1, "at");
	sk_arg_reject_null(fcinfo, 3, "remove");
	restore.relid = PG_GETARG_OID(0);
	restore.at = PG_GETARG_TIMESTAMPTZ(1);
	restore.key = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	restore.remove = PG_GETARG_BOOL(3);
	PreventCommandIfReadOnly("audit_restore()");
	find_table(&restore);
	rel = table_open(restore.relid, AccessShareLock);
	as_owner(&restore, rel, lock_rows);
	read_past(&restore);
	as_owner(&restore, rel, write_rows);
	table_close(rel, NoLock);
	tuplestore_end(restore.rsinfo.setResult);
	PG_RETURN_INT64(restore.count);
}
