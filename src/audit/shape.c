/*-------------------------------------------------------------------------
 *
 * audit/shape.c
 *	  What audited tables look like, and looked like: their names, keys and
 *	  columns over time.
 *
 * A shape is a row in audit_shape, and events name it.  Which table it is of, its
 * rel_id, is decided in audit/identity.c.  Columns have numbers that stay the same
 * when they are renamed.  A new shape takes them from the one before: by attribute
 * number within one table, and by name where the table was created again, as by a
 * restore.
 *
 * Event triggers record a new shape with the command that changes the table;
 * where they did not run, the next event does.  Two sessions that do so at the
 * same time record the same shape twice, which does no harm and needs no lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/shape.h"
#include "audit/columns.h"
#include "audit/committed.h"
#include "audit/log.h"
#include "audit/number.h"
#include "audit/origin.h"
#include "audit/recorded.h"
#include "audit/state.h"
#include "base/array.h"
#include "base/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"


/*-------------------------------------------------------------------------
 * Reading
 *-------------------------------------------------------------------------
 */

static List *
text_list(Datum array)
{
	Datum	   *elements;
	int			count;
	List	   *list = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		list = lappend(list, TextDatumGetCString(elements[i]));
	return list;
}

static char *
read_text(const Datum *values, const bool *nulls, int attnum)
{
	return nulls[attnum - 1] ? NULL : TextDatumGetCString(values[attnum - 1]);
}

static SkAuditShape *
read_shape(TupleDesc tupdesc, HeapTuple tuple)
{
	SkAuditShape *shape = palloc0(sizeof(SkAuditShape));
	Datum	   *values = palloc(sizeof(Datum) * tupdesc->natts);
	bool	   *nulls = palloc(sizeof(bool) * tupdesc->natts);

	heap_deform_tuple(heap_copytuple(tuple), tupdesc, values, nulls);
	shape->shape_id = DatumGetInt32(values[Anum_audit_shape_shape_id - 1]);
	shape->rel_id = DatumGetInt64(values[Anum_audit_shape_rel_id - 1]);
	shape->recorded_at = DatumGetTimestampTz(values[Anum_audit_shape_recorded_at - 1]);
	shape->cluster = DatumGetInt64(values[Anum_audit_shape_cluster - 1]);
	shape->relid = DatumGetObjectId(values[Anum_audit_shape_relid - 1]);
	shape->schema_name = TextDatumGetCString(values[Anum_audit_shape_schema_name - 1]);
	shape->table_name = TextDatumGetCString(values[Anum_audit_shape_table_name - 1]);
	shape->owner = DatumGetObjectId(values[Anum_audit_shape_owner - 1]);
	shape->owner_name = TextDatumGetCString(values[Anum_audit_shape_owner_name - 1]);
	shape->key = nulls[Anum_audit_shape_key - 1] ? NIL
		: text_list(values[Anum_audit_shape_key - 1]);
	shape->columns = sk_audit_columns_read(values[Anum_audit_shape_columns - 1]);
	shape->options = DatumGetJsonbP(values[Anum_audit_shape_options - 1]);
	shape->covered = DatumGetBool(values[Anum_audit_shape_covered - 1]);
	shape->dropped = DatumGetBool(values[Anum_audit_shape_dropped - 1]);
	shape->reason = read_text(values, nulls, Anum_audit_shape_reason);
	shape->role = read_text(values, nulls, Anum_audit_shape_role);
	shape->soft_delete = read_text(values, nulls, Anum_audit_shape_soft_delete);
	if (!nulls[Anum_audit_shape_parents - 1])
		shape->parents = sk_audit_parents_read(values[Anum_audit_shape_parents - 1]);
	return shape;
}

/*
 * What another database has recorded of its changes is not there if a dump left its
 * events out.
 */
static void
withdraw_if_left_out(SkAuditShape *shape)
{
	if (!shape->covered || sk_audit_origin_has_events(shape->cluster))
		return;
	shape->covered = false;
	shape->reason = pstrdup("The audit log was restored without the events that another database had recorded.");
}

/*
 * Where the server knows when the transaction was committed, that is the time of its
 * events, and so of the shape.
 */
static void
set_committed_time(SkAuditShape *shape, HeapTupleHeader header)
{
	if (shape->cluster == sk_audit_origin_cluster() && !HeapTupleHeaderXminFrozen(header))
		shape->recorded_at = Max(shape->recorded_at,
								 sk_audit_committed_at(HeapTupleHeaderGetRawXmin(header)));
}

static int
by_number(const ListCell *a, const ListCell *b)
{
	return ((SkAuditShape *) lfirst(a))->shape_id -
		((SkAuditShape *) lfirst(b))->shape_id;
}

/*
 * What is committed, or ours, whatever the transaction's snapshot: rows are only
 * added.  In a serializable transaction such a scan leaves no predicate locks,
 * by which transactions that have nothing to do with each other could fail.
 */
static List *
read_shapes(const char *index, int nkeys, ScanKey keys)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_shape"),
								 AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel,
										  index ? sk_audit_log_relid(index) : InvalidOid,
										  index != NULL, SnapshotSelf, nkeys, keys);
	List	   *shapes = NIL;
	HeapTuple	tuple;
	ListCell   *lc;

	if (RelationGetDescr(rel)->natts < Natts_audit_shape)
		elog(ERROR, "schemakit.audit_shape lacks columns");
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		shapes = lappend(shapes, read_shape(RelationGetDescr(rel), tuple));
		set_committed_time(llast(shapes), tuple->t_data);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(lc, shapes)
		withdraw_if_left_out(lfirst(lc));
	list_sort(shapes, by_number);
	return shapes;
}

/*
 * All shapes of a table, oldest first.
 */
List *
sk_audit_shape_list(int64 rel_id)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_audit_shape_rel_id, BTEqualStrategyNumber,
				F_INT8EQ, Int64GetDatum(rel_id));
	return read_shapes("audit_shape_rel_id_idx", 1, &key);
}

/*
 * All shapes of tables while they inherited from audited ones.
 */
List *
sk_audit_shape_list_inheriting(void)
{
	ScanKeyData key;

	ScanKeyEntryInitialize(&key, SK_ISNULL | SK_SEARCHNOTNULL,
						   Anum_audit_shape_parents, InvalidStrategy, InvalidOid,
						   InvalidOid, InvalidOid, (Datum) 0);
	return read_shapes("audit_shape_parents_idx", 1, &key);
}

/*
 * All shapes of tables while they had that name, oldest first.
 */
List *
sk_audit_shape_list_named(const char *schema, const char *table)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_audit_shape_schema_name, BTEqualStrategyNumber,
				F_TEXTEQ, CStringGetTextDatum(schema));
	keys[0].sk_collation = C_COLLATION_OID;
	ScanKeyInit(&keys[1], Anum_audit_shape_table_name, BTEqualStrategyNumber,
				F_TEXTEQ, CStringGetTextDatum(table));
	keys[1].sk_collation = C_COLLATION_OID;
	return read_shapes("audit_shape_name_idx", 2, keys);
}

/*
 * The last shape that this database has recorded of the table with that OID, or
 * NULL.
 */
SkAuditShape *
sk_audit_shape_last_of(Oid relid)
{
	int64		cluster;
	SkAuditShape *last = NULL;
	ScanKeyData key;
	List	   *shapes;
	ListCell   *lc;

	ScanKeyInit(&key, Anum_audit_shape_relid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	shapes = read_shapes("audit_shape_relid_idx", 1, &key);
	if (shapes == NIL)
		return NULL;			/* as of most tables */
	cluster = sk_audit_origin_cluster();
	foreach(lc, shapes)
	{
		SkAuditShape *shape = lfirst(lc);

		if (shape->cluster == cluster)
			last = shape;
	}
	return last;
}


/*-------------------------------------------------------------------------
 * Recording
 *-------------------------------------------------------------------------
 */

static bool
same_names(List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
	{
		if (strcmp(lfirst(la), lfirst(lb)) != 0)
			return false;
	}
	return true;
}

static bool
same_columns(List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
	{
		SkAuditShapeColumn *ca = lfirst(la);
		SkAuditShapeColumn *cb = lfirst(lb);

		if (ca->id != cb->id || ca->attnum != cb->attnum ||
			strcmp(ca->name, cb->name) != 0 || strcmp(ca->type, cb->type) != 0 ||
			ca->type_oid != cb->type_oid || ca->maintained != cb->maintained)
			return false;
	}
	return true;
}

static bool
same_table(const SkAuditShape *a, const SkAuditShape *b)
{
	return a->cluster == b->cluster && a->relid == b->relid;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What happened at the time of a shape that is covered is no part of it. */
static bool
same_shape(const SkAuditShape *a, const SkAuditShape *b)
{
	return same_table(a, b) && a->owner == b->owner &&
		strcmp(a->owner_name, b->owner_name) == 0 &&
		a->covered == b->covered && a->dropped == b->dropped &&
		(a->covered || same_text(a->reason, b->reason)) &&
		sk_audit_parents_are_same(&a->parents, &b->parents) &&
		same_text(a->soft_delete, b->soft_delete) &&
		strcmp(a->schema_name, b->schema_name) == 0 &&
		strcmp(a->table_name, b->table_name) == 0 &&
		same_names(a->key, b->key) && same_columns(a->columns, b->columns) &&
		compareJsonbContainers(&a->options->root, &b->options->root) == 0;
}

/*
 * The column with that number; NULL if the table did not have it.
 */
SkAuditShapeColumn *
sk_audit_shape_column(const SkAuditShape *shape, int32 id)
{
	ListCell   *lc;

	foreach(lc, shape->columns)
	{
		SkAuditShapeColumn *column = lfirst(lc);

		if (column->id == id)
			return column;
	}
	return NULL;
}

static SkAuditShapeColumn *
find_column(const SkAuditShape *shape, const SkAuditShapeColumn *column,
			bool by_attnum)
{
	ListCell   *lc;

	foreach(lc, shape->columns)
	{
		SkAuditShapeColumn *other = lfirst(lc);

		if (by_attnum ? other->attnum == column->attnum
			: strcmp(other->name, column->name) == 0)
			return other;
	}
	return NULL;
}

/*
 * The numbers of the columns that the key of the shape consists of.
 */
List *
sk_audit_shape_key(const SkAuditShape *shape)
{
	List	   *ids = NIL;
	ListCell   *lc;
	ListCell   *lcc;

	foreach(lc, shape->key)
	{
		foreach(lcc, shape->columns)
		{
			SkAuditShapeColumn *column = lfirst(lcc);

			if (strcmp(column->name, lfirst(lc)) == 0)
				ids = lappend_int(ids, column->id);
		}
	}
	return ids;
}

/*
 * The greatest number that a column has in the shapes.
 */
int32
sk_audit_shape_last_number(List *shapes)
{
	int32		max_id = 0;
	ListCell   *lc;
	ListCell   *lcc;

	foreach(lc, shapes)
	{
		foreach(lcc, ((SkAuditShape *) lfirst(lc))->columns)
			max_id = Max(max_id, ((SkAuditShapeColumn *) lfirst(lcc))->id);
	}
	return max_id;
}

/*
 * Give the columns of a shape of this database their numbers, from the last of
 * the older shapes.
 */
void
sk_audit_shape_number(SkAuditShape *shape, List *older)
{
	SkAuditShape *last = older != NIL ? llast(older) : NULL;
	int32		max_id = sk_audit_shape_last_number(older);
	ListCell   *lc;

	shape->cluster = sk_audit_origin_cluster();
	foreach(lc, shape->columns)
	{
		SkAuditShapeColumn *column = lfirst(lc);
		SkAuditShapeColumn *same = last == NULL ? NULL
			: find_column(last, column, same_table(last, shape));

		column->id = same ? same->id : ++max_id;
	}
}

static Datum
names_as_array(List *names)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(names), 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, names)
		elements[count++] = CStringGetTextDatum(lfirst(lc));
	return sk_array_of(elements, count, TEXTOID);
}

static void
set_text(Datum *values, bool *nulls, int attnum, const char *text)
{
	nulls[attnum - 1] = text == NULL;

	if (!nulls[attnum - 1])
		values[attnum - 1] = CStringGetTextDatum(text);
}

/* The columns that are there as before, but have another number */
static List *
computed_columns(const SkAuditShape *shape, const SkAuditShape *last)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, same_table(shape, last) ? shape->columns : NIL)
	{
		SkAuditShapeColumn *column = lfirst(lc);
		SkAuditShapeColumn *before = find_column(last, column, true);

		if (before != NULL && before->id != column->id)
			names = lappend(names, column->name);
	}
	return names;
}

/* An event if recording stops or goes on, or rows changed without events. */
static void
write_state(const SkAuditShape *shape, const SkAuditShape *last)
{
	SkAuditState state = {
		.rel_id = shape->rel_id,
		.shape_id = shape->shape_id,
		.covered = shape->covered,
		.reason = shape->reason,
	};

	if (last == NULL)
		return;
	state.columns = computed_columns(shape, last);
	if (shape->covered != last->covered || shape->dropped != last->dropped ||
		state.columns != NIL ||
		(shape->covered ? shape->reason != NULL
		 : !same_text(shape->reason, last->reason)))
		sk_audit_state_write(&state);
}

/*
 * Whose command it was: the role that the client is, or has SET, whatever role our
 * own work is done as.
 */
static void
insert_shape(const SkAuditShape *shape, const SkAuditShape *last)
{
	Datum		values[Natts_audit_shape];
	bool		nulls[Natts_audit_shape] = {false};

	values[Anum_audit_shape_shape_id - 1] = Int32GetDatum(shape->shape_id);
	values[Anum_audit_shape_rel_id - 1] = Int64GetDatum(shape->rel_id);
	values[Anum_audit_shape_recorded_at - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[Anum_audit_shape_cluster - 1] = Int64GetDatum(shape->cluster);
	values[Anum_audit_shape_relid - 1] = ObjectIdGetDatum(shape->relid);
	values[Anum_audit_shape_schema_name - 1] = CStringGetTextDatum(shape->schema_name);
	values[Anum_audit_shape_table_name - 1] = CStringGetTextDatum(shape->table_name);
	values[Anum_audit_shape_owner - 1] = ObjectIdGetDatum(shape->owner);
	values[Anum_audit_shape_owner_name - 1] = CStringGetTextDatum(shape->owner_name);
	values[Anum_audit_shape_key - 1] = names_as_array(shape->key);
	nulls[Anum_audit_shape_key - 1] = shape->key == NIL;
	values[Anum_audit_shape_columns - 1] = sk_audit_columns_write(shape->columns);
	values[Anum_audit_shape_options - 1] = JsonbPGetDatum(shape->options);
	values[Anum_audit_shape_covered - 1] = BoolGetDatum(shape->covered);
	values[Anum_audit_shape_dropped - 1] = BoolGetDatum(shape->dropped);
	set_text(values, nulls, Anum_audit_shape_reason, shape->reason);
	set_text(values, nulls, Anum_audit_shape_role,
			 GetUserNameFromId(GetOuterUserId(), false));
	set_text(values, nulls, Anum_audit_shape_soft_delete, shape->soft_delete);
	nulls[Anum_audit_shape_parents - 1] = shape->parents.count == 0;
	values[Anum_audit_shape_parents - 1] = sk_audit_parents_as_array(&shape->parents);
	sk_audit_log_insert(SK_AUDIT_LOG_SHAPE,
						GetCurrentTransactionStartTimestamp(), values, nulls);
	sk_audit_recorded_add(shape->shape_id);
	write_state(shape, last);
}

/*
 * The number of the table's shape, which is recorded if it is a new one.
 * Fills in what the caller does not know: the columns' and the shape's number.
 */
int32
sk_audit_shape_record(SkAuditShape *shape)
{
	List	   *older = sk_audit_shape_list(shape->rel_id);

	sk_audit_shape_number(shape, older);
	if (older != NIL && same_shape(shape, llast(older)))
		shape->shape_id = ((SkAuditShape *) llast(older))->shape_id;
	else
	{
		shape->shape_id = sk_audit_number_shape();
		insert_shape(shape, older != NIL ? llast(older) : NULL);
	}
	return shape->shape_id;
}

/*
 * The same shape once more, with what has changed about it.
 */
void
sk_audit_shape_record_again(SkAuditShape *shape)
{
	List	   *older = sk_audit_shape_list(shape->rel_id);

	shape->shape_id = sk_audit_number_shape();
	insert_shape(shape, llast(older));
}
