/*-------------------------------------------------------------------------
 *
 * soft_delete/fk_query.c
 *	  The statements that soft delete executes across foreign keys.
 *
 * They are those of the server's own foreign keys (ri_triggers.c) with live
 * rows for rows: values are compared with the constraint's operators, and
 * tables are asked without their inheritance children.
 *
 * The stamp, the time of deletion, is what tells a batch.  Where two tables
 * store it in different types it is converted by way of UTC, so that it is the
 * same whatever the session's time zone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/fk_query.h"
#include "base/clause.h"
#include "base/table.h"

#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

static const char *
column_name(Relation rel, AttrNumber attnum)
{
	return quote_identifier(NameStr(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attname));
}

/*
 * A column of the table that goes by the alias.
 */
char *
sk_soft_fk_query_column(const char *alias, Relation rel, AttrNumber attnum)
{
	return psprintf("%s.%s", alias, column_name(rel, attnum));
}

/*
 * The table as it stands after FROM or UPDATE.
 */
char *
sk_soft_fk_query_from(Relation rel, const char *alias)
{
	return psprintf("%s%s %s",
					rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					sk_table_name(rel), alias);
}

/*
 * Half of the unit that a column of that precision stores, but for a microsecond: with
 * that, rounding goes up
 */
static int
microseconds_to_round_up(int32 precision)
{
	int			unit = 1;

	if (precision < 0)
		return 0;
	for (int32 digit = precision; digit < MAX_TIMESTAMP_PRECISION; digit++)
		unit *= 10;
	return unit == 1 ? 0 : unit / 2 - 1;
}

/*
 * A stamp of that type, as the column stores it if another one's stamp is taken along.  If
 * it has less precision, it is the next later time: a row that several parents have taken
 * along is of the batch of the earliest, which none may be for its precision alone.
 */
static char *
as_stored(const char *stamp, Oid type, Relation rel, AttrNumber column)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), column - 1);
	char	   *stored = format_type_with_typemod(attr->atttypid, attr->atttypmod);
	int			up = microseconds_to_round_up(attr->atttypmod);

	if (attr->atttypid != type)
		stamp = psprintf("(%s AT TIME ZONE 'UTC')", stamp);
	if (up > 0)
		stamp = psprintf("(%s OPERATOR(pg_catalog.+) CAST('%d microseconds' AS pg_catalog.interval))",
						 stamp, up);
	return psprintf("CAST(%s AS %s)", stamp, stored);
}

static char *
parameter(int n)
{
	return psprintf("$%d", n + 1);
}

/* The rows of the child that refer to the key's values in the parameters */
static char *
refers(const SkForeignKey *key, Relation child)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < key->nkeys; i++)
	{
		if (i > 0)
			appendStringInfoString(&sql, " AND ");
		sk_clause_append(&sql, parameter(i),
						 get_atttype(key->referenced, key->confkey[i]),
						 key->operators[i],
						 sk_soft_fk_query_column("x", child, key->conkey[i]),
						 get_atttype(key->referencing, key->conkey[i]));
	}
	return sql.data;
}

/*
 * Stamp the live rows that refer to it.
 */
char *
sk_soft_fk_query_cascade(const SkForeignKey *key, Relation child,
						 AttrNumber column, Oid stamp_type)
{
	return psprintf("UPDATE %s SET %s = %s WHERE %s AND %s IS NULL",
					sk_soft_fk_query_from(child, "x"), column_name(child, column),
					as_stored(parameter(key->nkeys), stamp_type, child, column),
					refers(key, child), sk_soft_fk_query_column("x", child, column));
}

/* The rows of the batch */
static char *
of_batch(const SkForeignKey *key, Relation child, AttrNumber column,
		 Oid stamp_type)
{
	return psprintf("%s AND %s OPERATOR(pg_catalog.=) %s",
					refers(key, child), sk_soft_fk_query_column("x", child, column),
					as_stored(parameter(key->nkeys), stamp_type, child, column));
}

/*
 * Give the rows of a batch another stamp.
 */
char *
sk_soft_fk_query_restamp(const SkForeignKey *key, Relation child,
						 AttrNumber column, Oid stamp_type)
{
	return psprintf("UPDATE %s SET %s = %s WHERE %s",
					sk_soft_fk_query_from(child, "x"), column_name(child, column),
					as_stored(parameter(key->nkeys + 1), stamp_type, child, column),
					of_batch(key, child, column, stamp_type));
}

/* Something of the row's other parent */
static char *
of_parent(const SkSoftBlocker *blocker, Relation child, const char *what)
{
	const SkForeignKey *key = blocker->key;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "(SELECT %s FROM %s WHERE ", what,
					 sk_soft_fk_query_from(blocker->parent, "p"));
	for (int i = 0; i < key->nkeys; i++)
	{
		if (i > 0)
			appendStringInfoString(&sql, " AND ");
		sk_clause_append(&sql, sk_soft_fk_query_column("p", blocker->parent, key->confkey[i]),
						 get_atttype(key->referenced, key->confkey[i]),
						 key->operators[i],
						 sk_soft_fk_query_column("x", child, key->conkey[i]),
						 get_atttype(key->referencing, key->conkey[i]));
	}
	/* a row may refer to itself */
	if (key->referencing == key->referenced)
		appendStringInfoString(&sql, " AND (p.tableoid OPERATOR(pg_catalog.<>) x.tableoid OR p.ctid OPERATOR(pg_catalog.<>) x.ctid)");
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* The stamp of the row's other parent, if that is deleted; in the child's type */
static char *
stamp_of(const SkSoftBlocker *blocker, Relation child, AttrNumber column)
{
	Oid			type = TupleDescAttr(RelationGetDescr(blocker->parent),
									 blocker->column - 1)->atttypid;

	return of_parent(blocker, child,
					 as_stored(sk_soft_fk_query_column("p", blocker->parent, blocker->column),
							   type, child, column));
}

/* The first stamp of the row's parents that are deleted; NULL if none is. */
static char *
first_stamp(Relation child, AttrNumber column, List *blockers)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "LEAST(NULL");
	foreach(lc, blockers)
		appendStringInfo(&sql, ", %s", stamp_of(lfirst(lc), child, column));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/*
 * Let the rows of a batch come back, but those that another of their parents
 * would have deleted: they belong to that one's batch from now on.
 */
char *
sk_soft_fk_query_restore(const SkForeignKey *key, Relation child,
						 AttrNumber column, Oid stamp_type, List *blockers)
{
	char	   *batch = of_batch(key, child, column, stamp_type);
	char	   *stamp;

	if (blockers == NIL)
		return psprintf("UPDATE %s SET %s = NULL WHERE %s",
						sk_soft_fk_query_from(child, "x"), column_name(child, column), batch);
	stamp = first_stamp(child, column, blockers);
	/* not IS DISTINCT FROM, which looks its operator up on the search_path */
	return psprintf("UPDATE %s SET %s = %s WHERE %s AND COALESCE(%s OPERATOR(pg_catalog.<>) %s, true)",
					sk_soft_fk_query_from(child, "x"), column_name(child, column), stamp,
					batch, stamp, sk_soft_fk_query_column("x", child, column));
}

/*
 * The rows of a batch that are still deleted.
 */
char *
sk_soft_fk_query_skipped(const SkForeignKey *key, Relation child,
						 AttrNumber column, Oid stamp_type)
{
	return psprintf("SELECT x.tableoid, x.ctid FROM %s WHERE %s",
					sk_soft_fk_query_from(child, "x"),
					of_batch(key, child, column, stamp_type));
}

/*
 * The rows that have the stamp: where each is, who made its version, its stamp as it
 * has it, and for each of those other parents the stamp and who made its version.
 */
char *
sk_soft_fk_query_members(const SkForeignKey *key, Relation child,
						 AttrNumber column, Oid stamp_type, List *holders)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT x.tableoid, x.ctid, x.xmin, %s",
					 sk_soft_fk_query_column("x", child, column));
	foreach(lc, holders)
		appendStringInfo(&sql, ", %s, %s", stamp_of(lfirst(lc), child, column),
						 of_parent(lfirst(lc), child, "p.xmin"));
	appendStringInfo(&sql, " FROM %s WHERE %s", sk_soft_fk_query_from(child, "x"),
					 of_batch(key, child, column, stamp_type));
	return sql.data;
}

/* The row that has the key in the parameters */
static char *
has_key(const SkForeignKey *key, Relation parent)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < key->nkeys; i++)
	{
		if (i > 0)
			appendStringInfoString(&sql, " AND ");
		sk_clause_append(&sql, sk_soft_fk_query_column("x", parent, key->confkey[i]),
						 get_atttype(key->referenced, key->confkey[i]),
						 key->operators[i], parameter(i),
						 get_atttype(key->referencing, key->conkey[i]));
	}
	return sql.data;
}

/*
 * The rows that have the stamp, likewise, but with their keys in place of what the
 * parents have.
 */
char *
sk_soft_fk_query_keys(const SkForeignKey *key, Relation child,
					  AttrNumber column, Oid stamp_type, List *blockers)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT x.tableoid, x.ctid, x.xmin, %s",
					 sk_soft_fk_query_column("x", child, column));
	foreach(lc, blockers)
	{
		const SkForeignKey *other = ((SkSoftBlocker *) lfirst(lc))->key;

		for (int i = 0; i < other->nkeys; i++)
			appendStringInfo(&sql, ", %s", sk_soft_fk_query_column("x", child, other->conkey[i]));
	}
	appendStringInfo(&sql, " FROM %s WHERE %s", sk_soft_fk_query_from(child, "x"),
					 of_batch(key, child, column, stamp_type));
	return sql.data;
}

/*
 * What such a parent has, if it is deleted: its stamp, as the child stores it, and who
 * made its version.  Parameters are the key's values, and where the row of the child is
 * if it may refer to itself.
 */
char *
sk_soft_fk_query_parent(const SkSoftBlocker *blocker, Relation child, AttrNumber column)
{
	const SkForeignKey *key = blocker->key;
	Relation	parent = blocker->parent;
	char	   *stamp = sk_soft_fk_query_column("x", parent, blocker->column);
	Oid			type = TupleDescAttr(RelationGetDescr(parent), blocker->column - 1)->atttypid;

	return psprintf("SELECT %s, x.xmin FROM %s WHERE %s AND %s IS NOT NULL%s",
					as_stored(stamp, type, child, column),
					sk_soft_fk_query_from(parent, "x"), has_key(key, parent), stamp,
					key->referencing != key->referenced ? ""
					: psprintf(" AND (x.tableoid OPERATOR(pg_catalog.<>) $%d OR x.ctid OPERATOR(pg_catalog.<>) $%d)",
							   key->nkeys + 1, key->nkeys + 2));
}

/*
 * Give one row that is deleted another stamp, or none.
 */
char *
sk_soft_fk_query_stamp(Relation rel, AttrNumber column)
{
	return psprintf("UPDATE %s SET %s = $3 WHERE x.tableoid OPERATOR(pg_catalog.=) $1"
					" AND x.ctid OPERATOR(pg_catalog.=) $2 AND %s IS NOT NULL",
					sk_soft_fk_query_from(rel, "x"), column_name(rel, column),
					sk_soft_fk_query_column("x", rel, column));
}

/*
 * Is there a row that refers to it?  A live one, if the child has soft delete:
 * one that is just being deleted is waited for.
 */
char *
sk_soft_fk_query_find(const SkForeignKey *key, Relation child, AttrNumber column)
{
	return psprintf("SELECT 1 FROM %s WHERE %s%s%s FOR SHARE OF x",
					sk_soft_fk_query_from(child, "x"), refers(key, child),
					column == InvalidAttrNumber ? "" : " AND ",
					column == InvalidAttrNumber ? ""
					: psprintf("%s IS NULL", sk_soft_fk_query_column("x", child, column)));
}

/*
 * "Deleted before $n"
 */
char *
sk_soft_fk_query_is_due(const char *alias, Relation rel, AttrNumber column, int param)
{
	return psprintf("%s OPERATOR(pg_catalog.<) CAST($%d AS %s)",
					sk_soft_fk_query_column(alias, rel, column), param,
					format_type_be(TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid));
}

/*
 * Those columns of the rows that refer to it.
 */
char *
sk_soft_fk_query_referring(const SkForeignKey *key, Relation child, const char *columns)
{
	return psprintf("SELECT %s FROM %s WHERE %s", columns,
					sk_soft_fk_query_from(child, "x"), refers(key, child));
}

/*
 * Keep the row from being deleted, and wait for who is about to.  What it reads
 * may be older than that: a lock so weak does not look for a newer version.
 */
char *
sk_soft_fk_query_lock(const SkForeignKey *key, Relation parent)
{
	return psprintf("SELECT x.tableoid, x.ctid FROM %s WHERE %s FOR KEY SHARE OF x",
					sk_soft_fk_query_from(parent, "x"), has_key(key, parent));
}

/*
 * Is it live?
 */
char *
sk_soft_fk_query_check(const SkForeignKey *key, Relation parent, AttrNumber column)
{
	return psprintf("SELECT %s IS NULL FROM %s WHERE %s",
					sk_soft_fk_query_column("x", parent, column), sk_soft_fk_query_from(parent, "x"),
					has_key(key, parent));
}

/*
 * Is there a live row of the table at this end with the key in the parameters?
 */
char *
sk_soft_fk_query_own(Relation rel, AttrNumber column, int nkeys,
					 const AttrNumber *attnums, const Oid *operators)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s WHERE %s IS NULL",
					 sk_soft_fk_query_from(rel, "x"),
					 sk_soft_fk_query_column("x", rel, column));
	for (int i = 0; i < nkeys; i++)
	{
		Oid			type = TupleDescAttr(RelationGetDescr(rel), attnums[i] - 1)->atttypid;

		appendStringInfoString(&sql, " AND ");
		sk_clause_append(&sql, sk_soft_fk_query_column("x", rel, attnums[i]), type,
						 operators[i], parameter(i), type);
	}
	return sql.data;
}

/*
 * If it is not: which row is it, and what is its stamp, as the child stores it?
 */
char *
sk_soft_fk_query_blocker(const SkForeignKey *key, Relation parent, AttrNumber column,
						 Relation child, AttrNumber child_column)
{
	char	   *stamp = sk_soft_fk_query_column("x", parent, column);

	return psprintf("SELECT x.tableoid, x.ctid, %s FROM %s WHERE %s AND %s IS NOT NULL",
					as_stored(stamp, TupleDescAttr(RelationGetDescr(parent), column - 1)->atttypid,
							  child, child_column),
					sk_soft_fk_query_from(parent, "x"), has_key(key, parent), stamp);
}
