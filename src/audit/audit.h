/*-------------------------------------------------------------------------
 *
 * audit/audit.h
 *	  The feature "audit".
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_AUDIT_H
#define SK_AUDIT_AUDIT_H

#include "attach/feature.h"

extern const SkFeature sk_feature_audit;

#endif							/* SK_AUDIT_AUDIT_H */
