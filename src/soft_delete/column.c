/*-------------------------------------------------------------------------
 *
 * soft_delete/column.c
 *	  The column that tells when a row was deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/column.h"
#include "attach/attach.h"
#include "base/guc.h"
#include "base/spi.h"
#include "base/table.h"
#include "base/tuple.h"
#include "soft_delete/relation.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

bool
sk_soft_column_is_type(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID;
}

bool
sk_soft_column_can_hold(Form_pg_attribute attr)
{
	return !attr->attgenerated && !attr->attnotnull &&
		sk_soft_column_is_type(attr->atttypid);
}

Form_pg_attribute
sk_soft_column_find(Relation rel, const char *col)
{
	AttrNumber	attnum = sk_tuple_column(RelationGetDescr(rel), col);

	return attnum == InvalidAttrNumber ? NULL
		: TupleDescAttr(RelationGetDescr(rel), attnum - 1);
}

static void
check_column(Relation rel, const char *col)
{
	Form_pg_attribute attr = sk_soft_column_find(rel, col);

	if (attr == NULL || sk_soft_column_can_hold(attr))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of relation \"%s\" cannot hold the time of a deletion",
					col, RelationGetRelationName(rel)),
			 errdetail(attr->attgenerated ? "It is a generated column."
					   : attr->attnotnull ? "It is NOT NULL, but must be null in live rows."
					   : "Its type is %s.", format_type_be(attr->atttypid)),
			 errhint("Choose a column of type timestamptz or timestamp without NOT NULL, or the name of a new column.")));
}

static void
check_table(Relation rel)
{
	if (rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partition", RelationGetRelationName(rel)),
				 errhint("Name the partitioned table instead.")));
	if (!OidIsValid(sk_table_primary_key(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errdetail("DELETE from a view of live rows finds rows by their primary key."),
				 errhint("Add a primary key.")));
}

/*
 * The column that suits: the given one, or the first of the setting's that the table
 * has and that can hold the time of a deletion.  NULL if there is none.
 */
const char *
sk_soft_column_choose(Relation rel, const char *given)
{
	List	   *names = given ? list_make1(pstrdup(given)) : sk_guc_soft_delete_columns();
	ListCell   *lc;

	foreach(lc, names)
	{
		Form_pg_attribute attr = sk_soft_column_find(rel, lfirst(lc));

		if (attr != NULL && sk_soft_column_can_hold(attr))
			return lfirst(lc);
	}
	return NULL;
}

/*
 * The column to use where a user names none: the one that is in use, or that suits,
 * or else one of the setting's that the table has, which does not, or a new one.
 */
static const char *
default_column(Relation rel)
{
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(SK_SOFT_FUNCTION));
	const char *col = trigger != NULL && trigger->tgnargs > 0
		? trigger->tgargs[0] : sk_soft_column_choose(rel, NULL);
	List	   *names = sk_guc_soft_delete_columns();
	ListCell   *lc;

	if (col != NULL)
		return col;
	foreach(lc, names)
	{
		if (sk_soft_column_find(rel, lfirst(lc)) != NULL)
			return lfirst(lc);
	}
	return names != NIL ? linitial(names) : "deleted_at";
}

/*
 * Add the column, or the one that is used by default, unless the table has it.
 * Returns its name.
 */
const char *
sk_soft_column_ensure(Oid relid, const char *given)
{
	Relation	rel = sk_table_open(relid, ShareRowExclusiveLock);
	const char *col = given ? given : default_column(rel);
	bool		missing = sk_soft_column_find(rel, col) == NULL;
	char	   *sql = psprintf("ALTER TABLE %s ADD COLUMN %s pg_catalog.timestamptz",
							   sk_table_name(rel), quote_identifier(col));

	check_table(rel);
	check_column(rel, col);
	table_close(rel, NoLock);	/* ALTER TABLE wants it for itself */
	if (missing && strchr(col, '.') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						col, get_rel_name(relid)),
				 errhint("To name the view, write view_name => '%s'.", col)));
	if (missing)
		(void) sk_spi_execute(sql, 0, NULL, NULL, SPI_OK_UTILITY, NULL);
	return col;
}

/*
 * The time, as the column would store it.
 */
Datum
sk_soft_column_now(Relation table, AttrNumber column)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(table), column - 1);
	Datum		now = TimestampTzGetDatum(GetCurrentTimestamp());
	Datum		typmod = Int32GetDatum(attr->atttypmod);

	if (attr->atttypid == TIMESTAMPTZOID)
		return DirectFunctionCall2(timestamptz_scale, now, typmod);
	return DirectFunctionCall2(timestamp_scale,
							   DirectFunctionCall1(timestamptz_timestamp, now),
							   typmod);
}
