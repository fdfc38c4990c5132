/*-------------------------------------------------------------------------
 *
 * attach/truncate_trigger.c
 *	  TRUNCATE triggers on a table and its partitions.
 *
 * They are for statements, and the server clones only triggers for rows: each
 * partition needs its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/truncate_trigger.h"
#include "attach/attach.h"
#include "attach/coverage.h"
#include "schemakit.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "utils/rel.h"

/*
 * The table, and its partitions at all levels, locked.
 */
List *
sk_truncate_trigger_tables(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
		? find_all_inheritors(RelationGetRelid(rel), ShareRowExclusiveLock, NULL)
		: list_make1_oid(RelationGetRelid(rel));
}

/*
 * Foreign tables, as partitions, cannot have TRUNCATE triggers before 16.
 */
bool
sk_truncate_trigger_can_truncate(Relation rel)
{
	return rel->rd_rel->relkind != RELKIND_FOREIGN_TABLE;
}

/* Is it as we make it, whether it is enabled or not? */
static bool
is_whole(Relation rel, const char *function, const Trigger *trigger)
{
	SkTriggerSpec spec = {
		.function = function,
		.timing = TRIGGER_TYPE_BEFORE,
		.events = TRIGGER_TYPE_TRUNCATE,
		.for_statement = true,
	};

	return !sk_coverage_is_altered(RelationGetRelid(rel), &spec, trigger);
}

/*
 * Give the relation a BEFORE TRUNCATE trigger on the function in that state,
 * unless it has it.
 */
void
sk_truncate_trigger_one(Relation rel, const char *function, char fires_when)
{
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(function));
	SkTriggerDef def = {
		.name = trigger ? trigger->tgname
		: psprintf("%s%s", SK_TRIGGER_PREFIX, function),
		.function = sk_attach_function(function),
		.timing = TRIGGER_TYPE_BEFORE,
		.events = TRIGGER_TYPE_TRUNCATE,
		.for_statement = true,
		.fires_when = fires_when,
	};

	if (trigger == NULL || trigger->tgenabled != fires_when ||
		!is_whole(rel, function, trigger))
		sk_attach_create(rel, &def);
}

/*
 * The same for the table and all of its partitions.
 */
void
sk_truncate_trigger_all(Relation rel, const char *function, char fires_when)
{
	ListCell   *lc;

	foreach(lc, sk_truncate_trigger_tables(rel))
	{
		Relation	table = table_open(lfirst_oid(lc), NoLock);

		if (sk_truncate_trigger_can_truncate(table))
			sk_truncate_trigger_one(table, function, fires_when);
		table_close(table, NoLock);
	}
}

/*
 * Take these triggers away.
 */
void
sk_truncate_trigger_end(Relation rel, const char *function)
{
	ListCell   *lc;
	ListCell   *lct;

	foreach(lc, sk_truncate_trigger_tables(rel))
	{
		Relation	table = table_open(lfirst_oid(lc), NoLock);

		foreach(lct, sk_attach_list(table, sk_attach_function(function)))
			sk_attach_drop(lfirst(lct));
		table_close(table, NoLock);
	}
}
