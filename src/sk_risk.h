/*-------------------------------------------------------------------------
 *
 * sk_risk.h
 *	  What a plan costs if its luck is bad.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_RISK_H
#define SK_RISK_H

#include "nodes/plannodes.h"

extern double sk_risk_cost(const PlannedStmt *plan);

#endif							/* SK_RISK_H */
