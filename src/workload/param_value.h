/*-------------------------------------------------------------------------
 *
 * workload/param_value.h
 *	  Values for a statement's parameters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_WORKLOAD_PARAM_VALUE_H
#define SK_WORKLOAD_PARAM_VALUE_H

#include "workload/param.h"

#include "nodes/params.h"

extern ParamListInfo sk_param_values(const SkParams *params, double share);
extern ParamListInfo sk_param_value_rare(const SkParams *params, double share);

#endif							/* SK_WORKLOAD_PARAM_VALUE_H */
