/*-------------------------------------------------------------------------
 *
 * timestamps/obstacle.c
 *	  What keeps a column from getting new times at all.
 *
 * A column that is part of a key must keep the values that users gave it.  All
 * rows that a statement changes would get one time, which collides in a unique
 * index; a new time may be one that no partition takes, or that a foreign key does
 * not find.  So an UPDATE would fail that succeeds without us.
 *
 * Keys come and go, also in ways that fire no event trigger.  So it is the trigger
 * that asks, for each query and table, and nothing has to be undone when a key is
 * made or dropped.  Rules ask before they attach to a table, and status() tells.
 *
 * What depends on the values of the row is not decided here but in
 * timestamps/trial.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/obstacle.h"
#include "base/compat.h"
#include "base/table.h"
#include "timestamps/mention.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_index.h"
#include "catalog/pg_partitioned_table.h"
#include "rewrite/rowsecurity.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"


/*-------------------------------------------------------------------------
 * Indexes
 *-------------------------------------------------------------------------
 */

static bool
has_key_column(Form_pg_index index, AttrNumber attnum)
{
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		if (index->indkey.values[i] == attnum)
			return true;
	}
	return false;
}

/* Does what makes rows collide in the index depend on the columns? */
static bool
index_depends(HeapTuple tuple, const Bitmapset *columns)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);

	for (int i = 0; i < index->indnkeyatts; i++)
	{
		if (index->indkey.values[i] != InvalidAttrNumber &&
			sk_mention_has_column(columns, index->indkey.values[i]))
			return true;
	}
	return sk_mention_found(sk_mention_stored(tuple, INDEXRELID, Anum_pg_index_indexprs),
							columns) ||
		sk_mention_found(sk_mention_stored(tuple, INDEXRELID, Anum_pg_index_indpred),
						 columns);
}

/* Does a foreign key of some table refer to what the index keeps unique? */
static bool
is_referenced(Relation rel, Oid indexid)
{
	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		if (rel->trigdesc->triggers[i].tgconstrindid == indexid)
			return true;
	}
	return false;
}

static Datum
index_vector(HeapTuple tuple, AttrNumber column)
{
	bool		isnull;

	return SysCacheGetAttr(INDEXRELID, tuple, column, &isnull);
}

/* By which collation and family of operators does the index compare a column? */
static void
comparison_of(HeapTuple tuple, AttrNumber attnum, Oid *collation, Oid *opfamily)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
	oidvector  *collations = (oidvector *) DatumGetPointer(index_vector(tuple, Anum_pg_index_indcollation));
	oidvector  *opclasses = (oidvector *) DatumGetPointer(index_vector(tuple, Anum_pg_index_indclass));

	*collation = *opfamily = InvalidOid;
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		if (index->indkey.values[i] != attnum)
			continue;
		*collation = collations->values[i];
		*opfamily = get_opclass_family(opclasses->values[i]);
	}
}

/*
 * Has the index all columns of the primary key, so that no two rows can be equal in
 * it whatever time they have?  People make such an index to page through a table
 * by time.
 */
static bool
contains_primary_key(HeapTuple tuple, HeapTuple primary, const Bitmapset *columns)
{
	Form_pg_index key = (Form_pg_index) GETSTRUCT(primary);

	if (!key->indimmediate || index_depends(primary, columns))
		return false;
	for (int i = 0; i < key->indnkeyatts; i++)
	{
		AttrNumber	attnum = key->indkey.values[i];
		Oid			collation[2];
		Oid			opfamily[2];

		comparison_of(tuple, attnum, &collation[0], &opfamily[0]);
		comparison_of(primary, attnum, &collation[1], &opfamily[1]);
		if (!has_key_column((Form_pg_index) GETSTRUCT(tuple), attnum) ||
			collation[0] != collation[1] || opfamily[0] != opfamily[1])
			return false;
	}
	return true;
}

static bool
is_harmless(Relation rel, HeapTuple tuple, const Bitmapset *columns)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
	Oid			primaryid;
	HeapTuple	primary;
	bool		harmless;

	if (!index->indisunique || index->indisexclusion ||
		is_referenced(rel, index->indexrelid))
		return false;
	primaryid = sk_table_primary_key(rel);
	primary = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(primaryid));
	if (!HeapTupleIsValid(primary))
		return false;
	harmless = contains_primary_key(tuple, primary, columns);
	ReleaseSysCache(primary);
	return harmless;
}

static char *
index_obstacle(Relation rel, Oid indexid, const Bitmapset *columns)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Form_pg_index index;
	char	   *obstacle = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	index = (Form_pg_index) GETSTRUCT(tuple);
	if ((index->indisunique || index->indisexclusion) &&
		index_depends(tuple, columns) && !is_harmless(rel, tuple, columns))
		obstacle = psprintf("is part of the %s %s",
							index->indisexclusion ? "exclusion constraint" : "unique index",
							quote_identifier(get_rel_name(indexid)));
	ReleaseSysCache(tuple);
	return obstacle;
}

static char *
find_index(Relation rel, const Bitmapset *columns)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		char	   *obstacle = index_obstacle(rel, lfirst_oid(lc), columns);

		if (obstacle != NULL)
			return obstacle;
	}
	return NULL;
}


/*-------------------------------------------------------------------------
 * Partitions, foreign keys, policies
 *-------------------------------------------------------------------------
 */

/*
 * Does the table's partition key depend on the columns of rel, which is a partition
 * of it, or the table?  The key is read as it is stored: what the server has in its
 * cache it has computed in advance, as whoever asked first.
 */
static bool
partitions_by(Relation rel, const Bitmapset *columns, Oid tableid)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(tableid));
	Form_pg_partitioned_table form;
	Bitmapset  *theirs;
	bool		found;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	theirs = sk_mention_columns_of(rel, columns, tableid);
	found = sk_mention_found(sk_mention_stored(tuple, PARTRELID, Anum_pg_partitioned_table_partexprs),
							 theirs);
	for (int i = 0; i < form->partnatts; i++)
		found |= form->partattrs.values[i] != InvalidAttrNumber &&
			sk_mention_has_column(theirs, form->partattrs.values[i]);
	ReleaseSysCache(tuple);
	return found;
}

static char *
find_partition_key(Relation rel, const Bitmapset *columns)
{
	List	   *tables = NIL;
	ListCell   *lc;

	/* of what has no key, the server would remember that for ever */
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		tables = list_make1_oid(RelationGetRelid(rel));
	if (rel->rd_rel->relispartition)
		tables = list_concat(tables, get_partition_ancestors(RelationGetRelid(rel)));
	foreach(lc, tables)
	{
		if (partitions_by(rel, columns, lfirst_oid(lc)))
			return pstrdup("is part of the partition key");
	}
	return NULL;
}

static char *
find_foreign_key(Relation rel, const Bitmapset *columns)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		const ForeignKeyCacheInfo *key = lfirst(lc);

		for (int i = 0; i < key->nkeys; i++)
		{
			if (sk_mention_has_column(columns, key->conkey[i]))
				return psprintf("is part of the foreign key %s",
								quote_identifier(get_constraint_name(key->conoid)));
		}
	}
	return NULL;
}

/* Policies without subqueries are tried with each row. */
static char *
find_policy(Relation rel, const Bitmapset *columns)
{
	ListCell   *lc;

	if (rel->rd_rsdesc == NULL)
		return NULL;
	foreach(lc, rel->rd_rsdesc->policies)
	{
		const RowSecurityPolicy *policy = lfirst(lc);

		if (policy->hassublinks && sk_mention_policy(policy, columns))
			return psprintf("is used by the policy %s, which has a subquery",
							quote_identifier(policy->policy_name));
	}
	return NULL;
}

/*
 * Why may the column, of a type that holds times, not get new ones?  The rest of a
 * sentence about it, or NULL.
 */
char *
sk_obstacle_find(Relation rel, AttrNumber attnum)
{
	Bitmapset  *columns = sk_mention_columns(rel, attnum);
	char	   *obstacle = find_index(rel, columns);

	if (obstacle == NULL)
		obstacle = find_partition_key(rel, columns);
	if (obstacle == NULL)
		obstacle = find_foreign_key(rel, columns);
	if (obstacle == NULL)
		obstacle = find_policy(rel, columns);
	return obstacle;
}

/*
 * The same for a table that is being updated, so that the server has looked at
 * its indexes and at the bounds of a partition.  Called for each query.
 */
bool
sk_obstacle_is_there(Relation rel, AttrNumber attnum)
{
	Bitmapset  *columns = sk_mention_columns(rel, attnum);

	return find_index(rel, columns) != NULL ||
		(rel->rd_rel->relispartition &&
		 sk_mention_found((Node *) RelationGetPartitionQual(rel), columns)) ||
		find_foreign_key(rel, columns) != NULL ||
		find_policy(rel, columns) != NULL;
}
