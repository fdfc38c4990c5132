/*-------------------------------------------------------------------------
 *
 * timestamps/timestamps.h
 *	  The feature "timestamps".
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_TIMESTAMPS_H
#define SK_TIMESTAMPS_TIMESTAMPS_H

#include "attach/feature.h"

extern const SkFeature sk_feature_timestamps;

#endif							/* SK_TIMESTAMPS_TIMESTAMPS_H */
