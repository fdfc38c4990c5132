/*-------------------------------------------------------------------------
 *
 * audit/filter.c
 *	  Rows whose columns had given values: the argument "key" of audit_as_of(), if it is
 *	  an object of other columns than those of the key.
 *
 * Values are compared as the type compares them, and null is equal to null.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/filter.h"
#include "base/guc.h"
#include "base/tuple.h"

#include "utils/builtins.h"
#include "utils/typcache.h"

static bool
has_column(const Jsonb *given, const char *name)
{
	JsonbValue	value;

	return getKeyJsonValueFromContainer((JsonbContainer *) &given->root, name,
										strlen(name), &value) != NULL;
}

/*
 * Is it an object of the columns of the key, or of none, or no object at all?  Then
 * sk_audit_reader_key() reads it, or says what is wrong.
 */
bool
sk_audit_filter_is_key(const SkAuditReader *reader, const Jsonb *given)
{
	ListCell   *lc;

	if (!JB_ROOT_IS_OBJECT(given) || JB_ROOT_COUNT(given) == 0)
		return true;
	if (reader->nkeys == 0 || JB_ROOT_COUNT(given) != (uint32) reader->nkeys)
		return false;
	foreach(lc, reader->current->key)
	{
		if (!has_column(given, lfirst(lc)))
			return false;
	}
	return true;
}

static AttrNumber
column_of(const SkAuditPast *past, const char *name)
{
	AttrNumber	attnum = sk_tuple_column(past->reader->tupdesc, name);

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name, past->reader->label)));
	if (!past->shown[attnum - 1])
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log does not have the values of column \"%s\" of table \"%s\"",
						name, past->reader->label),
				 errhint("Name other columns in argument \"key\".")));
	return attnum;
}

static void
check_comparable(const SkAuditPast *past, AttrNumber attnum)
{
	Oid			type = past->reader->types[attnum - 1]->type;

	if (!OidIsValid(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an equality operator for type %s",
						format_type_be(type)),
				 errhint("Name other columns in argument \"key\".")));
}

/*
 * What is given in place of a key, or an error
 */
SkAuditFilter *
sk_audit_filter_read(const SkAuditPast *past, const Jsonb *given)
{
	SkAuditFilter *filter = palloc0(sizeof(SkAuditFilter));
	SkJsonReader json;
	JsonbValue	name;
	JsonbValue	value;
	int			nestlevel = sk_guc_pin();

	filter->columns = palloc0(sizeof(SkAuditFilterColumn) * JB_ROOT_COUNT(given));
	sk_audit_json_read_begin(&json, given);
	while (sk_audit_json_read_next(&json, &name, &value))
	{
		SkAuditFilterColumn *column = &filter->columns[filter->ncolumns++];

		column->attnum = column_of(past, pnstrdup(name.val.string.val, name.val.string.len));
		check_comparable(past, column->attnum);
		column->value = sk_audit_reader_given(past->reader, column->attnum, &value,
											  &column->isnull, &column->encoded);
	}
	sk_guc_unpin(nestlevel);
	return filter;
}

static const SkAuditFilterColumn *
find(const SkAuditPast *past, int i)
{
	for (int c = 0; past->filter != NULL && c < past->filter->ncolumns; c++)
	{
		if (past->filter->columns[c].attnum == i + 1)
			return &past->filter->columns[c];
	}
	return NULL;
}

/*
 * Is a value asked for of the column?
 */
bool
sk_audit_filter_has(const SkAuditPast *past, int i)
{
	return find(past, i) != NULL;
}

/*
 * Is it the value that is asked for of the column?  If none is, any is.
 */
bool
sk_audit_filter_allows(const SkAuditPast *past, int i, Datum value, bool isnull)
{
	const SkAuditFilterColumn *column = find(past, i);
	TypeCacheEntry *type;

	if (column == NULL)
		return true;
	if (isnull || column->isnull)
		return isnull && column->isnull;
	type = lookup_type_cache(past->reader->types[i]->type, TYPECACHE_EQ_OPR_FINFO);
	return DatumGetBool(FunctionCall2Coll(&type->eq_opr_finfo,
										  TupleDescAttr(past->reader->tupdesc, i)->attcollation,
										  value, column->value));
}
