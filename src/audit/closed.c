/*-------------------------------------------------------------------------
 *
 * audit/closed.c
 *	  Partitions of the audit log whose time is over, and their indexes.
 *
 * The partition that is written to has only those indexes without which it could not be
 * read at all.  When its month is over, and no transaction runs any more that began
 * in it, those are added by which audit_search() finds what is rare: by table and
 * operation, by actor, by transaction, and by columns and values.  They keep nobody
 * from writing, since nobody writes there, and nobody from reading.  Those that it had
 * before are made again if they are gone or not valid.
 *
 * The caller is the log's owner, under fixed settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/closed.h"
#include "audit/log.h"
#include "audit/partition.h"
#include "base/spi.h"
#include "schemakit.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"

/* 75_dump.sql knows them by their names. */
static const SkAuditIndex added[] = {
	{"table", "CREATE INDEX %s ON schemakit.%s (shape_id, op, at)"},
	{"actor", "CREATE INDEX %s ON schemakit.%s (actor, at) WHERE actor IS NOT NULL"},
	{"txn", "CREATE INDEX %s ON schemakit.%s (txn_id)"},
	{"value", "CREATE INDEX %s ON schemakit.%s USING gin (old, new)"},
};

#define NUMBER_OF_INDEXES	(SK_AUDIT_PARTITION_INDEXES + lengthof(added))

/* Those that the partition has from the beginning come first. */
static const SkAuditIndex *
index_at(size_t i)
{
	return i < SK_AUDIT_PARTITION_INDEXES ? &sk_audit_partition_indexes[i]
		: &added[i - SK_AUDIT_PARTITION_INDEXES];
}

static char *
index_name(const char *partition, size_t i)
{
	return psprintf("%s_%s_idx", partition, index_at(i)->name);
}

/* The index, valid or not; InvalidOid if it is missing */
static Oid
find_index(Oid relid, size_t i)
{
	const char *partition = get_rel_name(relid);

	return partition == NULL ? InvalidOid
		: get_relname_relid(index_name(partition, i), get_rel_namespace(relid));
}

static bool
has_index(Oid relid, size_t i)
{
	Oid			index = find_index(relid, i);

	return OidIsValid(index) && get_index_isvalid(index);
}

/*
 * Has the partition all of these, so that they can be used?
 */
bool
sk_audit_closed_has_indexes(Oid relid)
{
	for (size_t i = 0; i < NUMBER_OF_INDEXES; i++)
	{
		if (!has_index(relid, i))
			return false;
	}
	return true;
}

/*
 * The partitions, with the newest first, that begin at that time or later, end before
 * the other one, and lack some.  Those that somebody has made otherwise are his affair.
 */
List *
sk_audit_closed_without_indexes(TimestampTz from, TimestampTz before)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, sk_audit_partition_leaves())
	{
		const SkAuditLeaf *leaf = lfirst(lc);

		if (leaf->until <= before && leaf->from >= from && !TIMESTAMP_NOT_FINITE(leaf->until) &&
			sk_audit_partition_is_month(leaf->relid) && !sk_audit_closed_has_indexes(leaf->relid))
			result = lcons_oid(leaf->relid, result);
	}
	return result;
}

/*
 * What is wrong with the indexes of a partition, or NULL.  If its time is not over, it has
 * but those from its beginning.
 */
char *
sk_audit_closed_trouble(Oid relid, bool is_over)
{
	const char *partition = get_rel_name(relid);
	char	   *trouble = NULL;
	size_t		count = is_over ? NUMBER_OF_INDEXES : SK_AUDIT_PARTITION_INDEXES;

	for (size_t i = 0; partition != NULL && i < count; i++)
	{
		if (has_index(relid, i))
			continue;
		trouble = psprintf("%s%sindex %s is %s", trouble ? trouble : "", trouble ? "; " : "",
						   index_name(partition, i),
						   OidIsValid(find_index(relid, i)) ? "not valid" : "missing");
	}
	return trouble;
}

/*
 * Make those that it lacks.
 */
void
sk_audit_closed_make_indexes(Oid relid)
{
	const char *partition = get_rel_name(relid);

	for (size_t i = 0; i < NUMBER_OF_INDEXES; i++)
	{
		char	   *name = index_name(partition, i);

		if (has_index(relid, i))
			continue;
		(void) sk_spi_execute(OidIsValid(find_index(relid, i))
							  ? psprintf("REINDEX INDEX schemakit.%s", name)
							  : psprintf(index_at(i)->statement, name, partition),
							  0, NULL, NULL, SPI_OK_UTILITY, NULL);
	}
	(void) sk_spi_execute(psprintf("ANALYZE schemakit.%s", partition), 0, NULL, NULL,
						  SPI_OK_UTILITY, NULL);
}
