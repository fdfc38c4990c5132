/*-------------------------------------------------------------------------
 *
 * soft_delete/enable.c
 *	  soft_delete_enable() and soft_delete_disable(): soft delete by hand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/spi.h"
#include "base/table.h"
#include "soft_delete/column.h"
#include "soft_delete/coverage.h"
#include "soft_delete/relation.h"
#include "soft_delete/soft_delete.h"
#include "soft_delete/table.h"
#include "soft_delete/view.h"
#include "soft_delete/view_make.h"
#include "soft_delete/view_state.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

/* Characters of names, without quotes, dots and blanks */
static size_t
significant(const char *text)
{
	size_t		n = 0;

	for (const char *c = text; *c; c++)
		n += strchr("\"\t\n\r .", *c) == NULL;
	return n;
}

/* The names in view_name; none is truncated. */
static List *
parse_view_name(text *view_name)
{
	List	   *names = textToQualifiedNameList(view_name);
	size_t		length = 0;
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strVal(lfirst(lc))[0] == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_NAME),
					 errmsg("view_name contains an empty name")));
		length += significant(strVal(lfirst(lc)));
	}
	if (length < significant(text_to_cstring(view_name)))
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("view_name is too long"),
				 errdetail("A name must have less than %d bytes.", NAMEDATALEN)));
	return names;
}

/*
 * Schema and name of the view that is wanted: as named, else by view_schema the
 * table's name in that, else as the table's trigger remembers, or as by default.
 */
static void
find_view_name(Relation rel, FunctionCallInfo fcinfo, char **schema, char **name)
{
	List	   *names = PG_ARGISNULL(2) ? NIL : parse_view_name(PG_GETARG_TEXT_PP(2));
	char	   *view_schema = PG_ARGISNULL(4) ? NULL : NameStr(*PG_GETARG_NAME(4));

	if (list_length(names) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("improper qualified name (too many dotted names): %s",
						NameListToString(names)),
				 errhint("Write view_name => 'schema.view'.")));
	if (list_length(names) == 2 && view_schema != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("view_name must not contain a schema if view_schema is specified")));
	sk_soft_view_make_find_name(rel, sk_soft_table_trigger(rel), schema, name);
	if (names == NIL && view_schema == NULL)
		return;
	*schema = list_length(names) == 2 ? strVal(linitial(names))
		: view_schema ? view_schema : get_namespace_name(RelationGetNamespace(rel));
	*name = names != NIL ? strVal(llast(names)) : pstrdup(RelationGetRelationName(rel));
}

/* What soft_delete_enable() is asked for, NULL where that is what there is */
typedef struct Request
{
	const char *col;
	char	   *schema;
	char	   *name;
	bool		named;			/* the view's name was passed */
	bool		remembered;		/* it is from the table's trigger */
	bool		protect;
} Request;

static void
read_request(Relation rel, FunctionCallInfo fcinfo, const char *col, Request *request)
{
	const Trigger *trigger = sk_soft_table_trigger(rel);

	request->col = col;
	request->named = !PG_ARGISNULL(2) || !PG_ARGISNULL(4);
	request->remembered = !request->named && trigger != NULL && trigger->tgnargs > 1;
	find_view_name(rel, fcinfo, &request->schema, &request->name);
	request->protect = PG_ARGISNULL(3) ? sk_soft_table_is_protected(rel) : PG_GETARG_BOOL(3);
}

/*
 * The table's trigger, whose arguments its owner can write, says where the view is.  So
 * it must be where the owner may make one, whoever calls the function.
 */
static void
require_right_of_owner(Relation rel, const char *schema)
{
	Oid			owner = rel->rd_rel->relowner;
	Oid			schemaid = get_namespace_oid(schema, true);

	if (!OidIsValid(schemaid) ||
		object_aclcheck(NamespaceRelationId, schemaid, owner, ACL_CREATE) == ACLCHECK_OK)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for schema %s", schema),
			 errdetail("The owner of table \"%s\", role \"%s\", must have CREATE on the schema in which the table's trigger remembers the view.",
					   RelationGetRelationName(rel), GetUserNameFromId(owner, false)),
			 errhint("Name the view with view_name or view_schema.")));
}

static void
ensure_view(Relation rel, const Request *request)
{
	SkLiveView	live;
	Oid			viewid = sk_soft_view_find(RelationGetRelid(rel), &live);

	if (!OidIsValid(viewid))
	{
		if (request->remembered)
			require_right_of_owner(rel, request->schema);
		(void) sk_soft_view_make(rel, request->col, request->schema, request->name);
		return;
	}
	if (request->named)
	{
		sk_soft_view_make_check_name(viewid, request->schema, request->name);
		sk_soft_view_make_set_name(viewid, request->schema, request->name);
	}
	sk_soft_view_make_cover(viewid);
	(void) sk_soft_view_state_refresh(rel, viewid);
}

/* Rules do not apply to what is done here by hand. */
static const char *
ensure_column(Oid relid, const char *col)
{
	const char *volatile ensured = NULL;

	sk_soft_table_by_hand = true;
	PG_TRY();
	{
		ensured = sk_soft_column_ensure(relid, col);
	}
	PG_FINALLY();
	{
		sk_soft_table_by_hand = false;
	}
	PG_END_TRY();
	return ensured;
}

static void
check_same_column(Relation rel, const char *col)
{
	const Trigger *trigger = sk_soft_table_trigger(rel);

	if (trigger != NULL && trigger->tgnargs > 0 && strcmp(trigger->tgargs[0], col) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("soft delete of table \"%s\" uses column \"%s\"",
						RelationGetRelationName(rel), trigger->tgargs[0]),
				 errhint("Call schemakit.soft_delete_disable() first.  Rows that are marked in that column are then no longer deleted.")));
}

/*
 * schemakit.soft_delete_enable(rel regclass, col name, view_name text,
 *								protect boolean, view_schema name)
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_enable);
Datum
schemakit_soft_delete_enable(PG_FUNCTION_ARGS)
{
	Request		request;
	const char *col;
	Relation	rel;

	sk_arg_reject_null(fcinfo, 0, "rel");
	PreventCommandIfReadOnly("soft_delete_enable()");
	col = ensure_column(PG_GETARG_OID(0), PG_ARGISNULL(1) ? NULL
						: NameStr(*PG_GETARG_NAME(1)));
	rel = sk_table_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	check_same_column(rel, col);
	read_request(rel, fcinfo, col, &request);
	sk_soft_table_make_triggers(rel, col, TRIGGER_FIRES_ON_ORIGIN);
	sk_soft_table_protect(rel, request.protect);
	ensure_view(rel, &request);
	sk_soft_table_note_view(rel);
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}

/*
 * schemakit.soft_delete_disable(rel regclass)
 *
 * Triggers and view go, so that what is called the live rows never includes
 * others; the column stays, and what is in it.
 */
PG_FUNCTION_INFO_V1(schemakit_soft_delete_disable);
Datum
schemakit_soft_delete_disable(PG_FUNCTION_ARGS)
{
	Relation	rel;
	SkLiveView	live;
	Oid			viewid;

	sk_arg_reject_null(fcinfo, 0, "rel");
	rel = sk_table_open_attached(PG_GETARG_OID(0), ShareRowExclusiveLock);
	viewid = sk_soft_view_find(RelationGetRelid(rel), &live);
	if (sk_soft_table_trigger(rel) == NULL && !OidIsValid(viewid))
		ereport(NOTICE,
				(errmsg("soft delete is not enabled on table \"%s\"",
						RelationGetRelationName(rel))));
	if (OidIsValid(viewid))
		(void) sk_spi_execute(psprintf("DROP VIEW %s",
									   quote_qualified_identifier(get_namespace_name(get_rel_namespace(viewid)),
																  get_rel_name(viewid))),
							  0, NULL, NULL, SPI_OK_UTILITY, NULL);
	sk_soft_table_drop_triggers(rel, SK_SOFT_FUNCTION);
	sk_soft_table_drop_triggers(rel, SK_SOFT_REFERENCE_FUNCTION);
	sk_soft_table_protect(rel, false);
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}
