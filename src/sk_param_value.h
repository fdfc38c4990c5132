/*-------------------------------------------------------------------------
 *
 * sk_param_value.h
 *	  Values for a statement's parameters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_PARAM_VALUE_H
#define SK_PARAM_VALUE_H

#include "sk_param.h"

#include "nodes/params.h"

extern ParamListInfo sk_param_values(const SkParams *params, double share);

#endif							/* SK_PARAM_VALUE_H */
