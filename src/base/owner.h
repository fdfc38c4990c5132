/*-------------------------------------------------------------------------
 *
 * base/owner.h
 *	  Rows of a table changed as its owner.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_OWNER_H
#define SK_OWNER_H

#include "base/rights.h"

#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* What sk_owner_end() goes back to. */
typedef struct SkOwner
{
	bool		assumed;
	List	   *deferred;
	SkRights	saved;
} SkOwner;

extern void sk_owner_begin(Relation rel, AclMode needed, const char *doing, SkOwner *owner);
extern void sk_owner_end(const SkOwner *owner);

#endif							/* SK_OWNER_H */
