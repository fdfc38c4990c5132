/*-------------------------------------------------------------------------
 *
 * audit/json_write.h
 *	  Objects of columns' values, written into jsonb's stored form.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_JSON_WRITE_H
#define SK_AUDIT_JSON_WRITE_H

#include "audit/json.h"

/* An object in the making; in the context that was the current one */
typedef struct SkJsonWriter
{
	char	   *data;			/* of the Jsonb, its header included */
	uint32		length;
	uint32		size;			/* of the memory */
	uint32		base;			/* where keys and values begin */
	int			entry;			/* the next JEntry */
	Size		budget;			/* as sk_audit_json_encode() counts it */
} SkJsonWriter;

extern void sk_audit_json_write_begin(SkJsonWriter *writer, int npairs);
extern void sk_audit_json_write_key(SkJsonWriter *writer, const JsonbValue *key);
extern void sk_audit_json_write_head(SkJsonWriter *writer, const SkJsonWriter *head);
extern void sk_audit_json_write_null(SkJsonWriter *writer);
extern void sk_audit_json_write_encoded(SkJsonWriter *writer, const JsonbValue *value);
extern void sk_audit_json_write_value(SkJsonWriter *writer, SkJsonType *type,
									  Datum value);
extern Jsonb *sk_audit_json_write_end(SkJsonWriter *writer);

#endif							/* SK_AUDIT_JSON_WRITE_H */
