/*-------------------------------------------------------------------------
 *
 * soft_delete/together.c
 *	  Which rows can be deleted permanently, alone or with others.
 *
 * A row can be deleted if all that refer to it can, by whatever way they go: the
 * server deletes them along, or they are rows of the same table, and of the same
 * DELETE.  Rows that refer to each other in a cycle go together or stay together.  So
 * the rows are followed from the ones that are referred to to those that refer, and
 * the components in which all reach each other are found on the way (Tarjan's
 * algorithm, without recursion).  A component is complete after all those that refer
 * to it, so what has been chosen can be deleted at any time.
 *
 * A row that has been looked at is remembered, for others may be referred to by it.
 * There is a limit for that, after which a row keeps what it would have to be followed
 * for: as long as there are other rows, they come first another time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/together.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef struct Place
{
	Oid			relid;
	ItemPointerData tid;
} Place;

typedef struct Row
{
	Place		place;			/* key of the hash table: must be first */
	SkSoftDoomed *doomed;		/* the table it was found in */
	bool		is_own;			/* of the table that is purged */
	HeapTuple	tuple;			/* until it is looked at */
	int			number;			/* in the order of that; 0: not yet */
	int			lowest;			/* that is known to refer to it */
	bool		is_open;		/* its component is not complete */
	bool		stays;
	SkSoftKeeper *keeper;		/* because of that, if not NULL */
	List	   *referring;		/* Row */
	int			next;			/* of those */
} Row;

struct SkSoftTogether
{
	MemoryContext context;
	HTAB	   *rows;
	List	   *tables;
	List	   *own;			/* OIDs of the first of them and its
								 * partitions */
	TupleDesc  *tupdescs;		/* of their rows, as far as all statements
								 * have it */
	TimestampTz before;
	bool		no_others;
	List	   *added;			/* rows that are to be looked at */
	int			count;			/* of rows that have been looked at */
	List	   *open;			/* in their order */
	List	   *path;			/* to the one that is looked at */
	int64		wanted;
	int64		most;			/* rows of a component that was too large */
	SkSoftRows *chosen;
};

/* Inheritance children are other tables, as for foreign keys. */
static List *
own_relids(const SkSoftDoomed *purged, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *relids = get_rel_relkind(purged->relid) == RELKIND_PARTITIONED_TABLE
		? find_all_inheritors(purged->relid, NoLock, NULL)
		: list_make1_oid(purged->relid);

	MemoryContextSwitchTo(old);
	return relids;
}

SkSoftTogether *
sk_soft_together_begin(List *tables, TimestampTz before)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "schemakit rows to be purged",
												  ALLOCSET_DEFAULT_SIZES);
	SkSoftTogether *together = MemoryContextAllocZero(context, sizeof(SkSoftTogether));
	HASHCTL		ctl = {
		.keysize = sizeof(Place),
		.entrysize = sizeof(Row),
		.hcxt = context,
	};

	together->context = context;
	together->tables = tables;
	together->own = own_relids(linitial(tables), context);
	together->tupdescs = MemoryContextAllocZero(context, sizeof(TupleDesc) * list_length(tables));
	together->before = before;
	together->rows = hash_create("schemakit rows to be purged", 1024, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return together;
}

void
sk_soft_together_end(SkSoftTogether *together)
{
	MemoryContextDelete(together->context);
}

/*
 * Is it time to begin anew?
 */
bool
sk_soft_together_is_full(const SkSoftTogether *together)
{
	return MemoryContextMemAllocated(together->context, true) / 1024 > (Size) maintenance_work_mem;
}

static TupleDesc *
tupdesc_of(SkSoftTogether *together, const SkSoftDoomed *doomed)
{
	int			i = 0;

	while (list_nth(together->tables, i) != doomed)
		i++;
	return &together->tupdescs[i];
}

/*
 * The row type of the table, as it was when the first of its rows was found.  A trigger
 * may have changed it since.
 */
static void
note_row_type(SkSoftTogether *together, const SkSoftDoomed *doomed, TupleDesc tupdesc)
{
	TupleDesc  *noted = tupdesc_of(together, doomed);

	if (*noted == NULL)
		*noted = CreateTupleDescCopy(tupdesc);
	for (int i = 0; i < list_length(doomed->attnums) + 2; i++)
	{
		if (TupleDescAttr(*noted, i)->atttypid != TupleDescAttr(tupdesc, i)->atttypid)
			sk_soft_keeper_fail_altered(doomed->relid);
	}
}

/*
 * The row, which may be known already.  A row of a partition that is purged may be
 * found in the whole table, too, to which it refers.
 */
static Row *
find_row(SkSoftTogether *together, SkSoftDoomed *doomed, HeapTuple tuple,
		 TupleDesc tupdesc)
{
	Place		place;
	Row		   *row;
	bool		found;

	memset(&place, 0, sizeof(place));
	sk_soft_keeper_place(tuple, tupdesc, &place.relid, &place.tid);
	row = hash_search(together->rows, &place, HASH_ENTER, &found);
	if (found)
		return row;
	memset((char *) row + sizeof(Place), 0, sizeof(Row) - sizeof(Place));
	row->doomed = doomed;
	row->is_own = list_member_oid(together->own, place.relid);
	if (together->no_others && row->is_own)
	{
		row->number = ++together->count;
		row->stays = true;
		return row;
	}
	note_row_type(together, doomed, tupdesc);
	row->tuple = heap_copytuple(tuple);
	return row;
}

/*
 * Ask about that row of the table, next time.
 */
void
sk_soft_together_add(SkSoftTogether *together, HeapTuple row, TupleDesc tupdesc)
{
	MemoryContext old = MemoryContextSwitchTo(together->context);

	together->added = lappend(together->added,
							  find_row(together, linitial(together->tables), row, tupdesc));
	MemoryContextSwitchTo(old);
}

/*
 * All rows of the table that may be deleted have been added.
 */
void
sk_soft_together_no_others(SkSoftTogether *together)
{
	together->no_others = true;
}

static void
stay(Row *row, SkSoftKeeper *keeper)
{
	if (!row->stays)
		row->keeper = keeper;
	row->stays = true;
}

static void
add_referring(void *arg, SkSoftDoomed *doomed, HeapTuple tuple, TupleDesc tupdesc)
{
	SkSoftTogether *together = arg;
	MemoryContext old = MemoryContextSwitchTo(together->context);
	Row		   *row = llast(together->path);

	row->referring = lappend(row->referring, find_row(together, doomed, tuple, tupdesc));
	MemoryContextSwitchTo(old);
}

/* Look at a row for the first time. */
static void
enter(SkSoftTogether *together, Row *row)
{
	SkSoftKeeper *keeper;

	CHECK_FOR_INTERRUPTS();
	row->number = row->lowest = ++together->count;
	row->is_open = true;
	together->open = lappend(together->open, row);
	together->path = lappend(together->path, row);
	if (sk_soft_together_is_full(together))
		stay(row, NULL);
	else
	{
		keeper = sk_soft_keeper_visit(row->doomed, row->tuple,
									  *tupdesc_of(together, row->doomed),
									  together->before, together->no_others,
									  add_referring, together);
		if (keeper != NULL)
			stay(row, keeper);
	}
	heap_freetuple(row->tuple);
}

static void
choose(SkSoftTogether *together, const Row *row, int component)
{
	SkSoftRows *chosen = together->chosen;
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(chosen));
	ItemPointer tid = palloc(sizeof(ItemPointerData));

	if (chosen->count == chosen->size)
	{
		chosen->size *= 2;
		chosen->relids = repalloc_huge(chosen->relids, sizeof(Datum) * chosen->size);
		chosen->tids = repalloc_huge(chosen->tids, sizeof(Datum) * chosen->size);
		chosen->components = repalloc_huge(chosen->components, sizeof(int) * chosen->size);
	}
	*tid = row->place.tid;
	chosen->components[chosen->count] = component;
	chosen->relids[chosen->count] = ObjectIdGetDatum(row->place.relid);
	chosen->tids[chosen->count++] = PointerGetDatum(tid);
	MemoryContextSwitchTo(old);
}

/* It is complete: the row, and those that were opened after it. */
static void
close_component(SkSoftTogether *together, Row *first)
{
	int			begin = list_length(together->open);
	int64		count = 0;
	Row		   *row;
	bool		stays = false;
	SkSoftKeeper *keeper = NULL;

	do
	{
		row = list_nth(together->open, --begin);
		if (row->is_own)
			count++;
		stays |= row->stays;
		if (keeper == NULL)
			keeper = row->keeper;
	} while (row != first);
	if (!stays && count > together->wanted)
	{
		stays = true;
		together->most = Max(together->most, count);
	}
	if (!stays)
		together->wanted -= count;
	for (int i = begin; i < list_length(together->open); i++)
	{
		row = list_nth(together->open, i);
		row->is_open = false;
		if (stays)
			stay(row, keeper);
		else if (row->is_own)
			choose(together, row, first->number);
	}
	together->open = list_truncate(together->open, begin);
}

/* All that refer to the row have been looked at. */
static void
leave(SkSoftTogether *together, Row *row)
{
	Row		   *referred;

	if (row->lowest == row->number)
		close_component(together, row);
	together->path = list_delete_last(together->path);
	if (together->path == NIL)
		return;
	referred = llast(together->path);
	if (row->is_open)
		referred->lowest = Min(referred->lowest, row->lowest);
	else if (row->stays)
		stay(referred, row->keeper);
}

/* Go from the row to one that refers to it. */
static void
follow(SkSoftTogether *together, Row *row)
{
	Row		   *other = list_nth(row->referring, row->next++);

	if (other->number == 0)
		enter(together, other);
	else if (other->is_open)
		row->lowest = Min(row->lowest, other->number);
	else if (other->stays)
		stay(row, other->keeper);
}

static void
look_at(SkSoftTogether *together, Row *row)
{
	enter(together, row);
	while (together->path != NIL)
	{
		row = llast(together->path);
		if (!row->stays && row->next < list_length(row->referring))
			follow(together, row);
		else
			leave(together, row);
	}
}

static SkSoftRows *
make_rows(void)
{
	SkSoftRows *rows = palloc0(sizeof(SkSoftRows));

	rows->size = 64;
	rows->relids = palloc(sizeof(Datum) * rows->size);
	rows->tids = palloc(sizeof(Datum) * rows->size);
	rows->components = palloc(sizeof(int) * rows->size);
	return rows;
}

/*
 * Of the rows that have been added and what refers to them, those rows of the table that
 * can be deleted together, as many as wanted; the rest is looked at next time.  Counts
 * what is kept.
 */
SkSoftRows *
sk_soft_together_choose(SkSoftTogether *together, int64 wanted)
{
	MemoryContext old;
	List	   *added = together->added;
	int			n = 0;

	together->chosen = make_rows();
	together->wanted = wanted;
	old = MemoryContextSwitchTo(together->context);
	for (; n < list_length(added) && together->wanted > 0; n++)
	{
		Row		   *row = list_nth(added, n);

		if (row->number == 0)
			look_at(together, row);
		if (row->keeper != NULL)
			sk_soft_keeper_count(row->keeper);
	}
	together->added = list_copy_tail(added, n);
	list_free(added);
	MemoryContextSwitchTo(old);
	return together->chosen;
}

/*
 * How many rows would have had to be wanted?  0 if there were not too many of any.
 */
int64
sk_soft_together_most(const SkSoftTogether *together)
{
	return together->most;
}
