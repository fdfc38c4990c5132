/*-------------------------------------------------------------------------
 *
 * base/acl.c
 *	  Access control lists, copied as they are: SQL can only add to them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/acl.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * The relation's ACL, or with a column's number that column's; NULL if it is as
 * by default.
 */
Acl *
sk_acl_read(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = attnum == 0
		? SearchSysCache1(RELOID, ObjectIdGetDatum(relid))
		: SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	Datum		acl;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	acl = attnum == 0
		? SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &isnull)
		: SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attacl, &isnull);
	ReleaseSysCache(tuple);
	return isnull ? NULL : DatumGetAclPCopy(acl);
}

/*
 * Replace it.
 */
void
sk_acl_write(Oid relid, AttrNumber attnum, Acl *acl, Oid owner)
{
	Oid			catalog = attnum == 0 ? RelationRelationId : AttributeRelationId;
	Relation	rel = table_open(catalog, RowExclusiveLock);
	HeapTuple	tuple = attnum == 0
		? SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid))
		: SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	int			field = attnum == 0 ? Anum_pg_class_relacl : Anum_pg_attribute_attacl;
	int			natts = RelationGetDescr(rel)->natts;
	Datum	   *values = palloc0(sizeof(Datum) * natts);
	bool	   *nulls = palloc0(sizeof(bool) * natts);
	bool	   *replace = palloc0(sizeof(bool) * natts);
	Acl		   *old = sk_acl_read(relid, attnum);
	Oid		   *oldmembers = NULL;
	Oid		   *newmembers = NULL;
	int			nold = old ? aclmembers(old, &oldmembers) : 0;
	int			nnew = acl ? aclmembers(acl, &newmembers) : 0;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	values[field - 1] = PointerGetDatum(acl);
	nulls[field - 1] = acl == NULL;
	replace[field - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	updateAclDependencies(RelationRelationId, relid, attnum, owner,
						  nold, oldmembers, nnew, newmembers);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
}
