/*-------------------------------------------------------------------------
 *
 * audit/parents.c
 *	  The audited tables from which a table inherits, as a shape has them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/parents.h"
#include "base/array.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

/*
 * None yet, and room for so many.
 */
SkAuditParents
sk_audit_parents_empty(int capacity)
{
	SkAuditParents parents = {
		.ids = palloc(sizeof(int64) * Max(capacity, 1)),
	};

	return parents;
}

SkAuditParents
sk_audit_parents_read(Datum array)
{
	SkAuditParents parents;
	Datum	   *elements;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), INT8OID, 8, FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, NULL, &count);
	parents = sk_audit_parents_empty(count);
	for (; parents.count < count; parents.count++)
		parents.ids[parents.count] = DatumGetInt64(elements[parents.count]);
	return parents;
}

Datum
sk_audit_parents_as_array(const SkAuditParents *parents)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(parents->count, 1));

	for (int i = 0; i < parents->count; i++)
		elements[i] = Int64GetDatum(parents->ids[i]);
	return sk_array_of(elements, parents->count, INT8OID);
}

bool
sk_audit_parents_are_same(const SkAuditParents *a, const SkAuditParents *b)
{
	return a->count == b->count &&
		(a->count == 0 || memcmp(a->ids, b->ids, sizeof(int64) * a->count) == 0);
}

bool
sk_audit_parents_have(const SkAuditParents *parents, int64 rel_id)
{
	for (int i = 0; i < parents->count; i++)
	{
		if (parents->ids[i] == rel_id)
			return true;
	}
	return false;
}
