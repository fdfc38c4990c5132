/*-------------------------------------------------------------------------
 *
 * soft_delete/soft_delete.h
 *	  The feature "soft_delete".
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_SOFT_DELETE_H
#define SK_SOFT_DELETE_SOFT_DELETE_H

#include "attach/feature.h"


extern const SkFeature sk_feature_soft_delete;

#endif							/* SK_SOFT_DELETE_SOFT_DELETE_H */
