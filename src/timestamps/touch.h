/*-------------------------------------------------------------------------
 *
 * timestamps/touch.h
 *	  The arguments of schemakit.touch().
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_TOUCH_H
#define SK_TIMESTAMPS_TOUCH_H

#include "utils/reltrigger.h"

typedef struct SkTouchArgs
{
	const char *col;
	bool		always;			/* overwrite a time that a statement sets */
	bool		key;			/* also where the column is part of a key */
} SkTouchArgs;

extern const char *sk_touch_read_args(const Trigger *trigger, SkTouchArgs *args);

#endif							/* SK_TIMESTAMPS_TOUCH_H */
