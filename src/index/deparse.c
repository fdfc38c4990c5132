/*-------------------------------------------------------------------------
 *
 * index/deparse.c
 *	  Indexes as SQL.
 *
 * All names are written with their schema, so that what is printed runs under
 * any search_path; only what is in pg_catalog is not.
 *
 * The caller holds a lock on the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/deparse.h"

#include "base/guc.h"
#include "base/table.h"

#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

/*
 * The planner makes a COLLATE a RelabelType, which is not written.  That which
 * the type itself brings along is one without a change of collation.
 */
static Node *
restore_collations(Node *node, void *context)
{
	RelabelType *relabel;
	CollateExpr *collate;

	if (node == NULL)
		return NULL;
	node = expression_tree_mutator(node, restore_collations, context);
	if (!IsA(node, RelabelType))
		return node;
	relabel = (RelabelType *) node;
	if (!OidIsValid(relabel->resultcollid) ||
		relabel->resultcollid == exprCollation((Node *) relabel->arg))
		return node;
	collate = makeNode(CollateExpr);
	collate->collOid = relabel->resultcollid;
	collate->location = -1;
	collate->arg = relabel->arg;
	if (exprType((Node *) relabel->arg) != relabel->resulttype)
	{
		relabel->resultcollid = exprCollation((Node *) relabel->arg);
		collate->arg = (Expr *) relabel;
	}
	return (Node *) collate;
}

/* A cast that a comparison has brought along is not written, except as a key. */
static void
make_cast_explicit(Node *expr)
{
	switch (nodeTag(expr))
	{
		case T_FuncExpr:
			if (((FuncExpr *) expr)->funcformat == COERCE_IMPLICIT_CAST)
				((FuncExpr *) expr)->funcformat = COERCE_EXPLICIT_CAST;
			break;
		case T_RelabelType:
			((RelabelType *) expr)->relabelformat = COERCE_EXPLICIT_CAST;
			break;
		case T_CoerceViaIO:
			((CoerceViaIO *) expr)->coerceformat = COERCE_EXPLICIT_CAST;
			break;
		case T_ArrayCoerceExpr:
			((ArrayCoerceExpr *) expr)->coerceformat = COERCE_EXPLICIT_CAST;
			break;
		case T_ConvertRowtypeExpr:
			((ConvertRowtypeExpr *) expr)->convertformat = COERCE_EXPLICIT_CAST;
			break;
		case T_CoerceToDomain:
			((CoerceToDomain *) expr)->coercionformat = COERCE_EXPLICIT_CAST;
			break;
		default:
			break;
	}
}

/* An expression on one table, whose Vars have varno 1, without its name. */
char *
sk_index_deparse_expr(Oid relid, Node *expr)
{
	int			nestlevel = sk_guc_pin();
	char	   *text;

	expr = restore_collations(copyObject(expr), NULL);
	make_cast_explicit(expr);
	text = deparse_expression(expr, deparse_context_for(sk_table_present_name(relid), relid),
							  false, false);

	sk_guc_unpin(nestlevel);
	return text;
}

static const char *
qualify(Oid namespaceid, const char *name)
{
	if (namespaceid == PG_CATALOG_NAMESPACE)
		return quote_identifier(name);
	return quote_qualified_identifier(get_namespace_name(namespaceid), name);
}

static void
append_collation(StringInfo buf, Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	appendStringInfo(buf, " COLLATE %s",
					 qualify(form->collnamespace, NameStr(form->collname)));
	ReleaseSysCache(tuple);
}

static void
append_opclass(StringInfo buf, Oid opclass)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	form = (Form_pg_opclass) GETSTRUCT(tuple);
	appendStringInfo(buf, " %s",
					 qualify(form->opcnamespace, NameStr(form->opcname)));
	ReleaseSysCache(tuple);
}

static void
append_key(StringInfo buf, const SkIndex *index, const SkIndexKey *key)
{
	char	   *text = sk_index_deparse_expr(index->relid, key->expr);

	if (key->attnum != InvalidAttrNumber)
		appendStringInfoString(buf, text);
	else
		appendStringInfo(buf, "(%s)", text);
	if (OidIsValid(key->collation) && key->collation != exprCollation(key->expr))
		append_collation(buf, key->collation);
	if (key->opclass != GetDefaultOpClass(exprType(key->expr), index->am))
		append_opclass(buf, key->opclass);
	if (key->option & INDOPTION_DESC)
	{
		appendStringInfoString(buf, " DESC");
		if (!(key->option & INDOPTION_NULLS_FIRST))
			appendStringInfoString(buf, " NULLS LAST");
	}
	else if (key->option & INDOPTION_NULLS_FIRST)
		appendStringInfoString(buf, " NULLS FIRST");
}

/* The name of an included column, which may have been dropped. */
static char *
included_name(const SkIndex *index, int i)
{
	char	   *name = get_attname(index->relid, index->include[i], true);

	if (name == NULL || !OidIsValid(get_atttype(index->relid, index->include[i])))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column %d of relation with OID %u does not exist",
						index->include[i], index->relid)));
	return name;
}

static const char *
method_name(Oid am)
{
	char	   *name = get_am_name(am);

	if (name == NULL)
		elog(ERROR, "cache lookup failed for access method %u", am);
	return quote_identifier(name);
}

/*
 * What follows the table's name in CREATE INDEX: the method, keys, included
 * columns and the condition.  Equal indexes have equal texts.
 */
char *
sk_index_deparse_definition(const SkIndex *index)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "USING %s (", method_name(index->am));
	for (int i = 0; i < index->nkeys; i++)
	{
		if (i > 0)
			appendStringInfoString(&buf, ", ");
		append_key(&buf, index, &index->keys[i]);
	}
	appendStringInfoChar(&buf, ')');
	for (int i = 0; i < index->ninclude; i++)
		appendStringInfo(&buf, "%s%s", i == 0 ? " INCLUDE (" : ", ",
						 quote_identifier(included_name(index, i)));
	if (index->ninclude > 0)
		appendStringInfoChar(&buf, ')');
	if (index->nulls_not_distinct)
		appendStringInfoString(&buf, " NULLS NOT DISTINCT");
	if (index->predicate != NIL)
		appendStringInfo(&buf, " WHERE %s",
						 sk_index_deparse_expr(index->relid,
											   (Node *) make_ands_explicit(index->predicate)));
	return buf.data;
}

static const char *
column_name(const SkIndex *index, int i)
{
	Node	   *expr = index->keys[i].expr;
	const char *name = NULL;

	if (index->keys[i].attnum != InvalidAttrNumber)
		return get_attname(index->relid, index->keys[i].attnum, false);
	if (IsA(expr, FuncExpr))
		name = get_func_name(((FuncExpr *) expr)->funcid);
	return name != NULL ? name : "expr";
}

/* The columns of an index as they are in its name, like ChooseIndexNameAddition(). */
static char *
columns_name(const SkIndex *index)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < index->nkeys && buf.len < NAMEDATALEN; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? "_" : "", column_name(index, i));
	for (int i = 0; i < index->ninclude && buf.len < NAMEDATALEN; i++)
		appendStringInfo(&buf, "_%s",
						 included_name(index, i));
	if (buf.len >= NAMEDATALEN)
		buf.data[pg_mbcliplen(buf.data, buf.len, NAMEDATALEN - 1)] = '\0';
	return buf.data;
}

static bool
is_taken(List *taken, const char *name)
{
	ListCell   *lc;

	foreach(lc, taken)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

/* CREATE INDEX, without a name. */
char *
sk_index_deparse_command(const SkIndex *index)
{
	return psprintf("CREATE INDEX ON %s %s",
					quote_qualified_identifier(sk_table_present_schema(index->relid),
											   sk_table_present_name(index->relid)),
					sk_index_deparse_definition(index));
}

/*
 * The name that the server would give to the index, if those in "taken" were
 * there, too.  If the index has a name, it is that.
 */
char *
sk_index_deparse_name(const SkIndex *index, List *taken)
{
	char	   *columns = columns_name(index);
	char	   *name;

	if (index->name != NULL)
		return index->name;
	for (int i = 0;; i++)
	{
		char		label[16];

		if (i == 0)
			strlcpy(label, "idx", sizeof(label));
		else
			snprintf(label, sizeof(label), "idx%d", i);
		name = makeObjectName(sk_table_present_name(index->relid), columns, label);
		if (!OidIsValid(get_relname_relid(name, get_rel_namespace(index->relid))) &&
			!is_taken(taken, name))
			return name;
	}
}
