/*-------------------------------------------------------------------------
 *
 * audit/json_type.c
 *	  How values of a type are written as JSON, and read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/json.h"
#include "base/trust.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

static SkJsonKind
kind_of(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return SK_JSON_BOOL;
		case INT2OID:
			return SK_JSON_INT2;
		case INT4OID:
			return SK_JSON_INT4;
		case INT8OID:
			return SK_JSON_INT8;
		case NUMERICOID:
			return SK_JSON_NUMERIC;
		case FLOAT4OID:
			return SK_JSON_FLOAT4;
		case FLOAT8OID:
			return SK_JSON_FLOAT8;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return SK_JSON_TEXT;
		case BYTEAOID:
			return SK_JSON_BYTEA;
		case JSONOID:
			return SK_JSON_JSON;
		case JSONBOID:
			return SK_JSON_JSONB;
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return SK_JSON_DATETIME;
		case INTERVALOID:
			return SK_JSON_INTERVAL;
		default:
			return OidIsValid(get_element_type(type)) ? SK_JSON_ARRAY
				: SK_JSON_OUTPUT;
	}
}

/*
 * May the output of the type's values depend on settings?  Of types that we
 * do not know it is assumed.
 */
static bool
depends_on_settings(Oid type)
{
	switch (type)
	{
		case NAMEOID:
		case CHAROID:
		case OIDOID:
		case TIDOID:
		case XIDOID:
		case XID8OID:
		case CIDOID:
		case UUIDOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
		case MACADDR8OID:
		case BITOID:
		case VARBITOID:
		case TSVECTOROID:
		case TSQUERYOID:
		case XMLOID:
		case INT4RANGEOID:
		case INT8RANGEOID:
		case NUMRANGEOID:
		case INT4MULTIRANGEOID:
		case INT8MULTIRANGEOID:
		case NUMMULTIRANGEOID:
			return false;
		default:
			return get_typtype(type) != TYPTYPE_ENUM;
	}
}

/*
 * How to write and read values of the type; allocated in the current context.
 */
SkJsonType *
sk_audit_json_type(Oid type)
{
	SkJsonType *result = palloc0(sizeof(SkJsonType));
	Oid			function;

	result->type = getBaseType(type);
	result->kind = kind_of(result->type);
	result->depends = depends_on_settings(result->type);
	getTypeOutputInfo(result->type, &function, &result->varlena);
	fmgr_info(function, &result->output);
	getTypeInputInfo(result->type, &function, &result->ioparam);
	fmgr_info(function, &result->input);
	result->maker = sk_trust_maker(result->type, &result->several);
	if (result->kind == SK_JSON_ARRAY)
	{
		Oid			element = get_element_type(result->type);

		result->element = sk_audit_json_type(element);
		get_typlenbyvalalign(element, &result->length, &result->byval,
							 &result->align);
	}
	return result;
}
