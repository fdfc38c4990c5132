/*-------------------------------------------------------------------------
 *
 * audit/key.c
 *	  The columns by which events of a table's rows are found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/key.h"
#include "base/table.h"
#include "base/tuple.h"

#include "access/genam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/rel.h"

static List *
index_columns(Relation rel, Oid indexid)
{
	Relation	index = index_open(indexid, AccessShareLock);
	List	   *names = NIL;

	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];

		names = lappend(names,
						pstrdup(NameStr(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attname)));
	}
	index_close(index, AccessShareLock);
	return names;
}

/* Does the index tell rows apart, all of them, at any time? */
static bool
identifies_rows(Relation rel, Oid indexid)
{
	Relation	index = index_open(indexid, AccessShareLock);
	Form_pg_index form = index->rd_index;
	bool		identifies = form->indisunique && form->indimmediate &&
		form->indisvalid && sk_table_index_is_plain(index);

	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];

		identifies = identifies && attnum > 0 &&
			TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull;
	}
	index_close(index, AccessShareLock);
	return identifies;
}

/* Has the table these columns, and may all of them be stored? */
static bool
are_stored(Relation rel, const SkAuditOptions *options, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (sk_tuple_column(RelationGetDescr(rel), lfirst(lc)) == InvalidAttrNumber ||
			sk_audit_options_hides(options, lfirst(lc)))
			return false;
	}
	return names != NIL;
}

static List *
stored_columns(Relation rel, const SkAuditOptions *options, Oid indexid)
{
	List	   *names = OidIsValid(indexid) ? index_columns(rel, indexid) : NIL;

	return are_stored(rel, options, names) ? names : NIL;
}

/*
 * The columns that tell the table's rows apart: those that the option names,
 * the primary key, the replica identity, or the first unique index whose
 * columns are not null.  NIL if there are none.  A key that contains a column that
 * is excluded or masked is none: events have the values of the key.
 */
List *
sk_audit_key_of(Relation root, const SkAuditOptions *options)
{
	List	   *indexes = RelationGetIndexList(root);
	Oid			replica = RelationGetReplicaIndex(root);
	List	   *key;
	ListCell   *lc;

	if (are_stored(root, options, options->key))
		return options->key;
	key = stored_columns(root, options, sk_table_primary_key(root));
	if (key == NIL && root->rd_rel->relreplident == REPLICA_IDENTITY_INDEX)
		key = stored_columns(root, options, replica);
	foreach(lc, indexes)
	{
		if (key == NIL && identifies_rows(root, lfirst_oid(lc)))
			key = stored_columns(root, options, lfirst_oid(lc));
	}
	return key;
}
