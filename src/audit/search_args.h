/*-------------------------------------------------------------------------
 *
 * audit/search_args.h
 *	  What the arguments of audit_search() ask for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SEARCH_ARGS_H
#define SK_AUDIT_SEARCH_ARGS_H

#include "audit/search_query.h"

#include "fmgr.h"

extern void sk_audit_search_args_read(SkAuditSearch *search, FunctionCallInfo fcinfo);
extern void sk_audit_search_args_name_shapes(SkAuditSearch *search);

#endif							/* SK_AUDIT_SEARCH_ARGS_H */
