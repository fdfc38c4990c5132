/*-------------------------------------------------------------------------
 *
 * base/table.c
 *	  Which tables schemakit may work on.
 *
 * There are two questions.  Rules ask whether a table is one that they may
 * attach to; the answer is a quiet yes or no.  A user who names a table gets
 * it opened, or an error that says what is wrong with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/table.h"
#include "base/compat.h"
#include "schemakit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/primnodes.h"
#include "nodes/readfuncs.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static bool
has_storage_of_rows(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
}

/* The server's own tables, with those of the information schema. */
static bool
is_system_table(Relation rel)
{
	char	   *schema;

	if (IsSystemRelation(rel))
		return true;
	schema = get_namespace_name(RelationGetNamespace(rel));
	return schema != NULL &&
		(strncmp(schema, "pg_", 3) == 0 ||
		 strcmp(schema, "information_schema") == 0);
}

static bool
is_our_table(Relation rel)
{
	return RelationGetNamespace(rel) == get_namespace_oid(SK_SCHEMA, true);
}

/*
 * May a rule attach a feature to this table?  Not to one that goes away with
 * the session, belongs to an extension or to the system, or is a partition:
 * partitions have what their parent has.
 */
bool
sk_table_is_eligible(Relation rel)
{
	return has_storage_of_rows(rel) &&
		!rel->rd_rel->relispartition &&
		rel->rd_rel->relpersistence != RELPERSISTENCE_TEMP &&
		!is_system_table(rel) &&
		!is_our_table(rel) &&
		!OidIsValid(getExtensionOfObject(RelationRelationId,
										 RelationGetRelid(rel)));
}

/*
 * The OIDs of all ordinary and partitioned tables that are neither the
 * system's nor temporary, in the order of their creation, mostly.
 */
List *
sk_table_list(void)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_class, ClassOidIndexId, true,
										  NULL, 0, NULL);
	List	   *tables = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if ((form->relkind == RELKIND_RELATION ||
			 form->relkind == RELKIND_PARTITIONED_TABLE) &&
			form->relpersistence != RELPERSISTENCE_TEMP &&
			!IsCatalogRelationOid(form->oid))
			tables = lappend_oid(tables, form->oid);
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	return tables;
}

/*
 * Stop here unless the current user owns the relation.  Called before any strong
 * lock is taken, so that nobody can hold up a table that is not theirs.
 */
void
sk_table_check_owner(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("Name a table that exists.")));
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of %s %s",
						relkind == RELKIND_VIEW ? "view" : "table",
						get_rel_name(relid)),
				 errhint("Ask the table's owner, or become a member of the owner's role.")));
}

static void
refuse_gone(Oid relid)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("relation with OID %u does not exist", relid)));
}

/*
 * The name of a relation that may have been dropped meanwhile, since it is not
 * locked: then this is an error.
 */
char *
sk_table_present_name(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		refuse_gone(relid);
	return name;
}

/* The name of its schema, likewise. */
char *
sk_table_present_schema(Oid relid)
{
	char	   *name = get_namespace_name(get_rel_namespace(relid));

	if (name == NULL)
		refuse_gone(relid);
	return name;
}

/*
 * With a view of live rows in a schema that is searched first, a table's name is
 * the view's.
 */
void
sk_table_refuse_view(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_VIEW)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s.%s\" is a view",
					get_namespace_name(RelationGetNamespace(rel)),
					RelationGetRelationName(rel)),
			 errhint("Name the table, with its schema.")));
}

static void
check_kind(Relation rel)
{
	const char *name = RelationGetRelationName(rel);

	if (is_system_table(rel) && rel->rd_rel->relpersistence != RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system catalog", name),
				 errhint("Use a table of your own.")));
	sk_table_refuse_view(rel);
	if (!has_storage_of_rows(rel))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name),
				 errhint("Use an ordinary table or a partitioned table.")));
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a temporary table", name),
				 errhint("Use a permanent or an unlogged table.")));
	if (is_our_table(rel))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a table of extension \"%s\"",
						name, SK_EXTENSION),
				 errhint("Use a table of your own.")));
}

/*
 * A dump has neither the definition nor the triggers of an extension's table:
 * what is attached to it would be lost, and a view of it not be restored.
 */
static void
refuse_member(Relation rel)
{
	Oid			extension = getExtensionOfObject(RelationRelationId,
												 RelationGetRelid(rel));

	if (OidIsValid(extension))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a table of extension \"%s\"",
						RelationGetRelationName(rel),
						get_extension_name(extension)),
				 errdetail("A dump does not contain the triggers of such a table."),
				 errhint("Use a table of your own.")));
}

/*
 * Open a table that a user has named and that may have triggers of ours, to take
 * them away, which only its owner may do.  The caller closes it and keeps the
 * lock.
 */
Relation
sk_table_open_attached(Oid relid, LOCKMODE lockmode)
{
	Relation	rel;

	sk_table_check_owner(relid);
	rel = try_relation_open(relid, lockmode);
	sk_table_check_owner(relid);	/* it may have changed hands meanwhile */
	if (rel == NULL)
		elog(ERROR, "could not open relation with OID %u", relid);
	check_kind(rel);
	return rel;
}

/* Have we a lock on it? */
static bool
is_locked_by_us(Oid relid)
{
	Relation	rel = RelationIdGetRelation(relid);
	bool		locked;

	if (rel == NULL)
		return false;
	locked = CheckRelationLockedByMe(rel, AccessShareLock, true);
	RelationClose(rel);
	return locked;
}

/*
 * Has this transaction a lock of that mode, whatever others it has?
 */
bool
sk_table_have_lock(Oid relid, LOCKMODE lockmode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	return LockHeldByMe(&tag, lockmode, false);
}

/*
 * Lock the relation against being altered, without waiting for who alters it now.
 * If others wait for it, not even who has a lock would get one at once.  "ours" says
 * whether there was one already, which the caller does not release.
 */
bool
sk_table_lock_at_once(Oid relid, bool *ours)
{
	*ours = is_locked_by_us(relid);
	return *ours || ConditionalLockRelationOid(relid, AccessShareLock);
}

/*
 * The same, to attach something to it.
 */
Relation
sk_table_open(Oid relid, LOCKMODE lockmode)
{
	Relation	rel = sk_table_open_attached(relid, lockmode);

	refuse_member(rel);
	return rel;
}

/*
 * The table's name, qualified and quoted for use in SQL.
 */
char *
sk_table_name(Relation rel)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
									  RelationGetRelationName(rel));
}

/*
 * The name of a relation as a message has it, with the schema if search_path does
 * not find it; NULL if it was dropped.
 */
char *
sk_table_told_name(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema;

	if (name == NULL || RelationIsVisible(relid))
		return name;
	schema = get_namespace_name(get_rel_namespace(relid));
	return schema == NULL ? name : psprintf("%s.%s", schema, name);
}

/*
 * From here to the end of the transaction or subtransaction the relation cannot be
 * dropped, and a table cannot be renamed or altered.
 */
void
sk_table_hold(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	relation_close(rel, NoLock);
}

/*
 * Has the index neither expressions nor a condition?  Asked of its row in pg_index:
 * RelationGetIndexPredicate() and its like fold what they return, which runs code
 * of the table's owner as the current user.
 */
bool
sk_table_index_is_plain(Relation index)
{
	return heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL) &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

/* Add the column of "column IS NOT NULL"; false if the condition is another one. */
static bool
add_not_null(Node *condition, Bitmapset **columns)
{
	const NullTest *test = (NullTest *) condition;

	if (!IsA(test, NullTest) || test->argisrow ||
		test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var) ||
		((const Var *) test->arg)->varattno <= 0)
		return false;
	*columns = bms_add_member(*columns, ((const Var *) test->arg)->varattno);
	return true;
}

/*
 * The columns of an index's condition "a IS NOT NULL AND b IS NOT NULL ...", if the
 * condition is that and nothing else, and there are no expressions; else NULL.
 * Nothing is folded.
 */
Bitmapset *
sk_table_index_unless_null(Relation index)
{
	bool		isnull;
	Datum		condition = SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
											Anum_pg_index_indpred, &isnull);
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	if (isnull ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL))
		return NULL;
	foreach(lc, make_ands_implicit(stringToNode(TextDatumGetCString(condition))))
	{
		if (!add_not_null(lfirst(lc), &columns))
			return NULL;
	}
	return columns;
}

/*
 * The index of the primary key, also of a deferrable one, which the relation's
 * entry in the cache does not name in all versions of the server; or InvalidOid.
 */
Oid
sk_table_primary_key(Relation rel)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		bool		is_primary = index->rd_index->indisprimary;

		index_close(index, AccessShareLock);
		if (is_primary)
			return lfirst_oid(lc);
	}
	return InvalidOid;
}

/*
 * The owner of a table that the caller has locked.
 */
Oid
sk_table_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* The rows that VACUUM or ANALYZE has last seen; less than 0 if they never ran. */
double
sk_table_rows(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows;

	if (!HeapTupleIsValid(tuple))
		return -1;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows;
}

/*
 * The names of columns, as C strings, in one text.
 */
char *
sk_table_column_names(List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier(lfirst(lc)));
	return buf.data;
}
