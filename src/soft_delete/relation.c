/*-------------------------------------------------------------------------
 *
 * soft_delete/relation.c
 *	  A table with soft delete, and its foreign keys, as this session knows
 *	  them.
 *
 * Statements across its foreign keys are written and prepared when they are first
 * needed, and again when what they name may have another name.
 *
 * Entries are built again after an invalidation of any table that they are made
 * of; what they had before stays until nobody reads entries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/relation.h"
#include "attach/attach.h"
#include "attach/coverage.h"
#include "base/scratch.h"
#include "base/tuple.h"
#include "soft_delete/foreign_key.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct Entry
{
	Oid			relid;			/* key of the hash table: must be first */
	SkSoftRelation *soft;
} Entry;

static HTAB *relations = NULL;
static List *outdated = NIL;	/* contexts, freed when nobody reads */
static int	readers = 0;
static bool any_invalid = false;
static uint64 invalidations = 0;	/* read so far, of any table */


/*-------------------------------------------------------------------------
 * The column
 *-------------------------------------------------------------------------
 */

/*
 * The stamp's column of a table that has soft delete, or InvalidAttrNumber.
 */
AttrNumber
sk_soft_relation_column(Relation rel)
{
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(SK_SOFT_FUNCTION));
	AttrNumber	attnum;
	Oid			type;

	if (trigger == NULL || trigger->tgnargs < 1 || !sk_coverage_fires(trigger))
		return InvalidAttrNumber;
	attnum = sk_tuple_column(RelationGetDescr(rel), trigger->tgargs[0]);
	if (attnum == InvalidAttrNumber)
		return InvalidAttrNumber;
	type = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid;
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID ? attnum
		: InvalidAttrNumber;
}

static AttrNumber
column_of(Relation rel)
{
	MemoryContext old = sk_scratch_begin();
	AttrNumber	column = sk_soft_relation_column(rel);

	sk_scratch_end(old);
	return column;
}


/*-------------------------------------------------------------------------
 * Links
 *-------------------------------------------------------------------------
 */

static SkSoftLink *
make_link(const SkSoftRelation *soft, const SkForeignKey *key, Relation other,
		  AttrNumber column)
{
	SkSoftLink *link = palloc0(sizeof(SkSoftLink));

	link->key = key;
	link->relid = soft->relid;
	link->own_column = soft->column;
	link->stamp_type = soft->type;
	link->name = key->name;
	link->can[SK_SOFT_OWN] = true;
	link->on_delete = key->on_delete;
	link->otherid = RelationGetRelid(other);
	link->owner = other->rd_rel->relowner;
	link->column = column;
	link->nkeys = key->nkeys;
	return link;
}

static void
set_keys(SkSoftLink *link, Relation rel, const AttrNumber *attnums)
{
	link->own_owner = rel->rd_rel->relowner;
	for (int i = 0; i < link->nkeys; i++)
	{
		link->attnums[i] = attnums[i];
		link->types[i] = TupleDescAttr(RelationGetDescr(rel), attnums[i] - 1)->atttypid;
	}
}

/* May the role read the table?  If not, it need not know what is deleted. */
static bool
may_read(Oid role, Relation rel)
{
	return pg_class_aclcheck(RelationGetRelid(rel), role, ACL_SELECT) == ACLCHECK_OK;
}

/*
 * What can keep a row of the child from coming back: its parents that would
 * have taken it along.
 */
static List *
blockers_of(SkSoftRelation *soft, Relation child)
{
	List	   *blockers = NIL;
	ListCell   *lc;

	foreach(lc, sk_soft_foreign_key_own(child))
	{
		SkForeignKey *key = lfirst(lc);
		Relation	parent = table_open(key->referenced, AccessShareLock);
		AttrNumber	column = column_of(parent);

		soft->watched = lappend_oid(soft->watched, key->referenced);
		if (key->on_delete == FKCONSTR_ACTION_CASCADE &&
			column != InvalidAttrNumber && may_read(child->rd_rel->relowner, parent))
		{
			SkSoftBlocker *blocker = palloc0(sizeof(SkSoftBlocker));

			blocker->key = key;
			blocker->column = column;
			blocker->owner = parent->rd_rel->relowner;
			blockers = lappend(blockers, blocker);
		}
		table_close(parent, AccessShareLock);
	}
	return blockers;
}

/* Has any of the parents another owner than the table that refers to them? */
static bool
have_other_owner(const List *blockers, Oid owner)
{
	ListCell   *lc;

	foreach(lc, blockers)
	{
		if (((SkSoftBlocker *) lfirst(lc))->owner != owner)
			return true;
	}
	return false;
}

/*
 * Those of them that are at the end of another key, as SkSoftBlocker.
 */
List *
sk_soft_relation_holders(const SkSoftLink *link)
{
	List	   *holders = NIL;
	ListCell   *lc;

	foreach(lc, link->blockers)
	{
		const SkSoftBlocker *blocker = lfirst(lc);

		if (blocker->key->id != link->key->id && blocker->key->id != link->key->parentid)
			holders = lappend(holders, lfirst(lc));
	}
	return holders;
}

static void
watch(SkSoftRelation *soft, Oid relid)
{
	MemoryContext old = MemoryContextSwitchTo(soft->context);

	soft->watched = list_append_unique_oid(soft->watched, relid);
	MemoryContextSwitchTo(old);
}

/* Can deleting a row of the table, by way of others, delete one of the same? */
static bool
reaches_itself(SkSoftRelation *soft, Oid relid)
{
	List	   *seen = list_make1_oid(relid);

	for (int i = 0; i < list_length(seen); i++)
	{
		Relation	rel = table_open(list_nth_oid(seen, i), AccessShareLock);
		List	   *keys = sk_soft_foreign_key_own(rel);
		ListCell   *lc;

		watch(soft, RelationGetRelid(rel));
		table_close(rel, AccessShareLock);
		foreach(lc, keys)
		{
			SkForeignKey *key = lfirst(lc);

			if (key->on_delete != FKCONSTR_ACTION_CASCADE)
				continue;
			if (key->referenced == relid)
				return true;
			seen = list_append_unique_oid(seen, key->referenced);
		}
	}
	return false;
}

static bool
is_cyclic(SkSoftRelation *soft, Oid relid)
{
	MemoryContext old = sk_scratch_begin();
	bool		cyclic = reaches_itself(soft, relid);

	sk_scratch_end(old);
	return cyclic;
}

static void
make_cascade(SkSoftRelation *soft, SkSoftLink *link, Relation child)
{
	link->can[SK_SOFT_CASCADE] = true;
	link->can[SK_SOFT_RESTAMP] = true;
	link->can[SK_SOFT_RESTORE] = true;
	link->can[SK_SOFT_SKIPPED] = true;
	link->can[SK_SOFT_MEMBERS] = true;
	link->blockers = blockers_of(soft, child);
	link->apart = have_other_owner(link->blockers, link->owner);
	link->cyclic = is_cyclic(soft, RelationGetRelid(child));
}

static void
add_child(SkSoftRelation *soft, Relation rel, const SkForeignKey *key)
{
	Relation	child = table_open(key->referencing, AccessShareLock);
	SkSoftLink *link = make_link(soft, key, child, column_of(child));

	soft->watched = lappend_oid(soft->watched, key->referencing);
	set_keys(link, rel, key->confkey);
	link->types[link->nkeys] = link->types[link->nkeys + 1] = soft->type;
	if (key->on_delete == FKCONSTR_ACTION_RESTRICT ||
		key->on_delete == FKCONSTR_ACTION_NOACTION)
		link->can[SK_SOFT_FIND] = true;
	else if (key->on_delete == FKCONSTR_ACTION_CASCADE &&
			 link->column != InvalidAttrNumber)
		make_cascade(soft, link, child);
	table_close(child, AccessShareLock);
	soft->children = lappend(soft->children, link);
}

/*
 * A row whose key is set to null or to a default when the row that it refers to
 * is deleted keeps the key when that is only marked, and may come and go.
 */
static void
add_parent(SkSoftRelation *soft, Relation rel, const SkForeignKey *key)
{
	Relation	parent;
	AttrNumber	column;

	if (key->on_delete == FKCONSTR_ACTION_SETNULL ||
		key->on_delete == FKCONSTR_ACTION_SETDEFAULT)
		return;
	parent = table_open(key->referenced, AccessShareLock);
	column = column_of(parent);
	soft->watched = lappend_oid(soft->watched, key->referenced);
	if (column != InvalidAttrNumber)
	{
		SkSoftLink *link = make_link(soft, key, parent, column);

		set_keys(link, rel, key->conkey);
		link->can[SK_SOFT_LOCK] = true;
		link->can[SK_SOFT_CHECK] = true;
		link->can[SK_SOFT_BLOCKER] = key->on_delete == FKCONSTR_ACTION_CASCADE &&
			may_read(rel->rd_rel->relowner, parent);
		soft->parents = lappend(soft->parents, link);
	}
	table_close(parent, AccessShareLock);
}


/*-------------------------------------------------------------------------
 * Entries
 *-------------------------------------------------------------------------
 */

static void
at_invalidation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	Entry	   *entry;

	invalidations++;
	if (relations == NULL)
		return;
	hash_seq_init(&status, relations);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relid) || entry->relid == relid ||
			list_member_oid(entry->soft->watched, relid))
		{
			entry->soft->valid = false;
			any_invalid = true;
		}
	}
}

static void
delete_outdated(void)
{
	ListCell   *lc;

	foreach(lc, outdated)
		MemoryContextDelete(lfirst(lc));
	list_free(outdated);
	outdated = NIL;
}

/* Their tables may be gone, too. */
static void
remove_invalid(void)
{
	HASH_SEQ_STATUS status;
	Entry	   *entry;

	hash_seq_init(&status, relations);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->soft->valid)
			continue;
		MemoryContextDelete(entry->soft->context);
		(void) hash_search(relations, &entry->relid, HASH_REMOVE, NULL);
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
sk_soft_relation_init(void)
{
	CacheRegisterRelcacheCallback(at_invalidation, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
}

static void
free_plans(List *links)
{
	ListCell   *lc;

	foreach(lc, links)
	{
		SkSoftLink *link = lfirst(lc);
		ListCell   *lcb;

		for (int i = 0; i < SK_SOFT_ACTIONS; i++)
			sk_plan_free(&link->plans[i]);
		foreach(lcb, link->blockers)
			sk_plan_free(&((SkSoftBlocker *) lfirst(lcb))->plan);
	}
}

static void
at_deletion(void *arg)
{
	SkSoftRelation *soft = arg;

	free_plans(soft->children);
	free_plans(soft->parents);
}

static void
fill(SkSoftRelation *soft, Relation rel)
{
	ListCell   *lc;

	soft->column = column_of(rel);
	if (soft->column == InvalidAttrNumber)
		return;
	soft->type = TupleDescAttr(RelationGetDescr(rel), soft->column - 1)->atttypid;
	foreach(lc, sk_soft_foreign_key_to(rel))
		add_child(soft, rel, lfirst(lc));
	foreach(lc, sk_soft_foreign_key_own(rel))
		add_parent(soft, rel, lfirst(lc));
}

static SkSoftRelation *
make_relation(Relation rel)
{
	MemoryContext context = AllocSetContextCreate(CacheMemoryContext,
												  "schemakit soft delete",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(CacheMemoryContext);
	MemoryContextCallback *callback;
	SkSoftRelation *soft;

	/* until it is complete: for an error on the way */
	outdated = lappend(outdated, context);
	MemoryContextSwitchTo(context);
	callback = palloc(sizeof(MemoryContextCallback));
	soft = palloc0(sizeof(SkSoftRelation));
	soft->relid = RelationGetRelid(rel);
	soft->context = context;
	callback->func = at_deletion;
	callback->arg = soft;
	MemoryContextRegisterResetCallback(context, callback);
	fill(soft, rel);
	MemoryContextSwitchTo(old);
	outdated = list_delete_ptr(outdated, context);
	return soft;
}

static void
retire(SkSoftRelation *soft)
{
	MemoryContext old = MemoryContextSwitchTo(CacheMemoryContext);

	outdated = lappend(outdated, soft->context);
	MemoryContextSwitchTo(old);
}

static void
make_table(void)
{
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(Entry),
	};

	relations = hash_create("schemakit soft delete", 64, &ctl,
							HASH_ELEM | HASH_BLOBS);
}

/*
 * The table's part in a foreign key, as the one that it refers to or that refers; NULL
 * if it has none.
 */
SkSoftLink *
sk_soft_relation_link(const SkSoftRelation *soft, Oid constraint, bool referenced)
{
	ListCell   *lc;

	foreach(lc, referenced ? soft->children : soft->parents)
	{
		SkSoftLink *link = lfirst(lc);

		if (link->key->id == constraint)
			return link;
	}
	return NULL;
}

/*
 * What is known of the table that a trigger fires on; the caller may read it
 * until sk_soft_relation_release().
 *
 * The table itself is read under the lock that the statement holds on it.  Those at
 * the other ends of its keys are not locked any more when they have been read: if a
 * message comes before the entry is complete, it is good for the caller, and made
 * again for the next one.
 */
SkSoftRelation *
sk_soft_relation_get(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	uint64		before = invalidations;
	bool		found;
	Entry	   *entry;
	SkSoftRelation *soft;

	if (relations == NULL)
		make_table();
	readers++;
	entry = hash_search(relations, &relid, HASH_FIND, &found);
	if (found && entry->soft->valid)
		return entry->soft;
	soft = make_relation(rel);
	entry = hash_search(relations, &relid, HASH_ENTER, &found);
	if (found)
		retire(entry->soft);
	entry->soft = soft;
	soft->valid = invalidations == before;
	any_invalid |= !soft->valid;
	return soft;
}

void
sk_soft_relation_release(void)
{
	if (--readers == 0)
		delete_outdated();
}
