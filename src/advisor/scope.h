/*-------------------------------------------------------------------------
 *
 * advisor/scope.h
 *	  Which tables advice is for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SCOPE_H
#define SK_ADVISOR_SCOPE_H

#include "advisor/advice.h"

extern bool sk_advice_scope_allows(Oid relid, void *advice);
extern bool sk_advice_scope_is_users(SkAdvice *advice, Oid relid);
extern bool sk_advice_scope_is_of_users(Oid relid);
extern bool sk_advice_scope_is_analyzed(Oid relid);
extern double sk_advice_scope_table_bytes(SkAdvice *advice, Oid relid);

#endif							/* SK_ADVISOR_SCOPE_H */
