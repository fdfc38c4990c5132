/*-------------------------------------------------------------------------
 *
 * soft_delete/defer.c
 *	  Foreign keys between live rows that are checked later.
 *
 * What a deferred constraint forbids is allowed until the transaction commits or
 * SET CONSTRAINTS makes the constraint immediate.  Then it is looked at again: a key
 * that a live row refers to must be that of a live row.
 *
 * Only the server knows whether a constraint is deferred now, and tells nobody.  But
 * it fires or defers triggers by that, and knows them by their OIDs.  So, in a
 * subtransaction that is undone, a trigger with the OID of one of the constraint's own
 * is queued for a table that has no triggers: if it is deferred it waits there,
 * and if it is not it cannot be fired.
 *
 * It is time to look again when a trigger of schemakit.soft_delete_queue fires which is
 * made out to be deferred.  It fires at the end, and when all constraints are made
 * immediate.  SET CONSTRAINTS with names is noticed by a hook.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/defer.h"
#include "base/deferred.h"
#include "base/guard.h"
#include "base/trigger.h"
#include "schemakit.h"
#include "soft_delete/fk_execute.h"
#include "soft_delete/reference.h"
#include "soft_delete/refusal.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define QUEUE	"soft_delete_queue"

/* A key that is to be looked at */
typedef struct Deferred
{
	Oid			relid;			/* of the table at one end */
	bool		referenced;		/* which end */
	Oid			constraint;
	Oid			otherid;		/* the table at the other end */
	int			nkeys;
	AttrNumber *attnums;		/* of the key, at this end */
	Oid		   *types;
	Datum	   *values;
	SubTransactionId subid;
	SubTransactionId checked_in;	/* invalid: not yet */
} Deferred;

static List *deferred = NIL;	/* in the transaction's memory */
static ProcessUtility_hook_type previous_hook = NULL;


/*-------------------------------------------------------------------------
 * What is deferred
 *-------------------------------------------------------------------------
 */

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		deferred = NIL;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	SubTransactionId heir = event == SUBXACT_EVENT_COMMIT_SUB ? parent
		: InvalidSubTransactionId;
	ListCell   *lc;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach(lc, deferred)
	{
		Deferred   *one = lfirst(lc);

		if (one->checked_in == subid)
			one->checked_in = heir;
		if (one->subid != subid)
			continue;
		one->subid = heir;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			deferred = foreach_delete_current(deferred, lc);
	}
}

/* Let the trigger fire when deferred constraints are checked. */
static void
queue_trigger(void)
{
	Relation	queue = table_open(get_relname_relid(QUEUE, get_namespace_oid(SK_SCHEMA, false)),
								   AccessShareLock);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, queue, 0, NULL, 0);
	for (int i = 0; result->ri_TrigDesc && i < result->ri_TrigDesc->numtriggers; i++)
	{
		result->ri_TrigDesc->triggers[i].tgdeferrable = true;
		result->ri_TrigDesc->triggers[i].tginitdeferred = true;
	}
	ExecASInsertTriggers(estate, result, NULL);
	FreeExecutorState(estate);
	table_close(queue, NoLock);
}

/* Is the constraint, of which the table is at one end, deferred now? */
static bool
is_deferred(Relation rel, const SkSoftLink *link)
{
	Trigger		trigger = {0};

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		if (rel->trigdesc->triggers[i].tgconstraint == link->key->id &&
			rel->trigdesc->triggers[i].tgdeferrable)
			trigger = rel->trigdesc->triggers[i];
	}
	return sk_deferred_is(&trigger);
}

static Datum *
copy_values(Relation rel, const SkSoftLink *link, const Datum *values)
{
	Datum	   *copy = palloc(sizeof(Datum) * link->nkeys);

	for (int i = 0; i < link->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), link->attnums[i] - 1);

		copy[i] = datumCopy(values[i], attr->attbyval, attr->attlen);
	}
	return copy;
}

/*
 * A live row refers to one that is not, by a key of which the table is at the end that
 * is told.  True if that is looked at later; false if it is an error now.
 */
bool
sk_soft_defer(Relation rel, const SkSoftLink *link, const Datum *values, bool referenced)
{
	MemoryContext old;
	Deferred   *one;

	if (!link->key->deferrable || !is_deferred(rel, link))
		return false;
	old = MemoryContextSwitchTo(TopTransactionContext);
	one = palloc0(sizeof(Deferred));
	one->relid = RelationGetRelid(rel);
	one->referenced = referenced;
	one->constraint = link->key->id;
	one->otherid = link->otherid;
	one->nkeys = link->nkeys;
	one->attnums = memcpy(palloc(sizeof(AttrNumber) * link->nkeys), link->attnums,
						  sizeof(AttrNumber) * link->nkeys);
	one->types = memcpy(palloc(sizeof(Oid) * link->nkeys), link->types,
						sizeof(Oid) * link->nkeys);
	one->values = copy_values(rel, link, values);
	one->subid = GetCurrentSubTransactionId();
	deferred = lappend(deferred, one);
	MemoryContextSwitchTo(old);
	queue_trigger();
	return true;
}


/*-------------------------------------------------------------------------
 * Looking at it
 *-------------------------------------------------------------------------
 */

/* The key of a row that was deleted: is it referred to, and none of a live row? */
static void
check_referenced(Relation rel, SkSoftLink *link, Datum *values)
{
	if (sk_soft_fk_execute_finds(link, SK_SOFT_FIND, values) &&
		!sk_soft_fk_execute_finds(link, SK_SOFT_OWN, values))
		sk_soft_refusal_deletion(rel, link, values);
}

/* The key that a row refers to: is there still such a row? */
static void
check_referencing(Relation rel, SkSoftLink *link, Datum *values)
{
	if (sk_soft_fk_execute_finds(link, SK_SOFT_OWN, values) &&
		!sk_soft_reference_is_live(link, values))
		sk_soft_refusal_reference(rel, link, values);
}

/*
 * The key.  A constraint gets another OID when the type of one of its columns changes, or
 * when it is dropped and added again.  NULL if the table has no such key any more.
 */
static SkSoftLink *
find_link(const SkSoftRelation *soft, const Deferred *one)
{
	SkSoftLink *link = sk_soft_relation_link(soft, one->constraint, one->referenced);
	ListCell   *lc;

	foreach(lc, one->referenced ? soft->children : soft->parents)
	{
		SkSoftLink *other = lfirst(lc);

		if (link == NULL && other->otherid == one->otherid && other->nkeys == one->nkeys &&
			memcmp(other->attnums, one->attnums, sizeof(AttrNumber) * one->nkeys) == 0)
			link = other;
	}
	if (link != NULL && memcmp(link->types, one->types, sizeof(Oid) * one->nkeys) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("foreign key constraint \"%s\" was altered although it is to be checked at the end of the transaction",
						link->name),
				 errhint("Execute SET CONSTRAINTS ALL IMMEDIATE before you alter the table.")));
	return link;
}

/* The table or the constraint may have been dropped. */
static void
check(Deferred *one, bool if_immediate)
{
	Relation	rel = try_relation_open(one->relid, AccessShareLock);
	SkSoftRelation *soft;
	SkSoftLink *link;

	if (rel == NULL)
		return;
	soft = sk_soft_relation_get(rel);
	link = find_link(soft, one);
	if (link != NULL && !(if_immediate && is_deferred(rel, link)))
	{
		if (one->referenced)
			check_referenced(rel, link, one->values);
		else
			check_referencing(rel, link, one->values);
		one->checked_in = GetCurrentSubTransactionId();
	}
	sk_soft_relation_release();
	table_close(rel, NoLock);
}

/* All, or those whose constraint is immediate by now */
static void
check_deferred(bool if_immediate)
{
	CommandCounterIncrement();
	for (int i = 0; i < list_length(deferred); i++)
	{
		Deferred   *one = list_nth(deferred, i);

		CHECK_FOR_INTERRUPTS();
		if (one->checked_in == InvalidSubTransactionId)
			check(one, if_immediate);
	}
}

/*
 * schemakit.internal_soft_delete_deferred() RETURNS trigger
 */
PG_FUNCTION_INFO_V1(schemakit_internal_soft_delete_deferred);
Datum
schemakit_internal_soft_delete_deferred(PG_FUNCTION_ARGS)
{
	(void) sk_trigger_after_insert(fcinfo, "internal_soft_delete_deferred");
	check_deferred(false);
	return PointerGetDatum(NULL);
}

static void
after_utility(PlannedStmt *pstmt, const char *query, bool read_only,
			  ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *environment, DestReceiver *dest,
			  QueryCompletion *completion)
{
	bool		is_set = IsA(pstmt->utilityStmt, ConstraintsSetStmt);

	if (previous_hook)
		previous_hook(pstmt, query, read_only, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only, context, params, environment, dest, completion);
	if (!is_set || deferred == NIL)
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	check_deferred(true);
	PopActiveSnapshot();
}

void
sk_soft_defer_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = after_utility;
}
