/*-------------------------------------------------------------------------
 *
 * soft_delete/cycle.c
 *	  Rows that keep each other deleted.
 *
 * A row comes back when none of its parents is deleted.  Where rows refer to each
 * other in a cycle, each is the parent of another, and none would ever come back.
 * So when all else of a statement is done, those that a restored row should have
 * brought along, but for other rows of their batch, are looked at together with
 * these and the parents of these in the batch, and so on.
 *
 * A row of the batch that has no parent in it is one that the batch began with.
 * It and all that it took along stay as they are.  The others have nothing left
 * that they were deleted with.  If any of them has a parent that was deleted at
 * another time, then that one would have taken it: the first of these
 * deletions takes its rows, by their foreign keys those that refer to them get the
 * same stamp, and the rest is looked at again.  If there is none, they come
 * back.  No row is restored that would not stay so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/cycle.h"
#include "soft_delete/fk_execute.h"
#include "soft_delete/queue.h"
#include "soft_delete/relation.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Where a row is; key of the hash table */
typedef struct Place
{
	Oid			relid;
	ItemPointerData tid;
} Place;

/* A row of a batch */
typedef struct Row
{
	Place		place;			/* must be first */
	Oid			relid;			/* the table that a foreign key names */
	AttrNumber	column;			/* its stamp there */
	bool		has_parents;	/* in the batch */
	bool		stays;
	bool		is_taken;		/* by another deletion */
	Timestamp	taken_at;		/* the first of those */
	List	   *children;		/* in the batch */
} Row;

typedef struct Rows
{
	HTAB	   *by_place;
	List	   *list;			/* of Row; grows at its end */
} Rows;

/* What a statement across a foreign key has found */
typedef struct Found
{
	Place		place;
	Timestamp	stamp;			/* if it tells */
} Found;


/*-------------------------------------------------------------------------
 * Finding them
 *-------------------------------------------------------------------------
 */

static Row *
add_row(Rows *rows, const SkSoftLink *link, const Place *place)
{
	bool		found;
	Row		   *row = hash_search(rows->by_place, place, HASH_ENTER, &found);

	if (!found)
	{
		memset((char *) row + sizeof(Place), 0, sizeof(Row) - sizeof(Place));
		row->relid = link->otherid;
		row->column = link->column;
		rows->list = lappend(rows->list, row);
	}
	return row;
}

/* Execute it; returns the rows that it finds, and their number. */
static Found *
find(SkSoftLink *link, SkSoftAction action, Datum *values, uint64 *count)
{
	MemoryContext context = CurrentMemoryContext;
	Found	   *found;

	sk_soft_fk_execute(link, action, values, 0);
	*count = SPI_processed;
	found = MemoryContextAllocExtended(context, sizeof(Found) * Max(*count, 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < *count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	tupdesc = SPI_tuptable->tupdesc;
		bool		isnull;

		found[i].place.relid = DatumGetObjectId(SPI_getbinval(tuple, tupdesc, 1, &isnull));
		found[i].place.tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(tuple, tupdesc, 2, &isnull));
		if (tupdesc->natts > 2)
			found[i].stamp = DatumGetTimestamp(SPI_getbinval(tuple, tupdesc, 3, &isnull));
	}
	SPI_finish();
	return found;
}

/* The rows that the restored one has not brought along */
static void
add_skipped(Rows *rows, SkSoftDoubt *doubt)
{
	Relation	rel = table_open(doubt->relid, AccessShareLock);
	ListCell   *lc;

	foreach(lc, sk_soft_relation_get(rel)->children)
	{
		SkSoftLink *link = lfirst(lc);
		Found	   *found;
		uint64		count;

		if (!link->can[SK_SOFT_SKIPPED] || !sk_soft_queue_is_about(doubt, link))
			continue;
		found = find(link, SK_SOFT_SKIPPED, doubt->values, &count);
		for (uint64 i = 0; i < count; i++)
			(void) add_row(rows, link, &found[i].place);
	}
	sk_soft_relation_release();
	table_close(rel, NoLock);
}

static void
add_parent(Rows *rows, Row *row, Timestamp stamp, const SkSoftLink *link,
		   const Found *parent)
{
	Row		   *other;

	if (memcmp(&parent->place, &row->place, sizeof(Place)) == 0)
		return;					/* a row may refer to itself */
	if (parent->stamp == stamp)
	{
		other = add_row(rows, link, &parent->place);
		other->children = lappend(other->children, row);
		row->has_parents = true;
	}
	else if (!row->is_taken || parent->stamp < row->taken_at)
	{
		row->is_taken = true;
		row->taken_at = parent->stamp;
	}
}

static void
add_parents_of(Rows *rows, Row *row, SkSoftRelation *soft, TupleTableSlot *slot)
{
	bool		is_live;
	Datum		stamp = slot_getattr(slot, soft->column, &is_live);
	ListCell   *lc;

	foreach(lc, is_live ? NIL : soft->parents)
	{
		SkSoftLink *link = lfirst(lc);
		Datum		values[INDEX_MAX_KEYS];
		Found	   *parents;
		uint64		count;

		if (!link->can[SK_SOFT_BLOCKER] ||
			!sk_soft_fk_execute_values(link, slot, values))
			continue;
		parents = find(link, SK_SOFT_BLOCKER, values, &count);
		for (uint64 i = 0; i < count; i++)
			add_parent(rows, row, DatumGetTimestamp(stamp), link,
					   &parents[i]);
	}
}

static void
add_parents(Rows *rows, Row *row)
{
	Relation	rel = table_open(row->place.relid, AccessShareLock);
	SkSoftRelation *soft = sk_soft_relation_get(rel);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	if (soft->column != InvalidAttrNumber &&
		table_tuple_fetch_row_version(rel, &row->place.tid, snapshot, slot))
		add_parents_of(rows, row, soft, slot);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	sk_soft_relation_release();
	table_close(rel, NoLock);
}

static void
find_rows(Rows *rows, List *doubts)
{
	HASHCTL		ctl = {
		.keysize = sizeof(Place),
		.entrysize = sizeof(Row),
		.hcxt = CurrentMemoryContext,
	};
	ListCell   *lc;

	rows->by_place = hash_create("schemakit rows of a batch", 64, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	rows->list = NIL;
	foreach(lc, doubts)
		add_skipped(rows, lfirst(lc));
	for (int i = 0; i < list_length(rows->list); i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_parents(rows, list_nth(rows->list, i));
	}
}


/*-------------------------------------------------------------------------
 * What becomes of them
 *-------------------------------------------------------------------------
 */

/* What the batch began with, and what that took along */
static void
mark_those_that_stay(Rows *rows)
{
	List	   *staying = NIL;
	ListCell   *lc;

	foreach(lc, rows->list)
	{
		Row		   *row = lfirst(lc);

		row->stays = !row->has_parents;
		if (row->stays)
			staying = lappend(staying, row);
	}
	for (int i = 0; i < list_length(staying); i++)
	{
		foreach(lc, ((Row *) list_nth(staying, i))->children)
		{
			Row		   *child = lfirst(lc);

			if (!child->stays)
			{
				child->stays = true;
				staying = lappend(staying, child);
			}
		}
	}
}

/* The first deletion that takes any of the others; NULL if there is none */
static const Timestamp *
first_taken_at(const Rows *rows)
{
	const Timestamp *first = NULL;
	ListCell   *lc;

	foreach(lc, rows->list)
	{
		const Row  *row = lfirst(lc);

		if (!row->stays && row->is_taken && (first == NULL || row->taken_at < *first))
			first = &row->taken_at;
	}
	return first;
}

/* Those that it takes get its stamp; all come back if it is NULL. */
static bool
stamp_rows(Rows *rows, const Timestamp *stamp)
{
	bool		any = false;
	ListCell   *lc;

	foreach(lc, rows->list)
	{
		Row		   *row = lfirst(lc);

		if (row->stays || (stamp && !(row->is_taken && row->taken_at == *stamp)))
			continue;
		any |= sk_soft_fk_execute_stamp(row->relid, row->column, row->place.relid,
										&row->place.tid, stamp);
	}
	return any;
}

/*
 * Change some of them.  If none is left that has to change, returns false;
 * otherwise it is to be called again when what this has triggered is done.
 */
bool
sk_soft_cycle_break(List *doubts)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit soft delete cycle",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Rows		rows;
	bool		any;

	CommandCounterIncrement();
	find_rows(&rows, doubts);
	mark_those_that_stay(&rows);
	any = stamp_rows(&rows, first_taken_at(&rows));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return any;
}
