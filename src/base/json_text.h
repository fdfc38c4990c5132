/*-------------------------------------------------------------------------
 *
 * base/json_text.h
 *	  A value in a text that may be JSON.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_JSON_TEXT_H
#define SK_JSON_TEXT_H

#include "nodes/pg_list.h"

extern char *sk_json_text_value(const char *json, List *keys);

#endif							/* SK_JSON_TEXT_H */
