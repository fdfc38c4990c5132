/*-------------------------------------------------------------------------
 *
 * base/option.h
 *	  Options given as a JSON object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_OPTION_H
#define SK_OPTION_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

extern void sk_option_check_keys(const Jsonb *options, const char *feature,
								 const char *const *known);
extern char *sk_option_name(const Jsonb *options, const char *key);
extern char *sk_option_text(const Jsonb *options, const char *key);
extern bool sk_option_bool(const Jsonb *options, const char *key,
						   bool otherwise);
extern int64 sk_option_int64(const Jsonb *options, const char *key);
extern bool sk_option_names(const Jsonb *options, const char *key,
							List **names);
extern Jsonb *sk_option_document(const Jsonb *options, const char *key);
extern List *sk_option_pairs(const Jsonb *object, const char *key);

#endif							/* SK_OPTION_H */
