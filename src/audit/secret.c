/*-------------------------------------------------------------------------
 *
 * audit/secret.c
 *	  The key of hashes of masked values: a row of schemakit.audit_secret, made
 *	  when it is first needed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/secret.h"
#include "audit/log.h"
#include "base/compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "common/sha2.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Is there a row, as of now? */
static bool
has_secret(Relation rel)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	bool		found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	return found;
}

/* The row goes into no stream of logical decoding, whatever is published. */
static void
insert_secret(Relation rel)
{
	bytea	   *key = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	Datum		value = PointerGetDatum(key);
	bool		isnull = false;

	SET_VARSIZE(key, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (!pg_strong_random(VARDATA(key), PG_SHA256_DIGEST_LENGTH))
		elog(ERROR, "could not generate a random key");
	heap_insert(rel, heap_form_tuple(RelationGetDescr(rel), &value, &isnull),
				GetCurrentCommandId(true), HEAP_INSERT_NO_LOGICAL, NULL);
	CommandCounterIncrement();
}

/*
 * Is there a key?
 */
bool
sk_audit_secret_exists(void)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_secret"), AccessShareLock);
	bool		found = has_secret(rel);

	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Make the key, unless there is one.  Sessions may know tables that have done without.
 */
void
sk_audit_secret_make(void)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_secret"), AccessShareLock);

	if (!has_secret(rel))
	{
		/* one at a time; who reads it is not kept waiting */
		LockRelationOid(RelationGetRelid(rel), ShareRowExclusiveLock);
		if (!has_secret(rel))
		{
			insert_secret(rel);
			CacheInvalidateRelcacheAll();
		}
	}
	table_close(rel, NoLock);
}
