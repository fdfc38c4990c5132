/*-------------------------------------------------------------------------
 *
 * soft_delete/view_follow.c
 *	  Views of live rows that follow their tables through DDL.
 *
 * The server refuses to drop a column that a view has, or to change its type,
 * and leaves new columns and names out of it.  So before such a command the view
 * is taken away, and afterwards it is made again as it was; unless something of a
 * user's depends on it, somebody has replaced it by another one, or the role may
 * not make it again, in which case the server's own error is the right answer.  What
 * was taken away is remembered until then, or until the transaction or savepoint in
 * which that was is rolled back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/view_follow.h"
#include "attach/attach.h"
#include "base/compat.h"
#include "base/guard.h"
#include "soft_delete/view.h"
#include "soft_delete/view_make.h"
#include "soft_delete/view_state.h"

#include "access/xact.h"
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

/* A table that a command is about to change, as it was */
typedef struct Pending
{
	Oid			relid;
	Oid			viewid;
	Oid			role;			/* that could take it away */
	SubTransactionId subid;
	char	   *schema;
	char	   *name;
	SkLiveState *view;			/* NULL: it has not been taken away */
	char	   *column;			/* of a trigger that has; or NULL */
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
can_make_again(Oid viewid)
{
	return object_aclcheck(NamespaceRelationId, get_rel_namespace(viewid),
						   GetUserId(), ACL_CREATE) == ACLCHECK_OK;
}

/* Will sk_soft_view_follow_after() be called? */
static bool
will_follow(void)
{
	return SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA;
}

/* Is the view in the way, can it be put out of it, and if the table stays, back? */
static bool
must_go(Oid viewid, const SkLiveView *live, const SkTableChange *change)
{
	return OidIsValid(viewid) &&
		(change->dropped ||
		 (change->reshaped && live->plain && can_make_again(viewid))) &&
		sk_soft_view_state_can_drop(viewid);
}

/*
 * A command is about to change the table: note what it and its view are like,
 * and take the view out of the way, if it would be in it; and the trigger, if it is
 * given.
 */
void
sk_soft_view_follow_before(Relation rel, const SkTableChange *change, const Trigger *trigger)
{
	SkLiveView	live;
	Oid			viewid = sk_soft_view_followed(RelationGetRelid(rel), &live);
	MemoryContext old;
	Pending    *p;

	if ((!OidIsValid(viewid) && trigger == NULL) || (!will_follow() && !change->dropped))
		return;
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext,
										"schemakit views taken away",
										ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	p = palloc0(sizeof(Pending));
	p->relid = RelationGetRelid(rel);
	p->viewid = viewid;
	p->role = GetUserId();
	p->subid = GetCurrentSubTransactionId();
	p->schema = get_namespace_name(RelationGetNamespace(rel));
	p->name = pstrdup(RelationGetRelationName(rel));
	if (trigger != NULL)
	{
		p->column = pstrdup(trigger->tgargs[0]);
		p->fires_when = trigger->tgenabled;
	}
	if (must_go(viewid, &live, change))
		p->view = sk_soft_view_state_save(viewid);
	pending = lcons(p, pending);
	MemoryContextSwitchTo(old);
	if (p->view != NULL)
		sk_soft_view_state_drop(viewid);
	if (p->column != NULL)
		sk_attach_drop(trigger);
}

/*
 * The column of the trigger that was taken away, and its state; NULL if none was.
 */
char *
sk_soft_view_follow_trigger(Oid relid, char *fires_when)
{
	Pending    *p = find_pending(relid);

	if (p == NULL || p->column == NULL)
		return NULL;
	*fires_when = p->fires_when;
	return p->column;
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
	else if (strcmp(name, new_name) != 0 && !can_make_again(viewid))
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

/*
 * Has something of the table's been taken away that is to be put back?
 */
bool
sk_soft_view_follow_owes(Oid relid)
{
	Pending    *p = find_pending(relid);

	return p != NULL && (p->view != NULL || p->column != NULL);
}

/* The view is made by who could make it before: the table may have another owner. */
static Oid
put_back(Relation rel, const Pending *p)
{
	bool		anything = superuser();
	Oid			viewid;

	if (!anything)
		sk_guard_become(p->role);
	viewid = sk_soft_view_state_restore(rel, p->view);
	if (!anything)
		sk_guard_become(rel->rd_rel->relowner);
	return viewid;
}

/* No command of ours: a type was changed, or event triggers did not fire before. */
static void
catch_up(Relation rel)
{
	SkLiveView	live;
	Oid			viewid = sk_soft_view_followed(RelationGetRelid(rel), &live);

	if (OidIsValid(viewid) && !sk_soft_view_make_is_fresh(rel, viewid, &live))
		sk_soft_view_make_refresh(rel, viewid);
}

/*
 * It has been changed, perhaps its owner, too, whom the view follows.
 */
void
sk_soft_view_follow_after(Relation rel)
{
	Pending    *p = find_pending(RelationGetRelid(rel));
	Oid			viewid;

	if (p == NULL)
	{
		catch_up(rel);
		return;
	}
	pending = list_delete_ptr(pending, p);
	viewid = p->view != NULL ? put_back(rel, p)
		: get_rel_relkind(p->viewid) == RELKIND_VIEW ? p->viewid : InvalidOid;
	if (OidIsValid(viewid))
	{
		sk_soft_view_make_refresh(rel, viewid);
		follow_name(rel, viewid, p);
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
