/*-------------------------------------------------------------------------
 *
 * advisor/options.h
 *	  The arguments of advise_indexes() and of what has the same ones.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_OPTIONS_H
#define SK_ADVISOR_OPTIONS_H

#include "advisor/advice.h"

#include "fmgr.h"

extern void sk_advice_options_read(FunctionCallInfo fcinfo, int first,
								   SkAdviceOptions *options);

extern void sk_advice_options_read_workload(FunctionCallInfo fcinfo, int first,
											SkAdviceOptions *options);

#endif							/* SK_ADVISOR_OPTIONS_H */
