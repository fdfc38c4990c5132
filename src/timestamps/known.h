/*-------------------------------------------------------------------------
 *
 * timestamps/known.h
 *	  What a session knows of the columns that it maintains.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_KNOWN_H
#define SK_TIMESTAMPS_KNOWN_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

typedef struct SkKnown
{
	bool		has_obstacle;	/* sk_obstacle_is_there() */
	List	   *tests;			/* sk_trial_collect() */
	List	   *views;			/* those of sk_checked_view_readers() that
								 * have a CHECK OPTION */
} SkKnown;

extern const SkKnown *sk_known_column(Relation rel, AttrNumber attnum);

#endif							/* SK_TIMESTAMPS_KNOWN_H */
