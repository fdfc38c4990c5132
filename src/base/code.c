/*-------------------------------------------------------------------------
 *
 * base/code.c
 *	  Whose code it is that the planner and the executor would run.
 *
 * Functions, also those of operators; constraints of domains; what a range type does
 * with its values; and what the owner of a table has put on it, which the planner
 * looks at: indexes, statistics, checks, partition keys.  The answer is a list of
 * roles.  Superusers are not among them: everybody runs the server's code and theirs.
 * It has InvalidOid where the owner is not known.
 *
 * A superuser's function or domain may use those of others.  That is his choice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/code.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

typedef struct Code
{
	List	   *owners;
	List	   *tables;			/* that were looked at */
} Code;

static bool note_walker(Node *node, Code *code);


/*-------------------------------------------------------------------------
 * Functions and types
 *-------------------------------------------------------------------------
 */

static void
note_role(Code *code, Oid role)
{
	if (!OidIsValid(role) || !superuser_arg(role))
		code->owners = list_append_unique_oid(code->owners, role);
}

static void
note_owner(Code *code, int cache, Oid object, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache1(cache, ObjectIdGetDatum(object));
	bool		isnull;
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = DatumGetObjectId(SysCacheGetAttr(cache, tuple, attnum, &isnull));
		ReleaseSysCache(tuple);
	}
	note_role(code, owner);
}

static bool
note_function(Oid function, void *arg)
{
	if (function >= FirstNormalObjectId)
		note_owner(arg, PROCOID, function, Anum_pg_proc_proowner);
	return false;
}

static void
note_type(Code *code, Oid type)
{
	if (type >= FirstNormalObjectId)
		note_owner(code, TYPEOID, type, Anum_pg_type_typowner);
}

/* A domain over a domain checks what that one checks, too. */
static void
note_domain(Code *code, Oid type)
{
	while (get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

		note_type(code, type);
		if (!HeapTupleIsValid(tuple))
			return;
		type = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
		ReleaseSysCache(tuple);
	}
}

/* Values of ranges are made and measured by functions that their type names. */
static void
note_ranges(Code *code, Oid type)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		type = getBaseType(element);
	if (type >= FirstNormalObjectId && (type_is_range(type) || type_is_multirange(type)))
		note_type(code, type);
}

static void note_making(Code *code, Oid type);

static void
note_columns(Code *code, Oid type)
{
	TupleDesc	tupdesc = lookup_rowtype_tupdesc(type, -1);

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (!attr->attisdropped)
			note_making(code, attr->atttypid);
	}
	ReleaseTupleDesc(tupdesc);
}

/* What runs when a value is made: of a text, or of another value */
static void
note_making(Code *code, Oid type)
{
	check_stack_depth();
	if (type < FirstNormalObjectId)
		return;
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			note_domain(code, type);
			note_making(code, getBaseType(type));
			break;
		case TYPTYPE_COMPOSITE:
			note_columns(code, type);
			break;
		case TYPTYPE_RANGE:
			note_type(code, type);
			note_making(code, get_range_subtype(type));
			break;
		case TYPTYPE_MULTIRANGE:
			note_making(code, get_multirange_range(type));
			break;
		default:
			note_making(code, get_element_type(type));
			break;
	}
}


/*-------------------------------------------------------------------------
 * Expressions
 *-------------------------------------------------------------------------
 */

static void
note_value(Code *code, Node *node)
{
	switch (nodeTag(node))
	{
		case T_CoerceToDomain:
			note_domain(code, ((CoerceToDomain *) node)->resulttype);
			break;
		case T_FuncExpr:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_Param:
			note_making(code, getBaseType(exprType(node)));
			break;
		case T_Const:
			/* it is read again where the expression is written, as in advice */
			note_making(code, exprType(node));
			break;
		case T_Var:
		case T_Aggref:
		case T_WindowFunc:
		case T_OpExpr:
		case T_FieldSelect:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_ArrayExpr:
		case T_RelabelType:
			note_ranges(code, exprType(node));
			break;
		default:
			break;
	}
}

/*
 * Whose code would be run by evaluating the expression, or a list of them.
 */
List *
sk_code_of_expression(Node *expr)
{
	Code		code = {NIL, NIL};

	(void) note_walker(expr, &code);
	return code.owners;
}


/*-------------------------------------------------------------------------
 * Tables
 *-------------------------------------------------------------------------
 */

static void
note_stored(Code *code, int cache, Oid object, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache1(cache, ObjectIdGetDatum(object));
	bool		isnull;
	Datum		value;

	if (!HeapTupleIsValid(tuple))
		return;
	value = SysCacheGetAttr(cache, tuple, attnum, &isnull);
	if (!isnull)
		(void) note_walker(stringToNode(TextDatumGetCString(value)), code);
	ReleaseSysCache(tuple);
}

/* The checks, and what columns are generated from */
static void
note_constraints(Code *code, TupleDesc tupdesc)
{
	const TupleConstr *constr = tupdesc->constr;

	for (int i = 0; constr && i < constr->num_check; i++)
		(void) note_walker(stringToNode(constr->check[i].ccbin), code);
	for (int i = 0; constr && i < constr->num_defval; i++)
	{
		if (TupleDescAttr(tupdesc, constr->defval[i].adnum - 1)->attgenerated)
			(void) note_walker(stringToNode(constr->defval[i].adbin), code);
	}
}

/* All that the planner looks at, as it is stored: nothing is folded. */
static void
note_parts(Code *code, Relation rel)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		note_stored(code, INDEXRELID, lfirst_oid(lc), Anum_pg_index_indexprs);
		note_stored(code, INDEXRELID, lfirst_oid(lc), Anum_pg_index_indpred);
	}
	foreach(lc, RelationGetStatExtList(rel))
		note_stored(code, STATEXTOID, lfirst_oid(lc), Anum_pg_statistic_ext_stxexprs);
	note_constraints(code, RelationGetDescr(rel));
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		note_stored(code, PARTRELID, RelationGetRelid(rel), Anum_pg_partitioned_table_partexprs);
}

/*
 * What is on a table of a superuser's is trusted, or nobody could use the table.
 * Other owners answer for what they have put there, whoever has written it.
 */
static void
note_table(Code *code, Oid relid)
{
	Relation	rel;
	Oid			owner;
	Code		parts = {NIL, NIL};

	if (relid < FirstNormalObjectId || list_member_oid(code->tables, relid))
		return;
	code->tables = lappend_oid(code->tables, relid);
	rel = try_relation_open(relid, AccessShareLock);
	if (rel == NULL)
		return;
	owner = rel->rd_rel->relowner;
	if (!superuser_arg(owner))
	{
		note_parts(&parts, rel);
		if (parts.owners != NIL || rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
			note_role(code, owner);
	}
	relation_close(rel, NoLock);
}

static void
note_table_with_children(Code *code, Oid relid)
{
	ListCell   *lc;

	if (!has_subclass(relid))
		note_table(code, relid);
	else
	{
		foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
			note_table(code, lfirst_oid(lc));
	}
}

static void
note_tables(Code *code, List *range_table)
{
	ListCell   *lc;

	foreach(lc, range_table)
	{
		const RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind != RTE_RELATION)
			continue;
		if (rte->inh && rte->relid >= FirstNormalObjectId)
			note_table_with_children(code, rte->relid);
		else
			note_table(code, rte->relid);
	}
}

static bool
note_walker(Node *node, Code *code)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		note_tables(code, ((Query *) node)->rtable);
		return query_tree_walker((Query *) node, note_walker, code, 0);
	}
	(void) check_functions_in_node(node, note_function, code);
	note_value(code, node);
	return expression_tree_walker(node, note_walker, code);
}

/*
 * Whose code would be run by planning the queries, after rules and views have been
 * applied.  Their tables are locked.
 */
List *
sk_code_of_queries(List *queries)
{
	Code		code = {NIL, NIL};
	ListCell   *lc;

	foreach(lc, queries)
		(void) note_walker(lfirst(lc), &code);
	return code.owners;
}

/*
 * Whose code would be run by planning a query that reads the table, which is locked,
 * and those that inherit from it.
 */
List *
sk_code_of_table(Oid relid)
{
	Code		code = {NIL, NIL};

	note_table_with_children(&code, relid);
	return code.owners;
}

/*
 * Are there types that run code, of others than superusers, when a constant is read?
 */
bool
sk_code_has_types(void)
{
	Relation	rel = table_open(TypeRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		found = form->oid >= FirstNormalObjectId &&
			(form->typtype == TYPTYPE_DOMAIN || form->typtype == TYPTYPE_RANGE) &&
			!superuser_arg(form->typowner);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * The names of the roles, for a message.
 */
char *
sk_code_roles(List *owners)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, owners)
	{
		char	   *name = OidIsValid(lfirst_oid(lc)) ? GetUserNameFromId(lfirst_oid(lc), true) : NULL;

		appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? ", " : "", name ? name : "?");
	}
	return buf.data;
}
