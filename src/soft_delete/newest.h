/*-------------------------------------------------------------------------
 *
 * soft_delete/newest.h
 *	  Does the newest version of a row have our lock?
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_NEWEST_H
#define SK_SOFT_DELETE_NEWEST_H

#include "storage/itemptr.h"

extern bool sk_soft_newest_is_held(Oid relid, ItemPointer tid);

#endif							/* SK_SOFT_DELETE_NEWEST_H */
