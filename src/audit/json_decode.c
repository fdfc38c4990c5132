/*-------------------------------------------------------------------------
 *
 * audit/json_decode.c
 *	  Values of columns, back from the JSON that audit/json.c writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/json_decode.h"
#include "base/rights.h"

#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Take the value out of {"$jsonb": value}, if it is one. */
static Datum
decode_jsonb(const JsonbValue *value)
{
	Jsonb	   *jsonb = JsonbValueToJsonb((JsonbValue *) value);
	JsonbValue	v;

	if (value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data) &&
		JsonContainerSize(value->val.binary.data) == 1 &&
		getKeyJsonValueFromContainer(&jsonb->root, SK_JSON_NULL_OF_JSONB,
									 strlen(SK_JSON_NULL_OF_JSONB), &v) != NULL)
		jsonb = JsonbValueToJsonb(&v);
	return JsonbPGetDatum(jsonb);
}

static Datum
decode_array(SkJsonType *type, int32 typmod, JsonbContainer *container)
{
	int			count = JsonContainerSize(container);
	Datum	   *elements = palloc(sizeof(Datum) * Max(count, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(count, 1));
	Oid			element = get_element_type(type->type);
	int			lbound = 1;

	if (count == 0)
		return PointerGetDatum(construct_empty_array(element));
	for (int i = 0; i < count; i++)
		elements[i] = sk_audit_json_decode(type->element, typmod,
										   getIthJsonbValueFromContainer(container, i),
										   &nulls[i]);
	return PointerGetDatum(construct_md_array(elements, nulls, 1, &count,
											  &lbound, element, type->length,
											  type->byval, type->align));
}

/* Is it the digest of a value for which there was no room? */
static bool
is_digest(const JsonbValue *value)
{
	JsonbValue	v;

	return value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data) &&
		JsonContainerSize(value->val.binary.data) == 2 &&
		getKeyJsonValueFromContainer(value->val.binary.data,
									 SK_JSON_DIGEST_BYTES,
									 strlen(SK_JSON_DIGEST_BYTES), &v) != NULL &&
		getKeyJsonValueFromContainer(value->val.binary.data,
									 SK_JSON_DIGEST_HASH,
									 strlen(SK_JSON_DIGEST_HASH), &v) != NULL;
}

/*
 * The input function's value, as whoever's code that runs: the reader has not
 * asked for it.
 */
Datum
sk_audit_json_decode_text(SkJsonType *type, int32 typmod, char *text)
{
	SkRights	saved;
	Datum		value;

	if (type->several)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot read values of type %s from the audit log",
						format_type_be(type->type)),
				 errdetail("It contains types of several roles, whose constraints would be checked."),
				 errhint("Query schemakit.audit_log instead.")));
	if (!OidIsValid(type->maker) || type->maker == GetUserId())
		return InputFunctionCall(&type->input, text, type->ioparam, typmod);
	sk_rights_assume_under_pin(type->maker, &saved);
	value = InputFunctionCall(&type->input, text, type->ioparam, typmod);
	sk_rights_restore(&saved);
	return value;
}

/*
 * The value of the type that was written so, or, if the type has changed
 * meanwhile, the one that its input function makes of the text.  Under
 * sk_guc_pin().
 */
Datum
sk_audit_json_decode(SkJsonType *type, int32 typmod, const JsonbValue *value,
					 bool *isnull)
{
	*isnull = value->type == jbvNull || is_digest(value);
	if (*isnull)
		return (Datum) 0;
	if (type->kind == SK_JSON_JSONB)
		return decode_jsonb(value);
	if (type->kind == SK_JSON_ARRAY && value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data))
		return decode_array(type, typmod, value->val.binary.data);
	return sk_audit_json_decode_text(type, typmod, sk_audit_json_text(value));
}

/*
 * Does it say that a value does not suit a type, or a domain?  Types that name objects,
 * such as regclass, say that there is no such object; those that have a syntax, that it
 * is not right.
 */
bool
sk_audit_json_decode_is_about_value(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_CHECK_VIOLATION ||
		edata->sqlerrcode == ERRCODE_NOT_NULL_VIOLATION ||
		edata->sqlerrcode == ERRCODE_INVALID_SCHEMA_NAME ||
		ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_DATA_EXCEPTION ||
		(ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
		 edata->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE);
}

/*
 * The value that "decoder" returns.  If its type does not take it, what it says is
 * returned in "error"; the caller must raise an error, which says which value it is.
 */
Datum
sk_audit_json_decode_try(SkJsonDecoder decoder, void *arg, bool *isnull,
						 ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile failure = NULL;
	volatile Datum result = (Datum) 0;

	PG_TRY();
	{
		result = decoder(arg, isnull);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		if (!sk_audit_json_decode_is_about_value(failure))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	*error = failure;
	return result;
}

typedef struct Reading
{
	SkJsonType *type;
	int32		typmod;
	const JsonbValue *value;
} Reading;

static Datum
decode_reading(void *arg, bool *isnull)
{
	const Reading *reading = arg;

	return sk_audit_json_decode(reading->type, reading->typmod, reading->value, isnull);
}

/* sk_audit_json_decode(), likewise */
Datum
sk_audit_json_decode_or_tell(SkJsonType *type, int32 typmod,
							 const JsonbValue *value, bool *isnull,
							 ErrorData **error)
{
	Reading		reading = {type, typmod, value};

	return sk_audit_json_decode_try(decode_reading, &reading, isnull, error);
}
