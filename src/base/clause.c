/*-------------------------------------------------------------------------
 *
 * base/clause.c
 *	  Comparisons in the text of a statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/clause.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * A side whose type must not be cast to the pseudo-type that the operator takes: the type
 * is told to be that one already.  A domain is cast to what it is made of.
 */
static const char *
as_taken(const char *side, Oid *type, Oid taken)
{
	Oid			base = getBaseType(*type);
	const char *result = side;

	if (!IsPolymorphicType(taken))
		return side;
	if (base != *type)
		result = psprintf("%s::%s", side,
						  format_type_extended(base, -1, FORMAT_TYPE_FORCE_QUALIFY));
	*type = taken;
	return result;
}

/*
 * Append "left OPERATOR(schema.op) right".
 *
 * The server's function casts each side to what the operator takes.  Of an array of
 * varchar(3) that is cast to anyarray, the type of the elements is not known any more,
 * and a domain over an enum cannot be cast to anyenum.  Both are errors, in the server's
 * foreign keys, too.
 */
void
sk_clause_append(StringInfo buf, const char *left, Oid left_type, Oid op,
				 const char *right, Oid right_type)
{
	Oid			takes_left;
	Oid			takes_right;

	op_input_types(op, &takes_left, &takes_right);
	left = as_taken(left, &left_type, takes_left);
	right = as_taken(right, &right_type, takes_right);
	generate_operator_clause(buf, left, left_type, op, right, right_type);
}
