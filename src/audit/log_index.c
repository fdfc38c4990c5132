/*-------------------------------------------------------------------------
 *
 * audit/log_index.c
 *	  The indexes of the table or partition that events are written to.
 *
 * An event is entered into them without a plan.  That is possible for indexes on
 * columns whose operator classes are in C; they may leave out the rows in which a
 * column is null, as the one does that finds who acts.
 *
 * A BRIN index says of ranges of pages which values they have.  That of ours is on
 * what all events of a transaction have in common, so there is nothing to be said
 * of a second event of the transaction on the same page.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/log_index.h"
#include "audit/log_columns.h"
#include "base/compat.h"
#include "base/table.h"
#include "base/trust.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_language.h"
#include "utils/rel.h"

/* Is all that compares the index's values in C, whatever the search_path? */
static bool
is_in_c(Relation index)
{
	int			nsupport = IndexRelationGetNumberOfKeyAttributes(index) *
		index->rd_indam->amsupport;

	for (int i = 0; i < nsupport; i++)
	{
		Oid			function = index->rd_support[i];

		if (function >= FirstNormalObjectId &&
			sk_trust_language(function) != ClanguageId)
			return false;
	}
	return true;
}

/* Are all columns of the index the same in all events of a transaction? */
static bool
is_by_page(Relation index, const IndexInfo *info, bool has_events)
{
	if (!has_events || index->rd_rel->relam != BRIN_AM_OID)
		return false;
	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
	{
		if (info->ii_IndexAttrNumbers[i] != Anum_audit_event_txn_id &&
			info->ii_IndexAttrNumbers[i] != Anum_audit_event_at)
			return false;
	}
	return true;
}

/*
 * Describe an index; false if it asks for more than the columns' values.  Such a one
 * is not described: that would fold its expressions as the current user.
 */
static bool
describe(Relation index, bool has_events, SkAuditLogIndex *result)
{
	result->unless_null = sk_table_index_unless_null(index);
	if ((!sk_table_index_is_plain(index) && result->unless_null == NULL) ||
		index->rd_index->indisexclusion || !index->rd_index->indimmediate ||
		!is_in_c(index))
		return false;
	result->relid = RelationGetRelid(index);
	result->info = BuildIndexInfo(index);
	result->by_page = is_by_page(index, result->info, has_events);
	result->page = InvalidBlockNumber;
	return true;
}

/*
 * Describe the indexes that rows are entered into, in the current context; false if
 * one of them asks for more than the columns' values.
 */
bool
sk_audit_log_index_describe(Relation leaf, bool has_events,
							SkAuditLogIndex **indexes, int *count)
{
	List	   *relids = RelationGetIndexList(leaf);
	ListCell   *lc;
	bool		simple = true;

	*count = 0;
	*indexes = palloc0(sizeof(SkAuditLogIndex) * Max(list_length(relids), 1));
	foreach(lc, relids)
	{
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);

		simple = simple && describe(index, has_events, &(*indexes)[*count]);
		*count += index->rd_index->indisready;
		index_close(index, NoLock);
	}
	return simple;
}

/* Is no row in it that ends after so many columns? */
static bool
leaves_out_all(const SkAuditLogIndex *entry, int natts)
{
	return bms_next_member(entry->unless_null, natts) >= 0;
}

/*
 * How many of their first columns the indexes ask for, of rows that have "natts"
 */
int
sk_audit_log_index_natts(const SkAuditLogIndex *indexes, int count, int natts)
{
	int			result = 0;

	for (int i = 0; i < count; i++)
	{
		const IndexInfo *info = indexes[i].info;
		int			column = -1;

		if (leaves_out_all(&indexes[i], natts))
			continue;
		while ((column = bms_next_member(indexes[i].unless_null, column)) >= 0)
			result = Max(result, column);
		for (int j = 0; j < info->ii_NumIndexAttrs; j++)
			result = Max(result, info->ii_IndexAttrNumbers[j]);
		if (indexes[i].by_page)
			result = Max(result, Anum_audit_event_txn_id);
	}
	return Min(result, natts);
}

static bool
is_null(const SkAuditLogRow *row, int column)
{
	return column > row->natts || row->nulls[column - 1];
}

static bool
is_left_out(const SkAuditLogIndex *entry, const SkAuditLogRow *row)
{
	int			column = -1;

	while ((column = bms_next_member(entry->unless_null, column)) >= 0)
	{
		if (is_null(row, column))
			return true;
	}
	return entry->by_page &&
		entry->page == ItemPointerGetBlockNumber(&row->tid) &&
		entry->txn_id == DatumGetInt64(row->values[Anum_audit_event_txn_id - 1]);
}

static Relation
open_index(SkAuditLogIndex *entry)
{
	Relation	index = index_open(entry->relid, entry->locked ? NoLock
								   : RowExclusiveLock);

	entry->locked = true;
	/* what the access method keeps there knows this very relcache entry */
	entry->info->ii_AmCache = NULL;
	entry->info->ii_Context = CurrentMemoryContext;
	return index;
}

static void
insert(SkAuditLogIndex *entry, Relation index, Relation leaf, const SkAuditLogRow *row)
{
	IndexInfo  *info = entry->info;
	ItemPointerData tid = row->tid;
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
	{
		int			column = info->ii_IndexAttrNumbers[i];

		nulls[i] = is_null(row, column);
		values[i] = nulls[i] ? (Datum) 0 : row->values[column - 1];
	}
	index_insert(index, values, nulls, &tid, leaf,
				 index->rd_index->indisunique ? UNIQUE_CHECK_YES
				 : UNIQUE_CHECK_NO,
				 false, info);
	if (!entry->by_page)
		return;
	entry->page = ItemPointerGetBlockNumber(&tid);
	entry->txn_id = DatumGetInt64(row->values[Anum_audit_event_txn_id - 1]);
}

/*
 * Enter rows that have just been put into the table.
 */
void
sk_audit_log_index_insert(SkAuditLogIndex *entry, Relation leaf,
						  const SkAuditLogRow *rows, int count)
{
	Relation	index = NULL;

	if (count > 0 && leaves_out_all(entry, rows[0].natts))
		return;
	for (int i = 0; i < count; i++)
	{
		if (is_left_out(entry, &rows[i]))
			continue;
		if (index == NULL)
			index = open_index(entry);
		insert(entry, index, leaf, &rows[i]);
	}
	if (index == NULL)
		return;
	index_insert_cleanup(index, entry->info);
	index_close(index, NoLock);
}
