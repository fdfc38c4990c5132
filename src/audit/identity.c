/*-------------------------------------------------------------------------
 *
 * audit/identity.c
 *	  Which table of the log a table is: the number under which its history is
 *	  filed.
 *
 * The number is in no one's hands.  It is found in what this database has recorded
 * itself: the last shape of the table with that OID.  A table of which nothing has
 * been recorded is the one that had its name last, if that one is gone, as after
 * DROP and CREATE, or if it was another database's, whose dump was restored; but
 * only if it has the same owner, so that nobody gets hold of another's history by
 * taking a name that has become free.  All others get a number of their own.
 *
 * That number is computed, not drawn: sessions that write to a new table at the
 * same time, and do not see each other, find the same one, and none has to wait.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/identity.h"
#include "audit/log.h"
#include "audit/origin.h"
#include "audit/shape.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static SkAuditShape *
last_shape(int64 rel_id)
{
	List	   *shapes = sk_audit_shape_list(rel_id);

	return shapes != NIL ? llast(shapes) : NULL;
}

static bool
has_name(const SkAuditShape *shape, Relation rel)
{
	return strcmp(shape->table_name, RelationGetRelationName(rel)) == 0 &&
		strcmp(shape->schema_name,
			   get_namespace_name(RelationGetNamespace(rel))) == 0;
}

/* Has the table the columns that the shape has, and no others? */
static bool
has_columns(const SkAuditShape *shape, Relation rel)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	int			count = 0;
	ListCell   *lc;

	for (int i = 0; i < tupdesc->natts; i++)
		count += !TupleDescAttr(tupdesc, i)->attisdropped;
	if (count != list_length(shape->columns))
		return false;
	foreach(lc, shape->columns)
	{
		const SkAuditShapeColumn *column = lfirst(lc);

		if (column->attnum < 1 || column->attnum > tupdesc->natts ||
			strcmp(NameStr(TupleDescAttr(tupdesc, column->attnum - 1)->attname),
				   column->name) != 0)
			return false;
	}
	return true;
}

/* Is it the table of this database that the shape, its last, describes? */
static bool
is_described_by(const SkAuditShape *shape, Relation rel)
{
	return shape->cluster == sk_audit_origin_cluster() &&
		shape->relid == RelationGetRelid(rel) && !shape->dropped;
}

/*
 * The number that this database has recorded for the table, or 0.  A table that was
 * dropped while event triggers did not run may have left its OID to another one,
 * which shares neither its name nor its columns.
 */
static int64
find_recorded(Relation rel, List **shapes)
{
	SkAuditShape *last = sk_audit_shape_last_of(RelationGetRelid(rel));

	*shapes = NIL;
	if (last == NULL || !is_described_by(last, rel))
		return 0;
	*shapes = sk_audit_shape_list(last->rel_id);
	if (*shapes == NIL || !is_described_by(llast(*shapes), rel))
		return 0;
	return has_name(last, rel) || has_columns(last, rel) ? last->rel_id : 0;
}

/*
 * May the table go on where that one ended?  What comes from another database may
 * have been loaded without the owners; whose role is unknown here, or who may write
 * to the log, is not taken in by that.
 */
static bool
may_continue(const SkAuditShape *last, Relation rel)
{
	Oid			owner = rel->rd_rel->relowner;

	if (last->cluster == sk_audit_origin_cluster())
		return last->owner == owner;
	if (strcmp(last->owner_name, GetUserNameFromId(owner, false)) == 0)
		return true;
	return !last->dropped &&
		(!OidIsValid(get_role_oid(last->owner_name, true)) ||
		 has_privs_of_role(owner, sk_audit_log_owner()));
}

/* Is that table no longer there? */
static bool
has_ended(const SkAuditShape *last)
{
	return last->dropped || last->cluster != sk_audit_origin_cluster() ||
		get_rel_name(last->relid) == NULL;
}

/*
 * The number of the table that had the name last, and that this one continues; or
 * 0.  The names of those that were none of its owner's business are passed over:
 * nobody can cut off a history by using the name for a while.
 */
static int64
find_named(Relation rel)
{
	List	   *shapes = sk_audit_shape_list_named(get_namespace_name(RelationGetNamespace(rel)),
												   RelationGetRelationName(rel));

	for (int i = list_length(shapes) - 1; i >= 0; i--)
	{
		int64		rel_id = ((SkAuditShape *) list_nth(shapes, i))->rel_id;
		const SkAuditShape *last = last_shape(rel_id);

		if (is_described_by(last, rel))
			return rel_id;		/* another session was faster */
		if (has_name(last, rel) && has_ended(last) && may_continue(last, rel))
			return rel_id;
	}
	return 0;
}

/*
 * The number under which the log has, or would go on with, the history of the table;
 * 0 if it has none.  Its shapes are read for that.
 */
int64
sk_audit_identity_find_shapes(Relation rel, List **shapes)
{
	int64		rel_id = find_recorded(rel, shapes);

	if (rel_id != 0)
		return rel_id;
	rel_id = find_named(rel);
	*shapes = rel_id != 0 ? sk_audit_shape_list(rel_id) : NIL;
	return rel_id;
}

/*
 * The same, without them.
 */
int64
sk_audit_identity_find(Relation rel)
{
	List	   *shapes;
	int64		rel_id = find_recorded(rel, &shapes);

	return rel_id != 0 ? rel_id : find_named(rel);
}

/*
 * Has this database recorded the table?
 */
bool
sk_audit_identity_is_bound(Relation rel)
{
	List	   *shapes;

	return find_recorded(rel, &shapes) != 0;
}

/*
 * Does the log have a history that the table continues, and of whose end it knows
 * nothing?  That is so after a dump was restored.
 */
bool
sk_audit_identity_is_restored(Relation rel)
{
	int64		rel_id = sk_audit_identity_is_bound(rel) ? 0 : find_named(rel);

	return rel_id != 0 && !last_shape(rel_id)->dropped;
}

/* The n-th number that may be given to a table of that OID in this database */
static int64
number(Oid relid, int32 n)
{
	struct
	{
		int64		cluster;
		Oid			database;
		Oid			relid;
		int32		n;
		int32		padding;
	}			from = {sk_audit_origin_cluster(), MyDatabaseId, relid, n, 0};

	return (int64) hash_bytes_extended((const unsigned char *) &from,
									   sizeof(from), 0) & PG_INT64_MAX;
}

/*
 * The same, and if there is none, one that no table had yet.
 */
int64
sk_audit_identity_make(Relation rel)
{
	int64		rel_id = sk_audit_identity_find(rel);

	for (int32 n = 0; rel_id == 0; n++)
	{
		int64		candidate = number(RelationGetRelid(rel), n);
		const SkAuditShape *last = last_shape(candidate);

		if (last == NULL || is_described_by(last, rel))
			rel_id = candidate;
	}
	return rel_id;
}
