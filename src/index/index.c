/*-------------------------------------------------------------------------
 *
 * index/index.c
 *	  What an index is, whether it exists or not.
 *
 * An index is described in the terms that the planner uses: operator families,
 * collations, expressions in normal form.  A description is made from the text
 * of a CREATE INDEX command, from the catalogs, or by the advisor, key by key;
 * whatever it comes from, equal indexes have equal descriptions.  The text of a
 * command is held to the rules of the server, with its messages.
 *
 * Descriptions are allocated in the current memory context and never change.
 * The caller holds a lock on the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/index.h"

#include "base/arg.h"
#include "base/compat.h"
#include "base/rights.h"
#include "base/table.h"
#include "base/trust.h"

#include "access/amapi.h"
#include "access/attmap.h"
#include "access/genam.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_tablespace_d.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "parser/parse_utilcmd.h"
#include "parser/parser.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* ----------
 * By hand
 * ----------
 */

/*
 * "expr" must be in the normal form of index expressions; a bare column is told
 * apart here.
 */
void
sk_index_set_key(SkIndexKey *key, Node *expr, Oid opclass, Oid collation,
				 int16 option)
{
	key->attnum = IsA(expr, Var) ? ((Var *) expr)->varattno : InvalidAttrNumber;
	key->expr = expr;
	key->opclass = opclass;
	key->opfamily = get_opclass_family(opclass);
	key->opcintype = get_opclass_input_type(opclass);
	key->collation = collation;
	key->option = option;
	key->distinct = 0;
}

/*
 * A condition as the relation cache has it for indexes: what the planner
 * compares with conditions of queries.  See RelationGetIndexPredicate().
 */
List *
sk_index_normalize_predicate(Node *clause)
{
	List	   *result;

	clause = eval_const_expressions(NULL, clause);
	clause = (Node *) canonicalize_qual((Expr *) clause, false);
	result = make_ands_implicit((Expr *) clause);
	fix_opfuncids((Node *) result);
	return result;
}

/* Is a key more than a column? */
bool
sk_index_has_expression(const SkIndex *index)
{
	for (int i = 0; i < index->nkeys; i++)
	{
		if (index->keys[i].attnum == InvalidAttrNumber)
			return true;
	}
	return false;
}

SkIndex *
sk_index_copy(const SkIndex *index)
{
	SkIndex    *copy = palloc(sizeof(SkIndex));

	*copy = *index;
	copy->name = NULL;
	copy->keys = palloc(index->nkeys * sizeof(SkIndexKey));
	memcpy(copy->keys, index->keys, index->nkeys * sizeof(SkIndexKey));
	for (int i = 0; i < index->nkeys; i++)
		copy->keys[i].expr = copyObject(index->keys[i].expr);
	copy->include = palloc((index->ninclude + 1) * sizeof(AttrNumber));
	if (index->ninclude > 0)
		memcpy(copy->include, index->include,
			   index->ninclude * sizeof(AttrNumber));
	copy->predicate = copyObject(index->predicate);
	copy->options = copyObject(index->options);
	copy->column_options = copyObject(index->column_options);
	return copy;
}

static Node *
map_attributes(Node *node, const AttrMap *map)
{
	bool		whole_row;

	node = map_variable_attnos(node, 1, 0, map, InvalidOid, &whole_row);
	if (whole_row)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot plan with an index on whole rows of a partitioned table")));
	return node;
}

/*
 * The index that a partition gets when the partitioned table gets one: the
 * columns may have other numbers.
 */
SkIndex *
sk_index_for_partition(const SkIndex *index, Oid partition)
{
	SkIndex    *result = sk_index_copy(index);
	Relation	parent = relation_open(index->relid, AccessShareLock);
	Relation	rel = relation_open(partition, AccessShareLock);
	AttrMap    *map;

	map = build_attrmap_by_name(RelationGetDescr(rel),
								RelationGetDescr(parent), false);
	result->relid = partition;
	for (int i = 0; i < result->nkeys; i++)
	{
		SkIndexKey *key = &result->keys[i];

		key->expr = map_attributes(key->expr, map);
		if (key->attnum > 0)
			key->attnum = map->attnums[key->attnum - 1];
	}
	for (int i = 0; i < result->ninclude; i++)
		result->include[i] = map->attnums[result->include[i] - 1];
	result->predicate = (List *) map_attributes((Node *) result->predicate, map);

	relation_close(rel, NoLock);
	relation_close(parent, NoLock);
	return result;
}

/* ----------
 * From the catalogs
 * ----------
 */
static Node *
column_of(Relation rel, AttrNumber attnum)
{
	Form_pg_attribute att;

	if (attnum < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index creation on system columns is not supported")));
	att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	return (Node *) makeVar(1, attnum, att->atttypid, att->atttypmod,
							att->attcollation, 0);
}

/*
 * The index's expressions and its condition, as the relation cache has them.  They
 * are folded when that reads them, which runs code of the table's owner.
 */
static void
read_expressions(Relation indexrel, Relation rel, List **exprs, List **predicate)
{
	SkRights	saved;

	*exprs = *predicate = NIL;
	if (sk_table_index_is_plain(indexrel))
		return;
	sk_rights_assume(sk_trust_reader(RelationGetRelid(rel)), &saved);
	*exprs = RelationGetIndexExpressions(indexrel);
	*predicate = RelationGetIndexPredicate(indexrel);
	sk_rights_restore(&saved);
}

static void
read_keys(SkIndex *result, Relation indexrel, Relation rel, List *exprs)
{
	Form_pg_index form = indexrel->rd_index;
	ListCell   *expr = list_head(exprs);

	for (int i = 0; i < result->nkeys; i++)
	{
		SkIndexKey *key = &result->keys[i];

		key->attnum = form->indkey.values[i];
		if (key->attnum != InvalidAttrNumber)
			key->expr = column_of(rel, key->attnum);
		else
		{
			key->expr = lfirst(expr);
			expr = lnext(exprs, expr);
		}
		key->opfamily = indexrel->rd_opfamily[i];
		key->opcintype = indexrel->rd_opcintype[i];
		key->collation = indexrel->rd_indcollation[i];
		key->option = indexrel->rd_indoption[i];
	}
}

static void
read_opclasses(SkIndex *result, Relation indexrel)
{
	bool		isnull;
	Datum		datum;
	oidvector  *classes;

	datum = SysCacheGetAttr(INDEXRELID, indexrel->rd_indextuple,
							Anum_pg_index_indclass, &isnull);
	Assert(!isnull);
	classes = (oidvector *) DatumGetPointer(datum);
	for (int i = 0; i < result->nkeys; i++)
		result->keys[i].opclass = classes->values[i];
}

static void
read_options(SkIndex *result)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(result->oid));
	bool		isnull;
	Datum		datum;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", result->oid);
	datum = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	if (!isnull)
		result->options = untransformRelOptions(datum);
	ReleaseSysCache(tuple);
	for (int i = 0; i < result->nkeys; i++)
	{
		datum = get_attoptions(result->oid, i + 1);
		if (datum != (Datum) 0)
			result->column_options = lappend(result->column_options,
											 list_concat(list_make1(makeInteger(i)),
														 untransformRelOptions(datum)));
	}
}

/* An index that exists. */
SkIndex *
sk_index_of_catalog(Oid indexid)
{
	Relation	rel = relation_open(IndexGetRelation(indexid, false), AccessShareLock);
	Relation	indexrel = relation_open(indexid, AccessShareLock);
	Form_pg_index form = indexrel->rd_index;
	SkIndex    *result = palloc0(sizeof(SkIndex));
	List	   *exprs;

	result->oid = indexid;
	result->relid = form->indrelid;
	result->am = indexrel->rd_rel->relam;
	result->name = pstrdup(RelationGetRelationName(indexrel));
	result->unique = form->indisunique;
	result->nulls_not_distinct = sk_index_nulls_not_distinct(form);
	result->nkeys = form->indnkeyatts;
	result->keys = palloc0(result->nkeys * sizeof(SkIndexKey));
	result->ninclude = form->indnatts - form->indnkeyatts;
	result->include = palloc((result->ninclude + 1) * sizeof(AttrNumber));
	for (int i = 0; i < result->ninclude; i++)
		result->include[i] = form->indkey.values[result->nkeys + i];
	read_expressions(indexrel, rel, &exprs, &result->predicate);
	read_keys(result, indexrel, rel, exprs);
	read_opclasses(result, indexrel);
	read_options(result);

	relation_close(indexrel, AccessShareLock);
	relation_close(rel, AccessShareLock);
	return result;
}

/* ----------
 * From a command
 * ----------
 */
static IndexStmt *
parse_command(const char *ddl)
{
	List	   *commands = raw_parser(ddl, RAW_PARSE_DEFAULT);
	Node	   *command;

	if (list_length(commands) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("an index must be given as one CREATE INDEX command")));
	command = linitial_node(RawStmt, commands)->stmt;
	if (!IsA(command, IndexStmt))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("an index must be given as one CREATE INDEX command"),
				 errdetail("This is another command: %s", ddl)));
	return (IndexStmt *) command;
}

static Oid
find_table(const RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, AccessShareLock, false);
	char		relkind = get_rel_relkind(relid);

	if (relkind != RELKIND_RELATION && relkind != RELKIND_MATVIEW &&
		relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot create index on relation \"%s\"",
						name->relname),
				 errdetail_relkind_not_supported(relkind)));
	return relid;
}

static void
check_method(const IndexStmt *stmt, const IndexAmRoutine *am)
{
	if (stmt->unique && !am->amcanunique)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"%s\" does not support unique indexes",
						stmt->accessMethod)));
	if (stmt->indexIncludingParams != NIL && !am->amcaninclude)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"%s\" does not support included columns",
						stmt->accessMethod)));
	if (list_length(stmt->indexParams) > 1 && !am->amcanmulticol)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"%s\" does not support multicolumn indexes",
						stmt->accessMethod)));
	if (list_length(stmt->indexParams) +
		list_length(stmt->indexIncludingParams) > INDEX_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("cannot use more than %d columns in an index",
						INDEX_MAX_KEYS)));
}

static AttrNumber
find_column(Oid relid, const char *name)
{
	AttrNumber	attnum = get_attnum(relid, name);

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" does not exist", name)));
	return attnum;
}

static Node *
normalize_expression(Node *expr)
{
	Bitmapset  *columns = NULL;

	while (IsA(expr, CollateExpr))
		expr = (Node *) ((CollateExpr *) expr)->arg;
	expr = eval_const_expressions(NULL, expr);
	fix_opfuncids(expr);
	if (contain_mutable_functions(expr))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in index expression must be marked IMMUTABLE")));
	pull_varattnos(expr, 1, &columns);
	for (int i = FirstLowInvalidHeapAttributeNumber + 1; i < 0; i++)
	{
		if (bms_is_member(i - FirstLowInvalidHeapAttributeNumber, columns))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("index creation on system columns is not supported")));
	}
	return expr;
}

static Oid
key_collation(const IndexElem *elem, Oid type, Oid collation)
{
	if (elem->collation)
		collation = get_collation_oid(elem->collation, false);
	if (type_is_collatable(type) && !OidIsValid(collation))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_COLLATION),
				 errmsg("could not determine which collation to use for index expression"),
				 errhint("Use the COLLATE clause to set the collation explicitly.")));
	if (!type_is_collatable(type) && OidIsValid(collation))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("collations are not supported by type %s",
						format_type_be(type))));
	return collation;
}

static int16
key_option(const IndexElem *elem, const IndexStmt *stmt,
		   const IndexAmRoutine *am)
{
	int16		option = 0;

	if (!am->amcanorder)
	{
		if (elem->ordering != SORTBY_DEFAULT)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("access method \"%s\" does not support ASC/DESC options",
							stmt->accessMethod)));
		if (elem->nulls_ordering != SORTBY_NULLS_DEFAULT)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("access method \"%s\" does not support NULLS FIRST/LAST options",
							stmt->accessMethod)));
		return 0;
	}
	if (elem->ordering == SORTBY_DESC)
		option |= INDOPTION_DESC;
	if (elem->nulls_ordering == SORTBY_NULLS_FIRST ||
		(elem->nulls_ordering == SORTBY_NULLS_DEFAULT &&
		 elem->ordering == SORTBY_DESC))
		option |= INDOPTION_NULLS_FIRST;
	return option;
}

static void
read_elements(SkIndex *result, IndexStmt *stmt, Relation rel, Oid am,
			  const IndexAmRoutine *routine)
{
	ListCell   *lc;
	int			i = 0;

	result->nkeys = list_length(stmt->indexParams);
	result->keys = palloc0(result->nkeys * sizeof(SkIndexKey));
	foreach(lc, stmt->indexParams)
	{
		IndexElem  *elem = lfirst_node(IndexElem, lc);
		Node	   *expr = elem->expr;
		Oid			collation;
		Oid			type;

		if (elem->name != NULL)
			expr = column_of(rel, find_column(result->relid, elem->name));
		type = exprType(expr);
		collation = key_collation(elem, type, exprCollation(expr));
		sk_index_set_key(&result->keys[i++], normalize_expression(expr),
						 ResolveOpClass(elem->opclass, type,
										stmt->accessMethod, am),
						 collation, key_option(elem, stmt, routine));
	}

	result->include = palloc((list_length(stmt->indexIncludingParams) + 1) *
							 sizeof(AttrNumber));
	foreach(lc, stmt->indexIncludingParams)
	{
		IndexElem  *elem = lfirst_node(IndexElem, lc);

		if (elem->name == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("expressions are not supported in included columns")));
		result->include[result->ninclude++] = find_column(result->relid,
														  elem->name);
	}
}

static void
read_predicate(SkIndex *result, const IndexStmt *stmt)
{
	if (stmt->whereClause == NULL)
		return;
	if (contain_mutable_functions(eval_const_expressions(NULL,
														 stmt->whereClause)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in index predicate must be marked IMMUTABLE")));
	result->predicate = sk_index_normalize_predicate(stmt->whereClause);
}

static Oid
find_tablespace(const IndexStmt *stmt)
{
	Oid			tablespace;

	if (stmt->tableSpace == NULL)
		return InvalidOid;
	tablespace = get_tablespace_oid(stmt->tableSpace, false);
	if (tablespace == GLOBALTABLESPACE_OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only shared relations can be placed in pg_global tablespace")));
	return tablespace;
}

/* With IF NOT EXISTS the command would make no index, either. */
static void
check_name(const IndexStmt *stmt, Oid relid)
{
	if (stmt->idxname != NULL &&
		OidIsValid(get_relname_relid(stmt->idxname, get_rel_namespace(relid))))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s\" already exists", stmt->idxname)));
}

static SkIndex *
read_command(const char *ddl)
{
	IndexStmt  *stmt = parse_command(ddl);
	Oid			relid = find_table(stmt->relation);
	SkIndex    *result = palloc0(sizeof(SkIndex));
	Oid			am = get_am_oid(stmt->accessMethod, false);
	const IndexAmRoutine *routine = GetIndexAmRoutineByAmId(am, false);
	Relation	rel;

	check_name(stmt, relid);
	check_method(stmt, routine);
	stmt = transformIndexStmt(relid, stmt, ddl);
	rel = relation_open(relid, NoLock);
	result->relid = relid;
	result->am = am;
	result->name = stmt->idxname;
	result->unique = stmt->unique;
	result->nulls_not_distinct = sk_index_stmt_nulls_not_distinct(stmt);
	result->options = stmt->options;
	result->tablespace = find_tablespace(stmt);
	(void) index_reloptions(routine->amoptions,
							transformRelOptions((Datum) 0, stmt->options, NULL,
												NULL, false, false), true);
	read_elements(result, stmt, rel, am, routine);
	read_predicate(result, stmt);
	relation_close(rel, NoLock);
	return result;
}

static void
explain_error(void *ddl)
{
	sk_arg_point_into_text(ddl);
	if (geterrcode() == ERRCODE_SYNTAX_ERROR)
		errhint("Write a CREATE INDEX command.");
}

/*
 * The index that a CREATE INDEX command would make.  Raises the errors that the
 * command would raise for what it says.  Leaves AccessShareLock on the table.
 */
SkIndex *
sk_index_parse(const char *ddl)
{
	ErrorContextCallback callback = {error_context_stack, explain_error,
	unconstify(char *, ddl)};
	SkIndex    *result;

	error_context_stack = &callback;
	result = read_command(ddl);
	error_context_stack = callback.previous;
	return result;
}
