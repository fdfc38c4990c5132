/*-------------------------------------------------------------------------
 *
 * index/opclass.c
 *	  Operator classes for what a statement does with a key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/opclass.h"

#include "base/compat.h"

#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/*
 * The b-tree operator class that a type has by default, or invalid.  Arrays and
 * rows have one, but not all of them can be compared.
 */
Oid
sk_index_opclass_default(Oid type)
{
	return OidIsValid(lookup_type_cache(type, TYPECACHE_CMP_PROC)->cmp_proc)
		? GetDefaultOpClass(type, BTREE_AM_OID) : InvalidOid;
}

/* The b-tree operator class of a key whose family has the operator, or invalid. */
Oid
sk_index_opclass_btree(Node *key, Oid opno, int *strategy)
{
	Oid			opclass = sk_index_opclass_default(exprType(key));

	if (!OidIsValid(opclass))
		return InvalidOid;
	*strategy = get_op_opfamily_strategy(opno, get_opclass_family(opclass));
	return *strategy > 0 ? opclass : InvalidOid;
}

/*
 * Does a plain index serve LIKE, because the collation compares bytes?  What is
 * not known to is taken not to.
 */
static bool
is_bytewise(Oid collation)
{
	HeapTuple	tuple;
	Form_pg_database form;
	const char *name;
	bool		result;

	if (!OidIsValid(collation))
		return false;
	if (collation != DEFAULT_COLLATION_OID)
	{
		name = get_collation_name(collation);
		return name != NULL &&
			(strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0);
	}
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	form = (Form_pg_database) GETSTRUCT(tuple);
	name = sk_collation_name(tuple, form);
	result = sk_collation_provider(form) == COLLPROVIDER_BUILTIN ||
		(sk_collation_provider(form) == COLLPROVIDER_LIBC &&
		 (strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0));
	ReleaseSysCache(tuple);
	return result;
}

/* The b-tree operator class that compares bytes, for LIKE, or invalid. */
static Oid
pattern_opclass(Oid type)
{
	const char *name;
	CatCList   *list;
	Oid			result = InvalidOid;

	if (type == TEXTOID || type == VARCHAROID)
		name = "text_pattern_ops";
	else if (type == BPCHAROID)
		name = "bpchar_pattern_ops";
	else
		return InvalidOid;
	list = SearchSysCacheList2(CLAAMNAMENSP, ObjectIdGetDatum(BTREE_AM_OID),
							   CStringGetDatum(name));
	if (list->n_members > 0)
		result = ((Form_pg_opclass) GETSTRUCT(&list->members[0]->tuple))->oid;
	ReleaseSysCacheList(list);
	return result;
}

/* The operator class of a method for the type, in a family, or invalid. */
Oid
sk_index_opclass_in(Oid am, Oid family, Oid type)
{
	CatCList   *list = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(am));
	Oid			result = InvalidOid;

	for (int i = 0; i < list->n_members && !OidIsValid(result); i++)
	{
		Form_pg_opclass form = (Form_pg_opclass) GETSTRUCT(&list->members[i]->tuple);

		if (form->opcfamily == family &&
			(IsBinaryCoercible(type, form->opcintype) ||
			 (form->opcintype == ANYARRAYOID &&
			  OidIsValid(get_element_type(type)))))
			result = form->oid;
	}
	ReleaseSysCacheList(list);
	return result;
}

/* The b-tree operator class that serves LIKE under a collation, or invalid. */
Oid
sk_index_opclass_for_like(Oid type, Oid collation)
{
	return is_bytewise(collation) ? GetDefaultOpClass(type, BTREE_AM_OID) :
		pattern_opclass(type);
}

/* The access method of an operator class */
Oid
sk_index_opclass_method(Oid opclass)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Oid			result = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_opclass) GETSTRUCT(tuple))->opcmethod;
		ReleaseSysCache(tuple);
	}
	return result;
}
