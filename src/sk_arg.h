/*-------------------------------------------------------------------------
 *
 * sk_arg.h
 *	  Arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ARG_H
#define SK_ARG_H

#include "fmgr.h"

extern void sk_arg_reject_null(FunctionCallInfo fcinfo, int arg,
							   const char *name);

#endif							/* SK_ARG_H */
