/*-------------------------------------------------------------------------
 *
 * soft_delete/view_follow.c
 *	  Views of live rows that follow their tables through DDL.
 *
 * A command that drops columns or changes their types must not find that the view reads
 * them, so that is changed before (view_columns.c), and afterwards the view gets the
 * table's columns again, and its names and owner.  What is to be done then is remembered
 * until the end of the command, or until the transaction or savepoint is rolled back.
 *
 * A view that is somebody else's, but otherwise like the one of the table, must not be
 * in the command's way, either; nothing is added to it.  Its owner cannot make the command
 * wait: if it is not to be had at once, the server's error is the right answer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/view_follow.h"
#include "attach/attach.h"
#include "base/compat.h"
#include "base/guard.h"
#include "soft_delete/view.h"
#include "soft_delete/view_columns.h"
#include "soft_delete/view_make.h"
#include "soft_delete/view_state.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* A table that a command is about to change, as it was, and a view of it */
typedef struct Pending
{
	Oid			relid;
	Oid			viewid;			/* InvalidOid: there is none */
	const Node *stmt;			/* the command */
	SubTransactionId subid;
	char	   *schema;
	char	   *name;
	bool		others;			/* the view belongs to another role */
	bool		released;		/* it does not read some columns meanwhile */
	SkLiveView	live;			/* what it read before */
	SkLiveState *state;			/* what it was, should it be dropped */
	List	   *args;			/* of a trigger that has been taken away, or
								 * NIL */
	char		fires_when;
} Pending;

static MemoryContext context = NULL;
static List *pending = NIL;

static void
forget_all(void)
{
	pending = NIL;
	if (context != NULL)
		MemoryContextReset(context);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		forget_all();
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		Pending    *p = lfirst(lc);

		if (p->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			p->subid = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			pending = foreach_delete_current(pending, lc);
	}
}

void
sk_soft_view_follow_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

static Pending *
find_pending(Oid relid)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		Pending    *p = lfirst(lc);

		if (p->relid == relid)
			return p;
	}
	return NULL;
}

static bool
can_name(Oid viewid)
{
	return object_aclcheck(NamespaceRelationId, get_rel_namespace(viewid),
						   GetUserId(), ACL_CREATE) == ACLCHECK_OK;
}

/* Is the event trigger there, and does it fire in this session? */
static bool
fires(const char *event_trigger)
{
	HeapTuple	tuple = SearchSysCache1(EVENTTRIGGERNAME, CStringGetDatum(event_trigger));
	bool		replica = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
	char		enabled;

	if (!HeapTupleIsValid(tuple))
		return false;
	enabled = ((Form_pg_event_trigger) GETSTRUCT(tuple))->evtenabled;
	ReleaseSysCache(tuple);
	return enabled == TRIGGER_FIRES_ALWAYS ||
		enabled == (replica ? TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN);
}

/* Will sk_soft_view_follow_after() be called for the command? */
static bool
will_follow(const Node *stmt)
{
	return fires(IsA(stmt, DropStmt) || IsA(stmt, DropOwnedStmt)
				 ? "schemakit_sql_drop" : "schemakit_ddl_command_end");
}

/* In the context of what is remembered */
static Pending *
remember(Relation rel, const SkTableChange *change)
{
	Pending    *p = palloc0(sizeof(Pending));

	p->relid = RelationGetRelid(rel);
	p->stmt = change->stmt;
	p->subid = GetCurrentSubTransactionId();
	p->schema = get_namespace_name(RelationGetNamespace(rel));
	p->name = pstrdup(RelationGetRelationName(rel));
	pending = lcons(p, pending);
	return p;
}

static Pending *
remember_view(Relation rel, const SkTableChange *change, const SkLiveView *live)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Pending    *p = remember(rel, change);

	p->viewid = live->viewid;
	p->live = *live;
	p->live.attnums = memcpy(palloc(sizeof(AttrNumber) * live->natts), live->attnums,
							 sizeof(AttrNumber) * live->natts);
	MemoryContextSwitchTo(old);
	return p;
}

static void
save_state(Pending *p)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	p->state = sk_soft_view_state_save(p->viewid);
	MemoryContextSwitchTo(old);
}

static void
remember_trigger(Relation rel, const SkTableChange *change, const Trigger *trigger)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Pending    *p = find_pending(RelationGetRelid(rel));

	if (p == NULL || p->stmt != change->stmt)
		p = remember(rel, change);
	for (int i = 0; i < trigger->tgnargs; i++)
		p->args = lappend(p->args, pstrdup(trigger->tgargs[i]));
	p->fires_when = trigger->tgenabled;
	MemoryContextSwitchTo(old);
	sk_attach_drop(trigger);
}

static void
prepare_view(Relation rel, const SkTableChange *change, const SkLiveView *live,
			 bool others)
{
	Pending    *p = remember_view(rel, change, live);

	p->others = others;
	if (change->dropped && sk_soft_view_state_can_drop(live->viewid))
		sk_soft_view_state_drop(live->viewid);
	else if (live->plain && (change->lost != NIL || change->retyped != NIL))
	{
		if (change->cascade && !others)
			save_state(p);
		p->released = sk_soft_view_columns_release(rel, live, change);
	}
}

/*
 * A command is about to change the table: note what it and its views are like, and
 * clear the way; of the trigger, too, if it is given.
 */
void
sk_soft_view_follow_before(Relation rel, const SkTableChange *change, const Trigger *trigger)
{
	SkLiveView	own;
	Oid			viewid = sk_soft_view_followed(RelationGetRelid(rel), &own);
	bool		reshaped = change->dropped || change->lost != NIL || change->retyped != NIL;
	ListCell   *lc;

	if (!change->dropped &&
		(!will_follow(change->stmt) ||
		 (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA && !reshaped)))
		return;
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext,
										"schemakit views that follow",
										ALLOCSET_SMALL_SIZES);
	foreach(lc, reshaped ? sk_soft_view_list(RelationGetRelid(rel)) : NIL)
	{
		const SkLiveView *live = lfirst(lc);

		if (live->viewid != viewid &&
			ConditionalLockRelationOid(live->viewid, AccessExclusiveLock))
			prepare_view(rel, change, live, true);
	}
	if (OidIsValid(viewid))
		prepare_view(rel, change, &own, false);
	if (trigger != NULL)
		remember_trigger(rel, change, trigger);
}

/*
 * The arguments of the trigger that was taken away, and its state; NIL if none was.
 */
List *
sk_soft_view_follow_trigger(Oid relid, char *fires_when)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		const Pending *p = lfirst(lc);

		if (p->relid == relid && p->args != NIL)
		{
			*fires_when = p->fires_when;
			return p->args;
		}
	}
	return NIL;
}

/*
 * The view goes by the table's name: as users_live in its schema, or as users in
 * another one, whose names the table's owner may not be free to choose.  Under any
 * other name it stays.
 */
static void
follow_name(Relation rel, Oid viewid, const Pending *p)
{
	char	   *schema = get_namespace_name(get_rel_namespace(viewid));
	char	   *name = get_rel_name(viewid);
	char	   *new_schema = schema;
	char	   *new_name = name;

	if (strcmp(name, p->name) == 0)
		new_name = pstrdup(RelationGetRelationName(rel));
	else if (strcmp(name, sk_soft_view_make_default_name(p->name)) == 0)
		new_name = sk_soft_view_make_default_name(RelationGetRelationName(rel));
	if (strcmp(schema, p->schema) == 0)
		new_schema = get_namespace_name(RelationGetNamespace(rel));
	else if (strcmp(name, new_name) != 0 && !can_name(viewid))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, schema);
	sk_soft_view_make_set_name(viewid, new_schema, new_name);
}

/*
 * Nothing is to be put back.
 */
void
sk_soft_view_follow_forget(Oid relid)
{
	Pending    *p;

	while ((p = find_pending(relid)) != NULL)
		pending = list_delete_ptr(pending, p);
}

static bool
is_owed(const Pending *p)
{
	return p->released || p->args != NIL;
}

/*
 * Has something of the table's been taken away that is to be put back?
 */
bool
sk_soft_view_follow_owes(Oid relid)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		const Pending *p = lfirst(lc);

		if (p->relid == relid && is_owed(p))
			return true;
	}
	return false;
}

/*
 * The tables of which that is so for the command.
 */
List *
sk_soft_view_follow_owed(const Node *stmt)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, pending)
	{
		const Pending *p = lfirst(lc);

		if (p->stmt == stmt && is_owed(p))
			relids = list_append_unique_oid(relids, p->relid);
	}
	return relids;
}

/* No command of ours: a type was changed, or event triggers did not fire before. */
static void
catch_up(Relation rel)
{
	SkLiveView	live;
	Oid			viewid = sk_soft_view_followed(RelationGetRelid(rel), &live);

	if (OidIsValid(viewid) && !sk_soft_view_make_is_fresh(rel, viewid, &live))
		(void) sk_soft_view_state_refresh(rel, viewid);
}

/*
 * The view as the table is now; InvalidOid if it is gone.  It was dropped with CASCADE
 * if something that it could not do without was.
 */
static Oid
conform(Relation rel, const Pending *p)
{
	if (!OidIsValid(p->viewid) || get_rel_relkind(p->viewid) != RELKIND_VIEW)
		return p->state == NULL ? InvalidOid : sk_soft_view_state_restore(rel, p->state);
	if (p->released)
		sk_soft_view_columns_conform(rel, p->viewid, &p->live, !p->others);
	return p->viewid;
}

static void
follow(Relation rel, const Pending *p)
{
	Oid			viewid = conform(rel, p);

	if (!OidIsValid(viewid) || p->others)
		return;
	viewid = sk_soft_view_state_refresh(rel, viewid);
	follow_name(rel, viewid, p);
}

/*
 * It has been changed, perhaps its owner, too, whom the view follows.
 */
void
sk_soft_view_follow_after(Relation rel)
{
	Pending    *p = find_pending(RelationGetRelid(rel));

	if (p == NULL)
		catch_up(rel);
	for (; p != NULL; p = find_pending(RelationGetRelid(rel)))
	{
		pending = list_delete_ptr(pending, p);
		follow(rel, p);
	}
}

/*
 * What is granted or revoked on the table is so on its view, by the same role.
 */
void
sk_soft_view_follow_grant(const GrantStmt *stmt, Oid relid)
{
	SkLiveView	live;
	Oid			viewid = sk_soft_view_followed(relid, &live);
	GrantStmt  *copy;

	if (!OidIsValid(viewid))
		return;
	copy = copyObject((GrantStmt *) stmt);
	copy->targtype = ACL_TARGET_OBJECT;
	copy->objects = list_make1(makeRangeVar(get_namespace_name(get_rel_namespace(viewid)),
											get_rel_name(viewid), -1));
	ExecuteGrantStmt(copy);
	CommandCounterIncrement();
}
