/*-------------------------------------------------------------------------
 *
 * base/depend.c
 *	  What depends on an object, and whose rules are among it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/depend.h"
#include "base/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/*
 * What depends on the object, as a list of copied rows of pg_depend.
 */
List *
sk_depend_rows(Oid classid, Oid objectid)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *rows = NIL;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(classid));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(objectid));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rows = lappend(rows, GETSTRUCT(heap_copytuple(tuple)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return rows;
}

/* What a view's rule selects */
static Query *
read_action(HeapTuple rule, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		action = heap_getattr(rule, Anum_pg_rewrite_ev_action, tupdesc, &isnull);

	return linitial(stringToNode(TextDatumGetCString(action)));
}

/*
 * The view that the rule makes one, and if it is asked for, what that selects;
 * InvalidOid if it is another rule.  The view is neither opened nor locked.
 */
Oid
sk_depend_read_view(Oid rule, Query **query)
{
	Relation	rel = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(rule));
	scan = systable_beginscan(rel, RewriteOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) &&
		((Form_pg_rewrite) GETSTRUCT(tuple))->ev_type == '0' + CMD_SELECT)
	{
		relid = ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
		if (query != NULL)
			*query = read_action(tuple, RelationGetDescr(rel));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relid;
}

/*
 * The view that the rule makes one; InvalidOid if it is another rule.
 */
Oid
sk_depend_view_of_rule(Oid rule)
{
	return sk_depend_read_view(rule, NULL);
}
