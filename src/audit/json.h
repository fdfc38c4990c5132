/*-------------------------------------------------------------------------
 *
 * audit/json.h
 *	  Values of columns as JSON.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_JSON_H
#define SK_AUDIT_JSON_H

#include "base/compat.h"

#include "fmgr.h"
#include "utils/jsonb.h"

typedef enum SkJsonKind
{
	SK_JSON_BOOL,
	SK_JSON_INT2,
	SK_JSON_INT4,
	SK_JSON_INT8,
	SK_JSON_NUMERIC,
	SK_JSON_FLOAT4,
	SK_JSON_FLOAT8,
	SK_JSON_TEXT,
	SK_JSON_BYTEA,
	SK_JSON_JSON,
	SK_JSON_JSONB,
	SK_JSON_DATETIME,
	SK_JSON_INTERVAL,
	SK_JSON_ARRAY,
	SK_JSON_OUTPUT				/* a string: what the output function says */
} SkJsonKind;

/* How values of one type, or of a domain over it, are written. */
typedef struct SkJsonType
{
	Oid			type;			/* the base type of a domain */
	SkJsonKind	kind;
	bool		depends;		/* its output function asks the settings */
	bool		varlena;
	FmgrInfo	output;
	FmgrInfo	input;
	Oid			ioparam;
	Oid			maker;			/* whose code reading it runs:
								 * sk_trust_maker() */
	bool		several;
	struct SkJsonType *element; /* of an array */
	int16		length;			/* of an array's element */
	bool		byval;
	char		align;
} SkJsonType;

/* What a null of jsonb is written as: {"$jsonb": null} */
#define SK_JSON_NULL_OF_JSONB	"$jsonb"

/* What a value is written as that has no room: {"$bytes": n, "$sha256": s} */
#define SK_JSON_DIGEST_BYTES	"$bytes"
#define SK_JSON_DIGEST_HASH		"$sha256"

/* The bytes that one object may take: a little less than jsonb can hold. */
#define SK_JSON_BUDGET	((Size) 240 * 1024 * 1024)

extern SkJsonType *sk_audit_json_type(Oid type);
extern void sk_audit_json_encode(SkJsonType *type, Datum value, Size *budget,
								 JsonbValue *out);
extern void sk_audit_json_set_string(JsonbValue *out, char *string, Size length);
extern void sk_audit_json_unpack(Jsonb *jsonb, JsonbValue *out);
extern void sk_audit_json_pack(JsonbValue *value);
extern char *sk_audit_json_text(const JsonbValue *value);

#endif							/* SK_AUDIT_JSON_H */
