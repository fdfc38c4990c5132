/*-------------------------------------------------------------------------
 *
 * audit/origin.c
 *	  Which database this is, and whose events it has besides its own.
 *
 * OIDs and transaction IDs mean something only in the database that has recorded
 * them.  A random number, which no dump contains, tells it from others.
 *
 * A dump can leave the events out, and still have the shapes of the tables, which say
 * that changes were recorded.  So the rows of a dump's events end with one for each
 * database whose events are among them (75_dump.sql), and loading that one is what
 * makes the database have them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/origin.h"
#include "audit/log.h"
#include "base/compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Columns of schemakit.audit_origin */
#define Anum_cluster	1
#define Anum_loaded_at	2		/* null for this database */

#define DATABASE_BITS	15
#define XID_BITS		48
#define XID_MASK		((UINT64CONST(1) << XID_BITS) - 1)

/* The row of a database, or of this one if "ours" is set; is there one? */
static bool
find_row(Relation rel, bool ours, int64 *cluster)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		is_ours;
		bool		isnull;
		int64		value = DatumGetInt64(heap_getattr(tuple, Anum_cluster,
													   RelationGetDescr(rel), &isnull));

		(void) heap_getattr(tuple, Anum_loaded_at, RelationGetDescr(rel), &is_ours);
		found = ours ? is_ours : value == *cluster;
		if (found)
			*cluster = value;
	}
	systable_endscan(scan);
	return found;
}

/*
 * A number for this database of this cluster.  It is kept, since it does not change as
 * long as the table is the same one.
 */
int64
sk_audit_origin_cluster(void)
{
	static Oid	known_in = InvalidOid;
	static int64 known = 0;
	Oid			relid = sk_audit_log_relid("audit_origin");
	Relation	rel;

	if (relid == known_in)
		return known;
	rel = table_open(relid, AccessShareLock);
	if (!find_row(rel, true, &known))
		elog(ERROR, "schemakit.audit_origin is empty");
	known_in = relid;
	table_close(rel, AccessShareLock);
	return known;
}

/*
 * 15 bits of the number of a database, which are in its transactions' numbers.
 */
int
sk_audit_origin_number(int64 cluster)
{
	return (uint64) cluster & ((1 << DATABASE_BITS) - 1);
}

/* Those of this one */
int
sk_audit_origin_database(void)
{
	return sk_audit_origin_number(sk_audit_origin_cluster());
}

/*
 * The number of one of this database's transactions in the log: the transaction ID
 * in the lower 48 bits, and above them 15 bits of the number of the database.
 */
int64
sk_audit_origin_txn(FullTransactionId xid)
{
	return sk_audit_origin_first(sk_audit_origin_database()) +
		(int64) (U64FromFullTransactionId(xid) & XID_MASK);
}

/*
 * The smallest number that a transaction of a database may have; the largest of all,
 * if there is no such database.
 */
int64
sk_audit_origin_first(int database)
{
	return database >= 1 << DATABASE_BITS ? PG_INT64_MAX : (int64) database << XID_BITS;
}

/*
 * The transaction ID in a number
 */
uint64
sk_audit_origin_xid_of(int64 txn_id)
{
	return (uint64) txn_id & XID_MASK;
}

/*
 * Does the log have all events that the database with that number had recorded when it
 * was dumped?  It has its own.
 */
bool
sk_audit_origin_has_events(int64 cluster)
{
	Relation	rel;
	bool		found;

	if (cluster == sk_audit_origin_cluster())
		return true;
	rel = table_open(sk_audit_log_relid("audit_origin"), AccessShareLock);
	found = find_row(rel, false, &cluster);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Have events of a database with that number been loaded from a dump?
 */
bool
sk_audit_origin_is_loaded(int number)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_origin"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		is_ours;
		bool		isnull;
		Datum		cluster = heap_getattr(tuple, Anum_cluster, RelationGetDescr(rel), &isnull);

		(void) heap_getattr(tuple, Anum_loaded_at, RelationGetDescr(rel), &is_ours);
		found = !is_ours && sk_audit_origin_number(DatumGetInt64(cluster)) == number;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * The number of the database in that of a transaction
 */
int
sk_audit_origin_of(int64 txn_id)
{
	return (int) ((uint64) txn_id >> XID_BITS);
}

/*
 * The events of a dump have been loaded.  The row goes into no stream of logical
 * decoding, whatever is published.
 */
void
sk_audit_origin_loaded(int64 cluster)
{
	Relation	rel;
	Datum		values[] = {Int64GetDatum(cluster), TimestampTzGetDatum(GetCurrentTimestamp())};
	bool		nulls[] = {false, false};

	if (sk_audit_origin_has_events(cluster))
		return;
	rel = table_open(sk_audit_log_relid("audit_origin"), RowExclusiveLock);
	heap_insert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls),
				GetCurrentCommandId(true), HEAP_INSERT_NO_LOGICAL, NULL);
	table_close(rel, RowExclusiveLock);
}
