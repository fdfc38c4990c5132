/*-------------------------------------------------------------------------
 *
 * advisor/scope.c
 *	  Which tables advice is for.
 *
 * Those of users, permanent, and asked for, however small: what an index saves
 * decides, and not how large its table is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/scope.h"

#include "base/guard.h"
#include "base/table.h"
#include "schemakit.h"

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct Known
{
	Oid			relid;
	double		bytes;
	bool		allowed;
} Known;

static double
size_of(Oid relid)
{
	double		bytes = 0;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel = try_relation_open(lfirst_oid(lc), AccessShareLock);

		if (rel == NULL)
			continue;
		if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind) &&
			!RELATION_IS_OTHER_TEMP(rel))
			bytes += (double) RelationGetNumberOfBlocks(rel) * BLCKSZ;
		relation_close(rel, AccessShareLock);
		if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
			break;
	}
	return bytes;
}

static bool
is_asked_for(const SkAdviceOptions *options, Oid relid)
{
	if (!options->all_schemas &&
		!list_member_oid(options->schemas, get_rel_namespace(relid)))
		return false;
	return options->all_tables || list_member_oid(options->tables, relid);
}

static bool
is_users(Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	char		relkind = get_rel_relkind(relid);

	return relid >= FirstNormalObjectId && OidIsValid(schema) &&
		!IsCatalogNamespace(schema) && !IsToastNamespace(schema) &&
		!isAnyTempNamespace(schema) &&
		schema != get_namespace_oid("information_schema", true) &&
		schema != get_namespace_oid(SK_SCHEMA, true) &&
		(relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW ||
		 relkind == RELKIND_PARTITIONED_TABLE);
}

/* Is it a table of users, whoever asks for advice? */
bool
sk_advice_scope_is_of_users(Oid relid)
{
	return is_users(relid);
}

static void
measure(void *arg)
{
	Known	   *known = arg;

	known->bytes = size_of(known->relid);
}

static Known *
look_up(SkAdvice *advice, Oid relid)
{
	MemoryContext old;
	Known	   *known;
	ListCell   *lc;

	foreach(lc, advice->sizes)
	{
		known = lfirst(lc);
		if (known->relid == relid)
			return known;
	}
	old = MemoryContextSwitchTo(advice->pool->context);
	known = palloc0(sizeof(Known));
	known->relid = relid;
	if (is_users(relid) && sk_guard_rehearse(measure, known) == NULL)
		known->allowed = is_asked_for(&advice->options, relid);
	advice->sizes = lappend(advice->sizes, known);
	MemoryContextSwitchTo(old);
	return known;
}

/*
 * Is advice for this table wanted, and can it be had?  It is locked for a moment;
 * none is wanted where somebody else holds a lock.
 */
bool
sk_advice_scope_allows(Oid relid, void *advice)
{
	return look_up(advice, relid)->allowed;
}

/* The same, whether it is locked or not. */
bool
sk_advice_scope_is_users(SkAdvice *advice, Oid relid)
{
	return is_users(relid) && is_asked_for(&advice->options, relid);
}

/* Does the planner know anything about the table? */
bool
sk_advice_scope_is_analyzed(Oid relid)
{
	return sk_table_rows(relid) >= 0;
}

/* The bytes of a table, with its partitions. */
double
sk_advice_scope_table_bytes(SkAdvice *advice, Oid relid)
{
	return look_up(advice, relid)->bytes;
}
