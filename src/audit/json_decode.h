/*-------------------------------------------------------------------------
 *
 * audit/json_decode.h
 *	  Values of columns, back from JSON.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_JSON_DECODE_H
#define SK_AUDIT_JSON_DECODE_H

#include "audit/json.h"

extern Datum sk_audit_json_decode(SkJsonType *type, int32 typmod,
								  const JsonbValue *value, bool *isnull);
extern Datum sk_audit_json_decode_text(SkJsonType *type, int32 typmod,
									   char *text);

extern bool sk_audit_json_decode_is_about_value(const ErrorData *edata);

/* What returns a value that a type may not take */
typedef Datum (*SkJsonDecoder) (void *arg, bool *isnull);

extern Datum sk_audit_json_decode_try(SkJsonDecoder decoder, void *arg,
									  bool *isnull, ErrorData **error);
extern Datum sk_audit_json_decode_or_tell(SkJsonType *type, int32 typmod,
										  const JsonbValue *value,
										  bool *isnull, ErrorData **error);

#endif							/* SK_AUDIT_JSON_DECODE_H */
