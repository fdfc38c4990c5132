/*-------------------------------------------------------------------------
 *
 * sk_option.h
 *	  Options given as a JSON object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_OPTION_H
#define SK_OPTION_H

#include "utils/jsonb.h"

extern void sk_option_check_keys(const Jsonb *options, const char *feature,
								 const char *const *known);
extern char *sk_option_text(const Jsonb *options, const char *key);

#endif							/* SK_OPTION_H */
