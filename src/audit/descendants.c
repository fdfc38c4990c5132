/*-------------------------------------------------------------------------
 *
 * audit/descendants.c
 *	  The tables that inherited (INHERITS) from an audited table at some time:
 *	  who reads it, reads their rows, too.
 *
 * Each has a history of its own, and its shapes say from which tables it inherits.
 * So it is known what became a child or ceased to be one later.  One that has no
 * shape of that time came to be audited later: it was made since then, or was no
 * child.  If that is not so, its parent has a gap (audit/trigger.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/descendants.h"
#include "audit/identity.h"
#include "audit/origin.h"
#include "audit/shape.h"
#include "base/table.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

typedef struct Table
{
	int64		rel_id;			/* must be first */
	SkAuditShape *then;			/* NULL: it had no shape at that time */
	SkAuditShape *now;
	bool		inherited;
} Table;

static void
read_table(Table *table, TimestampTz at)
{
	ListCell   *lc;

	table->then = NULL;
	table->inherited = false;
	foreach(lc, sk_audit_shape_list(table->rel_id))
	{
		table->now = lfirst(lc);
		if (table->now->recorded_at <= at)
			table->then = table->now;
	}
}

/* What there was then, and is now, of each audited table that ever was a child */
static HTAB *
read_tables(TimestampTz at)
{
	HASHCTL		ctl = {
		.keysize = sizeof(int64),
		.entrysize = sizeof(Table),
		.hcxt = CurrentMemoryContext,
	};
	HTAB	   *tables = hash_create("schemakit tables of the past", 64, &ctl,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ListCell   *lc;

	foreach(lc, sk_audit_shape_list_inheriting())
	{
		SkAuditShape *shape = lfirst(lc);
		bool		found;
		Table	   *table = hash_search(tables, &shape->rel_id, HASH_ENTER, &found);

		if (!found)
			read_table(table, at);
	}
	return tables;
}

/* Mark the children of that table, and theirs. */
static void
mark_children(HTAB *tables, int64 rel_id)
{
	HASH_SEQ_STATUS status;
	Table	   *table;
	List	   *children = NIL;
	ListCell   *lc;

	hash_seq_init(&status, tables);
	while ((table = hash_seq_search(&status)) != NULL)
	{
		if (table->then == NULL || table->then->dropped || table->inherited ||
			!sk_audit_parents_have(&table->then->parents, rel_id))
			continue;
		table->inherited = true;
		children = lappend(children, table);
	}
	foreach(lc, children)
		mark_children(tables, ((Table *) lfirst(lc))->rel_id);
}

/* The table today; InvalidOid if it is gone.  One that was restored goes by its name. */
static Oid
present(const SkAuditShape *now)
{
	Oid			relid = now->cluster == sk_audit_origin_cluster() ? now->relid
		: get_relname_relid(now->table_name, get_namespace_oid(now->schema_name, true));
	Relation	rel;
	bool		is_same;

	if (now->dropped || !OidIsValid(relid))
		return InvalidOid;
	rel = try_relation_open(relid, AccessShareLock);
	if (rel == NULL)
		return InvalidOid;
	is_same = sk_audit_identity_find(rel) == now->rel_id;
	relation_close(rel, NoLock);
	return is_same ? relid : InvalidOid;
}

/* A child of today that was never audited, or InvalidOid */
static Oid
unknown_child(const SkAuditReader *reader)
{
	Oid			unknown = InvalidOid;
	ListCell   *lc;

	if (reader->partitioned || !has_subclass(reader->relid))
		return InvalidOid;
	foreach(lc, find_all_inheritors(reader->relid, AccessShareLock, NULL))
	{
		Relation	rel = relation_open(lfirst_oid(lc), NoLock);

		if (RelationGetRelid(rel) != reader->relid && sk_audit_identity_find(rel) == 0)
			unknown = RelationGetRelid(rel);
		relation_close(rel, NoLock);
	}
	return unknown;
}

/*
 * The OIDs of the tables that inherited from the reader's at that time.  "refusal" is
 * set if that, or what their rows were, cannot be told.
 */
List *
sk_audit_descendants_at(const SkAuditReader *reader, TimestampTz at,
						const char **refusal)
{
	HTAB	   *tables = read_tables(at);
	List	   *relids = NIL;
	Oid			unknown = unknown_child(reader);
	HASH_SEQ_STATUS status;
	Table	   *table;

	*refusal = NULL;
	if (OidIsValid(unknown))
		*refusal = psprintf("Table %s, which inherits from it, is not audited.",
							sk_table_told_name(unknown));
	mark_children(tables, reader->rel_id);
	hash_seq_init(&status, tables);
	while ((table = hash_seq_search(&status)) != NULL)
	{
		Oid			relid = table->inherited ? present(table->now) : InvalidOid;

		if (OidIsValid(relid))
			relids = lappend_oid(relids, relid);
		else if (table->inherited)
			*refusal = psprintf("Table %s, which inherited from it then, does not exist any more.",
								table->now->table_name);
	}
	hash_destroy(tables);
	list_sort(relids, list_oid_cmp);
	return relids;
}
