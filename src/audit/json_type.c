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

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef struct ServerType
{
	Oid			type;			/* key of the hash table: must be first */
	SkJsonType *description;
} ServerType;

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

/* Fill in how to write and read values of the type, in the current context. */
static void
describe(SkJsonType *result, Oid type)
{
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
}

/*
 * One of the server's own, which stay as they are: all tables of the session share it.
 */
static SkJsonType *
server_type(Oid type)
{
	static HTAB *types = NULL;
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(ServerType),
	};
	ServerType *entry;
	SkJsonType *description;
	MemoryContext old;

	if (types == NULL)
		types = hash_create("schemakit types", 32, &ctl, HASH_ELEM | HASH_BLOBS);
	entry = hash_search(types, &type, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->description;

	old = MemoryContextSwitchTo(CacheMemoryContext);
	description = palloc0(sizeof(SkJsonType));
	describe(description, type);
	MemoryContextSwitchTo(old);
	entry = hash_search(types, &type, HASH_ENTER, NULL);
	entry->description = description;
	return description;
}

/*
 * How to write and read values of the type.  It lives as long as the current context,
 * or longer.
 */
SkJsonType *
sk_audit_json_type(Oid type)
{
	SkJsonType *result;

	if (type < FirstNormalObjectId)
		return server_type(type);
	result = palloc0(sizeof(SkJsonType));
	describe(result, type);
	return result;
}
