/*-------------------------------------------------------------------------
 *
 * advisor/ddl.c
 *	  Advice as commands.
 *
 * Each step is one command that runs by itself and outside of a transaction, so
 * that it can be CONCURRENTLY.  That cannot be said of an index on a partitioned
 * table: it is made on that table only, where it is empty, and on each partition
 * concurrently; then the parts are attached.  With foreign tables among the
 * partitions it is the other way round.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/ddl.h"

#include "advisor/statistics.h"
#include "base/guc.h"
#include "base/table.h"
#include "index/compare.h"
#include "index/deparse.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/* Commands, as they come together. */
typedef struct Script
{
	List	   *steps;
	List	  **names;			/* that indexes of this advice have */
} Script;

static char *
qualified_table(Oid relid)
{
	return quote_qualified_identifier(sk_table_present_schema(relid),
									  sk_table_present_name(relid));
}

static char *
qualified_index(Oid relid, const char *name)
{
	return quote_qualified_identifier(sk_table_present_schema(relid),
									  name);
}

static void
add_step(Script *script, Oid relid, char *ddl, char *undo)
{
	SkAdviceStep *step = palloc(sizeof(SkAdviceStep));

	step->relid = relid;
	step->ddl = ddl;
	step->undo = undo;
	script->steps = lappend(script->steps, step);
}

static char *create(Script *script, const SkIndex *index, bool part);

/* The name of an index of its table that can be a part of this one's, or NULL. */
static char *
find_part(const SkIndex *index)
{
	Relation	rel = relation_open(index->relid, AccessShareLock);
	char	   *name = NULL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Oid			indexid = lfirst_oid(lc);

		if (!get_rel_relispartition(indexid) && get_index_isvalid(indexid) &&
			sk_index_compare_can_attach(index, sk_index_of_catalog(indexid)))
		{
			name = get_rel_name(indexid);
			break;
		}
	}
	relation_close(rel, NoLock);
	return name;
}

/* An index on each partition, which becomes a part of the one by this name. */
static void
create_parts(Script *script, const SkIndex *index, const char *name)
{
	ListCell   *lc;

	foreach(lc, find_inheritance_children(index->relid, AccessShareLock))
	{
		Oid			partition = lfirst_oid(lc);
		char		relkind = get_rel_relkind(partition);
		const SkIndex *wanted;
		char	   *part;

		if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
			continue;
		wanted = sk_index_for_partition(index, partition);
		part = find_part(wanted);
		if (part == NULL)
			part = create(script, wanted, true);
		add_step(script, partition,
				 psprintf("ALTER INDEX %s ATTACH PARTITION %s",
						  qualified_index(index->relid, name),
						  qualified_index(partition, part)),
				 NULL);
	}
}

static bool
has_foreign_part(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
			return true;
	}
	return false;
}

/*
 * A foreign table has no index to attach, so the one on the partitioned table
 * would never be valid.  It is if it is made after those on the partitions, which
 * it finds: that takes no time, though it is not concurrent.
 */
static void
create_leaves(Script *script, const SkIndex *index)
{
	ListCell   *lc;

	foreach(lc, find_inheritance_children(index->relid, AccessShareLock))
	{
		char		relkind = get_rel_relkind(lfirst_oid(lc));
		const SkIndex *wanted;

		if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
			continue;
		wanted = sk_index_for_partition(index, lfirst_oid(lc));
		if (relkind == RELKIND_PARTITIONED_TABLE)
			create_leaves(script, wanted);
		else if (find_part(wanted) == NULL)
			(void) create(script, wanted, true);
	}
}

/* Returns the name of the index. */
static char *
create(Script *script, const SkIndex *index, bool part)
{
	bool		partitioned = get_rel_relkind(index->relid) == RELKIND_PARTITIONED_TABLE;
	bool		foreign = partitioned && has_foreign_part(index->relid);
	char	   *name = sk_index_deparse_name(index, *script->names);

	*script->names = lappend(*script->names, name);
	if (foreign)
		create_leaves(script, index);
	add_step(script, index->relid,
			 psprintf("CREATE %sINDEX %s%s ON %s%s %s",
					  index->unique ? "UNIQUE " : "",
					  partitioned ? "" : "CONCURRENTLY ",
					  quote_identifier(name),
					  partitioned && !foreign ? "ONLY " : "",
					  qualified_table(index->relid),
					  sk_index_deparse_definition(index)),
			 part ? NULL :
			 psprintf("DROP INDEX %s%s", partitioned ? "" : "CONCURRENTLY ",
					  qualified_index(index->relid, name)));
	if (partitioned && !foreign)
		create_parts(script, index, name);
	return name;
}

/*
 * The command that creates an existing index again, concurrently if it can.  An
 * index may get another name while somebody reads it, so the name is taken from
 * where the rest is.
 */
static char *
definition_of(Oid indexid)
{
	int			nestlevel = sk_guc_pin();
	char	   *definition = pg_get_indexdef_string(indexid);
	bool		partitioned = get_rel_relkind(indexid) == RELKIND_PARTITIONED_INDEX;
	const char *begin = strncmp(definition, "CREATE U", 8) == 0 ?
		"CREATE UNIQUE INDEX " : "CREATE INDEX ";

	sk_guc_unpin(nestlevel);
	Assert(strncmp(definition, begin, strlen(begin)) == 0);
	return psprintf("%s%s%s", begin, partitioned ? "" : "CONCURRENTLY ",
					definition + strlen(begin));
}

static void
drop(Script *script, Oid relid, Oid indexid)
{
	bool		partitioned = get_rel_relkind(indexid) == RELKIND_PARTITIONED_INDEX;

	add_step(script, relid,
			 psprintf("DROP INDEX %s%s", partitioned ? "" : "CONCURRENTLY ",
					  qualified_table(indexid)),
			 definition_of(indexid));
}

/* Statistics on columns together, if there are any, and on the table. */
static void
collect_statistics(Script *script, const SkAdviceItem *item)
{
	if (item->columns != NULL)
	{
		char	   *name = qualified_index(item->relid, sk_advice_statistics_name(item));

		add_step(script, item->relid,
				 psprintf("CREATE STATISTICS %s ON %s FROM %s", name,
						  sk_advice_statistics_columns(item), qualified_table(item->relid)),
				 psprintf("DROP STATISTICS %s", name));
	}
	add_step(script, item->relid,
			 psprintf("ANALYZE %s", qualified_table(item->relid)), NULL);
}

/*
 * The commands for one thing to do (SkAdviceStep).  "names" collects the names
 * that they give to indexes.
 */
List *
sk_advice_ddl(const SkAdviceItem *item, List **names)
{
	Script		script = {NIL, names};
	ListCell   *lc;

	sk_table_hold(item->relid);
	if (item->index != NULL && OidIsValid(item->index->oid))
		sk_table_hold(item->index->oid);
	foreach(lc, item->replaced)
		sk_table_hold(lfirst_oid(lc));
	switch (item->action)
	{
		case SK_ADVICE_CREATE:
		case SK_ADVICE_REPLACE:
			(void) create(&script, item->index, false);

			/* the planner knows nothing of an expression before that */
			if (sk_index_has_expression(item->index))
				add_step(&script, item->relid,
						 psprintf("ANALYZE %s", qualified_table(item->relid)), NULL);
			foreach(lc, item->replaced)
				drop(&script, item->relid, lfirst_oid(lc));
			break;
		case SK_ADVICE_DROP:
			drop(&script, item->relid, item->index->oid);
			break;
		case SK_ADVICE_REINDEX:
			add_step(&script, item->relid,
					 psprintf("REINDEX INDEX CONCURRENTLY %s",
							  qualified_table(item->index->oid)), NULL);
			break;
		case SK_ADVICE_STATISTICS:
			collect_statistics(&script, item);
			break;
	}
	return script.steps;
}
