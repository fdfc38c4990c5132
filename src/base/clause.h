/*-------------------------------------------------------------------------
 *
 * base/clause.h
 *	  Comparisons in the text of a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_CLAUSE_H
#define SK_CLAUSE_H

#include "lib/stringinfo.h"

extern void sk_clause_append(StringInfo buf, const char *left, Oid left_type, Oid op,
							 const char *right, Oid right_type);

#endif							/* SK_CLAUSE_H */
