/*-------------------------------------------------------------------------
 *
 * timestamps/mention.c
 *	  Which expressions depend on a column.
 *
 * Expressions are read as they are stored.  Nothing of them is run, not even what
 * the planner would compute in advance: status() looks at everybody's tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "timestamps/mention.h"
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

typedef struct Mention
{
	const Bitmapset *columns;
	int			levels;			/* of subqueries above the table's level */
} Mention;

static int
member(AttrNumber attnum)
{
	return attnum - FirstLowInvalidHeapAttributeNumber;
}

static bool
mention_walker(Node *node, Mention *mention)
{
	bool		found;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		const Var  *var = (Var *) node;

		return var->varno == 1 && (int) var->varlevelsup == mention->levels &&
			bms_is_member(member(var->varattno), mention->columns);
	}
	if (IsA(node, Query))
	{
		mention->levels++;
		found = query_tree_walker((Query *) node, mention_walker, mention, 0);
		mention->levels--;
		return found;
	}
	return expression_tree_walker(node, mention_walker, mention);
}

/*
 * Does the expression, of a table's columns as varno 1, depend on one of the
 * columns?
 */
bool
sk_mention_found(Node *expr, const Bitmapset *columns)
{
	Mention		mention = {columns, 0};

	return mention_walker(expr, &mention);
}

/* The expression of a generated column. */
Node *
sk_mention_generation(Relation rel, AttrNumber attnum)
{
	const TupleConstr *constr = RelationGetDescr(rel)->constr;

	for (int i = 0; constr != NULL && i < constr->num_defval; i++)
	{
		if (constr->defval[i].adnum == attnum)
			return stringToNode(constr->defval[i].adbin);
	}
	elog(ERROR, "generated column %d of relation \"%s\" has no expression",
		 attnum, RelationGetRelationName(rel));
}

/*
 * The column, the generated columns that follow from it, and the whole row, which
 * sk_mention_found() then takes for one of them.
 */
Bitmapset *
sk_mention_columns(Relation rel, AttrNumber attnum)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	Bitmapset  *columns = bms_make_singleton(member(InvalidAttrNumber));
	Bitmapset  *generated = NULL;

	columns = bms_add_member(columns, member(attnum));
	for (int i = 0; tupdesc->constr != NULL && i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (attr->attgenerated && !attr->attisdropped &&
			sk_mention_found(sk_mention_generation(rel, attr->attnum), columns))
			generated = bms_add_member(generated, member(attr->attnum));
	}
	return bms_add_members(columns, generated);
}

/*
 * The numbers of the same columns in a table that rel is a partition of: they have
 * the same names.
 */
Bitmapset *
sk_mention_columns_of(Relation rel, const Bitmapset *columns, Oid tableid)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	Bitmapset  *theirs = bms_make_singleton(member(InvalidAttrNumber));

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		AttrNumber	attnum;

		if (!sk_mention_has_column(columns, attr->attnum))
			continue;
		attnum = get_attnum(tableid, NameStr(attr->attname));
		if (attnum != InvalidAttrNumber)
			theirs = bms_add_member(theirs, member(attnum));
	}
	return theirs;
}

bool
sk_mention_has_column(const Bitmapset *columns, AttrNumber attnum)
{
	return bms_is_member(member(attnum), columns);
}

/*
 * Can the policy refuse an UPDATE for what is in the columns?  Who must be allowed
 * to read the rows that he updates must be allowed to read the new ones, too.
 */
bool
sk_mention_policy(const RowSecurityPolicy *policy, const Bitmapset *columns)
{
	if (policy->polcmd != '*' && policy->polcmd != ACL_UPDATE_CHR &&
		policy->polcmd != ACL_SELECT_CHR)
		return false;
	return sk_mention_found((Node *) policy->qual, columns) ||
		sk_mention_found((Node *) policy->with_check_qual, columns);
}

/*
 * The expression, or list of them, that a column of a catalog's row stores; NULL
 * if it is null.
 */
Node *
sk_mention_stored(HeapTuple tuple, int cache, AttrNumber column)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(cache, tuple, column, &isnull);

	return isnull ? NULL : stringToNode(TextDatumGetCString(value));
}
