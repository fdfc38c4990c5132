/*-------------------------------------------------------------------------
 *
 * base/arg.h
 *	  Arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ARG_H
#define SK_ARG_H

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/timestamp.h"

extern void sk_arg_reject_null(FunctionCallInfo fcinfo, int arg,
							   const char *name);

extern void sk_arg_point_into_text(void *text);
extern List *sk_arg_oids(ArrayType *array);
extern Datum sk_arg_call_with_text(FunctionCallInfo fcinfo, int arg,
								   PGFunction function);

extern Interval *sk_arg_interval(FunctionCallInfo fcinfo, int arg,
								 const char *name);
extern Interval *sk_arg_retention(FunctionCallInfo fcinfo, int arg,
								  const char *name, bool force);
extern int64 sk_arg_max_rows(FunctionCallInfo fcinfo, int arg);

#endif							/* SK_ARG_H */
