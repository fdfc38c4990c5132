/*-------------------------------------------------------------------------
 *
 * soft_delete/column.c
 *	  The column that tells when a row was deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/column.h"
#include "base/spi.h"
#include "base/table.h"
#include "base/tuple.h"

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
 * Add the column unless the table has it.
 */
void
sk_soft_column_ensure(Oid relid, const char *col)
{
	Relation	rel = sk_table_open(relid, ShareRowExclusiveLock);
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
}
