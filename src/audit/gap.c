/*-------------------------------------------------------------------------
 *
 * audit/gap.c
 *	  Rows that commands change, and of which there are no events: a table
 *	  becomes a partition or no longer is one, a partition is dropped, values
 *	  get another type.
 *
 * Such a command is recorded as a shape of the table.  The past before it is not
 * told by what the table is now: audit_as_of() refuses to tell it where rows came or
 * went.  Where values changed, the column has a new number from then on, so that it
 * is another one for all who read the log.
 *
 * What triggers do not record because they do not fire is not looked at here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/gap.h"
#include "attach/attach.h"
#include "audit/coverage.h"
#include "audit/granted.h"
#include "audit/identity.h"
#include "audit/origin.h"
#include "audit/retention.h"
#include "audit/shape.h"
#include "audit/table.h"
#include "base/table.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"


/*-------------------------------------------------------------------------
 * Times without events
 *-------------------------------------------------------------------------
 */

/*
 * If the changes of the table are thought to be recorded, say that they are not.
 */
void
sk_audit_gap_begin(Oid relid, const char *reason)
{
	SkAuditShape *last = sk_audit_shape_last_of(relid);

	if (last == NULL || !last->covered)
		return;
	last->covered = false;
	last->reason = pstrdup(reason);
	sk_audit_shape_record_again(last);
}

/*
 * If they are thought not to be, say that they are.
 */
void
sk_audit_gap_end(Oid relid)
{
	SkAuditShape *last = sk_audit_shape_last_of(relid);

	if (last == NULL || last->covered || last->dropped)
		return;
	last->covered = true;
	last->reason = NULL;
	sk_audit_shape_record_again(last);
}

/*
 * The table is gone, and its OID may be another one's some day.  Its schema may
 * have been renamed since the last event.
 */
static void
record_drop(Oid relid, const char *schema, const char *name)
{
	SkAuditShape *last = sk_audit_shape_last_of(relid);

	if (last == NULL || last->dropped)
		return;
	last->schema_name = pstrdup(schema);
	last->table_name = pstrdup(name);
	last->covered = false;
	last->dropped = true;
	last->reason = pstrdup("The table was dropped.");
	sk_audit_shape_record_again(last);
	sk_audit_granted_forget_table(relid);
}


/*-------------------------------------------------------------------------
 * Rows that come and go
 *-------------------------------------------------------------------------
 */

/* Something happened to the rows of a table whose changes are recorded. */
static void
remark(Oid relid, const char *reason)
{
	SkAuditShape *last = sk_audit_shape_last_of(relid);

	if (last == NULL || !last->covered)
		return;
	last->reason = pstrdup(reason);
	sk_audit_shape_record_again(last);
}

/* The table from which it, as a partition, has its audit trigger; or InvalidOid */
static Oid
find_root(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	const Trigger *trigger;

	if (rel == NULL)
		return InvalidOid;
	trigger = sk_attach_find(rel, sk_attach_function(SK_AUDIT_FUNCTION));
	relation_close(rel, NoLock);
	return trigger == NULL ? InvalidOid : sk_attach_origin(trigger->tgoid);
}

/* Has the table, or a partition of it, rows?  Those of others we cannot count. */
static bool
has_rows(Oid relid)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		char		relkind = rel->rd_rel->relkind;

		if (relkind == RELKIND_FOREIGN_TABLE ||
			(relkind == RELKIND_RELATION && RelationGetNumberOfBlocks(rel) > 0))
			found = true;
		table_close(rel, NoLock);
	}
	return found;
}

/*
 * A table became a partition of an audited one, or was one.  Its rows came along;
 * and if it is audited itself, its history stops meanwhile.
 */
void
sk_audit_gap_moved(Relation parent, Relation child, bool attached)
{
	Oid			root = find_root(RelationGetRelid(parent));
	const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(child)),
												  RelationGetRelationName(child));

	if (OidIsValid(root) && has_rows(RelationGetRelid(child)))
		remark(root, psprintf(attached ? "Partition %s was attached with its rows."
							  : "Partition %s was detached with its rows.", name));
	if (attached)
		sk_audit_gap_begin(RelationGetRelid(child),
						   "The table became a partition of another one.");
}

/*
 * The table that the dropped one was a partition of.  The rows of pg_inherits that
 * the command has deleted are there as long as its transaction runs.
 */
static Oid
former_parent(Oid relid)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	Oid			parent = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true,
							  SnapshotAny, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (!(tuple->t_data->t_infomask & HEAP_XMAX_INVALID) &&
			TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(tuple->t_data)))
			parent = ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent;
	}
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return parent;
}

/*
 * A table was dropped; if it was a partition, with rows of the table that it belonged
 * to.
 */
void
sk_audit_gap_dropped(Oid relid, const char *schema, const char *name)
{
	Oid			parent = former_parent(relid);
	Oid			root = get_rel_relkind(parent) == RELKIND_PARTITIONED_TABLE
		? find_root(parent) : InvalidOid;

	record_drop(relid, schema, name);
	if (OidIsValid(root))
		remark(root, psprintf("Partition %s was dropped.",
							  quote_qualified_identifier(schema, name)));
}


/*-------------------------------------------------------------------------
 * Values that change
 *-------------------------------------------------------------------------
 */

static bool
is_one_of(const char *type, const char *const *types)
{
	for (; *types != NULL; types++)
	{
		if (strncmp(type, *types, strlen(*types)) == 0)
			return strchr(type, '[') == NULL;
	}
	return false;
}

/* Is a value of one type, as part of a key, written as it is in the other? */
static bool
is_written_alike(const char *a, const char *b)
{
	static const char *const integers[] = {"smallint", "integer", "bigint", NULL};
	static const char *const strings[] = {"pg_catalog.text", "character varying", NULL};

	return strcmp(a, b) == 0 ||
		(is_one_of(a, integers) && is_one_of(b, integers)) ||
		(is_one_of(a, strings) && is_one_of(b, strings));
}

static const char *
type_now(Relation rel, AttrNumber attnum)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

	return format_type_extended(attr->atttypid, attr->atttypmod,
								FORMAT_TYPE_TYPEMOD_GIVEN |
								FORMAT_TYPE_FORCE_QUALIFY);
}

/*
 * Columns have another type, or their values were computed anew.  Values that were
 * converted are those that the log has, in terms of the present type, but a key must
 * be written as before to be found.
 */
void
sk_audit_gap_retyped(Relation rel, List *columns, bool computed)
{
	SkAuditShape *last = sk_audit_shape_last_of(RelationGetRelid(rel));
	int32		max_id;
	bool		changed = false;
	ListCell   *lc;

	if (last == NULL || last->dropped)
		return;
	max_id = sk_audit_shape_last_number(sk_audit_shape_list(last->rel_id));
	foreach(lc, last->columns)
	{
		SkAuditShapeColumn *column = lfirst(lc);

		if (!sk_audit_options_has(columns, column->name) ||
			(!computed &&
			 (!sk_audit_options_has(last->key, column->name) ||
			  is_written_alike(column->type, type_now(rel, column->attnum)))))
			continue;
		column->id = ++max_id;
		changed = true;
	}
	if (!changed)
		return;
	if (last->covered)
		last->reason = NULL;
	sk_audit_shape_record_again(last);
	CacheInvalidateRelcache(rel);
	CommandCounterIncrement();
}


/*-------------------------------------------------------------------------
 * What is told of gaps
 *-------------------------------------------------------------------------
 */

/* The last gap, and the shape that ends it, or NULL; NULL if there never was one */
static const SkAuditShape *
last_gap(List *shapes, const SkAuditShape **end)
{
	const SkAuditShape *gap = NULL;
	ListCell   *lc;

	*end = NULL;
	foreach(lc, shapes)
	{
		const SkAuditShape *shape = lfirst(lc);

		if (!shape->covered && (gap == NULL || *end != NULL))
		{
			gap = shape;
			*end = NULL;
		}
		else if (shape->covered && shape->reason != NULL)
			gap = *end = shape;
		else if (shape->covered && gap != NULL && *end == NULL)
			*end = shape;
	}
	return gap;
}

/*
 * What status() tells: since when and by whose command changes are not recorded, which
 * its state has the reason for; or since when they completely are, and what happened
 * before.  NULL if there never was a gap.  In a database to which a dump was restored,
 * recording begins with the next change.
 */
char *
sk_audit_gap_describe(Relation rel)
{
	List	   *shapes = sk_audit_shape_list(sk_audit_identity_find(rel));
	const SkAuditShape *end;
	const SkAuditShape *gap = last_gap(shapes, &end);

	if (shapes == NIL)
		return pstrdup("complete from the next change on: " SK_AUDIT_WITHOUT_LOG);
	if (gap == NULL)
		return NULL;
	if (end == NULL && gap->cluster != sk_audit_origin_cluster())
		return psprintf("complete from the next change on: %s",
						gap->reason ? gap->reason : "unknown reason");
	if (end == NULL)
		return psprintf("not complete since %s, role %s",
						timestamptz_to_str(gap->recorded_at),
						quote_identifier(gap->role));
	return psprintf("complete since %s, role %s: %s",
					timestamptz_to_str(end->recorded_at),
					quote_identifier(gap->role),
					gap->reason ? gap->reason : "unknown reason");
}

static bool
has_other_key(const SkAuditReader *reader)
{
	ListCell   *lc;

	foreach(lc, reader->shapes)
	{
		if (!equal(sk_audit_shape_key(lfirst(lc)),
				   sk_audit_shape_key(reader->current)))
			return true;
	}
	return false;
}

/* Was the first shape recorded before that, whoever recorded it? */
static bool
is_older(const SkAuditReader *reader, TimestampTz time)
{
	return ((SkAuditShape *) linitial(reader->shapes))->recorded_at < time;
}

/*
 * Tell who reads the history of a row what of it the log may not have.
 */
void
sk_audit_gap_notice(const SkAuditReader *reader)
{
	const SkAuditShape *end;
	const SkAuditShape *gap = last_gap(reader->shapes, &end);
	TimestampTz since = sk_audit_retention_since(reader->rel_id);
	StringInfoData detail;

	initStringInfo(&detail);
	if (gap != NULL)
		appendStringInfo(&detail, "%s", gap->reason ? gap->reason
						 : "Changes were not recorded for some time.");
	if (has_other_key(reader))
		appendStringInfo(&detail, "%sThe key of the table was changed, and events are not found under another key.",
						 detail.len ? "  " : "");
	if (is_older(reader, since))
		appendStringInfo(&detail, "%sEvents were removed from the log by audit_maintain().",
						 detail.len ? "  " : "");
	if (detail.len > 0)
		ereport(NOTICE,
				(errmsg("the history of rows of table \"%s\" may not be complete",
						reader->label),
				 errdetail_internal("%s", detail.data),
				 errhint("SELECT * FROM schemakit.status() tells since when changes are recorded.")));
}


/*-------------------------------------------------------------------------
 * The past
 *-------------------------------------------------------------------------
 */

/*
 * Raise an error if events of that time may have been removed.
 */
void
sk_audit_gap_check_retention(const SkAuditPast *past)
{
	TimestampTz since = sk_audit_retention_since(past->reader->rel_id);

	if (past->at < since)
		sk_audit_undo_refuse(past, psprintf("Events of before %s were removed from the log by audit_maintain().",
											timestamptz_to_str(since)),
							 "Use a later time.");
}

/*
 * The number that a column had in the shape before, in which its place is the same;
 * but for one of another database, where the number is.
 */
static int32
former_number(const SkAuditShape *before, const SkAuditShape *after, int32 id)
{
	const SkAuditShapeColumn *column = sk_audit_shape_column(after, id);
	ListCell   *lc;

	if (column == NULL || sk_audit_shape_column(before, id) != NULL ||
		before->cluster != after->cluster || before->relid != after->relid)
		return id;
	foreach(lc, before->columns)
	{
		const SkAuditShapeColumn *former = lfirst(lc);

		if (former->attnum == column->attnum)
			return former->id;
	}
	return id;
}

/*
 * The values of a column may have been computed anew since then, so that it has
 * another number now.  What events tell under its former number is what it was; what
 * it is now, and what later events tell, is not.
 */
static bool
follow_rewritten(const SkAuditPast *past, const SkAuditShape *then,
				 SkAuditShapeColumn *column)
{
	const SkAuditShape *newer = past->reader->current;
	int32		id = column->id;

	for (int i = list_length(past->reader->shapes) - 1; i >= 0; i--)
	{
		const SkAuditShape *shape = list_nth(past->reader->shapes, i);

		if (shape->shape_id < then->shape_id)
			break;
		id = former_number(shape, newer, id);
		newer = shape;
	}
	if (id == column->id || sk_audit_shape_column(then, id) == NULL)
		return false;
	column->id = id;
	return true;
}

static void
tell_of_rewritten(const SkAuditPast *past, List *names)
{
	if (names == NIL || past->quiet)
		return;
	ereport(NOTICE,
			(errmsg("values of columns of table \"%s\" were computed anew since then: %s",
					past->reader->label, sk_table_column_names(names)),
			 past->as_documents
			 ? errdetail("They are left out of rows of which the audit log does not have the former value.")
			 : errdetail("They are null in rows of which the audit log does not have the former value.")));
}

/*
 * Find the columns whose values were computed anew since the table had that shape,
 * and tell of them.
 */
void
sk_audit_gap_follow(SkAuditPast *past, const SkAuditShape *then)
{
	List	   *names = NIL;
	ListCell   *lc;

	past->rewritten = palloc0(sizeof(bool) * Max(past->reader->tupdesc->natts, 1));
	foreach(lc, past->reader->current->columns)
	{
		SkAuditShapeColumn *column = lfirst(lc);

		if (!follow_rewritten(past, then, column))
			continue;
		past->rewritten[column->attnum - 1] = true;
		names = lappend(names, column->name);
	}
	tell_of_rewritten(past, names);
}
