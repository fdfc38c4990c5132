/*-------------------------------------------------------------------------
 *
 * soft_delete/parents.c
 *	  Rows of a batch, and what else they refer to.
 *
 * A row has several parents, whose tables may have several owners.  A statement that
 * reads them all would run what each owner has put into his table, such as policies and
 * the expressions of indexes, as the one who executes it.  So it reads all of them
 * where they have one owner; otherwise it returns the keys, and each parent is asked by
 * a statement of its own, as its owner and without row security.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/parents.h"
#include "base/plan.h"
#include "base/rights.h"
#include "soft_delete/fk_execute.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A parent that is to be asked */
typedef struct Question
{
	const SkSoftLink *link;
	SkSoftBlocker *blocker;
} Question;

/* A row that may come back */
typedef struct Returning
{
	Oid			relid;
	ItemPointerData tid;
	Timestamp	stamp;
	bool		is_held;		/* by a parent that stays deleted */
	Timestamp	held_since;		/* by the first of them */
} Returning;

static char *
text_of(void *arg, List **relids)
{
	const Question *question = arg;
	SkSoftBlocker blocker = *question->blocker;
	Relation	child = table_open(question->link->otherid, AccessShareLock);
	char	   *sql;

	blocker.parent = table_open(blocker.key->referenced, AccessShareLock);
	*relids = list_make1_oid(blocker.key->referenced);
	sql = sk_soft_fk_query_parent(&blocker, child, question->link->column);
	table_close(blocker.parent, NoLock);
	table_close(child, NoLock);
	return sql;
}

static SPIPlanPtr
plan_of(Question *question)
{
	const SkForeignKey *key = question->blocker->key;
	Oid			types[INDEX_MAX_KEYS + 2];
	int			n;

	for (n = 0; n < key->nkeys; n++)
		types[n] = get_atttype(key->referencing, key->conkey[n]);
	if (key->referencing == key->referenced)
	{
		types[n++] = OIDOID;
		types[n++] = TIDOID;
	}
	return sk_plan_get(&question->blocker->plan, text_of, question, n, types, 0);
}

/* Ask it, as its owner.  Leaves SPI connected. */
static void
ask(Question *question, Datum *values, Snapshot snapshot)
{
	SkRights	saved;

	sk_rights_assume_for_key(question->blocker->owner, &saved);
	SPI_connect();
	if (snapshot == InvalidSnapshot)
		sk_soft_fk_execute_plan(plan_of(question), values, NULL, 1);
	else if (SPI_execute_snapshot(plan_of(question), values, NULL, snapshot,
								  InvalidSnapshot, true, false, 1) < 0)
		elog(ERROR, "could not execute a statement of soft delete");
	sk_rights_restore(&saved);
}

/* False if a value of the key is null, so that there is no parent. */
static bool
read_key(const SkForeignKey *key, HeapTuple row, TupleDesc tupdesc, int column,
		 Datum *values)
{
	bool		isnull;

	for (int i = 0; i < key->nkeys; i++)
	{
		values[i] = heap_getattr(row, column + i, tupdesc, &isnull);
		if (isnull)
			return false;
	}
	values[key->nkeys] = heap_getattr(row, SK_SOFT_BATCH_RELID, tupdesc, &isnull);
	values[key->nkeys + 1] = heap_getattr(row, SK_SOFT_BATCH_TID, tupdesc, &isnull);
	return true;
}

/* The stamp and who made the version are in two columns. */
static void
tell(HeapTuple tuple, TupleDesc tupdesc, int column, SkSoftParent parent, void *arg)
{
	bool		isnull;
	Datum		stamp = heap_getattr(tuple, column, tupdesc, &isnull);

	if (!isnull)
		parent(arg, DatumGetTimestamp(stamp),
			   DatumGetTransactionId(heap_getattr(tuple, column + 1, tupdesc, &isnull)));
}

static void
ask_and_tell(SkSoftLink *link, SkSoftBlocker *blocker, Datum *values, Snapshot snapshot,
			 SkSoftParent parent, void *arg)
{
	Question	question = {.link = link,.blocker = blocker};
	MemoryContext context = CurrentMemoryContext;

	ask(&question, values, snapshot);
	if (SPI_processed > 0)
	{
		MemoryContext spi = MemoryContextSwitchTo(context);

		tell(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, parent, arg);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
}

/*
 * Tell those parents of a row of a batch that are deleted, which a statement across the
 * key has returned.
 */
void
sk_soft_parents_tell(SkSoftLink *link, List *blockers, HeapTuple row, TupleDesc tupdesc,
					 Snapshot snapshot, SkSoftParent parent, void *arg)
{
	int			column = SK_SOFT_BATCH_PARENTS;
	ListCell   *lc;

	foreach(lc, blockers)
	{
		SkSoftBlocker *blocker = lfirst(lc);
		Datum		values[INDEX_MAX_KEYS + 2];

		if (!link->apart)
		{
			tell(row, tupdesc, column, parent, arg);
			column += 2;
			continue;
		}
		if (read_key(blocker->key, row, tupdesc, column, values))
			ask_and_tell(link, blocker, values, snapshot, parent, arg);
		column += blocker->key->nkeys;
	}
}

static void
note_held(void *arg, Timestamp stamp, TransactionId maker)
{
	Returning  *row = arg;

	if (!row->is_held || stamp < row->held_since)
		row->held_since = stamp;
	row->is_held = true;
}

/* What has been found, and is locked */
static List *
read_returning(SkSoftLink *link)
{
	SPITupleTable *found = SPI_tuptable;
	uint64		count = SPI_processed;
	List	   *rows = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		Returning  *row = palloc0(sizeof(Returning));
		bool		isnull;

		row->relid = DatumGetObjectId(heap_getattr(found->vals[i], SK_SOFT_BATCH_RELID, found->tupdesc, &isnull));
		row->tid = *(ItemPointer) DatumGetPointer(heap_getattr(found->vals[i], SK_SOFT_BATCH_TID, found->tupdesc, &isnull));
		row->stamp = DatumGetTimestamp(heap_getattr(found->vals[i], SK_SOFT_BATCH_STAMP, found->tupdesc, &isnull));
		sk_soft_parents_tell(link, link->blockers, found->vals[i], found->tupdesc,
							 InvalidSnapshot, note_held, row);
		rows = lappend(rows, row);
	}
	return rows;
}

/*
 * Rows of the batch come back, but those that another of their parents would have
 * deleted: they belong to that one's batch from now on.
 */
void
sk_soft_parents_restore(SkSoftLink *link, Datum *values)
{
	ListCell   *lc;

	sk_soft_fk_execute(link, SK_SOFT_RESTORE, values, 0);
	if (link->apart && sk_soft_fk_execute_has_others(link))
	{
		foreach(lc, read_returning(link))
		{
			const Returning *row = lfirst(lc);

			if (!row->is_held || row->held_since != row->stamp)
				(void) sk_soft_fk_execute_stamp(link->otherid, link->column, row->relid,
												(ItemPointer) &row->tid,
												row->is_held ? &row->held_since : NULL);
		}
	}
	SPI_finish();
}
