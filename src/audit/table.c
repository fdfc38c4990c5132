/*-------------------------------------------------------------------------
 *
 * audit/table.c
 *	  Audited tables, as this session knows them: what their triggers have
 *	  been told, which columns they have, and how to write them.
 *
 * Entries are made at the first event of a table, and again after an
 * invalidation of the table or, for a partition, of the table from which it
 * has its trigger, and after a change of a name that is in the table's shape.  What an entry had before stays until nobody reads entries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/table.h"
#include "attach/attach.h"
#include "attach/feature.h"
#include "attach/inherit.h"
#include "audit/identity.h"
#include "audit/key.h"
#include "audit/log.h"
#include "audit/mask.h"
#include "audit/names.h"
#include "audit/recorded.h"
#include "base/compat.h"
#include "base/restore.h"
#include "base/scratch.h"
#include "base/table.h"
#include "base/tuple.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

static HTAB *tables = NULL;

/* Memory of entries that were built again: freed when nobody reads it. */
static MemoryContext outdated = NULL;

/* How many callers are between sk_audit_table_get() and _release()? */
static int	readers = 0;

/* Is there an entry that must not be used any more? */
static bool any_invalid = false;

/*-------------------------------------------------------------------------
 * Shapes
 *-------------------------------------------------------------------------
 */

/* The columns that features maintain, by default ignored. */
static List *
maintained_columns(Relation rel)
{
	List	   *names = NIL;

	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		const Trigger *trigger;
		const char *name;

		if ((*f)->maintains == NULL)
			continue;
		trigger = sk_attach_find(rel, sk_attach_function((*f)->function));
		name = trigger ? (*f)->maintains(rel, trigger) : NULL;
		if (name != NULL)
			names = lappend(names, (char *) name);
	}
	return names;
}

static List *
shape_columns(Relation root, const SkAuditOptions *options)
{
	TupleDesc	tupdesc = RelationGetDescr(root);
	List	   *maintained = options->ignore_given ? NIL : maintained_columns(root);
	List	   *columns = NIL;

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		SkAuditShapeColumn *column;

		if (attr->attisdropped)
			continue;
		column = palloc0(sizeof(SkAuditShapeColumn));
		column->attnum = attr->attnum;
		column->name = pstrdup(NameStr(attr->attname));
		column->type = format_type_extended(attr->atttypid, attr->atttypmod,
											FORMAT_TYPE_TYPEMOD_GIVEN |
											FORMAT_TYPE_FORCE_QUALIFY);
		column->type_oid = attr->atttypid;
		column->maintained = sk_audit_options_has(maintained, column->name);
		columns = lappend(columns, column);
	}
	return columns;
}

/* The column that some feature says marks rows as deleted, or NULL */
static char *
marking_column(Relation rel)
{
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		const Trigger *trigger = (*f)->marks == NULL ? NULL
			: sk_attach_find(rel, sk_attach_function((*f)->function));

		if (trigger != NULL)
			return (char *) (*f)->marks(rel, trigger);
	}
	return NULL;
}

/* The audited tables from which it inherits */
static SkAuditParents
find_parents(Oid relid)
{
	List	   *relids = sk_inherit_parents(relid);
	SkAuditParents parents = sk_audit_parents_empty(list_length(relids));
	ListCell   *lc;

	foreach(lc, relids)
	{
		SkAuditShape *last = sk_audit_shape_last_of(lfirst_oid(lc));

		if (last != NULL && !last->dropped)
			parents.ids[parents.count++] = last->rel_id;
	}
	return parents;
}

/*
 * What the table looks like now, but for the numbers that the log gives, and for what
 * it inherits from, which nobody reads before it is recorded.
 */
SkAuditShape *
sk_audit_table_shape(Relation root, int64 rel_id, const SkAuditOptions *options)
{
	SkAuditShape *shape = palloc0(sizeof(SkAuditShape));

	shape->rel_id = rel_id;
	shape->relid = RelationGetRelid(root);
	shape->schema_name = get_namespace_name(RelationGetNamespace(root));
	shape->table_name = pstrdup(RelationGetRelationName(root));
	shape->owner = root->rd_rel->relowner;
	shape->owner_name = GetUserNameFromId(shape->owner, false);
	shape->key = sk_audit_key_of(root, options);
	shape->columns = shape_columns(root, options);
	shape->options = sk_audit_options_jsonb(options);
	shape->covered = true;
	shape->soft_delete = marking_column(root);
	return shape;
}

static SkAuditShape *
shape_to_record(Relation root, int64 rel_id, const SkAuditOptions *options)
{
	SkAuditShape *shape = sk_audit_table_shape(root, rel_id, options);

	shape->parents = find_parents(shape->relid);
	return shape;
}

/*
 * Record what the table looks like now, unless it has been recorded, and
 * return the number of its shape.  If there is a reason, changes of its rows are
 * not recorded from now on.
 */
int32
sk_audit_table_record(Relation root, int64 rel_id,
					  const SkAuditOptions *options, const char *reason)
{
	SkAuditShape *shape = shape_to_record(root, rel_id, options);

	shape->covered = reason == NULL;
	shape->reason = reason ? pstrdup(reason) : NULL;
	return sk_audit_shape_record(shape);
}

/*
 * The same for an event.  What enables audit records the table at once, so one of
 * which nothing is known by now came with a dump.
 */
static int32
record_at_event(const SkAuditTable *table, Relation root)
{
	const char *gap = sk_audit_coverage_gap_at_event(table->root, table->relid);
	SkAuditShape *shape = shape_to_record(root, table->rel_id, table->options);

	shape->covered = gap == NULL;
	shape->reason = gap ? pstrdup(gap) : NULL;
	if (gap == NULL && sk_audit_shape_list(table->rel_id) == NIL)
		shape->reason = pstrdup(SK_AUDIT_WITHOUT_LOG);
	return sk_audit_shape_record(shape);
}

/* The shape that another partition's entry knows already; 0 if none does. */
static int32
known_shape(const SkAuditTable *table)
{
	HASH_SEQ_STATUS status;
	SkAuditTable *other;
	int32		shape_id = 0;

	hash_seq_init(&status, tables);
	while ((other = hash_seq_search(&status)) != NULL)
	{
		if (other != table && other->valid && other->root == table->root &&
			other->rel_id == table->rel_id &&
			other->aborts == sk_audit_recorded_aborts &&
			other->names == sk_audit_names_changes)
			shape_id = other->shape_id;
	}
	return shape_id;
}


/*-------------------------------------------------------------------------
 * Entries
 *-------------------------------------------------------------------------
 */

static void
at_invalidation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	SkAuditTable *table;

	if (tables == NULL)
		return;
	hash_seq_init(&status, tables);
	while ((table = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relid) || table->relid == relid || table->root == relid)
		{
			table->valid = false;
			table->stale = true;
			any_invalid = true;
		}
	}
}

/* Shapes have the names of schemas, which are renamed without the tables' notice. */
static void
at_schema_invalidation(Datum arg, int cache, uint32 hash)
{
	at_invalidation(arg, InvalidOid);
}

/* jsonb's order of keys */
static int
by_name(const void *a, const void *b)
{
	const JsonbValue *na = &((const SkAuditColumn *) a)->name;
	const JsonbValue *nb = &((const SkAuditColumn *) b)->name;

	if (na->val.string.len != nb->val.string.len)
		return na->val.string.len - nb->val.string.len;
	return memcmp(na->val.string.val, nb->val.string.val, na->val.string.len);
}

static SkAuditMask
mask_of(const SkAuditOptions *options, const char *name)
{
	if (sk_audit_options_has(options->mask_null, name))
		return SK_AUDIT_MASK_NULL;
	if (sk_audit_options_has(options->mask_hash, name))
		return SK_AUDIT_MASK_HASH;
	return SK_AUDIT_MASK_NONE;
}

static void
make_columns(SkAuditTable *table, Relation rel, List *key, List *ignored)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	const SkAuditOptions *options = table->options;

	table->columns = palloc0(sizeof(SkAuditColumn) * tupdesc->natts);
	table->ncolumns = 0;
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		char	   *name = NameStr(attr->attname);
		bool		is_key = sk_audit_options_has(key, name);
		SkAuditColumn *column = &table->columns[table->ncolumns];

		if (attr->attisdropped || sk_tuple_is_virtual(attr) ||
			(sk_audit_options_has(options->exclude, name) && !is_key))
			continue;
		column->attnum = attr->attnum;
		sk_audit_json_set_string(&column->name, pstrdup(name), strlen(name));
		column->type = sk_audit_json_type(attr->atttypid);
		column->ignored = sk_audit_options_has(ignored, name) && !is_key;
		column->mask = is_key ? SK_AUDIT_MASK_NONE : mask_of(options, name);
		table->ncolumns++;
	}
	qsort(table->columns, table->ncolumns, sizeof(SkAuditColumn), by_name);
}

static int
column_index(const SkAuditTable *table, const char *name)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		const JsonbValue *v = &table->columns[i].name;

		if (v->val.string.len == (int) strlen(name) &&
			memcmp(v->val.string.val, name, v->val.string.len) == 0)
			return i;
	}
	elog(ERROR, "column \"%s\" of the key is missing", name);
}

/* How many columns of the key come before that one? */
static int
key_rank(const SkAuditTable *table, int column)
{
	int			rank = 0;

	for (int i = 0; i < column; i++)
		rank += table->is_key[i];
	return rank;
}

static void
make_key(SkAuditTable *table, List *key)
{
	ListCell   *lc;

	table->is_key = palloc0(sizeof(bool) * Max(table->ncolumns, 1));
	table->key_columns = palloc(sizeof(int) * Max(list_length(key), 1));
	table->key_ranks = palloc(sizeof(int) * Max(list_length(key), 1));
	table->nkeys = 0;
	foreach(lc, key)
		table->is_key[column_index(table, lfirst(lc))] = true;
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (table->is_key[i])
			table->key_columns[table->nkey_columns++] = i;
	}
	foreach(lc, key)
		table->key_ranks[table->nkeys++] = key_rank(table, column_index(table, lfirst(lc)));
}

/* How objects of the row, or of the columns "which", begin; without room to go on */
static void
make_head(SkAuditTable *table, SkJsonWriter *head, int count, const bool *which)
{
	char	   *data;

	sk_audit_json_write_begin(head, count);
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (which == NULL || which[i])
			sk_audit_json_write_key(head, &table->columns[i].name);
	}
	data = head->data;
	head->data = memcpy(MemoryContextAlloc(table->context, head->length), data,
						head->length);
	pfree(data);
}

static void
make_secrets(SkAuditTable *table, Relation root)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		SkAuditColumn *column = &table->columns[i];
		char	   *name;

		if (column->mask != SK_AUDIT_MASK_HASH)
			continue;
		name = pnstrdup(column->name.val.string.val, column->name.val.string.len);
		column->secret = sk_audit_mask_secret(root, table->rel_id,
											  sk_audit_options_group(table->options, name));
	}
}

static const Trigger *
require_trigger(Relation rel)
{
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(SK_AUDIT_FUNCTION));

	if (trigger == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no trigger that audits its rows",
						RelationGetRelationName(rel)),
				 errhint("Call schemakit.audit_enable().")));
	return trigger;
}

/*
 * Is a dump loaded that has the table's rows and its history?  Whoever loads it
 * may write to the log, too.
 */
static bool
is_loaded(Relation root)
{
	return sk_restore_is_by(sk_audit_log_owner()) &&
		!sk_audit_identity_is_bound(root);
}

static void
describe(SkAuditTable *table, Relation rel, Relation root)
{
	List	   *key = sk_audit_key_of(root, table->options);
	List	   *ignored = table->options->ignore_given ? table->options->ignore
		: maintained_columns(rel);
	MemoryContext old;

	table->rel_id = sk_audit_identity_make(root);
	old = MemoryContextSwitchTo(table->context);
	make_columns(table, rel, key, ignored);
	make_key(table, key);
	make_secrets(table, root);
	MemoryContextSwitchTo(old);
	make_head(table, &table->row_head, table->ncolumns, NULL);
	make_head(table, &table->key_head, table->nkey_columns, table->is_key);
	table->aborts = sk_audit_recorded_aborts;
	table->shape_id = known_shape(table);
	if (table->shape_id == 0)
		table->shape_id = record_at_event(table, root);
}

static void
fill(SkAuditTable *table, Relation rel)
{
	const Trigger *trigger = require_trigger(rel);
	const SkAuditOptions *options = sk_audit_options_of(trigger);
	MemoryContext old = MemoryContextSwitchTo(table->context);
	Relation	root;

	table->options = sk_audit_options_copy(options);
	MemoryContextSwitchTo(old);
	table->trigger = trigger->tgoid;
	table->names = sk_audit_names_changes;
	table->root = sk_attach_origin(trigger->tgoid);
	root = table_open(table->root, AccessShareLock);
	sk_audit_names_watch(RelationGetDescr(root));
	table->loading = is_loaded(root);
	if (!table->loading)
		describe(table, rel, root);
	table_close(root, NoLock);
}

/*
 * The whole history of the table's shapes is read for it, and descriptors of all
 * triggers are copied.  Of this nothing must stay: a session may know many tables.
 */
static void
make_entry(SkAuditTable *table, Relation rel)
{
	MemoryContext old = sk_scratch_begin();

	fill(table, rel);
	sk_scratch_end(old);
}

static void
make_tables(void)
{
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(SkAuditTable),
	};

	tables = hash_create("schemakit audited tables", 64, &ctl,
						 HASH_ELEM | HASH_BLOBS);
}

/*
 * The memory of an entry, which a caller further up may be reading.
 */
static void
retire(MemoryContext context)
{
	if (outdated == NULL)
		outdated = AllocSetContextCreate(CacheMemoryContext,
										 "schemakit outdated tables",
										 ALLOCSET_SMALL_SIZES);
	MemoryContextSetParent(context, outdated);
}

static void
delete_outdated(void)
{
	if (outdated != NULL)
		MemoryContextDelete(outdated);
	outdated = NULL;
}

static void
remove_invalid(void)
{
	HASH_SEQ_STATUS status;
	SkAuditTable *table;

	hash_seq_init(&status, tables);
	while ((table = hash_seq_search(&status)) != NULL)
	{
		if (table->valid)
			continue;
		MemoryContextDelete(table->context);
		(void) hash_search(tables, &table->relid, HASH_REMOVE, NULL);
	}
	any_invalid = false;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	readers = 0;				/* one that failed did not say so */
	delete_outdated();
	if (any_invalid)
		remove_invalid();
}

void
sk_audit_table_init(void)
{
	CacheRegisterRelcacheCallback(at_invalidation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, at_schema_invalidation, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
}

static SkAuditTable *
new_entry(Oid relid)
{
	MemoryContext context = AllocSetContextCreate(CacheMemoryContext,
												  "schemakit audited table",
												  ALLOCSET_SMALL_SIZES);
	bool		found;
	SkAuditTable *table;

	if (tables == NULL)
		make_tables();
	table = hash_search(tables, &relid, HASH_ENTER, &found);
	if (found)
		retire(table->context);
	memset((char *) table + sizeof(Oid), 0, sizeof(SkAuditTable) - sizeof(Oid));
	table->context = context;
	any_invalid = true;			/* until it is complete */
	return table;
}

static bool
is_current(const SkAuditTable *table)
{
	return table->valid && table->aborts == sk_audit_recorded_aborts &&
		table->names == sk_audit_names_changes &&
		(!table->loading || sk_restore_is_running());
}

/*
 * What is known of the table that a trigger fires on; the caller may read it
 * until sk_audit_table_release().
 */
SkAuditTable *
sk_audit_table_get(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	SkAuditTable *table = tables == NULL ? NULL
		: hash_search(tables, &relid, HASH_FIND, NULL);

	readers++;
	if (table != NULL && is_current(table))
		return table;
	table = new_entry(relid);
	make_entry(table, rel);

	/*
	 * The table is locked, so what was read is true even if a message came
	 * meanwhile; but the message may be about a later change.
	 */
	table->valid = !table->stale;
	return table;
}

void
sk_audit_table_release(void)
{
	if (--readers == 0)
		delete_outdated();
}
