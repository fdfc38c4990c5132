/*-------------------------------------------------------------------------
 *
 * soft_delete/purge.c
 *	  Permanent deletion of rows that were soft-deleted long ago.
 *
 * A row is kept as long as another one needs it: one that references it under
 * RESTRICT or NO ACTION, or one that ON DELETE CASCADE would delete although it
 * is live, or has not been deleted for long enough, or is needed itself.  Rows
 * that reference each other in a cycle are kept, too.  The server performs SET
 * NULL and SET DEFAULT, since this is a real DELETE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arg.h"
#include "base/spi.h"
#include "base/table.h"
#include "soft_delete/fk_query.h"
#include "soft_delete/protect.h"
#include "soft_delete/relation.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

static void append_needed(StringInfo sql, Relation rel, const char *alias,
						  List *path);

/* "Deleted before $1" */
static char *
is_due(const char *alias, Relation rel, AttrNumber column)
{
	return psprintf("%s OPERATOR(pg_catalog.<) CAST($1 AS %s)",
					sk_soft_fk_query_column(alias, rel, column),
					format_type_be(TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid));
}

static void
append_join(StringInfo sql, const SkForeignKey *key, Relation rel,
			const char *alias, Relation child, const char *child_alias)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		appendStringInfoString(sql, i > 0 ? " AND " : "");
		generate_operator_clause(sql, sk_soft_fk_query_column(alias, rel, key->confkey[i]),
								 get_atttype(key->referenced, key->confkey[i]),
								 key->operators[i],
								 sk_soft_fk_query_column(child_alias, child, key->conkey[i]),
								 get_atttype(key->referencing, key->conkey[i]));
	}
}

/*
 * " OR EXISTS (...)": a row that refers to it and keeps it.  Where the path of
 * cascades comes back to a table, any row does.
 */
static void
append_keeper(StringInfo sql, const SkForeignKey *key, Relation rel,
			  const char *alias, List *path)
{
	Relation	child = table_open(key->referencing, AccessShareLock);
	AttrNumber	column = sk_soft_relation_column(child);
	char	   *child_alias = psprintf("x%d", list_length(path));

	appendStringInfo(sql, " OR EXISTS (SELECT FROM %s WHERE ",
					 sk_soft_fk_query_from(child, child_alias));
	append_join(sql, key, rel, alias, child, child_alias);
	if (key->on_delete == FKCONSTR_ACTION_CASCADE &&
		column != InvalidAttrNumber && !list_member_oid(path, key->referencing))
	{
		appendStringInfo(sql, " AND (%s IS NULL OR NOT %s",
						 sk_soft_fk_query_column(child_alias, child, column),
						 is_due(child_alias, child, column));
		append_needed(sql, child, child_alias, lappend_oid(list_copy(path), key->referencing));
		appendStringInfoChar(sql, ')');
	}
	appendStringInfoChar(sql, ')');
	table_close(child, AccessShareLock);
}

static void
append_needed(StringInfo sql, Relation rel, const char *alias, List *path)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, sk_soft_relation_referring(rel))
	{
		const SkForeignKey *key = lfirst(lc);

		if (key->on_delete != FKCONSTR_ACTION_SETNULL &&
			key->on_delete != FKCONSTR_ACTION_SETDEFAULT)
			append_keeper(sql, key, rel, alias, path);
	}
}

/* "d.a = doomed.a AND ..." for the primary key, or with an alias only "x.a, ..." */
static char *
primary_key(Relation rel, const char *alias)
{
	Relation	index = index_open(sk_table_primary_key(rel), AccessShareLock);
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];
		Oid			type = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid;
		Oid			op = get_opfamily_member(index->rd_opfamily[i],
											 index->rd_opcintype[i],
											 index->rd_opcintype[i],
											 BTEqualStrategyNumber);

		if (alias != NULL)
			appendStringInfo(&sql, "%s%s", i ? ", " : "", sk_soft_fk_query_column(alias, rel, attnum));
		else
		{
			appendStringInfoString(&sql, i ? " AND " : "");
			generate_operator_clause(&sql, sk_soft_fk_query_column("d", rel, attnum), type, op,
									 sk_soft_fk_query_column("doomed", rel, attnum), type);
		}
	}
	index_close(index, AccessShareLock);
	return sql.data;
}

static char *
purge_statement(Relation rel, AttrNumber column)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "WITH doomed AS MATERIALIZED (SELECT %s FROM %s WHERE %s AND NOT (false",
					 primary_key(rel, "x0"), sk_soft_fk_query_from(rel, "x0"),
					 is_due("x0", rel, column));
	append_needed(&sql, rel, "x0", list_make1_oid(RelationGetRelid(rel)));
	appendStringInfo(&sql, ") ORDER BY %s LIMIT $2 FOR UPDATE OF x0 SKIP LOCKED)"
					 " DELETE FROM %s USING doomed WHERE %s AND %s",
					 sk_soft_fk_query_column("x0", rel, column), sk_soft_fk_query_from(rel, "AS d"),
					 primary_key(rel, NULL), is_due("d", rel, column));
	return sql.data;
}

/* Rows that others kept may be free once those are gone. */
static int64
purge(const char *sql, TimestampTz before, int64 max_rows)
{
	static const Oid types[] = {TIMESTAMPTZOID, INT8OID};
	int64		total = 0;
	uint64		deleted;

	do
	{
		Datum		values[] = {TimestampTzGetDatum(before), Int64GetDatum(max_rows - total)};

		CHECK_FOR_INTERRUPTS();
		deleted = sk_spi_execute(sql, lengthof(types), types, values,
								 SPI_OK_DELETE, NULL);
		total += deleted;
	} while (deleted > 0 && total < max_rows);
	return total;
}

static TimestampTz
cutoff(const Interval *older_than)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
												   TimestampTzGetDatum(GetCurrentTimestamp()),
												   IntervalPGetDatum(older_than)));
}

static void
require_soft_delete(Relation rel, AttrNumber column)
{
	sk_table_refuse_view(rel);
	if (column == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("soft delete is not enabled on table \"%s\"",
						RelationGetRelationName(rel)),
				 errhint("Call schemakit.soft_delete_enable().")));
	if (!OidIsValid(sk_table_primary_key(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errhint("Add a primary key.")));
}

/*
 * schemakit.soft_delete_purge(rel regclass, older_than interval,
 *							   max_rows bigint, force boolean) RETURNS bigint
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_purge);
Datum
schemakit_soft_delete_purge(PG_FUNCTION_ARGS)
{
	int64		max_rows;
	TimestampTz before;
	Relation	rel;
	AttrNumber	column;
	char	   *sql;
	volatile int64 purged = 0;

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 1, "older_than");
	sk_arg_reject_null(fcinfo, 2, "max_rows");
	sk_arg_reject_null(fcinfo, 3, "force");
	before = cutoff(sk_arg_retention(fcinfo, 1, "older_than", PG_GETARG_BOOL(3)));
	max_rows = PG_GETARG_INT64(2);
	if (max_rows <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive", "max_rows"),
				 errhint("It is the maximum number of rows to delete.")));
	PreventCommandIfReadOnly("soft_delete_purge()");

	rel = relation_open(PG_GETARG_OID(0), AccessShareLock);
	column = rel->rd_rel->relkind == RELKIND_RELATION ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
		? sk_soft_relation_column(rel) : InvalidAttrNumber;
	require_soft_delete(rel, column);
	sql = purge_statement(rel, column);
	relation_close(rel, NoLock);
	sk_soft_protect_off = true;
	PG_TRY();
	{
		purged = purge(sql, before, max_rows);
	}
	PG_FINALLY();
	{
		sk_soft_protect_off = false;
	}
	PG_END_TRY();
	PG_RETURN_INT64(purged);
}
