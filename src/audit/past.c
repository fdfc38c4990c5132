/*-------------------------------------------------------------------------
 *
 * audit/past.c
 *	  A row as it was, put into the result: typed, or as a document of values as
 *	  the log has them.
 *
 * A column's type may have been another one then, and not take a value that it
 * is to hold now.  That is an error, which names the value's row and column; of
 * documents no type is asked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/past.h"
#include "audit/convert.h"
#include "audit/filter.h"
#include "audit/json_decode.h"
#include "audit/touched.h"
#include "base/array.h"
#include "base/compat.h"
#include "base/tuple.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

/* A value of a live row, as the log would have it */
void
sk_audit_past_encode(const SkAuditPast *past, int i, Datum value, bool isnull,
					 JsonbValue *out)
{
	Size		budget = SK_JSON_BUDGET;

	out->type = jbvNull;
	if (!isnull)
		sk_audit_json_encode(past->reader->types[i], value, &budget, out);
}

/* Can the column be shown, and is it one of the result? */
static bool
is_returned(const SkAuditPast *past, int i)
{
	return past->shown[i] && (past->wanted == NULL || past->wanted[i]);
}

static void
push_column(JsonbInState *state, const char *name, JsonbValue *value)
{
	JsonbValue	key;

	sk_audit_json_set_string(&key, (char *) name, strlen(name));
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_VALUE, value);
}

/*
 * Is it the time of a change of which the log does not tell?  A value that its type
 * does not take is told.
 */
static bool
is_withheld(SkAuditPast *past, int i, const JsonbValue *value)
{
	Datum		time;
	bool		isnull;
	ErrorData  *error;

	if (!past->touched[i])
		return false;
	time = sk_audit_json_decode_or_tell(past->reader->types[i], -1, value, &isnull,
										&error);
	return error == NULL && !isnull && sk_audit_touched_withholds(past, i, time);
}

/* A value that was computed anew since then is not what it was. */
static bool
is_rewritten(const SkAuditPast *past, const SkAuditPastRow *row, int i)
{
	return past->rewritten[i] && (row == NULL || !row->known[i]);
}

/* Has the row the values that are asked for?  What is not told is not such a value. */
static bool
is_document_asked_for(SkAuditPast *past, const SkAuditPastRow *row, const Datum *values,
					  const bool *nulls)
{
	for (int c = 0; past->filter != NULL && c < past->filter->ncolumns; c++)
	{
		int			i = past->filter->columns[c].attnum - 1;
		Datum		value = values[i];
		bool		isnull = nulls[i];
		ErrorData  *error = NULL;

		if (is_rewritten(past, row, i))
			return false;
		if (row != NULL && row->known[i])
		{
			if (!sk_audit_convert_is_told(past, row, i))
				return false;
			value = sk_audit_convert_value(past, row, i, &isnull, &error);
			if (error != NULL || (isnull && row->values[i].type != jbvNull))
				return false;
		}
		if (!isnull && sk_audit_touched_withholds(past, i, value))
			return false;
		if (!sk_audit_filter_allows(past, i, value, isnull))
			return false;
	}
	return true;
}

/* The row as a document of what the log tells of it, and of what it is now. */
static void
put_document(SkAuditPast *past, const SkAuditPastRow *row, const Datum *values,
			 const bool *nulls)
{
	TupleDesc	tupdesc = past->reader->tupdesc;
	JsonbInState state = {0};
	JsonbValue	value;
	Datum		document;
	bool		isnull = false;

	if (!is_document_asked_for(past, row, values, nulls))
		return;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		if (!is_returned(past, i) || is_rewritten(past, row, i))
			continue;
		if (row != NULL && row->known[i])
			value = row->values[i];
		else
			sk_audit_past_encode(past, i, values[i], nulls[i], &value);
		if (!is_withheld(past, i, &value))
			push_column(&state, NameStr(TupleDescAttr(tupdesc, i)->attname), &value);
	}
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	document = JsonbPGetDatum(JsonbValueToJsonb(state.result));
	tuplestore_putvalues(past->rsinfo->setResult, past->result, &document, &isnull);
}

/*
 * "{"id": 1}", of a row that has these values, but for those the log tells.
 */
static char *
key_text(const SkAuditPast *past, const SkAuditPastRow *row, const Datum *values,
		 const bool *nulls)
{
	const SkAuditReader *reader = past->reader;
	JsonbInState state = {0};
	JsonbValue	value;
	Jsonb	   *key;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int k = 0; k < reader->nkeys; k++)
	{
		int			i = reader->keys[k] - 1;

		if (row != NULL && row->known[i])
			value = row->values[i];
		else
			sk_audit_past_encode(past, i, values[i], nulls[i], &value);
		push_column(&state, NameStr(TupleDescAttr(reader->tupdesc, i)->attname), &value);
	}
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	key = JsonbValueToJsonb(state.result);
	return JsonbToCString(NULL, &key->root, VARSIZE(key));
}

/* The same, of a row that is there now */
char *
sk_audit_past_key_now(const SkAuditPast *past, const Datum *values, const bool *nulls)
{
	return key_text(past, NULL, values, nulls);
}

/* The column had a value that its present type does not take. */
static void
refuse_value(const SkAuditPast *past, int i, const char *key,
			 const ErrorData *error)
{
	Form_pg_attribute attr = TupleDescAttr(past->reader->tupdesc, i);

	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg("column \"%s\" of table \"%s\" had a value that is not valid for type %s",
					NameStr(attr->attname), past->reader->label,
					format_type_with_typemod(attr->atttypid, attr->atttypmod)),
			 past->reader->nkeys > 0
			 ? errdetail("Row %s: %s.", key, error->message)
			 : errdetail("A row without key: %s.", error->message),
			 errhint("schemakit.audit_as_of_jsonb() returns values as they were recorded.")));
}

static void
put_row(SkAuditPast *past, Datum *values, bool *nulls)
{
	if (past->receive != NULL)
		past->receive(past, values, nulls);
	else
		tuplestore_putvalues(past->rsinfo->setResult, past->result, values, nulls);
}

/* The columns of the result, which a table that inherits has among its own */
static void
put_columns(SkAuditPast *past, const Datum *values, const bool *nulls)
{
	int			natts = past->result->natts;
	Datum	   *out = palloc0(sizeof(Datum) * Max(natts, 1));
	bool	   *out_nulls = palloc(sizeof(bool) * Max(natts, 1));

	for (int i = 0; i < natts; i++)
	{
		AttrNumber	attnum = past->columns[i];

		out_nulls[i] = attnum == InvalidAttrNumber || nulls[attnum - 1];
		if (!out_nulls[i])
			out[i] = values[attnum - 1];
	}
	put_row(past, out, out_nulls);
}

/* All columns, and the numbers of those that are not told */
static void
put_with_unknown(SkAuditPast *past, const Datum *values, const bool *nulls,
				 const bool *unknown)
{
	int			natts = past->reader->tupdesc->natts;
	Datum	   *out = palloc(sizeof(Datum) * (natts + 1));
	bool	   *out_nulls = palloc(sizeof(bool) * (natts + 1));
	Datum	   *numbers = palloc(sizeof(Datum) * Max(natts, 1));
	int			count = 0;
	MemoryContext old = MemoryContextSwitchTo(past->context);

	for (int i = 0; i < natts; i++)
	{
		out[i] = values[i];
		out_nulls[i] = nulls[i];
		if (!unknown[i])
			continue;
		numbers[count++] = Int16GetDatum(i + 1);
		past->ever_unknown = bms_add_member(past->ever_unknown, i);
	}
	MemoryContextSwitchTo(old);
	out_nulls[natts] = false;
	out[natts] = sk_array_of(numbers, count, INT2OID);
	tuplestore_putvalues(past->rsinfo->setResult, past->result, out, out_nulls);
}

/*
 * The value that the log tells of the column.  False if it does not tell it, though it
 * has one.
 */
static bool
get_told(SkAuditPast *past, const SkAuditPastRow *row, int i, Datum *values, bool *nulls)
{
	ErrorData  *error = NULL;
	bool		is_digest;

	nulls[i] = true;
	if (!sk_audit_convert_is_told(past, row, i))
		return false;
	values[i] = sk_audit_convert_value(past, row, i, &nulls[i], &error);
	if (error != NULL)
		refuse_value(past, i, key_text(past, row, values, nulls), error);
	is_digest = nulls[i] && row->values[i].type != jbvNull;
	past->digests |= is_digest;
	return !is_digest;
}

/* The value that the column had.  False if that is not told; then it is null. */
static bool
get_value(SkAuditPast *past, const SkAuditPastRow *row, int i, Datum *values, bool *nulls)
{
	bool		told = is_returned(past, i) && !is_rewritten(past, row, i);

	if (told && row != NULL && row->known[i])
		told = get_told(past, row, i, values, nulls);
	if (told && !nulls[i])
		told = !sk_audit_touched_withholds(past, i, values[i]);
	nulls[i] |= !told;
	return told;
}

/*
 * A row with these values, but for those that the log tells.  Columns that
 * cannot be shown are null.
 */
static void
put_values(SkAuditPast *past, const SkAuditPastRow *row, Datum *values, bool *nulls)
{
	int			natts = past->reader->tupdesc->natts;
	bool	   *unknown = palloc(sizeof(bool) * Max(natts, 1));

	/* whether a row is asked for comes before what is wrong with it */
	for (int i = 0; past->filter != NULL && i < natts; i++)
	{
		if (!sk_audit_filter_has(past, i))
			continue;
		unknown[i] = !get_value(past, row, i, values, nulls);
		if (unknown[i] || !sk_audit_filter_allows(past, i, values[i], nulls[i]))
			return;
	}
	for (int i = 0; i < natts; i++)
	{
		if (!sk_audit_filter_has(past, i))
			unknown[i] = !get_value(past, row, i, values, nulls);
	}
	if (past->with_unknown)
		put_with_unknown(past, values, nulls, unknown);
	else if (past->columns != NULL)
		put_columns(past, values, nulls);
	else
		put_row(past, values, nulls);
}

/*
 * Return a row that is now made of these values, but for those that the log tells
 * in "row"; NULL: none, the row is what it was.
 */
void
sk_audit_past_put(SkAuditPast *past, const SkAuditPastRow *row, Datum *values,
				  bool *nulls)
{
	if (past->as_documents)
		put_document(past, row, values, nulls);
	else
		put_values(past, row, values, nulls);
}

/*
 * Say what could not be told of rows that were returned.
 */
void
sk_audit_past_tell(const SkAuditPast *past)
{
	if (!past->with_unknown)
		sk_audit_touched_tell(past);
	if (past->digests)
		ereport(NOTICE,
				(errmsg("the audit log has only digests of some values of table \"%s\"",
						past->reader->label),
				 errdetail("They were too large for it, and are null."),
				 errhint("schemakit.audit_as_of_jsonb() returns the digests.")));
}

/*
 * The rows of a table that inherits are to be returned as the parent's: by the names
 * of columns, as the server does.
 */
void
sk_audit_past_map(SkAuditPast *past, const SkAuditPast *parent)
{
	TupleDesc	tupdesc = parent->reader->tupdesc;

	past->columns = palloc0(sizeof(AttrNumber) * Max(tupdesc->natts, 1));
	past->wanted = palloc0(sizeof(bool) * Max(past->reader->tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (!attr->attisdropped)
			past->columns[i] = sk_tuple_column(past->reader->tupdesc,
											   NameStr(attr->attname));
		if (past->columns[i] != InvalidAttrNumber)
			past->wanted[past->columns[i] - 1] = true;
	}
}
