/*-------------------------------------------------------------------------
 *
 * audit/json.c
 *	  Values of columns as JSON.
 *
 * What is written depends on the value and its type alone, not on the
 * session's settings, and no value fails to be written: the statement that is
 * being recorded must not fail because of its record.  Reading it back, which
 * audit/json_decode.c does, gives the same value, in every bit.
 *
 *	 boolean			true, false
 *	 integers, numeric	numbers, with the scale that they have
 *	 real, double		numbers, in the fewest digits that tell them apart
 *	 NaN, Infinity, -0	strings, since JSON has no such numbers
 *	 text and its like	strings
 *	 bytea				strings: "\x" and two digits for each byte
 *	 dates and times	strings: ISO 8601; with time zone in UTC
 *	 interval			strings: ISO 8601
 *	 jsonb				as it is; but its null, which is not SQL's, is written
 *						{"$jsonb": null}, and so is what looks like that
 *	 json				strings: the text, since white space, the order of the
 *						keys and \u0000 are part of the value
 *	 arrays				arrays, if they have one dimension that begins at 1
 *	 all else			strings: the output function's, under fixed settings
 *
 * A value for which jsonb has no room is written {"$bytes": n, "$sha256": s}:
 * it cannot be read back, but told from others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/json.h"
#include "base/guard.h"
#include "base/guc.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* The longest output of JsonEncodeDateTime() */
#define DATETIME_SIZE	(MAXDATELEN + 1)

/* Values from this size on may have a text that is too long. */
#define SK_JSON_LARGE	((Size) 1024 * 1024)

/* What an element of an array takes besides its value, or at most as null */
#define SK_JSON_ELEMENT	8


/*-------------------------------------------------------------------------
 * Writing
 *-------------------------------------------------------------------------
 */

void
sk_audit_json_set_string(JsonbValue *out, char *string, Size length)
{
	out->type = jbvString;
	out->val.string.val = string;
	out->val.string.len = (int) length;
}

static void
set_cstring(JsonbValue *out, char *string)
{
	sk_audit_json_set_string(out, string, strlen(string));
}

static void
set_number(JsonbValue *out, Numeric number)
{
	out->type = jbvNumeric;
	out->val.numeric = number;
}

static void
set_varlena(JsonbValue *out, Datum value)
{
	struct varlena *data = PG_DETOAST_DATUM_PACKED(value);

	sk_audit_json_set_string(out, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
}

static void
encode_numeric(Datum value, JsonbValue *out)
{
	Numeric		number = DatumGetNumeric(value);

	if (numeric_is_nan(number) || numeric_is_inf(number))
		set_cstring(out, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number))));
	else
		set_number(out, number);
}

/* A float, given its shortest decimal form */
static void
encode_float(double value, const char *digits, JsonbValue *out)
{
	if (isnan(value) || isinf(value) || (value == 0 && signbit(value)))
		set_cstring(out, pstrdup(digits));
	else
		set_number(out, DatumGetNumeric(DirectFunctionCall3(numeric_in,
															CStringGetDatum(digits),
															ObjectIdGetDatum(InvalidOid),
															Int32GetDatum(-1))));
}

static void
encode_float4(Datum value, JsonbValue *out)
{
	char		digits[FLOAT_SHORTEST_DECIMAL_LEN];

	float_to_shortest_decimal_buf(DatumGetFloat4(value), digits);
	encode_float(DatumGetFloat4(value), digits, out);
}

static void
encode_float8(Datum value, JsonbValue *out)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(DatumGetFloat8(value), digits);
	encode_float(DatumGetFloat8(value), digits, out);
}

static void
encode_bytea(Datum value, JsonbValue *out)
{
	struct varlena *data = PG_DETOAST_DATUM_PACKED(value);
	Size		size = VARSIZE_ANY_EXHDR(data);
	char	   *hex = palloc(2 + 2 * size);

	memcpy(hex, "\\x", 2);
	hex_encode(VARDATA_ANY(data), size, hex + 2);
	sk_audit_json_set_string(out, hex, 2 + 2 * size);
}

static void
encode_datetime(Oid type, Datum value, JsonbValue *out)
{
	static const int utc = 0;
	char	   *buf = palloc(DATETIME_SIZE);

	JsonEncodeDateTime(buf, value, type,
					   type == TIMESTAMPTZOID ? &utc : NULL);
	set_cstring(out, buf);
}

/* interval_out() asks for the style only, and cannot fail. */
static void
encode_interval(Datum value, JsonbValue *out)
{
	int			style = IntervalStyle;

	IntervalStyle = INTSTYLE_ISO_8601;
	set_cstring(out, DatumGetCString(DirectFunctionCall1(interval_out, value)));
	IntervalStyle = style;
}

/* {"$bytes": n, "$sha256": s} */
static void
encode_digest(struct varlena *data, JsonbValue *out)
{
	Datum		digest = DirectFunctionCall1(sha256_bytea, PointerGetDatum(data));
	JsonbInState state = {0};
	JsonbValue	v;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	set_cstring(&v, SK_JSON_DIGEST_BYTES);
	pushJsonbValue(&state, WJB_KEY, &v);
	set_number(&v, int64_to_numeric(VARSIZE_ANY_EXHDR(data)));
	pushJsonbValue(&state, WJB_VALUE, &v);
	set_cstring(&v, SK_JSON_DIGEST_HASH);
	pushJsonbValue(&state, WJB_KEY, &v);
	encode_bytea(digest, &v);
	sk_audit_json_set_string(&v, v.val.string.val + 2, v.val.string.len - 2);
	pushJsonbValue(&state, WJB_VALUE, &v);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	*out = *state.result;
}

typedef struct Output
{
	SkJsonType *type;
	Datum		value;
	char	   *text;
} Output;

static void
call_output(void *arg)
{
	Output	   *output = arg;
	int			nestlevel = output->type->depends ? sk_guc_pin() : 0;

	output->text = OutputFunctionCall(&output->type->output, output->value);
	if (output->type->depends)
		sk_guc_unpin(nestlevel);
}

/*
 * What the output function says.  A text cannot be longer than 1 GB, and that of a
 * value that can be stored may be: the function then fails.
 */
static void
encode_output(SkJsonType *type, Datum value, JsonbValue *out)
{
	Output		output = {type, value, NULL};

	if (!type->varlena || toast_raw_datum_size(value) < SK_JSON_LARGE)
		call_output(&output);
	else
		(void) sk_guard_try(call_output, &output, sk_guard_is_failure);
	if (output.text !=NULL)
		set_cstring(out, output.text);
	else
		encode_digest(PG_DETOAST_DATUM_PACKED(value), out);
}

/* {"$jsonb": value} */
static void
wrap_jsonb(JsonbValue *value)
{
	JsonbInState state = {0};
	JsonbValue	key;

	set_cstring(&key, SK_JSON_NULL_OF_JSONB);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	if (value->type == jbvObject)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		for (int i = 0; i < value->val.object.nPairs; i++)
		{
			pushJsonbValue(&state, WJB_KEY, &value->val.object.pairs[i].key);
			pushJsonbValue(&state, WJB_VALUE, &value->val.object.pairs[i].value);
		}
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	else
		pushJsonbValue(&state, WJB_VALUE, value);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	*value = *state.result;
}

static bool
is_key(const JsonbPair *pair, const char *key)
{
	return pair->key.val.string.len == (int) strlen(key) &&
		memcmp(pair->key.val.string.val, key, strlen(key)) == 0;
}

/* Would it be taken for {"$jsonb": ...} or for a digest? */
static bool
is_ambiguous(const JsonbValue *value)
{
	const JsonbPair *pairs = value->val.object.pairs;

	if (value->type != jbvObject)
		return false;
	if (value->val.object.nPairs == 1)
		return is_key(&pairs[0], SK_JSON_NULL_OF_JSONB);
	return value->val.object.nPairs == 2 &&
		is_key(&pairs[0], SK_JSON_DIGEST_BYTES) &&
		is_key(&pairs[1], SK_JSON_DIGEST_HASH);
}

/*
 * A stored document as a tree of values, which can be part of another one.
 * Its strings and numbers stay where they are.
 */
void
sk_audit_json_unpack(Jsonb *jsonb, JsonbValue *out)
{
	JsonbInState state = {0};
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (JsonbExtractScalar(&jsonb->root, out))
		return;
	it = JsonbIteratorInit(&jsonb->root);
	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
		pushJsonbValue(&state, token, token < WJB_BEGIN_ARRAY ? &v : NULL);
	*out = *state.result;
}

static void
encode_jsonb(Datum value, JsonbValue *out)
{
	sk_audit_json_unpack(DatumGetJsonbP(value), out);
	if (out->type == jbvNull || is_ambiguous(out))
		wrap_jsonb(out);
}

static void
encode_array(SkJsonType *type, Datum value, Size *budget, JsonbValue *out)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (ARR_NDIM(array) > 1 ||
		(ARR_NDIM(array) == 1 && ARR_LBOUND(array)[0] != 1))
	{
		encode_output(type, PointerGetDatum(array), out);
		return;
	}
	deconstruct_array(array, ARR_ELEMTYPE(array), type->length, type->byval,
					  type->align, &elements, &nulls, &count);
	out->type = jbvArray;
	out->val.array.nElems = count;
	out->val.array.rawScalar = false;
	out->val.array.elems = palloc(sizeof(JsonbValue) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			out->val.array.elems[i].type = jbvNull;
		else
			sk_audit_json_encode(type->element, elements[i], budget,
								 &out->val.array.elems[i]);
	}
}

/* How many bytes will the value take, and at most? */
static Size
encoded_size(const SkJsonType *type, Datum value)
{
	switch (type->kind)
	{
		case SK_JSON_TEXT:
		case SK_JSON_JSON:
		case SK_JSON_JSONB:
			return toast_raw_datum_size(value);
		case SK_JSON_BYTEA:
			return 2 * toast_raw_datum_size(value);
		case SK_JSON_ARRAY:
			/* an element of one byte takes a number of ten */
			return 4 * toast_raw_datum_size(value);
		default:
			return 0;
	}
}

/*
 * How many bytes do the elements of an array take besides their values?  Nulls
 * take one bit each in the array.
 */
static Size
elements_size(const ArrayType *array)
{
	return (Size) SK_JSON_ELEMENT * ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

static void
encode_value(SkJsonType *type, Datum value, Size *budget, JsonbValue *out)
{
	switch (type->kind)
	{
		case SK_JSON_BOOL:
			out->type = jbvBool;
			out->val.boolean = DatumGetBool(value);
			break;
		case SK_JSON_INT2:
			set_number(out, int64_to_numeric(DatumGetInt16(value)));
			break;
		case SK_JSON_INT4:
			set_number(out, int64_to_numeric(DatumGetInt32(value)));
			break;
		case SK_JSON_INT8:
			set_number(out, int64_to_numeric(DatumGetInt64(value)));
			break;
		case SK_JSON_NUMERIC:
			encode_numeric(value, out);
			break;
		case SK_JSON_FLOAT4:
			encode_float4(value, out);
			break;
		case SK_JSON_FLOAT8:
			encode_float8(value, out);
			break;
		case SK_JSON_TEXT:
		case SK_JSON_JSON:
			set_varlena(out, value);
			break;
		case SK_JSON_BYTEA:
			encode_bytea(value, out);
			break;
		case SK_JSON_JSONB:
			encode_jsonb(value, out);
			break;
		case SK_JSON_DATETIME:
			encode_datetime(type->type, value, out);
			break;
		case SK_JSON_INTERVAL:
			encode_interval(value, out);
			break;
		case SK_JSON_ARRAY:
			encode_array(type, value, budget, out);
			break;
		case SK_JSON_OUTPUT:
			encode_output(type, value, out);
			break;
	}
}

/*
 * Write a value that is not null.  What "out" points to is in the current
 * context, or in the value.  The bytes it takes are subtracted from "budget".
 */
void
sk_audit_json_encode(SkJsonType *type, Datum value, Size *budget, JsonbValue *out)
{
	Size		size = encoded_size(type, value);

	if (type->kind == SK_JSON_ARRAY && size <= *budget)
	{
		value = PointerGetDatum(DatumGetArrayTypeP(value));
		size += elements_size((ArrayType *) DatumGetPointer(value));
	}
	if (size > *budget)
	{
		encode_digest(PG_DETOAST_DATUM_PACKED(value), out);
		return;
	}
	encode_value(type, value, budget, out);
	if (out->type == jbvString &&
		(type->kind == SK_JSON_OUTPUT || type->kind == SK_JSON_ARRAY))
		size = out->val.string.len;
	if (size > *budget)
		encode_digest((struct varlena *) cstring_to_text_with_len(out->val.string.val, size),
					  out);
	else
		*budget -= size;
}

/*
 * A value that was built, as it is when it is read from a document
 */
void
sk_audit_json_pack(JsonbValue *value)
{
	Jsonb	   *jsonb;

	if (IsAJsonbScalar(value) || value->type == jbvBinary)
		return;
	jsonb = JsonbValueToJsonb(value);
	value->type = jbvBinary;
	value->val.binary.data = &jsonb->root;
	value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
}

/*
 * A value's text: that of a string without its quotes, and JSON of a document.
 */
char *
sk_audit_json_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
		case jbvNull:
			return pstrdup("null");
		default:
			{
				Jsonb	   *jsonb = JsonbValueToJsonb((JsonbValue *) value);

				return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
			}
	}
}
