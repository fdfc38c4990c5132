/*-------------------------------------------------------------------------
 *
 * attach/reach.c
 *	  What a command reaches besides the objects that it names: the tables of a
 *	  composite type, and the columns that CASCADE drops.
 *
 * Dependencies are followed as the server does it to find out what a DROP ...
 * CASCADE drops.  A little more may be found than is then dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/reach.h"
#include "base/compat.h"
#include "schemakit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

/*
 * The tables of a composite type (CREATE TABLE ... OF type), and those that inherit
 * from them.
 */
List *
sk_reach_typed_tables(Oid composite)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	List	   *tables = NIL;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(get_rel_type_id(composite)));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend dep = (Form_pg_depend) GETSTRUCT(tuple);

		if (dep->classid == RelationRelationId && dep->objsubid == 0)
			tables = list_concat(tables, find_all_inheritors(dep->objid, NoLock, NULL));
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return tables;
}

/*
 * The tables whose columns an ALTER of this table or type changes: itself, and those
 * that inherit from it.
 */
List *
sk_reach_altered(Oid relid)
{
	switch (get_rel_relkind(relid))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
			return find_all_inheritors(relid, NoLock, NULL);
		case RELKIND_COMPOSITE_TYPE:
			return sk_reach_typed_tables(relid);
		default:
			return NIL;
	}
}


/*-------------------------------------------------------------------------
 * What a command names
 *-------------------------------------------------------------------------
 */

static ObjectAddress *
address_of(Oid classid, Oid objid)
{
	ObjectAddress *address = palloc(sizeof(ObjectAddress));

	ObjectAddressSet(*address, classid, objid);
	return address;
}

static ObjectAddress *
find_object(ObjectType kind, Node *object)
{
	switch (kind)
	{
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return address_of(TypeRelationId,
							  LookupTypeNameOid(NULL, castNode(TypeName, object), true));
		case OBJECT_EXTENSION:
			if (strcmp(strVal(object), SK_EXTENSION) == 0)
				break;
			return address_of(ExtensionRelationId, get_extension_oid(strVal(object), true));
		case OBJECT_SCHEMA:
			return address_of(NamespaceRelationId, get_namespace_oid(strVal(object), true));
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			return address_of(ProcedureRelationId,
							  LookupFuncWithArgs(kind, castNode(ObjectWithArgs, object), true));
		case OBJECT_COLLATION:
			return address_of(CollationRelationId,
							  get_collation_oid(castNode(List, object), true));
		case OBJECT_TSCONFIGURATION:
			return address_of(TSConfigRelationId,
							  get_ts_config_oid(castNode(List, object), true));
		case OBJECT_OPERATOR:
			return address_of(OperatorRelationId,
							  LookupOperWithArgs(castNode(ObjectWithArgs, object), true));
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			return address_of(RelationRelationId,
							  RangeVarGetRelid(makeRangeVarFromNameList(castNode(List, object)),
											   NoLock, true));
		default:
			break;
	}
	return address_of(InvalidOid, InvalidOid);
}

/* May the user drop it?  As the server asks. */
static bool
may_drop(const ObjectAddress *address)
{
	Oid			schema = InvalidOid;

	if (address->classId == RelationRelationId)
		schema = get_rel_namespace(address->objectId);
	else if (address->classId == ProcedureRelationId)
		schema = get_func_namespace(address->objectId);
	return object_ownercheck(address->classId, address->objectId, GetUserId()) ||
		(OidIsValid(schema) && object_ownercheck(NamespaceRelationId, schema, GetUserId()));
}

static List *
named_objects(const DropStmt *stmt)
{
	List	   *addresses = NIL;
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		ObjectAddress *address = find_object(stmt->removeType, lfirst(lc));

		if (!OidIsValid(address->objectId))
			continue;
		if (!may_drop(address))
			return NIL;
		addresses = lappend(addresses, address);
	}
	return addresses;
}

/* What the role owns in this database */
static void
add_owned(Oid role, List **addresses)
{
	Relation	rel = table_open(SharedDependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(AuthIdRelationId));
	ScanKeyInit(&key[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, SharedDependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_shdepend dep = (Form_pg_shdepend) GETSTRUCT(tuple);

		if (dep->dbid == MyDatabaseId && dep->deptype == SHARED_DEPENDENCY_OWNER)
			*addresses = lappend(*addresses, address_of(dep->classid, dep->objid));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static List *
owned_objects(const DropOwnedStmt *stmt)
{
	List	   *addresses = NIL;
	ListCell   *lc;

	foreach(lc, stmt->roles)
	{
		Oid			role = get_rolespec_oid(lfirst(lc), true);

		if (!OidIsValid(role) || !has_privs_of_role(GetUserId(), role))
			return NIL;
		add_owned(role, &addresses);
	}
	return addresses;
}

/*
 * What the command drops by name with CASCADE, if it may be run, as a list of pointers
 * to ObjectAddress.
 */
List *
sk_reach_dropped(const Node *stmt)
{
	if (IsA(stmt, DropStmt) && ((const DropStmt *) stmt)->behavior == DROP_CASCADE)
		return named_objects((const DropStmt *) stmt);
	if (IsA(stmt, DropOwnedStmt) && ((const DropOwnedStmt *) stmt)->behavior == DROP_CASCADE)
		return owned_objects((const DropOwnedStmt *) stmt);
	return NIL;
}

/*
 * Can the command drop columns or triggers of tables that remain?
 */
bool
sk_reach_drops_parts(const Node *parsetree)
{
	const DropStmt *stmt = (const DropStmt *) parsetree;

	return !IsA(parsetree, DropStmt) || stmt->behavior == DROP_CASCADE ||
		stmt->removeType == OBJECT_TRIGGER;
}


/*-------------------------------------------------------------------------
 * What goes with it
 *-------------------------------------------------------------------------
 */

typedef struct Search
{
	HTAB	   *known;			/* of ObjectAddress */
	List	   *waiting;		/* of ObjectAddress, still to be looked at */
} Search;

static void
reach(Search *search, Oid classid, Oid objid, int32 objsubid)
{
	ObjectAddress *address = palloc0(sizeof(ObjectAddress));
	bool		found;

	ObjectAddressSubSet(*address, classid, objid, objsubid);
	(void) hash_search(search->known, address, HASH_ENTER, &found);
	if (!found)
		search->waiting = lappend(search->waiting, address);
}

/* What depends on the object; or with "owner" what it is an internal part of */
static void
follow(Search *search, const ObjectAddress *address, bool owner)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], owner ? Anum_pg_depend_classid : Anum_pg_depend_refclassid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(address->classId));
	ScanKeyInit(&keys[1], owner ? Anum_pg_depend_objid : Anum_pg_depend_refobjid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(address->objectId));
	scan = systable_beginscan(depend, owner ? DependDependerIndexId : DependReferenceIndexId,
							  true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend dep = (Form_pg_depend) GETSTRUCT(tuple);

		if (owner && dep->deptype == DEPENDENCY_INTERNAL)
			reach(search, dep->refclassid, dep->refobjid, dep->refobjsubid);
		if (!owner && (address->objectSubId == 0 || address->objectSubId == dep->refobjsubid))
			reach(search, dep->classid, dep->objid, dep->objsubid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

static HTAB *
make_table(void)
{
	HASHCTL		ctl = {
		.keysize = sizeof(ObjectAddress),
		.entrysize = sizeof(ObjectAddress),
		.hcxt = CurrentMemoryContext,
	};

	return hash_create("schemakit what is dropped", 64, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
add_column(List **tables, Oid relid, char *column)
{
	SkReachedTable *table;
	ListCell   *lc;

	foreach(lc, *tables)
	{
		table = lfirst(lc);
		if (table->relid == relid)
		{
			table->columns = lappend(table->columns, column);
			return;
		}
	}
	table = palloc(sizeof(SkReachedTable));
	table->relid = relid;
	table->columns = list_make1(column);
	*tables = lappend(*tables, table);
}

/* Columns of tables that are not dropped themselves */
static List *
columns_of(List *addresses, HTAB *known)
{
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, addresses)
	{
		const ObjectAddress *address = lfirst(lc);
		ObjectAddress table = {address->classId, address->objectId, 0};
		char		relkind;
		char	   *column;

		if (address->classId != RelationRelationId || address->objectSubId <= 0 ||
			hash_search(known, &table, HASH_FIND, NULL) != NULL)
			continue;
		relkind = get_rel_relkind(address->objectId);
		column = get_attname(address->objectId, address->objectSubId, true);
		if (column != NULL &&
			(relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE))
			add_column(&tables, address->objectId, column);
	}
	return tables;
}

/*
 * The tables that lose columns when these objects are dropped with CASCADE, as a list of
 * SkReachedTable.
 */
List *
sk_reach_columns(List *addresses)
{
	Search		search = {make_table(), NIL};
	List	   *tables;
	ListCell   *lc;

	foreach(lc, addresses)
	{
		const ObjectAddress *address = lfirst(lc);

		reach(&search, address->classId, address->objectId, address->objectSubId);
	}
	/* grows meanwhile, so that the cells move */
	for (int i = 0; i < list_length(search.waiting); i++)
	{
		const ObjectAddress *address = list_nth(search.waiting, i);

		follow(&search, address, false);
		follow(&search, address, true);
	}
	tables = columns_of(search.waiting, search.known);
	hash_destroy(search.known);
	return tables;
}
