/*-------------------------------------------------------------------------
 *
 * timestamps/known.c
 *	  What a session knows of the columns that it maintains.
 *
 * To find out what keeps a column from getting a new time, or what that has to be
 * tried with, costs more than to change a row.  So it is kept from one query to the
 * next, until the table, a function or a view of the table changes.
 *
 * What is handed out is good until the next catalog is read: callers copy what they
 * need for longer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/known.h"
#include "base/compat.h"
#include "timestamps/checked_view.h"
#include "timestamps/obstacle.h"
#include "timestamps/trial.h"

#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

typedef struct Entry
{
	Oid			relid;			/* the key of the hash table */
	AttrNumber	attnum;
	bool		valid;
	bool		is_view;		/* that another entry depends on */
	MemoryContext context;		/* of what is known */
	SkKnown		known;
} Entry;

static HTAB *entries = NULL;

/* What comes while an entry is made may make it wrong. */
static uint64 invalidations = 0;

static void
invalidate_all(void)
{
	HASH_SEQ_STATUS status;
	Entry	   *entry;

	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->valid = false;
}

/* The memory is freed when the entry is made again: it may be in use. */
static void
relation_changed(Datum arg, Oid relid)
{
	Entry	   *entry;

	invalidations++;
	if (!OidIsValid(relid))
		invalidate_all();
	else if ((entry = hash_search(entries, &relid, HASH_FIND, NULL)) != NULL)
	{
		entry->valid = false;
		if (entry->is_view)
			invalidate_all();
	}
}

/*
 * Tests contain what functions were like, and depend on whether they are leakproof.  A
 * new rule may make a view of a table.
 */
static void
object_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidations++;
	invalidate_all();
}

static void
make_table(void)
{
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(Entry),
	};

	entries = hash_create("schemakit columns", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, object_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(RULERELNAME, object_changed, (Datum) 0);
}

static Entry *
find_entry(Oid relid)
{
	bool		found;
	Entry	   *entry;

	if (entries == NULL)
		make_table();
	entry = hash_search(entries, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = entry->is_view = false;
		entry->context = NULL;
		entry->known.tests = entry->known.views = NIL;
	}
	return entry;
}

static void
forget(Entry *entry)
{
	if (entry->context != NULL)
		MemoryContextDelete(entry->context);
	entry->context = NULL;
	entry->known.tests = entry->known.views = NIL;
	entry->valid = false;
}

/* A view that has no option yet may get one. */
static List *
checked_views(Oid relid)
{
	List	   *checked = NIL;
	ListCell   *lc;

	foreach(lc, sk_checked_view_readers(relid))
	{
		find_entry(lfirst_oid(lc))->is_view = true;
		if (sk_checked_view_has_option(lfirst_oid(lc)))
			checked = lappend_oid(checked, lfirst_oid(lc));
	}
	return checked;
}

/* Few columns have something to try, and few tables such a view. */
static void
keep_tests(Entry *entry, Relation rel, AttrNumber attnum)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemakit column",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *tests = sk_trial_collect(rel, attnum);
	List	   *views = checked_views(RelationGetRelid(rel));

	MemoryContextSwitchTo(old);
	if (tests == NIL && views == NIL)
	{
		MemoryContextDelete(context);
		return;
	}
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->context = context;
	entry->known.tests = tests;
	entry->known.views = views;
}

static void
fill(Entry *entry, Relation rel, AttrNumber attnum)
{
	uint64		before = invalidations;
	bool		has_obstacle = sk_obstacle_is_there(rel, attnum);

	forget(entry);
	entry->attnum = attnum;
	entry->known.has_obstacle = has_obstacle;
	keep_tests(entry, rel, attnum);
	entry->valid = invalidations == before;
}

/*
 * What is known of a column of a table that is being updated.
 */
const SkKnown *
sk_known_column(Relation rel, AttrNumber attnum)
{
	Entry	   *entry = find_entry(RelationGetRelid(rel));

	if (!entry->valid || entry->attnum != attnum)
		fill(entry, rel, attnum);
	return &entry->known;
}
