/*-------------------------------------------------------------------------
 *
 * soft_delete/fk_execute.c
 *	  Executing the statements across a foreign key.
 *
 * They are executed as the owner of the table that they are about, as those of
 * the server's own foreign keys, and like these queue what they trigger behind
 * what is triggered already.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/fk_execute.h"
#include "base/plan.h"
#include "base/rights.h"
#include "soft_delete/fk_query.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A statement that is to be written */
typedef struct Statement
{
	const SkSoftLink *link;
	SkSoftAction action;
} Statement;

static List *
open_blockers(List *list, List **relids)
{
	List	   *blockers = NIL;
	ListCell   *lc;

	foreach(lc, list)
	{
		SkSoftBlocker *blocker = palloc(sizeof(SkSoftBlocker));

		*blocker = *(SkSoftBlocker *) lfirst(lc);
		blocker->parent = table_open(blocker->key->referenced, AccessShareLock);
		*relids = lappend_oid(*relids, blocker->key->referenced);
		blockers = lappend(blockers, blocker);
	}
	return blockers;
}

static void
close_blockers(List *blockers)
{
	ListCell   *lc;

	foreach(lc, blockers)
		table_close(((SkSoftBlocker *) lfirst(lc))->parent, NoLock);
}

/*
 * Can rows at the other end have parents that stay deleted when this one comes back?
 */
bool
sk_soft_fk_execute_has_others(const SkSoftLink *link)
{
	return list_length(link->blockers) > 1 ||
		link->key->referencing == link->key->referenced;
}

/*
 * What has no other parent than the one that comes back comes back.  Tables of several
 * owners are not read by one statement: parents.c asks each as its owner.
 */
static char *
write_restore(const SkSoftLink *link, Relation child, List **relids)
{
	bool		others = sk_soft_fk_execute_has_others(link);
	List	   *blockers;
	char	   *sql;

	if (others && link->apart)
		return psprintf("%s FOR NO KEY UPDATE OF x",
						sk_soft_fk_query_keys(link->key, child, link->column,
											  link->stamp_type, link->blockers));
	blockers = open_blockers(others ? link->blockers : NIL, relids);
	sql = sk_soft_fk_query_restore(link->key, child, link->column, link->stamp_type,
								   blockers);
	close_blockers(blockers);
	return sql;
}

static char *
write_members(const SkSoftLink *link, Relation child, List **relids)
{
	List	   *holders = sk_soft_relation_holders(link);
	char	   *sql;

	if (link->apart)
		return sk_soft_fk_query_keys(link->key, child, link->column, link->stamp_type,
									 holders);
	holders = open_blockers(holders, relids);
	sql = sk_soft_fk_query_members(link->key, child, link->column, link->stamp_type,
								   holders);
	close_blockers(holders);
	return sql;
}

static char *
write_blocker(const SkSoftLink *link, Relation parent)
{
	Relation	child = table_open(link->relid, AccessShareLock);
	char	   *sql = sk_soft_fk_query_blocker(link->key, parent, link->column,
											   child, link->own_column);

	table_close(child, NoLock);
	return sql;
}

static char *
write_own(const SkSoftLink *link, Relation own)
{
	const SkForeignKey *key = link->key;
	bool		referenced = link->relid == key->referenced &&
		memcmp(link->attnums, key->confkey, sizeof(AttrNumber) * link->nkeys) == 0;

	return sk_soft_fk_query_own(own, link->own_column, link->nkeys, link->attnums,
								referenced ? key->referenced_operators
								: key->referencing_operators);
}

static char *
write_statement(const Statement *statement, Relation other, List **relids)
{
	const SkSoftLink *link = statement->link;
	const SkForeignKey *key = link->key;

	switch (statement->action)
	{
		case SK_SOFT_CASCADE:
			return sk_soft_fk_query_cascade(key, other, link->column, link->stamp_type);
		case SK_SOFT_RESTAMP:
			return sk_soft_fk_query_restamp(key, other, link->column, link->stamp_type);
		case SK_SOFT_RESTORE:
			return write_restore(link, other, relids);
		case SK_SOFT_SKIPPED:
			return sk_soft_fk_query_skipped(key, other, link->column, link->stamp_type);
		case SK_SOFT_MEMBERS:
			return write_members(link, other, relids);
		case SK_SOFT_FIND:
			return sk_soft_fk_query_find(key, other, link->column);
		case SK_SOFT_LOCK:
			return sk_soft_fk_query_lock(key, other);
		case SK_SOFT_CHECK:
			return sk_soft_fk_query_check(key, other, link->column);
		case SK_SOFT_OWN:
			return write_own(link, other);
		case SK_SOFT_BLOCKER:
			return write_blocker(link, other);
	}
	return NULL;				/* keep compiler quiet */
}

/* The table that the statement is about */
static Oid
table_of(const SkSoftLink *link, SkSoftAction action)
{
	return action == SK_SOFT_OWN ? link->relid : link->otherid;
}

static char *
text_of(void *arg, List **relids)
{
	const Statement *statement = arg;
	Oid			relid = table_of(statement->link, statement->action);
	Relation	other = table_open(relid, AccessShareLock);
	char	   *sql;

	*relids = list_make1_oid(relid);
	sql = write_statement(statement, other, relids);
	table_close(other, NoLock);
	return sql;
}

static SPIPlanPtr
plan_of(SkSoftLink *link, SkSoftAction action)
{
	Statement	statement = {.link = link,.action = action};
	int			nstamps = action >= SK_SOFT_FIND ? 0
		: action == SK_SOFT_RESTAMP ? 2 : 1;

	return sk_plan_get(&link->plans[action], text_of, &statement,
					   link->nkeys + nstamps, link->types, 0);
}

/*
 * Execute a statement about rows at the other end of a foreign key.
 *
 * In a transaction with one snapshot, rows that it does not see would be left
 * out: then it fails to be serialized, as for the server's own foreign keys.
 */
void
sk_soft_fk_execute_plan(SPIPlanPtr plan, Datum *values, const char *nulls, long limit)
{
	Snapshot	latest = InvalidSnapshot;
	Snapshot	own = InvalidSnapshot;

	if (IsolationUsesXactSnapshot())
	{
		CommandCounterIncrement();
		latest = GetLatestSnapshot();
		own = GetTransactionSnapshot();
	}
	if (SPI_execute_snapshot(plan, values, nulls, latest, own, false, false, limit) < 0)
		elog(ERROR, "could not execute a statement of soft delete");
}

/*
 * Execute it, and leave SPI connected.
 */
void
sk_soft_fk_execute(SkSoftLink *link, SkSoftAction action, Datum *values, long limit)
{
	SkRights	saved;

	sk_rights_assume_for_key(action == SK_SOFT_OWN ? link->own_owner : link->owner, &saved);
	SPI_connect();
	sk_soft_fk_execute_plan(plan_of(link, action), values, NULL, limit);
	sk_rights_restore(&saved);
}

/*
 * Does it find anything?
 */
bool
sk_soft_fk_execute_finds(SkSoftLink *link, SkSoftAction action, Datum *values)
{
	bool		found;

	sk_soft_fk_execute(link, action, values, 1);
	found = SPI_processed > 0;
	SPI_finish();
	return found;
}

/*
 * The same for rows as the snapshot sees them.
 */
void
sk_soft_fk_execute_seen(SkSoftLink *link, SkSoftAction action, Datum *values,
						Snapshot snapshot)
{
	SkRights	saved;

	sk_rights_assume_for_key(link->owner, &saved);
	SPI_connect();
	if (SPI_execute_snapshot(plan_of(link, action), values, NULL, snapshot,
							 InvalidSnapshot, true, false, 0) < 0)
		elog(ERROR, "could not execute a statement of soft delete");
	sk_rights_restore(&saved);
}

typedef struct StampText
{
	Relation	rel;
	AttrNumber	column;
} StampText;

static char *
text_of_stamp(void *arg, List **relids)
{
	const StampText *text = arg;

	*relids = list_make1_oid(RelationGetRelid(text->rel));
	return sk_soft_fk_query_stamp(text->rel, text->column);
}

/*
 * Give the row, of a partition of the table or of itself, that stamp; none if it
 * is NULL.  False if it has not been done.
 */
bool
sk_soft_fk_execute_stamp(Oid relid, AttrNumber column, Oid partition, ItemPointer tid,
						 const Timestamp *stamp)
{
	Relation	rel = table_open(relid, RowExclusiveLock);
	StampText text = {.rel = rel,.column = column};
	Oid			types[] = {OIDOID, TIDOID, get_atttype(relid, column)};
	Datum		values[] = {ObjectIdGetDatum(partition), PointerGetDatum(tid),
	stamp ? TimestampGetDatum(*stamp) : (Datum) 0};
	SkRights	saved;
	bool		done;

	sk_rights_assume_for_key(rel->rd_rel->relowner, &saved);
	SPI_connect();
	sk_soft_fk_execute_plan(sk_plan_once(text_of_stamp, &text, lengthof(types), types, 0),
							values, stamp ? NULL : "  n", 0);
	done = SPI_processed > 0;
	SPI_finish();
	sk_rights_restore(&saved);
	table_close(rel, NoLock);
	return done;
}

/* The row's values of the key; false if one is null, so that it joins nothing */
bool
sk_soft_fk_execute_values(const SkSoftLink *link, TupleTableSlot *row, Datum *values)
{
	for (int i = 0; i < link->nkeys; i++)
	{
		bool		isnull;

		values[i] = slot_getattr(row, link->attnums[i], &isnull);
		if (isnull)
			return false;
	}
	return true;
}
