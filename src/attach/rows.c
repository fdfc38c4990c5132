/*-------------------------------------------------------------------------
 *
 * attach/rows.c
 *	  What commands do to rows without firing triggers for them: values get
 *	  another type (ALTER COLUMN TYPE, ALTER TYPE RENAME VALUE), are computed anew
 *	  (SET EXPRESSION) or get other attributes (ALTER TYPE), rows come and go
 *	  with partitions, or with tables that are dropped.  Features are notified.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/rows.h"
#include "attach/attach.h"
#include "attach/command.h"
#include "attach/feature.h"
#include "base/depend.h"
#include "base/guard.h"
#include "schemakit.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"


/*-------------------------------------------------------------------------
 * Values
 *-------------------------------------------------------------------------
 */

typedef struct Retyping
{
	Oid			relid;
	List	   *columns;
	bool		computed;
} Retyping;

static void
tell_of_retyping(void *arg)
{
	const Retyping *retyping = arg;
	Relation	rel = try_relation_open(retyping->relid, AccessShareLock);

	if (rel == NULL)
		return;
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->retyped != NULL)
			(*f)->retyped(rel, retyping->columns, retyping->computed);
	}
	relation_close(rel, NoLock);
}

static void
tell(Oid relid, List *columns, bool computed)
{
	Retyping	retyping = {relid, columns, computed};

	if (columns != NIL && sk_attach_has_ours(relid))
		sk_guard_run(tell_of_retyping, &retyping, "record the changed values of", relid);
}

/*
 * The commands, of AlterTableCmd, have changed types of the tables' columns.  With
 * USING, anything may have become of the values.
 */
void
sk_rows_retyped(List *relids, List *commands)
{
	List	   *converted = NIL;
	List	   *computed = NIL;
	ListCell   *lc;

	foreach(lc, commands)
	{
		const AlterTableCmd *cmd = lfirst(lc);

		if (((const ColumnDef *) cmd->def)->raw_default != NULL)
			computed = lappend(computed, cmd->name);
		else
			converted = lappend(converted, cmd->name);
	}
	foreach(lc, relids)
	{
		tell(lfirst_oid(lc), converted, false);
		tell(lfirst_oid(lc), computed, true);
	}
}

/*
 * Values of generated columns, of these names, were computed by another expression.
 */
void
sk_rows_recomputed(List *relids, List *columns)
{
	ListCell   *lc;

	foreach(lc, relids)
		tell(lfirst_oid(lc), columns, true);
}

/* A column of a table depends on the type. */
static void
tell_of_column(Oid relid, AttrNumber attnum)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE)
		tell(relid, list_make1(get_attname(relid, attnum, false)), true);
}

/* What depends on the type: columns, and types that are made of it */
static void
follow_type(Oid type, List **seen)
{
	List	   *types = NIL;
	ListCell   *lc;

	*seen = lappend_oid(*seen, type);
	if (OidIsValid(get_array_type(type)))
		types = lappend_oid(types, get_array_type(type));
	foreach(lc, sk_depend_rows(TypeRelationId, type))
	{
		Form_pg_depend dep = lfirst(lc);

		if (dep->classid == TypeRelationId)
			types = lappend_oid(types, dep->objid);
		else if (dep->classid == RelationRelationId && dep->objsubid > 0)
		{
			tell_of_column(dep->objid, dep->objsubid);
			types = lappend_oid(types, get_rel_type_id(dep->objid));
		}
	}
	foreach(lc, types)
	{
		if (OidIsValid(lfirst_oid(lc)) && !list_member_oid(*seen, lfirst_oid(lc)))
			follow_type(lfirst_oid(lc), seen);
	}
}

/*
 * A value of the enum has another name now.
 */
void
sk_rows_renamed_value(Oid type)
{
	List	   *seen = NIL;

	follow_type(type, &seen);
}

/*
 * The composite type, or the table, has other columns now, and so have values of its
 * row type.
 */
void
sk_rows_restructured(Oid relid)
{
	List	   *seen = NIL;
	Oid			type = get_rel_type_id(relid);

	if (OidIsValid(type))
		follow_type(type, &seen);
}


/*-------------------------------------------------------------------------
 * Rows
 *-------------------------------------------------------------------------
 */

/* A table that became a partition (attached), or no longer is one. */
typedef struct Move
{
	Oid			parentid;
	Oid			childid;
	bool		attached;
} Move;

static void
tell_of_move(void *arg)
{
	const Move *move = arg;
	Relation	parent = relation_open(move->parentid, AccessShareLock);
	Relation	child = relation_open(move->childid, AccessShareLock);

	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->moved != NULL)
			(*f)->moved(parent, child, move->attached);
	}
	relation_close(child, NoLock);
	relation_close(parent, NoLock);
}

/*
 * The rows of the child are rows of the parent now (attached), or no longer.
 */
void
sk_rows_moved(Oid parentid, Oid childid, bool attached)
{
	Move		move = {parentid, childid, attached};

	if (OidIsValid(childid) &&
		(sk_attach_has_ours(parentid) || sk_attach_has_ours(childid)))
		sk_guard_run(tell_of_move, &move, "record the rows of", childid);
}

static void
tell_of_drops(void *arg)
{
	ListCell   *lc;

	foreach(lc, (List *) arg)
	{
		const SkDroppedTable *table = lfirst(lc);

		for (const SkFeature *const *f = sk_features; *f; f++)
		{
			if ((*f)->dropped != NULL)
				(*f)->dropped(table->relid, table->schema, table->name);
		}
	}
}

/*
 * Tables were dropped.  Nobody is told if the extension was dropped, with all that
 * it recorded.
 */
void
sk_rows_dropped(void)
{
	List	   *tables = sk_command_dropped_tables();

	if (tables != NIL && OidIsValid(get_extension_oid(SK_EXTENSION, true)))
		sk_guard_run(tell_of_drops, tables, "record the drop of",
					 ((SkDroppedTable *) linitial(tables))->relid);
}
