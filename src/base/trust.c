/*-------------------------------------------------------------------------
 *
 * base/trust.c
 *	  Whose code it is that an expression would run.
 *
 * Who looks at other people's expressions runs their code when he evaluates them,
 * or has the planner do that for an estimate: functions, operators, constraints of
 * domains, what a range type does with its values.  It would run with his rights.
 * So he does that only with what is his own or a superuser's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/trust.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static bool
is_trusted_role(Oid role)
{
	return role == GetUserId() || superuser_arg(role);
}

/* Is the object of somebody else's, who is not a superuser? */
static bool
is_foreign(int cache, Oid object, AttrNumber owner)
{
	HeapTuple	tuple = SearchSysCache1(cache, ObjectIdGetDatum(object));
	bool		isnull;
	bool		foreign;

	if (!HeapTupleIsValid(tuple))
		return true;
	foreign = !is_trusted_role(DatumGetObjectId(SysCacheGetAttr(cache, tuple,
																owner, &isnull)));
	ReleaseSysCache(tuple);
	return foreign;
}

static bool
is_foreign_function(Oid function, void *arg)
{
	return function >= FirstNormalObjectId &&
		is_foreign(PROCOID, function, Anum_pg_proc_proowner);
}

static bool
is_foreign_type(Oid type)
{
	return is_foreign(TYPEOID, type, Anum_pg_type_typowner);
}

/* A domain over a domain checks what that one checks, too. */
static bool
is_foreign_domain(Oid domain)
{
	HeapTuple	tuple;
	Oid			base;

	if (is_foreign_type(domain))
		return true;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	if (!HeapTupleIsValid(tuple))
		return true;
	base = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
	ReleaseSysCache(tuple);
	return get_typtype(base) == TYPTYPE_DOMAIN && is_foreign_domain(base);
}

/* Values of ranges are made and measured by functions that their type names. */
static bool
has_foreign_ranges(Oid type)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		type = getBaseType(element);
	return type >= FirstNormalObjectId &&
		(type_is_range(type) || type_is_multirange(type)) &&
		is_foreign_type(type);
}

static bool
foreign_walker(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_foreign_function, NULL))
		return true;
	if (IsA(node, CoerceToDomain) &&
		is_foreign_domain(((CoerceToDomain *) node)->resulttype))
		return true;
	if (!IsA(node, List) && has_foreign_ranges(exprType(node)))
		return true;
	return expression_tree_walker(node, foreign_walker, arg);
}

/*
 * Is all code that evaluating the expression, or a list of them, would run the
 * current user's own, or a superuser's?
 */
bool
sk_trust_expression(Node *expr)
{
	return !foreign_walker(expr, NULL);
}
