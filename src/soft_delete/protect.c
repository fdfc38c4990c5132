/*-------------------------------------------------------------------------
 *
 * soft_delete/protect.c
 *	  Tables whose rows can only be soft-deleted: the triggers that refuse
 *	  DELETE and TRUNCATE.
 *
 * A purge may delete rows that were soft-deleted long enough ago, of its table and
 * of those that foreign keys make it delete from, and no others: a trigger may
 * execute other statements meanwhile, or another purge.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/protect.h"
#include "base/trigger.h"
#include "soft_delete/relation.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

static SkSoftPermit *permits = NULL;

/*
 * From here to sk_soft_protect_revoke() rows of those tables that were deleted
 * long enough ago may be deleted.
 */
void
sk_soft_protect_permit(SkSoftPermit *permit)
{
	permit->outer = permits;
	permits = permit;
}

void
sk_soft_protect_revoke(SkSoftPermit *permit)
{
	permits = permit->outer;
}

/* A partition belongs to the table that a purge is about. */
static bool
is_about(const SkSoftPermit *permit, Relation rel)
{
	ListCell   *lc;

	if (list_member_oid(permit->relids, RelationGetRelid(rel)))
		return true;
	if (!rel->rd_rel->relispartition)
		return false;
	foreach(lc, get_partition_ancestors(RelationGetRelid(rel)))
	{
		if (list_member_oid(permit->relids, lfirst_oid(lc)))
			return true;
	}
	return false;
}

static bool
is_due(TimestampTz before, Relation rel, HeapTuple row)
{
	AttrNumber	column = sk_soft_relation_column(rel);
	bool		is_live = true;
	Datum		stamp = column == InvalidAttrNumber ? (Datum) 0
		: heap_getattr(row, column, RelationGetDescr(rel), &is_live);

	if (is_live)
		return false;
	if (TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid == TIMESTAMPTZOID)
		return DatumGetTimestampTz(stamp) < before;
	return DatumGetTimestamp(stamp) <
		DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp,
											  TimestampTzGetDatum(before)));
}

static bool
is_purged(const TriggerData *trigdata)
{
	for (const SkSoftPermit *permit = permits; permit; permit = permit->outer)
	{
		if (is_about(permit, trigdata->tg_relation) &&
			is_due(permit->before, trigdata->tg_relation, trigdata->tg_trigtuple))
			return true;
	}
	return false;
}

static void
refuse(const TriggerData *trigdata, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s table \"%s\", whose rows can only be soft-deleted",
					what, RelationGetRelationName(trigdata->tg_relation)),
			 errhint("Delete from its view of live rows, use schemakit.soft_delete_purge() to delete old rows permanently, or call schemakit.soft_delete_enable() with protect => false.")));
}

/*
 * schemakit.soft_delete_protect() RETURNS trigger
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_protect);
Datum
schemakit_soft_delete_protect(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before(fcinfo, SK_SOFT_PROTECT_FUNCTION);

	if (!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) || !is_purged(trigdata))
		refuse(trigdata, "delete from");
	return PointerGetDatum(TRIGGER_FIRED_FOR_ROW(trigdata->tg_event)
						   ? trigdata->tg_trigtuple : NULL);
}

/*
 * schemakit.soft_delete_protect_truncate() RETURNS trigger
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_protect_truncate);
Datum
schemakit_soft_delete_protect_truncate(PG_FUNCTION_ARGS)
{
	refuse(sk_trigger_before_truncate(fcinfo, SK_SOFT_PROTECT_TRUNCATE), "truncate");
	return PointerGetDatum(NULL);
}
