/*-------------------------------------------------------------------------
 *
 * audit/log_place.c
 *	  Where a row of the log goes: the partition of its time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/log_place.h"

#include "catalog/pg_class.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* A bound of partitions; "none" is what it is without one. */
static TimestampTz
bound(PartitionBoundInfo bounds, int i, TimestampTz none)
{
	if (i < 0 || i >= bounds->ndatums ||
		bounds->kind[i][0] != PARTITION_RANGE_DATUM_VALUE)
		return none;
	return DatumGetTimestampTz(bounds->datums[i][0]);
}

/* The partition for rows of that time, and for which others it is. */
static void
find_partition(SkAuditLogPlace *place, Relation table, TimestampTz at)
{
	PartitionKey key = RelationGetPartitionKey(table);
	PartitionDesc partdesc = RelationGetPartitionDesc(table, true);
	PartitionBoundInfo bounds = partdesc->boundinfo;
	Datum		value = TimestampTzGetDatum(at);
	bool		is_equal;
	int			offset;
	int			part;

	if (partdesc->nparts == 0 || key->strategy != PARTITION_STRATEGY_RANGE)
		return;
	offset = partition_range_datum_bsearch(key->partsupfunc,
										   key->partcollation, bounds,
										   1, &value, &is_equal);
	place->from = bound(bounds, offset, DT_NOBEGIN);
	place->until = bound(bounds, offset + 1, DT_NOEND);
	part = bounds->indexes[offset + 1];
	if (part < 0)
		part = bounds->default_index;
	if (part >= 0)
		place->leaf = partdesc->oids[part];
}

/*
 * Find out where rows of that time go, and for which others that is true.
 */
void
sk_audit_log_place_find(SkAuditLogPlace *place, Relation table, TimestampTz at)
{
	/* first, so that an invalidation on the way is not overlooked */
	place->known = true;
	place->table = RelationGetRelid(table);
	place->leaf = InvalidOid;
	place->from = DT_NOBEGIN;
	place->until = DT_NOEND;
	if (table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		find_partition(place, table, at);
	else
		place->leaf = place->table;
}

/*
 * Do rows of that time go there?
 */
bool
sk_audit_log_place_is_for(const SkAuditLogPlace *place, TimestampTz at)
{
	return place->known && at >= place->from &&
		(at < place->until || place->until == DT_NOEND);
}
