/*-------------------------------------------------------------------------
 *
 * audit/names.c
 *	  Names in a table's shape that change without the table.
 *
 * These are the names of its schema, of its columns' types and of their schemas.
 * To rename one of them is no change of the table, which is not invalidated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/names.h"

#include "access/transam.h"
#include "nodes/pg_list.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

uint64		sk_audit_names_changes = 0;

/* Of users' types that audited tables have, as the system cache has them */
static List *type_hashes = NIL;

static void
at_change(Datum arg, int cacheid, uint32 hash)
{
	if (cacheid == NAMESPACEOID || hash == 0 ||
		list_member_int(type_hashes, (int) hash))
		sk_audit_names_changes++;
}

void
sk_audit_names_init(void)
{
	CacheRegisterSyscacheCallback(NAMESPACEOID, at_change, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, at_change, (Datum) 0);
}

/*
 * From here on a change of the names of the table's types is noticed.
 */
void
sk_audit_names_watch(TupleDesc tupdesc)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Oid			type = TupleDescAttr(tupdesc, i)->atttypid;

		if (type >= FirstNormalObjectId)
			type_hashes = list_append_unique_int(type_hashes,
												 (int) GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type)));
	}
	MemoryContextSwitchTo(old);
}
