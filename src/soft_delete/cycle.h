/*-------------------------------------------------------------------------
 *
 * soft_delete/cycle.h
 *	  Rows that keep each other deleted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_CYCLE_H
#define SK_SOFT_DELETE_CYCLE_H

#include "nodes/pg_list.h"

extern bool sk_soft_cycle_break(List *doubts);

#endif							/* SK_SOFT_DELETE_CYCLE_H */
