/*-------------------------------------------------------------------------
 *
 * soft_delete/view_state.c
 *	  Views of live rows are taken away, and put back as they were.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/view_state.h"
#include "attach/attach.h"
#include "base/acl.h"
#include "soft_delete/view.h"
#include "soft_delete/view_make.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

struct SkLiveState
{
	char	   *schema;
	char	   *name;
	Oid			owner;
	char	   *options;		/* as in WITH (...) */
	char	   *comment;
	Acl		   *acl;
	AttrNumber	column;			/* of the table, by which rows are live */
	List	   *columns;		/* of ColumnState */
};

typedef struct ColumnState
{
	AttrNumber	attnum;			/* of the table's column: another may get its
								 * name */
	char	   *comment;
	Acl		   *acl;
} ColumnState;

/* Is it part of the view itself? */
static bool
is_part(const FormData_pg_depend *depend, Oid viewid)
{
	return (depend->classid == RewriteRelationId &&
			sk_soft_view_of_rule(depend->objid) == viewid) ||
		(depend->classid == TriggerRelationId && sk_attach_is_trigger(depend->objid)) ||
		(depend->classid == TypeRelationId && depend->deptype == DEPENDENCY_INTERNAL);
}

static bool
has_dependents(Oid classid, Oid objectid, Oid viewid)
{
	ListCell   *lc;

	foreach(lc, sk_soft_view_dependents(classid, objectid))
	{
		if (!is_part(lfirst(lc), viewid))
			return true;
	}
	return false;
}

/*
 * Does nothing of a user's depend on it?
 */
bool
sk_soft_view_state_can_drop(Oid viewid)
{
	Oid			type = get_rel_type_id(viewid);

	return !has_dependents(RelationRelationId, viewid, viewid) &&
		!has_dependents(TypeRelationId, type, viewid) &&
		!has_dependents(TypeRelationId, get_array_type(type), viewid);
}

void
sk_soft_view_state_drop(Oid viewid)
{
	ObjectAddress object;

	ObjectAddressSet(object, RelationRelationId, viewid);
	/* internal: not an event for those who watch over what users drop */
	performDeletion(&object, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

static ColumnState *
save_column(Oid viewid, AttrNumber attnum, AttrNumber table_attnum)
{
	ColumnState *column = palloc(sizeof(ColumnState));

	column->attnum = table_attnum;
	column->comment = GetComment(viewid, RelationRelationId, attnum);
	column->acl = sk_acl_read(viewid, attnum);
	return column;
}

/*
 * What is to be put back, in the current memory context.
 */
SkLiveState *
sk_soft_view_state_save(Oid viewid)
{
	Relation	view = relation_open(viewid, AccessShareLock);
	SkLiveState *state = palloc(sizeof(SkLiveState));
	SkLiveView	live;

	state->schema = get_namespace_name(RelationGetNamespace(view));
	state->name = pstrdup(RelationGetRelationName(view));
	state->owner = view->rd_rel->relowner;
	state->options = sk_soft_view_make_options(view);
	state->comment = GetComment(viewid, RelationRelationId, 0);
	state->acl = sk_acl_read(viewid, 0);
	state->columns = NIL;
	state->column = InvalidAttrNumber;
	if (sk_soft_view_read(view, &live))
	{
		state->column = live.column;
		for (int i = 0; i < live.natts; i++)
			state->columns = lappend(state->columns,
									 save_column(viewid, i + 1, live.attnums[i]));
	}
	relation_close(view, NoLock);
	return state;
}

static void
restore_column(Relation rel, Oid viewid, const ColumnState *column, Oid owner)
{
	char	   *name = get_attname(RelationGetRelid(rel), column->attnum, true);
	AttrNumber	attnum = name ? get_attnum(viewid, name) : InvalidAttrNumber;

	if (attnum == InvalidAttrNumber)
		return;
	if (column->acl != NULL)
		sk_acl_write(viewid, attnum, column->acl, owner);
	if (column->comment != NULL)
		CreateComments(viewid, RelationRelationId, attnum, column->comment);
}

/*
 * Make the view again, for the table as it is now, but with the owner that the view
 * had; unless the table has lost the column, by which rows are live: InvalidOid.
 */
Oid
sk_soft_view_state_restore(Relation rel, const SkLiveState *state)
{
	char	   *col = get_attname(RelationGetRelid(rel), state->column, true);
	Oid			viewid;
	ListCell   *lc;

	if (col == NULL)
		return InvalidOid;
	viewid = sk_soft_view_make_bare(rel, col, state->schema, state->name, state->options);
	sk_soft_view_make_cover(viewid);	/* before rights to do so are taken
										 * away */
	sk_soft_view_make_set_owner(viewid, state->owner);
	sk_acl_write(viewid, 0, state->acl, state->owner);
	if (state->comment != NULL)
		CreateComments(viewid, RelationRelationId, 0, state->comment);
	foreach(lc, state->columns)
		restore_column(rel, viewid, lfirst(lc), state->owner);
	return viewid;
}
