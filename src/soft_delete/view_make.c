/*-------------------------------------------------------------------------
 *
 * soft_delete/view_make.c
 *	  Views of live rows are made, and kept like their tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/view_make.h"
#include "attach/attach.h"
#include "base/acl.h"
#include "base/compat.h"
#include "base/spi.h"
#include "base/table.h"
#include "schemakit.h"
#include "soft_delete/view.h"
#include "soft_delete/view_columns.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define TRIGGER_NAME	SK_TRIGGER_PREFIX SK_LIVE_VIEW_FUNCTION

/*
 * The name that the view of a table has unless another one is wanted.
 */
char *
sk_soft_view_make_default_name(const char *table)
{
	return makeObjectName(table, NULL, "live");
}

/*
 * The name that the view is to have if none is wanted: the table's trigger remembers one
 * that is not so by default, for when the view is gone.
 */
void
sk_soft_view_make_find_name(Relation rel, const Trigger *trigger, char **schema,
							char **name)
{
	bool		remembered = trigger != NULL && trigger->tgnargs == 3;

	*schema = remembered ? pstrdup(trigger->tgargs[1])
		: get_namespace_name(RelationGetNamespace(rel));
	*name = remembered ? pstrdup(trigger->tgargs[2])
		: sk_soft_view_make_default_name(RelationGetRelationName(rel));
}

/*
 * Let the table's trigger remember the view's name.
 */
void
sk_soft_view_make_note_name(Relation rel, const Trigger *trigger, Oid viewid)
{
	char	   *name = get_rel_name(viewid);
	char	   *schema = get_namespace_name(get_rel_namespace(viewid));
	bool		as_default = get_rel_namespace(viewid) == RelationGetNamespace(rel) &&
		strcmp(name, sk_soft_view_make_default_name(RelationGetRelationName(rel))) == 0;
	List	   *args = list_make1(trigger->tgargs[0]);

	if (!as_default)
		args = lappend(lappend(args, schema), name);
	if (list_length(args) != trigger->tgnargs ||
		(!as_default && (strcmp(trigger->tgargs[1], schema) != 0 ||
						 strcmp(trigger->tgargs[2], name) != 0)))
		sk_attach_set_arguments(rel, trigger, args);
}

/* SELECT of the table's live rows */
static char *
select_statement(Relation rel, const char *col)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	StringInfoData sql;
	const char *separator = " ";

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT");
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (attr->attisdropped)
			continue;
		appendStringInfo(&sql, "%s%s", separator, quote_identifier(NameStr(attr->attname)));
		separator = ", ";
	}
	appendStringInfo(&sql, " FROM %s WHERE %s.%s(%s)", sk_table_name(rel),
					 SK_SCHEMA, SK_LIVE_VIEW_CONDITION, quote_identifier(col));
	return sql.data;
}

static void
execute(const char *sql)
{
	(void) sk_spi_execute(sql, 0, NULL, NULL, SPI_OK_UTILITY, NULL);
	CommandCounterIncrement();
}

/*
 * Give it the trigger.
 */
void
sk_soft_view_make_cover(Oid viewid)
{
	Relation	view = relation_open(viewid, AccessExclusiveLock);
	SkTriggerDef def = {
		.name = TRIGGER_NAME,
		.function = sk_attach_function(SK_LIVE_VIEW_FUNCTION),
		.timing = TRIGGER_TYPE_INSTEAD,
		.events = TRIGGER_TYPE_DELETE,
		.fires_when = TRIGGER_FIRES_ON_ORIGIN,
	};

	if (!sk_soft_view_is_covered(viewid))
		sk_attach_create(view, &def);
	relation_close(view, NoLock);
}

/* The server's options of a view, as in WITH (...); without parentheses */
static char *
default_options(void)
{
	return SK_VIEW_OPTIONS;
}

/*
 * Make the view, with these options, and nothing else that belongs to it.
 */
Oid
sk_soft_view_make_bare(Relation rel, const char *col, const char *schema, const char *name,
					   const char *options)
{
	execute(psprintf("CREATE VIEW %s%s%s%s AS %s",
					 quote_qualified_identifier(schema, name),
					 *options ? " WITH (" : "", options, *options ? ")" : "",
					 select_statement(rel, col)));
	return get_relname_relid(name, get_namespace_oid(schema, false));
}

/* Whoever may do something to the table may do it to its view. */
static void
copy_grants(Relation rel, Oid viewid)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	Oid			owner = rel->rd_rel->relowner;
	Acl		   *acl = sk_acl_read(RelationGetRelid(rel), 0);

	/* also if it is NULL: default privileges are not the table's */
	sk_acl_write(viewid, 0, acl, owner);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		acl = attr->attisdropped ? NULL : sk_acl_read(RelationGetRelid(rel), attr->attnum);
		if (acl != NULL)
			sk_acl_write(viewid, get_attnum(viewid, NameStr(attr->attname)), acl, owner);
	}
}

/*
 * The right to alter the table is enough.
 */
void
sk_soft_view_make_set_owner(Oid viewid, Oid owner)
{
	/* "recursing": without asking */
	ATExecChangeOwner(viewid, owner, true, AccessExclusiveLock);
	CommandCounterIncrement();
}

/* Is it a schema for what users make? */
static void
check_schema(const char *schema, Oid schemaid)
{
	bool		temporary = isAnyTempNamespace(schemaid) || strcmp(schema, "pg_temp") == 0;

	if (!temporary && !IsCatalogNamespace(schemaid) && !IsToastNamespace(schemaid) &&
		strcmp(schema, "information_schema") != 0 && strcmp(schema, SK_SCHEMA) != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 temporary
			 ? errmsg("cannot create the view of a permanent table in a temporary schema")
			 : errmsg("cannot create a view of live rows in schema \"%s\"", schema),
			 errhint("Choose another schema with view_name or view_schema.")));
}

/*
 * May the view be called so, or one be made if there is none yet?
 */
void
sk_soft_view_make_check_name(Oid viewid, const char *schema, const char *name)
{
	Oid			schemaid = get_namespace_oid(schema, true);
	Oid			taken;

	check_schema(schema, schemaid);
	if (!OidIsValid(schemaid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", schema),
				 errhint("Create the schema for the view, or choose another one with view_name or view_schema.")));
	(void) LookupCreationNamespace(schema);
	taken = get_relname_relid(name, schemaid);
	if (OidIsValid(taken) && taken != viewid)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s\" already exists in schema \"%s\"", name, schema),
				 errhint("Choose another name for the view with view_name.")));
}

/*
 * Make the view of the rows in which the column is null, with the table's
 * owner and grants.
 */
Oid
sk_soft_view_make(Relation rel, const char *col, const char *schema,
				  const char *name)
{
	Oid			viewid;

	sk_soft_view_make_check_name(InvalidOid, schema, name);
	viewid = sk_soft_view_make_bare(rel, col, schema, name, default_options());
	sk_soft_view_make_cover(viewid);	/* before rights to do so are taken
										 * away */
	sk_soft_view_make_set_owner(viewid, rel->rd_rel->relowner);
	copy_grants(rel, viewid);
	return viewid;
}

static void
move_to_schema(Oid viewid, Oid schema)
{
	Relation	view = relation_open(viewid, AccessExclusiveLock);
	ObjectAddresses *moved = new_object_addresses();

	AlterTableNamespaceInternal(view, RelationGetNamespace(view), schema, moved);
	free_object_addresses(moved);
	relation_close(view, NoLock);
	CommandCounterIncrement();
}

static void
rename_view(Oid viewid, const char *name)
{
	LockRelationOid(viewid, AccessExclusiveLock);
	RenameRelationInternal(viewid, name, false, false);
	CommandCounterIncrement();
}

/*
 * Give it another name or schema.  Nothing has to be allowed for that: it goes
 * where its table goes.
 */
void
sk_soft_view_make_set_name(Oid viewid, const char *schema, const char *name)
{
	Oid			schemaid = get_namespace_oid(schema, false);

	if (get_rel_namespace(viewid) != schemaid)
	{
		/* by way of a name that is free in both */
		rename_view(viewid, psprintf("%s%u", SK_TRIGGER_PREFIX, viewid));
		move_to_schema(viewid, schemaid);
	}
	if (strcmp(get_rel_name(viewid), name) != 0)
		rename_view(viewid, name);
}


/*-------------------------------------------------------------------------
 * Following the table
 *-------------------------------------------------------------------------
 */

/*
 * A view's options, as in WITH (...).
 */
char *
sk_soft_view_make_options(Relation view)
{
	Datum		options;
	bool		isnull;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(RelationGetRelid(view)));
	StringInfoData buf;
	ListCell   *lc;
	List	   *defs;

	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	defs = isnull ? NIL : untransformRelOptions(options);
	initStringInfo(&buf);
	foreach(lc, defs)
	{
		DefElem    *def = lfirst(lc);

		appendStringInfo(&buf, "%s%s = %s", lc == list_head(defs) ? "" : ", ",
						 def->defname, quote_literal_cstr(defGetString(def)));
	}
	ReleaseSysCache(tuple);
	return buf.data;
}

/*
 * Has the view, as we make it, all columns that the table has?  Somebody may have
 * replaced it by another one, which is left alone.
 */
bool
sk_soft_view_make_is_complete(Relation rel, const SkLiveView *live)
{
	return !live->plain ||
		sk_soft_view_columns_count(rel) <= live->natts - live->nlost;
}

/*
 * Is there nothing to be done by sk_soft_view_make_refresh()?  The view is not locked.
 */
bool
sk_soft_view_make_is_fresh(Relation rel, Oid viewid, const SkLiveView *live)
{
	for (int i = 0; live->plain && i < live->natts; i++)
	{
		char	   *ours = get_attname(viewid, i + 1, true);
		char	   *theirs = live->attnums[i] == InvalidAttrNumber ? ours
			: get_attname(live->tableid, live->attnums[i], true);

		if (ours == NULL || theirs == NULL || strcmp(ours, theirs) != 0)
			return false;
	}
	return sk_soft_view_make_is_complete(rel, live);
}

/*
 * Give the view the table's owner, the names of its columns, and those that
 * are new; unless somebody has replaced it by another one.  Nor does one with rules
 * get another owner, with whose rights they would be run.
 */
void
sk_soft_view_make_refresh(Relation rel, Oid viewid)
{
	Relation	view = relation_open(viewid, AccessShareLock);
	SkLiveView	live;
	bool		plain = sk_soft_view_read(view, &live) && live.plain;
	bool		other_owner = view->rd_rel->relowner != rel->rd_rel->relowner;
	bool		ruled = view->rd_rules->numLocks > 1;

	relation_close(view, NoLock);
	if (!plain || (other_owner && ruled))
		return;
	if (other_owner)
		sk_soft_view_make_set_owner(viewid, rel->rd_rel->relowner);
	if (!sk_soft_view_make_is_fresh(rel, viewid, &live))
		sk_soft_view_columns_conform(rel, viewid, &live, true);
}
