/*-------------------------------------------------------------------------
 *
 * audit/json_read.h
 *	  Objects in jsonb's stored form, read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_JSON_READ_H
#define SK_AUDIT_JSON_READ_H

#include "utils/jsonb.h"

typedef struct SkJsonReader
{
	const JsonbContainer *object;
	int			npairs;
	int			next;
	uint32		key;			/* where the next ones are */
	uint32		value;
} SkJsonReader;

extern void sk_audit_json_read_begin(SkJsonReader *reader, const Jsonb *object);
extern bool sk_audit_json_read_next(SkJsonReader *reader, JsonbValue *key,
									JsonbValue *value);

#endif							/* SK_AUDIT_JSON_READ_H */
