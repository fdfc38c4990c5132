/*-------------------------------------------------------------------------
 *
 * soft_delete/view_columns.c
 *	  The columns of a view of live rows, changed in place.
 *
 * The server refuses to drop a column that a view reads, or to change its type.  A
 * view cannot lose a column, and what users built on the view (other views, functions
 * that return it, triggers, defaults) would be lost with it.  So the view stays.
 * Before the command, null takes the place of what the command changes, and nothing
 * of the view depends on the table's column any more.  Afterwards the view reads what
 * the table has.  A column's type is changed as ALTER TABLE does it.  A column that the
 * table has lost stays in the view, as null and under the name that the server gives to
 * dropped columns: the row type of a relation never gets shorter, since plans of other
 * sessions rely on that.  A view on which nothing depends is then made anew without
 * such columns (view_state.c).
 *
 * What depends on the view's column itself is in the command's way, as it would be
 * if it depended on the table's.
 *
 * Callers have locked the table and the view.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/view_columns.h"
#include "base/acl.h"
#include "base/depend.h"
#include "base/guard.h"
#include "base/rights.h"
#include "base/table.h"
#include "schemakit.h"
#include "soft_delete/column_state.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/heap.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "commands/view.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "parser/parse_node.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"


/*-------------------------------------------------------------------------
 * What the view selects
 *-------------------------------------------------------------------------
 */

/* SELECT of these columns, NULL for some, of the live rows; of none if col is NULL */
static Query *
select_columns(Relation rel, List *names, const char *col)
{
	ParseState *pstate = make_parsestate(NULL);
	StringInfoData sql;
	Query	   *query;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT");
	foreach(lc, names)
		appendStringInfo(&sql, "%s %s", lc == list_head(names) ? "" : ",",
						 lfirst(lc) ? quote_identifier(lfirst(lc)) : "NULL");
	appendStringInfo(&sql, " FROM %s WHERE ", sk_table_name(rel));
	if (col != NULL)
		appendStringInfo(&sql, "%s.%s(%s)", SK_SCHEMA, SK_LIVE_VIEW_CONDITION,
						 quote_identifier(col));
	else
		appendStringInfoString(&sql, "false");
	pstate->p_sourcetext = sql.data;
	query = transformTopLevelStmt(pstate, linitial_node(RawStmt,
														raw_parser(sql.data, RAW_PARSE_DEFAULT)));
	free_parsestate(pstate);
	return query;
}

static Oid
owner_of(Relation view)
{
	return view->rd_rel->relowner;
}

/* Let the view select these columns: for each of its own, a name or NULL. */
static void
store(Relation rel, Oid viewid, List *names, const char *col)
{
	Query	   *query = select_columns(rel, names, col);
	Relation	view = relation_open(viewid, NoLock);
	Oid			owner = owner_of(view);
	SkRights	saved;

	for (int i = 0; i < list_length(names); i++)
	{
		TargetEntry *tle = list_nth(query->targetList, i);
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(view), i);

		tle->resname = pstrdup(NameStr(attr->attname));
		if (list_nth(names, i) == NULL)
			tle->expr = (Expr *) makeNullConst(attr->atttypid, attr->atttypmod,
											   attr->attcollation);
	}
	relation_close(view, NoLock);

	/* only the view's owner may do so; nothing of a user's is run */
	sk_rights_assume(owner, &saved);
	StoreViewQuery(viewid, query, true);
	sk_rights_restore(&saved);
	CommandCounterIncrement();
}


/*-------------------------------------------------------------------------
 * The view's columns in the catalogs
 *-------------------------------------------------------------------------
 */

/* Forget of which type and collation the column is. */
static void
forget_type(Oid viewid, AttrNumber attnum)
{
	Relation	rel = table_open(DependRelationId, RowExclusiveLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(viewid));
	ScanKeyInit(&keys[2], Anum_pg_depend_objsubid, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum((int32) attnum));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->refclassid == TypeRelationId || depend->refclassid == CollationRelationId)
			CatalogTupleDelete(rel, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);
}

static void
record_type(Oid viewid, AttrNumber attnum, Oid type, Oid collation)
{
	ObjectAddress column;
	ObjectAddress referenced;

	ObjectAddressSubSet(column, RelationRelationId, viewid, attnum);
	ObjectAddressSet(referenced, TypeRelationId, type);
	recordDependencyOn(&column, &referenced, DEPENDENCY_NORMAL);
	ObjectAddressSet(referenced, CollationRelationId, collation);
	if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID)
		recordDependencyOn(&column, &referenced, DEPENDENCY_NORMAL);
}

static void
rename_column(Oid viewid, AttrNumber attnum, const char *name)
{
	Relation	rel = table_open(AttributeRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(viewid),
											Int16GetDatum(attnum));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for column %d of relation %u", attnum, viewid);
	namestrcpy(&((Form_pg_attribute) GETSTRUCT(tuple))->attname, name);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Give the column another type, as ALTER TABLE does. */
static void
retype_column(Oid viewid, AttrNumber attnum, Oid type, int32 typmod, Oid collation)
{
	Relation	rel = table_open(AttributeRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(viewid),
											Int16GetDatum(attnum));
	HeapTuple	type_tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_attribute attr;
	Form_pg_type form;

	if (!HeapTupleIsValid(tuple) || !HeapTupleIsValid(type_tuple))
		elog(ERROR, "cache lookup failed for column %d of relation %u", attnum, viewid);
	attr = (Form_pg_attribute) GETSTRUCT(tuple);
	form = (Form_pg_type) GETSTRUCT(type_tuple);
	forget_type(viewid, attnum);
	record_type(viewid, attnum, type, collation);
	attr->atttypid = type;
	attr->atttypmod = typmod;
	attr->attcollation = collation;
	attr->attndims = type_is_array(type) ? Max(attr->attndims, 1) : 0;
	attr->attlen = form->typlen;
	attr->attbyval = form->typbyval;
	attr->attalign = form->typalign;
	attr->attstorage = form->typstorage;
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	ReleaseSysCache(type_tuple);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Add columns of the table to the view, whose query is stored afterwards. */
static void
add_columns(Relation rel, Oid viewid, List *attnums)
{
	Relation	view = relation_open(viewid, NoLock);
	Oid			owner = owner_of(view);
	SkRights	saved;
	List	   *cmds = NIL;
	ListCell   *lc;

	relation_close(view, NoLock);
	foreach(lc, attnums)
	{
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), lfirst_int(lc) - 1);
		AlterTableCmd *cmd = makeNode(AlterTableCmd);

		cmd->subtype = AT_AddColumnToView;
		cmd->def = (Node *) makeColumnDef(NameStr(attr->attname), attr->atttypid,
										  attr->atttypmod, attr->attcollation);
		cmds = lappend(cmds, cmd);
	}
	sk_rights_assume(owner, &saved);

	/* no command of a user's: the server has nowhere to note it */
	EventTriggerInhibitCommandCollection();
	PG_TRY();
	{
		AlterTableInternal(viewid, cmds, false);
	}
	PG_FINALLY();
	{
		EventTriggerUndoInhibitCommandCollection();
	}
	PG_END_TRY();
	sk_rights_restore(&saved);
	CommandCounterIncrement();
}

static bool
is_unsupported(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED;
}

static void
look_for_values(void *arg)
{
	find_composite_type_dependencies(get_rel_type_id(*(Oid *) arg), NULL, "view");
}

/* Do tables contain values of the view's row type? */
static bool
is_stored(Oid viewid)
{
	return sk_guard_try(look_for_values, &viewid, is_unsupported) != NULL;
}


/*-------------------------------------------------------------------------
 * Before the command
 *-------------------------------------------------------------------------
 */

static bool
is_named(const char *name, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

static bool
is_retyped(const char *name, List *cmds)
{
	ListCell   *lc;

	foreach(lc, cmds)
	{
		if (strcmp(((const AlterTableCmd *) lfirst(lc))->name, name) == 0)
			return true;
	}
	return false;
}

/* What depends on the view's column, but for its default; as pointers to ObjectAddress */
static List *
dependents_of(Oid viewid, AttrNumber attnum)
{
	List	   *objects = NIL;
	ListCell   *lc;

	foreach(lc, sk_depend_rows(RelationRelationId, viewid))
	{
		Form_pg_depend depend = lfirst(lc);
		ObjectAddress *object = palloc(sizeof(ObjectAddress));
		Oid			relid = InvalidOid;

		if (depend->refobjsubid != attnum || depend->classid == AttrDefaultRelationId)
			continue;
		ObjectAddressSubSet(*object, depend->classid, depend->objid, depend->objsubid);
		if (depend->classid == RewriteRelationId)
			relid = sk_depend_view_of_rule(depend->objid);
		if (OidIsValid(relid))	/* not the rule is dropped, but the view */
			ObjectAddressSet(*object, RelationRelationId, relid);
		objects = lappend(objects, object);
	}
	return objects;
}

static void
drop(List *objects)
{
	ObjectAddresses *addresses = new_object_addresses();
	ListCell   *lc;

	foreach(lc, objects)
	{
		const ObjectAddress *object = lfirst(lc);

		if (object_address_present(object, addresses))
			continue;
		ereport(NOTICE,
				(errmsg("drop cascades to %s", getObjectDescription(object, false))));
		add_exact_object_address(object, addresses);
	}
	performMultipleDeletions(addresses, DROP_CASCADE, 0);
	free_object_addresses(addresses);
	CommandCounterIncrement();
}

/* Is nothing in the way of the column, or may that be dropped, too? */
static bool
is_free(Oid viewid, AttrNumber attnum, bool cascade)
{
	List	   *objects = dependents_of(viewid, attnum);

	if (objects != NIL && cascade)
		drop(objects);
	return objects == NIL || cascade;
}

/* A built-in type whose values are stored as those of the column are, if there is one */
static Oid
substitute_type(const FormData_pg_attribute *column)
{
	switch (column->attlen)
	{
		case -1:
			return BYTEAOID;
		case sizeof(char):
			return column->attbyval ? CHAROID : InvalidOid;
		case sizeof(int16):
			return column->attbyval ? INT2OID : InvalidOid;
		case sizeof(int32):
			return column->attbyval ? INT4OID : InvalidOid;
		case sizeof(int64):
			return column->attbyval ? INT8OID : InvalidOid;
		default:
			return InvalidOid;
	}
}

/*
 * The column's type may go with the table's column, or later: not the view's column with
 * it.  Rows of the view's type that are stored somewhere have values of the old type
 * in them, so how they are stored must remain.
 */
static void
release_type(Oid viewid, AttrNumber attnum)
{
	Relation	rel;
	HeapTuple	tuple;
	Form_pg_attribute attr;
	Oid			substitute;

	if (get_atttype(viewid, attnum) < FirstNormalObjectId)
		return;
	rel = table_open(AttributeRelationId, RowExclusiveLock);
	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(viewid), Int16GetDatum(attnum));
	attr = (Form_pg_attribute) GETSTRUCT(tuple);
	substitute = substitute_type(attr);
	if (OidIsValid(substitute))
	{
		forget_type(viewid, attnum);
		attr->atttypid = substitute;
		attr->atttypmod = -1;
		attr->attcollation = InvalidOid;
		attr->attndims = 0;
		CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	}
	else if (!is_stored(viewid))
		retype_column(viewid, attnum, TEXTOID, -1, DEFAULT_COLLATION_OID);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * Let the view not read what the command will change.  False if that is nothing that
 * it reads, or if something depends on the view's column.
 */
bool
sk_soft_view_columns_release(Relation rel, const SkLiveView *live,
							 const SkTableChange *change)
{
	Oid			relid = RelationGetRelid(rel);
	char	   *col = get_attname(relid, live->column, false);
	bool		released = false;
	List	   *names = NIL;

	for (int i = 0; i < live->natts; i++)
	{
		AttrNumber	attnum = live->attnums[i];
		char	   *name = attnum ? get_attname(relid, attnum, false) : NULL;
		bool		lost = name && attnum != live->column && is_named(name, change->lost);

		if ((lost || (name && is_retyped(name, change->retyped))) &&
			is_free(live->viewid, i + 1, lost && change->cascade))
		{
			if (lost && change->cascade)
				release_type(live->viewid, i + 1);
			if (attnum == live->column)
				col = NULL;
			name = NULL;
			released = true;
		}
		names = lappend(names, name);
	}
	if (released)
		store(rel, live->viewid, names, col);
	return released;
}


/*-------------------------------------------------------------------------
 * After it
 *-------------------------------------------------------------------------
 */

/* The table has lost the column: the view keeps it, but nothing that is said of it. */
static void
lose_column(Oid viewid, AttrNumber attnum)
{
	RemoveAttrDefault(viewid, attnum, DROP_RESTRICT, false, true);
	CreateComments(viewid, RelationRelationId, attnum, NULL);
	if (sk_acl_read(viewid, attnum) != NULL)
		sk_acl_write(viewid, attnum, NULL, InvalidOid);
	rename_column(viewid, attnum, psprintf(SK_LOST_COLUMN "%d........", attnum));
	release_type(viewid, attnum);
}

/*
 * The table's column, if the table has it and the view can show it, else NULL.  What is said
 * of one that a new column will show is added to the list.
 */
static char *
conform_column(Relation rel, Oid viewid, AttrNumber attnum, AttrNumber table_attnum,
			   List **states)
{
	Form_pg_attribute theirs = table_attnum == InvalidAttrNumber ? NULL
		: TupleDescAttr(RelationGetDescr(rel), table_attnum - 1);
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(viewid),
										Int16GetDatum(attnum));
	FormData_pg_attribute ours;
	bool		same_type;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for column %d of relation %u", attnum, viewid);
	ours = *(Form_pg_attribute) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);
	same_type = theirs != NULL && ours.atttypid == theirs->atttypid &&
		ours.atttypmod == theirs->atttypmod && ours.attcollation == theirs->attcollation;
	if (theirs == NULL || theirs->attisdropped || (!same_type && is_stored(viewid)))
	{
		if (theirs != NULL && !theirs->attisdropped)
			*states = lappend(*states, sk_soft_column_state_save(viewid, attnum, table_attnum));
		lose_column(viewid, attnum);
		return NULL;
	}
	if (!same_type)
		retype_column(viewid, attnum, theirs->atttypid, theirs->atttypmod,
					  theirs->attcollation);
	if (strcmp(NameStr(ours.attname), NameStr(theirs->attname)) != 0)
		rename_column(viewid, attnum, NameStr(theirs->attname));
	return pstrdup(NameStr(theirs->attname));
}

/* Names that the view's columns are about to get must be free. */
static void
free_names(Relation rel, Oid viewid, const SkLiveView *live)
{
	for (int i = 0; i < live->natts; i++)
	{
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel),
										get_attname(viewid, i + 1, false));

		if (attnum != InvalidAttrNumber && attnum != live->attnums[i])
			rename_column(viewid, i + 1, psprintf(SK_LOST_COLUMN "%d........", i + 1));
	}
}

/* Columns of the table that the view does not have */
static List *
missing_columns(Relation rel, List *names)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	List	   *missing = NIL;

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		bool		found = attr->attisdropped;
		ListCell   *lc;

		foreach(lc, names)
			found |= lfirst(lc) != NULL && strcmp(lfirst(lc), NameStr(attr->attname)) == 0;
		if (!found)
			missing = lappend_int(missing, i + 1);
	}
	return missing;
}

/*
 * Make the view's columns those of the table; "live" says which was which.  Without
 * "add", those that are new are left out.
 */
void
sk_soft_view_columns_conform(Relation rel, Oid viewid, const SkLiveView *live, bool add)
{
	List	   *names = NIL;
	List	   *states = NIL;
	List	   *missing;
	ListCell   *lc;

	free_names(rel, viewid, live);
	for (int i = 0; i < live->natts; i++)
		names = lappend(names, conform_column(rel, viewid, i + 1, live->attnums[i], &states));
	missing = add ? missing_columns(rel, names) : NIL;
	if (missing != NIL)
		add_columns(rel, viewid, missing);
	foreach(lc, missing)
		names = lappend(names,
						pstrdup(NameStr(TupleDescAttr(RelationGetDescr(rel), lfirst_int(lc) - 1)->attname)));
	store(rel, viewid, names, get_attname(RelationGetRelid(rel), live->column, false));
	foreach(lc, add ? states : NIL)
		sk_soft_column_state_try(rel, viewid, lfirst(lc));
}

/*
 * How many columns has the table?
 */
int
sk_soft_view_columns_count(Relation rel)
{
	int			count = 0;

	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
		count += !TupleDescAttr(RelationGetDescr(rel), i)->attisdropped;
	return count;
}
