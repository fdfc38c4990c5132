/*-------------------------------------------------------------------------
 *
 * attach/install.c
 *	  The privileges on what CREATE EXTENSION makes.
 *
 * ALTER DEFAULT PRIVILEGES may have given any role any right on new tables,
 * functions, sequences, types and schemas, and may have taken away the owner's.
 * The install script knows no names of roles, so it calls this before it grants
 * anything.  GRANT and REVOKE are executed, and not the lists written, since the
 * server notes what they do in a script as the privileges that the extension
 * comes with, which pg_dump leaves out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/spi.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* One object of ours, as GRANT names it. */
typedef struct Object
{
	const char *kind;
	char	   *name;
	Oid			owner;
	Acl		   *acl;			/* NULL: as by default */
} Object;

static void
read_acl(Object *object, int cache, Oid oid, AttrNumber owner, AttrNumber acl)
{
	HeapTuple	tuple = SearchSysCache1(cache, ObjectIdGetDatum(oid));
	bool		isnull;
	Datum		value;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for object %u of the extension", oid);
	object->owner = DatumGetObjectId(SysCacheGetAttr(cache, tuple, owner, &isnull));
	value = SysCacheGetAttr(cache, tuple, acl, &isnull);
	object->acl = isnull ? NULL : DatumGetAclPCopy(value);
	ReleaseSysCache(tuple);
}

static void
describe_relation(Object *object, Oid oid)
{
	object->kind = get_rel_relkind(oid) == RELKIND_SEQUENCE ? "SEQUENCE" : "TABLE";
	object->name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)),
											  get_rel_name(oid));
	read_acl(object, RELOID, oid, Anum_pg_class_relowner, Anum_pg_class_relacl);
}

/* False if it is something on which nothing can be granted. */
static bool
describe(Object *object, Oid class, Oid oid)
{
	switch (class)
	{
		case RelationRelationId:
			describe_relation(object, oid);
			return true;
		case ProcedureRelationId:
			object->kind = "ROUTINE";
			object->name = format_procedure_qualified(oid);
			read_acl(object, PROCOID, oid, Anum_pg_proc_proowner, Anum_pg_proc_proacl);
			return true;
		case NamespaceRelationId:
			object->kind = "SCHEMA";
			object->name = pstrdup(quote_identifier(get_namespace_name(oid)));
			read_acl(object, NAMESPACEOID, oid, Anum_pg_namespace_nspowner,
					 Anum_pg_namespace_nspacl);
			return true;
		case TypeRelationId:
			/* members since 17, but without default privileges */
			if (OidIsValid(get_typ_typrelid(oid)) || OidIsValid(get_element_type(oid)))
				return false;
			object->kind = "TYPE";
			object->name = format_type_be_qualified(oid);
			read_acl(object, TYPEOID, oid, Anum_pg_type_typowner, Anum_pg_type_typacl);
			return true;
		default:
			return false;
	}
}

static char *
role_name(Oid role)
{
	return pstrdup(quote_identifier(GetUserNameFromId(role, false)));
}

/* Leave it to its owner alone. */
static void
reset(const Object *object)
{
	Oid		   *roles = NULL;
	int			nroles = object->acl ? aclmembers(object->acl, &roles) : 0;

	sk_spi_execute(psprintf("REVOKE ALL ON %s %s FROM PUBLIC CASCADE",
							object->kind, object->name),
				   0, NULL, NULL, SPI_OK_UTILITY, NULL);
	for (int i = 0; i < nroles; i++)
		sk_spi_execute(psprintf("REVOKE ALL ON %s %s FROM %s CASCADE",
								object->kind, object->name, role_name(roles[i])),
					   0, NULL, NULL, SPI_OK_UTILITY, NULL);
	sk_spi_execute(psprintf("GRANT ALL ON %s %s TO %s",
							object->kind, object->name, role_name(object->owner)),
				   0, NULL, NULL, SPI_OK_UTILITY, NULL);
}

/* The addresses of all objects of the extension that is being created */
static List *
members(void)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *objects = NIL;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(CurrentExtensionObject));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress *object = palloc(sizeof(ObjectAddress));

		ObjectAddressSet(*object, form->classid, form->objid);
		if (form->deptype == DEPENDENCY_EXTENSION)
			objects = lappend(objects, object);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return objects;
}

/*
 * schemakit.internal_reset_privileges() RETURNS void
 */
PG_FUNCTION_INFO_V1(schemakit_internal_reset_privileges);
Datum
schemakit_internal_reset_privileges(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	if (!creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("internal_reset_privileges() can only be called by the script of an extension")));
	foreach(lc, members())
	{
		const ObjectAddress *address = lfirst(lc);
		Object		object;

		if (describe(&object, address->classId, address->objectId))
			reset(&object);
	}
	PG_RETURN_VOID();
}
