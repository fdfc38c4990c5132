/*-------------------------------------------------------------------------
 *
 * timestamps/obstacle.h
 *	  What keeps a column from getting new times at all.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_OBSTACLE_H
#define SK_TIMESTAMPS_OBSTACLE_H

#include "access/attnum.h"
#include "utils/relcache.h"

extern char *sk_obstacle_find(Relation rel, AttrNumber attnum);
extern bool sk_obstacle_is_there(Relation rel, AttrNumber attnum);

#endif							/* SK_TIMESTAMPS_OBSTACLE_H */
