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
#include "base/code.h"
#include "base/table.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/*
 * As whom to plan for a table that the current user has not named in a statement, to
 * read its rows, or to look at its indexes and statistics: the planner runs code that
 * the owner has put there.  That is the owner; for a superuser's table it is the
 * current user, who gets no more rights than he has.
 */
Oid
sk_trust_reader(Oid relid)
{
	Oid			owner = sk_table_owner(relid);

	return superuser_arg(owner) ? GetUserId() : owner;
}

/* What the domain is one over, which may be a domain itself. */
static Oid
over_type(Oid domain)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	Oid			base;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", domain);
	base = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
	ReleaseSysCache(tuple);
	return base;
}

/*
 * Is all code that evaluating the expression, or a list of them, would run that role's
 * own, or a superuser's?
 */
bool
sk_trust_expression_by(Node *expr, Oid role)
{
	ListCell   *lc;

	foreach(lc, sk_code_of_expression(expr))
	{
		if (lfirst_oid(lc) != role)
			return false;
	}
	return true;
}

/* The current user's? */
bool
sk_trust_expression(Node *expr)
{
	return sk_trust_expression_by(expr, GetUserId());
}

/*
 * The language that the function is written in.  What is in C looks no names up on
 * the search_path.
 */
Oid
sk_trust_language(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			language;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	ReleaseSysCache(tuple);
	return language;
}

/* The owner of the type, unless that is a superuser. */
static Oid
untrusted_owner(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	ReleaseSysCache(tuple);
	return superuser_arg(owner) ? InvalidOid : owner;
}

/* Of the columns of a row */
static Oid
maker_of_columns(Oid type, bool *several)
{
	TupleDesc	tupdesc = lookup_rowtype_tupdesc(type, -1);
	Oid			found = InvalidOid;

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		Oid			maker = attr->attisdropped ? InvalidOid
			: sk_trust_maker(attr->atttypid, several);

		if (OidIsValid(found) && OidIsValid(maker) && found != maker)
			*several = true;
		if (OidIsValid(maker))
			found = maker;
	}
	ReleaseTupleDesc(tupdesc);
	return found;
}

/*
 * Whose code runs when a value of the type is made from a text: constraints of
 * domains in it, and what ranges do with their bounds.  InvalidOid if that is only
 * the server's or superusers', which everybody runs.  Who makes a type of others
 * has chosen them, so it is his.  "several" is set where a superuser has made one
 * of types of more than one role.
 */
Oid
sk_trust_maker(Oid type, bool *several)
{
	bool		among = false;
	Oid			maker;
	Oid			owner;

	check_stack_depth();
	if (type < FirstNormalObjectId)
		return InvalidOid;
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			maker = sk_trust_maker(over_type(type), &among);
			break;
		case TYPTYPE_COMPOSITE:
			maker = maker_of_columns(type, &among);
			if (!OidIsValid(maker))
				return InvalidOid;
			break;
		case TYPTYPE_RANGE:
			maker = sk_trust_maker(get_range_subtype(type), &among);
			break;
		case TYPTYPE_MULTIRANGE:
			return sk_trust_maker(get_multirange_range(type), several);
		default:
			return sk_trust_maker(get_element_type(type), several);
	}
	owner = untrusted_owner(type);
	*several |= among && !OidIsValid(owner);
	return OidIsValid(owner) ? owner : maker;
}
