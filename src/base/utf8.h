/*-------------------------------------------------------------------------
 *
 * base/utf8.h
 *	  UTF-8 in the database's encoding.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_UTF8_H
#define SK_UTF8_H

#include "lib/stringinfo.h"

extern bool sk_utf8_append(StringInfo buf, const char *utf8, int length);

#endif							/* SK_UTF8_H */
