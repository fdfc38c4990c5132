/*-------------------------------------------------------------------------
 *
 * audit/adopt.c
 *	  Tables that a dump has brought are recorded as what they are before a
 *	  command changes them.
 *
 * A dump has the shapes that another database has recorded.  They are connected
 * with a table by its name, at its first write at the latest.  A command before that
 * would change the name, the columns or the rows of a table of which this database
 * has recorded nothing, so that it would have nothing to record the change of: the
 * past would be told by what the table has become.
 *
 * So the first command after the dump was loaded finds all tables of such shapes.
 * Nothing is recorded while it is loaded, because shapes may come after the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/adopt.h"
#include "audit/identity.h"
#include "audit/log.h"
#include "audit/origin.h"
#include "audit/recorded.h"
#include "audit/shape.h"
#include "audit/trigger.h"
#include "base/guard.h"
#include "base/restore.h"
#include "base/table.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Nothing is left to be done, as of what this session knows of audit_shape. */
static bool settled = false;
static uint64 settled_aborts;
static Oid	shape_table = InvalidOid;

static void
at_invalidation(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == shape_table)
		settled = false;
}

void
sk_audit_adopt_init(void)
{
	CacheRegisterRelcacheCallback(at_invalidation, (Datum) 0);
}

/*
 * Shapes of another database are loaded, or a table to which some may belong: all
 * sessions are to look again.
 */
void
sk_audit_adopt_later(void)
{
	CacheInvalidateRelcacheByRelid(sk_audit_log_relid("audit_shape"));
}

/* Numbers of tables of which the other databases on that side of ours tell */
static List *
list_of(Relation rel, List *found, StrategyNumber strategy, RegProcedure compare)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_audit_shape_cluster, strategy, compare,
				Int64GetDatum(sk_audit_origin_cluster()));
	scan = systable_beginscan(rel, sk_audit_log_relid("audit_shape_cluster_idx"),
							  true, SnapshotSelf, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		int64		rel_id = DatumGetInt64(heap_getattr(tuple, Anum_audit_shape_rel_id,
														RelationGetDescr(rel), &isnull));
		int64	   *copy;

		/* the index has those of a table side by side */
		if (found != NIL && *(int64 *) llast(found) == rel_id)
			continue;
		copy = palloc(sizeof(int64));
		*copy = rel_id;
		found = lappend(found, copy);
	}
	systable_endscan(scan);
	return found;
}

static List *
list_foreign(void)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_shape"), AccessShareLock);
	List	   *found = NIL;

	shape_table = RelationGetRelid(rel);
	found = list_of(rel, found, BTLessStrategyNumber, F_INT8LT);
	found = list_of(rel, found, BTGreaterStrategyNumber, F_INT8GT);
	table_close(rel, AccessShareLock);
	return found;
}

/* The table that has the name of the last shape, if that is another database's. */
static Oid
find_table(int64 rel_id)
{
	const SkAuditShape *last = llast(sk_audit_shape_list(rel_id));
	Oid			schema;

	if (last->dropped || last->cluster == sk_audit_origin_cluster())
		return InvalidOid;
	schema = get_namespace_oid(last->schema_name, true);
	return OidIsValid(schema) ? get_relname_relid(last->table_name, schema) : InvalidOid;
}

static void
record(void *arg)
{
	Relation	rel = try_relation_open(*(Oid *) arg, NoLock);
	const Trigger *trigger = rel ? sk_audit_trigger_find(rel) : NULL;
	SkAuditOptions *options = trigger != NULL && !trigger->tgisclone
		? sk_audit_options_try(trigger) : NULL;

	if (options != NULL && !sk_audit_identity_is_bound(rel))
		sk_audit_trigger_record(rel, options);
	if (rel != NULL)
		relation_close(rel, NoLock);
}

/*
 * Returns false if the table is locked: whoever alters it has done this before, or
 * waits for us.  Our lock is not kept, since the command may want a stronger one.
 */
static bool
adopt(Oid relid)
{
	bool		ours;

	if (!sk_table_lock_at_once(relid, &ours))
		return false;
	(void) sk_guard_prepare(record, &relid, "continue the audit history of", relid);
	if (!ours)
		UnlockRelationOid(relid, AccessShareLock);
	return true;
}

/* The tables, all of them if nobody has locked one */
static void
adopt_all(void *arg)
{
	bool	   *complete = arg;
	ListCell   *lc;

	foreach(lc, list_foreign())
	{
		Oid			relid = find_table(*(int64 *) lfirst(lc));

		if (OidIsValid(relid))
			*complete &= adopt(relid);
	}
}

/*
 * A command, which may change any table, is about to be run.  It must not fail if the
 * log's tables are not those that this library knows, as before ALTER EXTENSION UPDATE.
 */
void
sk_audit_adopt_restored(void)
{
	bool		complete = true;
	ErrorData  *failure;

	if ((settled && settled_aborts == sk_audit_recorded_aborts) || sk_restore_is_running())
		return;
	failure = sk_guard_try(adopt_all, &complete, sk_guard_is_failure);
	if (failure != NULL)
		ereport(WARNING,
				(errcode(failure->sqlerrcode),
				 errmsg("could not look for restored tables in the audit log: %s",
						failure->message)));
	settled = complete;
	settled_aborts = sk_audit_recorded_aborts;
}
